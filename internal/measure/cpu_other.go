//go:build !unix

package measure

import "time"

var processStart = time.Now()

// CPU is the time that has passed, where processor time cannot be had in one way.
func CPU() time.Duration { return time.Since(processStart) }
