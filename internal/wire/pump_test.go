package wire

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// stuckReads is a stream whose reads block until they are released.
type stuckReads struct {
	io.Writer
	let chan struct{}
}

func (s stuckReads) Read([]byte) (int, error) {
	<-s.let
	return 0, io.EOF
}

// TestCloseBehindPump: a call that waits for a stream without deadlines is woken by the end of the connection, though the
// Read of the stream does not end with it.
func TestCloseBehindPump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, closed, done := stuckReads{let: make(chan struct{})}, make(chan struct{}), make(chan error, 1)
		p := newPump(s, closed)
		go func() {
			_, err := p.Read(make([]byte, 1))
			done <- err
		}()
		synctest.Wait()
		require.Empty(t, done)
		close(closed)
		require.ErrorIs(t, <-done, ErrClosed)
		close(s.let)
	})
}

// emptyReads is a stream whose Reads return no bytes and no error, up to a limit for the test.
type emptyReads struct {
	io.Writer
	reads int
}

func (s *emptyReads) Read([]byte) (int, error) {
	if s.reads++; s.reads > 10*maxEmptyReads {
		return 0, io.EOF
	}
	return 0, nil
}

func (*emptyReads) Close() error { return nil }

// emptyReadsInTime is one with deadlines.
type emptyReadsInTime struct{ emptyReads }

func (*emptyReadsInTime) SetReadDeadline(time.Time) error { return nil }

// TestReadsWithoutProgress: a stream that repeatedly returns nothing ends the connection, as io.Reader recommends; it does
// not keep a processor busy forever.
func TestReadsWithoutProgress(t *testing.T) {
	for _, s := range []io.ReadWriteCloser{&emptyReads{Writer: io.Discard}, &emptyReadsInTime{emptyReads{Writer: io.Discard}}} {
		c := New(s, testConfig)
		_, err := c.read(make([]byte, 1), time.Time{})
		require.ErrorIs(t, err, io.ErrNoProgress, "%T", s)
	}
}
