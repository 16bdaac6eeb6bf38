//go:build !unix

package measure

import "time"

var processStart = time.Now()

// CPU returns the elapsed time, because processor time is not available on this system.
func CPU() time.Duration { return time.Since(processStart) }
