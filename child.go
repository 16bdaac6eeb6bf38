package imap

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"time"
)

// child is a server that runs as our own process, spoken to over its standard input and output.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out io.ReadCloser
}

func startChild(cmd *exec.Cmd) (*child, error) {
	if cmd == nil {
		return nil, errors.New("nil command")
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if cmd.WaitDelay == 0 {
		cmd.WaitDelay = childGrace // what a process has left running may hold its standard error
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &child{cmd, in, out}, nil
}

func (c *child) Read(b []byte) (int, error)  { return c.out.Read(b) }
func (c *child) Write(b []byte) (int, error) { return c.in.Write(b) }

// SetReadDeadline works where the system has deadlines for pipes; else a pump stands in.
func (c *child) SetReadDeadline(t time.Time) error {
	if f, ok := c.out.(*os.File); ok {
		return f.SetReadDeadline(t)
	}
	return os.ErrNoDeadline
}

// childGrace is how long a process may take to end by itself once its input is closed.
const childGrace = 200 * time.Millisecond

// Close closes the pipes and sees that the process ends. How it ends is no matter of ours.
func (c *child) Close() error {
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
