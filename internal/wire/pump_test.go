package wire

import (
	"io"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// stuckReads is a stream whose reads nothing ends before they are let go.
type stuckReads struct {
	io.Writer
	let chan struct{}
}

func (s stuckReads) Read([]byte) (int, error) {
	<-s.let
	return 0, io.EOF
}

// TestCloseBehindPump: who waits for a stream without deadlines is woken by the end of the connection, though the Read of
// the stream does not end with it.
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
