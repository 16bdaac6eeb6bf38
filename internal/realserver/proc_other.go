//go:build !linux

package realserver

import (
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// A launchSpec is what to run and as which user.
type launchSpec struct {
	argv []string
	as   identity
	stop syscall.Signal
}

// A process does not exist on this system: the servers run on Linux only.
type process struct{}

func startProcess(launchSpec, string) (*process, error) {
	return nil, fmt.Errorf("%w: not known how to run it on %s", ErrNotInstalled, runtime.GOOS)
}

func setIdentity(*exec.Cmd, identity) {}

func (p *process) alive() bool { return false }

func (p *process) cpuTime() (time.Duration, error) { return 0, errStopped }

func (p *process) kill() error { return nil }

func (p *process) shutDown() error { return nil }
