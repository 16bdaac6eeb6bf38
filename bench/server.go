package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
)

// cannedServer answers every data command with the same bytes.
type cannedServer struct {
	data     []byte // nil: generated each time
	generate generator
	n        int
	extra    string // capabilities
	crowd    crowd
	box      *scaleBox // of the commands about messages, if set
}

func newCannedServer(w *workload, n int) *cannedServer {
	s := &cannedServer{generate: w.generate, n: n, extra: w.caps}
	if !w.huge {
		var buf bytes.Buffer
		out := bufio.NewWriter(&buf)
		w.generate(out, n)
		out.Flush()
		s.data = buf.Bytes()
	}
	return s
}

// serve takes connections until the listener is closed.
func (s *cannedServer) serve(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			s.session(conn)
		}()
	}
}

// session holds one connection. Its buffers are small until there is something to write, for there may be thousands.
func (s *cannedServer) session(conn net.Conn) {
	in := bufio.NewReaderSize(conn, 512)
	out := bufio.NewWriterSize(conn, 512)
	fmt.Fprintf(out, "* OK [CAPABILITY IMAP4rev1 IDLE%s] ready\r\n", s.extra)
	for {
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		tag, rest, _ := strings.Cut(line, " ")
		name, _, _ := strings.Cut(strings.ToUpper(strings.TrimPrefix(strings.ToUpper(rest), "UID ")), " ")
		if !s.answer(conn, in, out, tag, name, line) {
			out.Flush()
			return
		}
	}
}

// answer handles one command; false ends the session.
func (s *cannedServer) answer(conn net.Conn, in *bufio.Reader, out *bufio.Writer, tag, name, line string) bool {
	if s.box != nil {
		if data, ok := s.box.answer(tag, name, line); ok {
			out.Write(data)
			name = ""
		}
	}
	switch name {
	case "CAPABILITY":
		fmt.Fprintf(out, "* CAPABILITY IMAP4rev1 IDLE%s\r\n", s.extra)
	case "SELECT", "EXAMINE":
		fmt.Fprintf(out, "* %d EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n"+
			"* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT %d] ok\r\n", s.n, firstUID+s.n+1)
	case "FETCH", "SEARCH", "LIST":
		if out.Flush() != nil || s.write(conn, tag) != nil {
			return false
		}
	case "APPEND":
		return s.append(in, out, tag, line)
	case "IDLE":
		if !s.idle(conn, in, out) {
			return false
		}
	case "XIDLING": // not of IMAP: how many connections are in IDLE
		fmt.Fprintf(out, "* %d IDLING\r\n", s.crowd.size())
	case "XEVENT": // not of IMAP: tell them something
		s.crowd.tell(fmt.Sprintf("* %d EXISTS\r\n", s.n+1))
	case "XSHUFFLE": // not of IMAP: change the mailbox
		s.box.shuffle()
	case "XARRIVE": // not of IMAP: add a message, and tell those in IDLE
		s.crowd.tell(fmt.Sprintf("* %d EXISTS\r\n", s.box.arrive()))
	case "XFLAGS": // not of IMAP: tell those in IDLE of other flags
		s.crowd.tell(s.box.otherFlags())
	case "LOGOUT":
		fmt.Fprintf(out, "* BYE bye\r\n%s OK bye\r\n", tag)
		return false
	}
	fmt.Fprintf(out, "%s OK done\r\n", tag)
	return true
}

// idle holds a connection in IDLE until the client has enough of it; false ends the session.
func (s *cannedServer) idle(conn net.Conn, in *bufio.Reader, out *bufio.Writer) bool {
	out.WriteString("+ idling\r\n")
	if out.Flush() != nil {
		return false
	}
	s.crowd.enter(conn)
	defer s.crowd.leave(conn)
	_, err := in.ReadString('\n')
	return err == nil
}

// crowd is the connections in IDLE.
type crowd struct {
	mu    sync.Mutex
	conns map[net.Conn]bool
}

func (c *crowd) enter(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conns == nil {
		c.conns = make(map[net.Conn]bool)
	}
	c.conns[conn] = true
}

func (c *crowd) leave(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn)
}

func (c *crowd) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.conns)
}

// tell sends the same to all.
func (c *crowd) tell(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		io.WriteString(conn, text)
	}
}

// write writes the canned answer in large pieces.
func (s *cannedServer) write(conn net.Conn, tag string) error {
	if s.data == nil {
		w := bufio.NewWriterSize(conn, 256<<10)
		s.generate(w, s.n)
		return w.Flush()
	}
	data := s.data
	if i := bytes.Index(data[:min(len(data), 100)], []byte(tagMark)); i >= 0 {
		if _, err := io.WriteString(conn, string(data[:i])+tag); err != nil {
			return err
		}
		data = data[i+len(tagMark):]
	}
	_, err := conn.Write(data)
	return err
}

// append takes a literal and checks that it is the pattern.
func (s *cannedServer) append(in *bufio.Reader, out *bufio.Writer, tag, line string) bool {
	open := strings.LastIndexByte(line, '{')
	size, err := strconv.Atoi(strings.TrimRight(line[open+1:], "+}"))
	if open < 0 || err != nil {
		return false
	}
	if !strings.HasSuffix(line, "+}") {
		out.WriteString("+ go on\r\n")
		if out.Flush() != nil {
			return false
		}
	}
	var sink checkedSink
	if _, err := io.CopyN(&sink, in, int64(size)); err != nil {
		return false
	}
	if _, err := in.ReadString('\n'); err != nil {
		return false
	}
	if sink.bad {
		fmt.Fprintf(out, "%s NO not what was expected\r\n", tag)
		return true
	}
	fmt.Fprintf(out, "%s OK [APPENDUID 1 %d] done\r\n", tag, size)
	return true
}

// checkedSink counts bytes of a body made of the pattern and looks at both ends of each piece.
type checkedSink struct {
	n   int64
	bad bool
}

func (s *checkedSink) Write(p []byte) (int, error) {
	if len(p) > 0 {
		end := s.n + int64(len(p))
		s.bad = s.bad || p[0] != patternAt(s.n) || p[len(p)-1] != patternAt(end-1)
		s.n = end
	}
	return len(p), nil
}

func patternAt(i int64) byte { return pattern[i%int64(len(pattern))] }

// patternReader yields n bytes of the pattern.
type patternReader struct{ at, n int64 }

func (r *patternReader) Read(p []byte) (int, error) {
	if r.at == r.n {
		return 0, io.EOF
	}
	from := r.at % int64(len(pattern))
	n := copy(p[:min(int64(len(p)), r.n-r.at)], pattern[from:])
	r.at += int64(n)
	return n, nil
}

// listen listens on a free port of loopback, with TLS where config is set.
func listen(config *tls.Config) (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil || config == nil {
		return l, err
	}
	return tls.NewListener(l, config), nil
}
