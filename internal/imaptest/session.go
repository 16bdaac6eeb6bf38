package imaptest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxLiteral is the size of the largest literal that is accepted.
	maxLiteral = 64 << 20
	// maxLine bounds the part of a command outside of its literals.
	maxLine = 1 << 20
	// flushSize is how much output of a FETCH is gathered before it is sent.
	flushSize = 32 << 10
)

// session is one connection. It is run by one goroutine; box, view, recent
// and saved are also guarded by the lock of the server.
type session struct {
	srv      *Server
	id       int                // of the connection, from 1
	raw      io.Closer          // the connection below TLS
	rwc      io.ReadWriteCloser // with TLS, if it is active
	br       *bufio.Reader
	w        io.Writer
	flushW   func() error // for writers that hold back data
	out      bytes.Buffer
	tls      bool
	deflate  bool
	user     *User
	admin    string // the name that logged in, where it acts as another
	box      *Mailbox
	readOnly bool
	view     []viewMsg
	synced   uint64 // mod-sequence of box that the client knows
	changed  chan struct{}
	enabled  map[string]bool
	saved    []uint32 // UIDs of "$"
	live     []*liveSearch
	notify   *notification
	tag      string
	uid      bool         // the running command has the UID prefix
	done     bool         // close after the tagged response
	after    func() error // to be run after the tagged response
	limited  bool         // by a fault: after limit bytes nothing arrives
	limit    int64
	stall    bool // the connection stays then
}

// reply is the outcome of a command.
type reply struct{ status, text string }

// Error makes a reply usable as the error of a handler.
func (r *reply) Error() string { return r.status + " " + r.text }

func ok(text string) *reply  { return &reply{"OK", text} }
func no(text string) *reply  { return &reply{"NO", text} }
func bad(text string) *reply { return &reply{"BAD", text} }

func newSession(srv *Server, rwc io.ReadWriteCloser) *session {
	s := &session{srv: srv, id: srv.NextConn(), raw: rwc, changed: make(chan struct{}, 1), enabled: map[string]bool{}}
	s.setTransport(rwc)
	return s
}

// setTransport drops buffered bytes, as STARTTLS requires: bytes received before
// the negotiation must not be used afterwards.
func (s *session) setTransport(rwc io.ReadWriteCloser) {
	s.rwc, s.w, s.flushW = rwc, rwc, nil
	s.br = bufio.NewReader(rwc)
}

// run serves the connection until it ends.
func (s *session) run() {
	defer func() {
		s.srv.mu.Lock()
		s.unselect()
		s.unwatch()
		s.srv.mu.Unlock()
		// The peer may be gone, so an error does not matter.
		_ = s.rwc.Close()
	}()
	s.greet()
	for !s.done {
		if s.flush() != nil {
			return
		}
		cmd, err := s.readCommand()
		if err != nil {
			return
		}
		if cmd != nil {
			s.execute(cmd)
		}
		if s.flush() != nil {
			return
		}
		if after := s.after; after != nil {
			s.after = nil
			if after() != nil {
				return
			}
		}
	}
}

func (s *session) greet() {
	if s.disturb(connectCommand, "") {
		s.done = true
		_ = s.flush() // the connection ends in any case
		return
	}
	text := orElse(s.srv.opts.Style.Greeting, "imaptest ready")
	status := "OK"
	if name := s.srv.opts.PreAuth; name != "" {
		status = "PREAUTH"
		s.srv.mu.Lock()
		s.user = s.srv.userLocked(name)
		s.srv.mu.Unlock()
	}
	if s.srv.opts.GreetingCaps {
		text = s.capCode() + text
	}
	s.untagged("%s %s", status, text)
}

func (s *session) untagged(format string, args ...any) {
	fmt.Fprintf(&s.out, "* "+format+"\r\n", args...)
}

func (s *session) flush() error {
	if s.out.Len() == 0 {
		return nil
	}
	part, drop := s.pass(s.out.Bytes())
	s.observeOutput(part)
	_, err := s.w.Write(part)
	s.out.Reset()
	if s.out.Cap() > 1<<20 {
		s.out = bytes.Buffer{}
	}
	if err == nil && s.flushW != nil {
		err = s.flushW()
	}
	if err == nil && drop {
		err = errDropped
	}
	return err
}

var errLineTooLong = errors.New("line too long")

// readLine reads up to and with LF.
func (s *session) readLine() ([]byte, error) {
	var line []byte
	for {
		part, err := s.br.ReadSlice('\n')
		line = append(line, part...)
		if err != bufio.ErrBufferFull {
			s.observeInput(line)
			return line, err
		}
		if len(line) > maxLine {
			return nil, errLineTooLong
		}
	}
}

// literalSize reads "{n}" or "{n+}" at the end of a line.
func literalSize(line []byte) (size int64, nonSync, ok bool) {
	body, found := bytes.CutSuffix(line, []byte("}"))
	open := bytes.LastIndexByte(body, '{')
	if !found || open < 0 {
		return 0, false, false
	}
	digits, nonSync := bytes.CutSuffix(body[open+1:], []byte("+"))
	n, err := strconv.ParseUint(string(digits), 10, 62)
	if err != nil {
		return 0, false, false
	}
	return int64(n), nonSync, true
}

// readCommand reads a command with its literals and without its last CRLF.
// It returns nil when the command has been answered already.
func (s *session) readCommand() ([]byte, error) {
	var cmd []byte
	refuse := ""
	for {
		line, err := s.readLine()
		if err != nil {
			if err == errLineTooLong {
				s.untagged("BYE Command line too long")
				_ = s.flush() // the connection ends in any case
			}
			return nil, err
		}
		cmd = append(cmd, line...)
		body, crlf := bytes.CutSuffix(line, []byte("\r\n"))
		size, nonSync, isLit := literalSize(body)
		if !crlf {
			refuse = "Line does not end with CRLF"
		}
		if !crlf || !isLit {
			break
		}
		switch {
		case size > maxLiteral && nonSync:
			s.untagged("BYE [TOOBIG] Literal too large")
			_ = s.flush() // the connection ends in any case
			return nil, errLineTooLong
		case size > maxLiteral:
			s.tagged(tagOf(cmd), no("[TOOBIG] Literal too large"))
			return nil, nil
		case nonSync && size > s.literalBound():
			refuse = "Non-synchronizing literals of this size are not supported"
		case !nonSync:
			s.out.WriteString("+ Ready for literal data\r\n")
		}
		if cmd, err = s.readLiteral(cmd, size); err != nil {
			return nil, err
		}
	}
	if refuse != "" {
		s.tagged(tagOf(cmd), bad(refuse))
		return nil, nil
	}
	return cmd[:len(cmd)-2], nil
}

// readLiteral appends n bytes to cmd. The memory grows with what arrives,
// not with what was announced.
func (s *session) readLiteral(cmd []byte, n int64) ([]byte, error) {
	if err := s.flush(); err != nil {
		return nil, err
	}
	buf := bytes.NewBuffer(cmd)
	_, err := io.CopyN(buf, s.br, n)
	s.observeInput(buf.Bytes()[len(cmd):])
	return buf.Bytes(), err
}

// tagOf returns the tag of a command that could not be parsed, or "*".
func tagOf(cmd []byte) string {
	p := &parser{b: cmd}
	tag := p.tag()
	if p.err != nil || p.peek() != ' ' {
		return "*"
	}
	return tag
}

func (p *parser) tag() string {
	return p.run("a tag", func(c byte) bool { return (isAtomChar(c) || c == ']') && c != '+' })
}

// tagged writes the completion of a command.
func (s *session) tagged(tag string, r *reply) {
	fmt.Fprintf(&s.out, "%s %s %s\r\n", tag, r.status, r.text)
}

// execute runs one command and writes everything up to its completion.
func (s *session) execute(raw []byte) {
	p := &parser{b: raw, utf8: s.enabled["UTF8=ACCEPT"], delimiter: s.srv.opts.Style.Delimiter}
	tag := p.tag()
	p.sp()
	if p.err != nil {
		s.tagged(tagOf(raw), bad("Syntax error: expected a tag and a command"))
		return
	}
	if f := s.srv.opts.Hooks.Command; f != nil {
		f(s.id, raw[p.pos:])
	}
	s.tag, s.uid = tag, false
	name := p.word()
	if name == "UID" && p.accept(' ') {
		s.uid = true
		name = p.word()
	}
	cmd, known := commands[name]
	known = known && !(s.rev2() && slices.Contains(removedInRev2, name))
	if s.uid {
		known = known && cmd.uid
		name = "UID " + name
	}
	if p.err != nil || !known || s.lacks(cmd.needs) {
		s.tagged(tag, answer(s.srv.opts.Style.Unknown, "BAD Unknown command"))
		return
	}
	if s.disturb(strings.TrimPrefix(name, "UID "), tag) {
		return
	}
	if s.enabled["UIDONLY"] && slices.Contains(numbered, name) {
		s.tagged(tag, errUIDRequired)
		return
	}
	if r := s.checkState(cmd); r != nil {
		s.tagged(tag, r)
		return
	}
	if s.needsUTF8(name) {
		s.tagged(tag, no("[CANNOT] UTF8=ACCEPT has to be enabled"))
		return
	}
	s.inProgress(name)
	r := s.invoke(cmd, p, name)
	if r == nil {
		return
	}
	s.srv.mu.Lock()
	s.sync(s.uid || !cmd.bySeq)
	s.reportEvents()
	s.srv.mu.Unlock()
	s.tagged(tag, r)
}

// lacks reports whether all of the alternatives, such as "UIDPLUS", have
// been disabled. An empty list means part of the base protocol.
func (s *session) lacks(alternatives string) bool {
	if alternatives == "" {
		return false
	}
	for c := range strings.SplitSeq(alternatives, " ") {
		if !s.srv.disabled[c] {
			return false
		}
	}
	return true
}

// invoke calls the handler and returns its outcome as a reply, or nil if the connection is broken.
func (s *session) invoke(cmd command, p *parser, name string) *reply {
	var err error
	if cmd.locks {
		err = cmd.run(s, p)
	} else {
		s.srv.mu.Lock()
		err = cmd.run(s, p)
		s.srv.mu.Unlock()
	}
	var r *reply
	switch {
	case err == nil:
		return ok(strings.ReplaceAll(orElse(s.srv.opts.Style.Completed, "%s completed"), "%s", name))
	case errors.As(err, &r):
		return r
	}
	// Only I/O errors are not replies: the connection is broken, and nothing more is written to it.
	s.done = true
	return nil
}

func (s *session) checkState(cmd command) *reply {
	switch {
	case cmd.state == stateNotAuth && s.user != nil:
		return bad("Command is not valid after login")
	case cmd.state >= stateAuth && s.user == nil:
		return bad("Command is not valid before login")
	case cmd.state == stateSelected && s.box == nil:
		return bad("No mailbox is selected")
	}
	return nil
}

// netConn returns the connection below, if it is one that TLS can use.
func (s *session) netConn() (net.Conn, bool) {
	nc, isConn := s.rwc.(net.Conn)
	return nc, isConn
}
