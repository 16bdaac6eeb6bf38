//go:build race

package testkit

// Race tells tests that time and memory are not the library's own.
const Race = true
