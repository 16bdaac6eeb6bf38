package wire

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"time"
)

// Child is a server that runs as a child process and is connected by its standard input and output.
type Child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out io.ReadCloser
}

// StartChild starts the process of cmd, whose standard input and output must not be set.
func StartChild(cmd *exec.Cmd) (*Child, error) {
	if cmd == nil {
		return nil, errors.New("nil command")
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		in.Close()
		return nil, err
	}
	if cmd.WaitDelay == 0 {
		cmd.WaitDelay = childGrace // a process that the child started may keep its standard error open
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Child{cmd, in, out}, nil
}

func (c *Child) Read(b []byte) (int, error)  { return c.out.Read(b) }
func (c *Child) Write(b []byte) (int, error) { return c.in.Write(b) }

// SetReadDeadline works on systems with deadlines for pipes. On others a pump implements them.
func (c *Child) SetReadDeadline(t time.Time) error {
	if f, ok := c.out.(*os.File); ok {
		return f.SetReadDeadline(t)
	}
	return os.ErrNoDeadline
}

// childGrace is how long a process may take to exit after its input was closed.
const childGrace = 200 * time.Millisecond

// Close closes the pipes and waits for the process to exit; it kills the process after childGrace. The status is ignored.
func (c *Child) Close() error {
	c.in.Close()
	c.out.Close()
	kill := time.AfterFunc(childGrace, func() { c.cmd.Process.Kill() })
	defer kill.Stop()
	err := c.cmd.Wait()
	if _, exited := errors.AsType[*exec.ExitError](err); exited || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return err
}
