//go:build race

package testkit

// Race reports whether the race detector is on, which changes time and memory.
const Race = true
