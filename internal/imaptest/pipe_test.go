package imaptest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestPipeCarriesBytes(t *testing.T) {
	a, b := Pipe()
	want := bytes.Repeat([]byte("0123456789"), 1000)
	if n, err := a.Write(want); n != len(want) || err != nil {
		t.Fatal(n, err)
	}
	a.Close()
	got, err := io.ReadAll(b)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d octets, %v", len(got), err)
	}
	if _, err := b.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("write to a closed peer: %v", err)
	}
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after Close: %v", err)
	}
	if a.LocalAddr().String() != "client" || a.RemoteAddr().Network() != "pipe" || b.RemoteAddr().String() != "client" {
		t.Error("addresses")
	}
}

func TestPipeControls(t *testing.T) {
	a, b := Pipe()
	write := func(s string) {
		t.Helper()
		if n, err := b.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatal(n, err)
		}
	}
	read := func(want string, wantErr error) {
		t.Helper()
		buf := make([]byte, 100)
		n, err := a.Read(buf)
		if string(buf[:n]) != want || !errors.Is(err, wantErr) {
			t.Fatalf("read %q, %v, want %q, %v", buf[:n], err, want, wantErr)
		}
	}
	a.SplitReads(2)
	write("abc")
	read("ab", nil)
	read("c", nil)
	a.SplitReads(0)
	a.StallAfter(1)
	write("def")
	read("d", nil)
	a.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	read("", os.ErrDeadlineExceeded)
	a.Resume()
	a.SetReadDeadline(time.Time{})
	read("ef", nil)
	a.CutAfter(2)
	write("ghi")
	read("gh", nil)
	read("", io.EOF)
	write("dropped")
	a.ResetAfter(0)
	read("", syscall.ECONNRESET)
}

func TestPipeLimitAndDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		b.SetLimit(4)
		a.SetWriteDeadline(time.Now().Add(time.Second))
		start := time.Now()
		n, err := a.Write([]byte("123456"))
		var ne net.Error
		if n != 4 || !errors.As(err, &ne) || !ne.Timeout() || time.Since(start) != time.Second {
			t.Errorf("%d, %v after %v", n, err, time.Since(start))
		}
		a.SetWriteDeadline(time.Time{})
		done := make(chan error)
		go func() {
			_, err := a.Write([]byte("abcdef"))
			done <- err
		}()
		synctest.Wait()
		got := make([]byte, 10)
		if _, err := io.ReadFull(b, got); err != nil || string(got) != "1234abcdef" {
			t.Errorf("%q %v", got, err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		// A deadline that is set during a Read ends that Read, and one that
		// is moved in time does not.
		go func() {
			_, err := b.Read(make([]byte, 1))
			done <- err
		}()
		synctest.Wait()
		b.SetReadDeadline(time.Now().Add(time.Hour))
		b.SetReadDeadline(time.Now().Add(2 * time.Hour))
		start = time.Now()
		if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 2*time.Hour {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		b.SetReadDeadline(time.Now().Add(-1))
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		b.SetDeadline(time.Time{})
		go func() {
			_, err := b.Read(make([]byte, 1))
			done <- err
		}()
		synctest.Wait()
		b.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

// TestBubble shows that a whole server works in a synctest bubble: a bubble
// panics when a goroutine is left or when all wait for something outside.
func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Start(nil)
		m := s.User("user").Mailbox("INBOX")
		c := login(t, s)
		c.conn.SetDeadline(time.Time{})
		c.cmd("SELECT INBOX")
		c.send("i IDLE\r\n")
		c.line()
		time.AfterFunc(time.Hour, func() { m.Append([]byte("x"), nil, time.Time{}) })
		start := time.Now()
		if got := c.line(); got != "* 1 EXISTS" || time.Since(start) != time.Hour {
			t.Errorf("%q after %v", got, time.Since(start))
		}
		s.Close()
		if s.Dial().Close() != nil {
			t.Error("Close after Close of the server")
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Start(nil)
		conn, far := Pipe()
		conn.SetLimit(10) // the greeting does not fit
		go s.Serve(far)
		synctest.Wait()
		s.Close()
		got, err := io.ReadAll(conn)
		if len(got) != 10 || err != nil {
			t.Errorf("%q %v", got, err)
		}
	})
}
