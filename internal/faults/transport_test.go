package faults_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

// The obedient server does what the client's commands ask for, for example to stop in the middle of an answer, over every
// kind of connection. Its control connection reports when it has stopped and tells it to continue.

// transports are the kinds of connection, each with a client of an obedient server.
var transports = map[string]func(t *testing.T, opts *imap.Options) (*imap.Client, *control){
	"pipe":     dialPipe,
	"stream":   dialPlainStream,
	"TCP":      dialTCP,
	"TLS":      dialObedientTLS,
	"STARTTLS": dialObedientStartTLS,
	"child":    dialChild,
	"COMPRESS": dialCompressed,
}

func eachTransport(t *testing.T, f func(t *testing.T, c *imap.Client, s *control)) {
	for name, dial := range transports {
		t.Run(name, func(t *testing.T) {
			testkit.LeftBehind(t, func() {
				c, s := dial(t, nil)
				defer c.Close()
				f(t, c, s)
			})
		})
	}
}

// control is the test's end of the control connection.
type control struct{ net.Conn }

// waitHeld returns when the server has stopped.
func (s *control) waitHeld(t *testing.T) {
	t.Helper()
	_, err := io.ReadFull(s, make([]byte, 1))
	require.NoError(t, err)
}

// release lets the server continue, at once or at its next stop.
func (s *control) release(t *testing.T) {
	t.Helper()
	_, err := s.Write([]byte{'r'})
	require.NoError(t, err)
}

// newControl returns the two ends of a control connection.
func newControl(t *testing.T) (*control, net.Conn) {
	near, far := testkit.TCPPair(t)
	return &control{near}, far
}

// serve runs an obedient server in a goroutine that ends before the test does.
func serve(t *testing.T, s *obedient) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.run()
	}()
	t.Cleanup(func() {
		s.conn.Close()
		s.control.Close()
		<-done
	})
}

func dialPipe(t *testing.T, opts *imap.Options) (*imap.Client, *control) {
	near, far := imaptest.Pipe()
	far.SetLimit(64 << 10)
	s, control := newControl(t)
	serve(t, &obedient{conn: far, control: control})
	return newObedient(t, near, opts), s
}

// bareStream hides that a connection has deadlines.
type bareStream struct{ io.ReadWriteCloser }

func dialPlainStream(t *testing.T, opts *imap.Options) (*imap.Client, *control) {
	near, far := imaptest.Pipe()
	far.SetLimit(64 << 10)
	s, control := newControl(t)
	serve(t, &obedient{conn: far, control: control})
	return newObedient(t, bareStream{near}, opts), s
}

func dialTCP(t *testing.T, opts *imap.Options) (*imap.Client, *control) {
	near, far := testkit.TCPPair(t)
	s, control := newControl(t)
	serve(t, &obedient{conn: far, control: control})
	return newObedient(t, near, opts), s
}

func dialCompressed(t *testing.T, opts *imap.Options) (*imap.Client, *control) {
	c, s := dialTCP(t, opts)
	require.NoError(t, c.Compress(testkit.Context(t)))
	return c, s
}

func newObedient(t *testing.T, conn io.ReadWriteCloser, opts *imap.Options) *imap.Client {
	t.Helper()
	c, err := imap.NewClient(testkit.Context(t), conn, opts)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func dialObedientTLS(t *testing.T, opts *imap.Options) (*imap.Client, *control) {
	near, far := testkit.TCPPair(t)
	client, server := testkit.TLSConfigs()
	s, control := newControl(t)
	serve(t, &obedient{conn: tls.Server(far, server), control: control})
	return newObedient(t, tls.Client(near, client), opts), s
}

func dialObedientStartTLS(t *testing.T, opts *imap.Options) (*imap.Client, *control) {
	near, far := testkit.TCPPair(t)
	s, control := newControl(t)
	serve(t, &obedient{conn: far, control: control, clear: true})
	c := newObedient(t, near, opts)
	client, _ := testkit.TLSConfigs()
	require.NoError(t, c.StartTLS(testkit.Context(t), client))
	require.NoError(t, c.Login(testkit.Context(t), "u", "p"))
	return c, s
}

const childVariable = "IMAP_TEST_CHILD"

// init makes the test binary an obedient server if dialChild started it.
func init() {
	addr := os.Getenv(childVariable)
	if addr == "" {
		return
	}
	control, err := net.Dial("tcp", addr)
	if err != nil {
		os.Exit(3)
	}
	stays := os.Getenv(childVariable+"_STAYS") != ""
	if stays {
		control = unclosed{control} // it is open as long as the process is there
	}
	(&obedient{conn: stdio{os.Stdin, os.Stdout}, control: control}).run()
	if stays {
		time.Sleep(time.Minute) // it does not end by itself before the test has looked
	}
	os.Exit(0)
}

// unclosed is a connection that only the end of the process closes.
type unclosed struct{ net.Conn }

func (unclosed) Close() error { return nil }

// stdio is the server's end of a child process.
type stdio struct {
	io.Reader
	io.Writer
}

func (stdio) Close() error { return nil }

func childCommand(addr string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(append(os.Environ(), childVariable+"="+addr), env...)
	return cmd
}

func dialChild(t *testing.T, opts *imap.Options) (*imap.Client, *control) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	c, err := imap.DialStream(testkit.Context(t), childCommand(l.Addr().String()), opts)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	near, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { near.Close() })
	return c, &control{near}
}

// obedient is the server.
type obedient struct {
	conn    io.ReadWriteCloser
	control net.Conn
	clear   bool // begins before STARTTLS and login
	in      *bufio.Reader
	out     io.Writer
	loose   looseServer
}

const obedientCaps = "IMAP4rev1 LITERAL+ IDLE COMPRESS=DEFLATE UIDPLUS"

func (s *obedient) run() {
	defer s.control.Close()
	defer s.conn.Close()
	s.use(s.conn)
	greeting := "* PREAUTH [CAPABILITY " + obedientCaps + "] hi\r\n"
	if s.clear {
		greeting = "* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n"
	}
	if s.say(greeting) != nil {
		return
	}
	for s.command() == nil {
	}
}

func (s *obedient) use(conn io.ReadWriter) { s.in, s.out = bufio.NewReader(conn), conn }

func (s *obedient) say(text string) error {
	_, err := io.WriteString(s.out, text)
	if f, ok := s.out.(*flate.Writer); ok && err == nil {
		err = f.Flush()
	}
	return err
}

// hold reports that the server has stopped, and waits.
func (s *obedient) hold() error {
	if _, err := s.control.Write([]byte{'h'}); err != nil {
		return err
	}
	_, err := io.ReadFull(s.control, make([]byte, 1))
	return err
}

// command reads a command and answers it.
func (s *obedient) command() error {
	line, err := s.in.ReadString('\n')
	if err != nil {
		return err
	}
	line = strings.TrimSuffix(line, "\r\n")
	tag, rest, _ := strings.Cut(line, " ")
	words := strings.Fields(rest + " - -")
	switch {
	case words[0] == "STARTTLS":
		if err := s.say(tag + " OK begin\r\n"); err != nil {
			return err
		}
		_, config := testkit.TLSConfigs()
		s.use(tls.Server(s.conn.(net.Conn), config))
		return nil
	case words[0] == "CAPABILITY":
		return s.say("* CAPABILITY " + obedientCaps + "\r\n" + tag + " OK done\r\n")
	case words[0] == "COMPRESS":
		return s.compress(tag)
	case words[0] == "IDLE":
		s.loose.tag = tag
		return s.say("+ idling\r\n")
	case words[0] == "APPEND":
		return s.append(tag, rest)
	case words[1] == "FETCH":
		return s.halved(tag, words[2])
	}
	return s.say(string(s.loose.answer([]byte(line + "\r\n"))))
}

// bodyOf is the body that the obedient server has under a UID: large enough to be kept apart from the text.
func bodyOf(uid int) string {
	return fmt.Sprintf("<%d>%s</%d>", uid, strings.Repeat("0123456789", 600), uid)
}

// halved answers FETCH of a UID and stops before the offset that the UID gives.
func (s *obedient) halved(tag, number string) error {
	uid, _ := strconv.Atoi(number)
	body := bodyOf(uid)
	answer := fmt.Sprintf("* 1 FETCH (UID %d BODY[] {%d}\r\n%s)\r\n%s OK done\r\n", uid, len(body), body, tag)
	stop := min(uid-1, len(answer))
	if err := s.say(answer[:stop]); err != nil {
		return err
	}
	if err := s.hold(); err != nil {
		return err
	}
	return s.say(answer[stop:])
}

func (s *obedient) compress(tag string) error {
	if err := s.say(tag + " OK active\r\n"); err != nil {
		return err
	}
	s.in = bufio.NewReader(flate.NewReader(s.in))
	s.out, _ = flate.NewWriter(s.conn, flate.BestSpeed)
	return nil
}

// append reads a message. For the mailbox "deaf" it stops before it reads it.
func (s *obedient) append(tag, rest string) error {
	if strings.HasPrefix(rest, "APPEND deaf ") {
		if err := s.hold(); err != nil {
			return err
		}
	}
	open := strings.LastIndexByte(rest, '{')
	size, err := strconv.Atoi(strings.TrimRight(rest[open+1:], "+}"))
	if err != nil {
		return err
	}
	if !strings.HasSuffix(rest, "+}") {
		if err := s.hold(); err != nil {
			return err
		}
		if err := s.say("+ go\r\n"); err != nil {
			return err
		}
	}
	var message bytes.Buffer
	if _, err := io.CopyN(&message, s.in, int64(size)+2); err != nil {
		return err
	}
	return s.say(fmt.Sprintf("%s OK [APPENDUID 1 %d] done\r\n", tag, size))
}
