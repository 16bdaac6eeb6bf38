//go:build !unix

package imap

import "time"

var processStart = time.Now()

// cpuTime is the time that has passed, where processor time cannot be had in one way.
func cpuTime() time.Duration { return time.Since(processStart) }
