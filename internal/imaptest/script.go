package imaptest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Script plays the server side of a transcript on conn, line by line:
//
//	S: text      send text and CRLF
//	C: text      expect exactly this line and CRLF from the client
//	S+: text     send text without CRLF; Go escapes (\r \n \t \x00 \\) apply
//	C+: text     expect exactly these bytes; Go escapes apply
//	CLOSE        close the connection and end the script
//	STALL        wait until the client closes the connection
//	# text       comment; blank lines and indentation are ignored too
//
// A "$" in the place of the tag of a C: line stands for the tag that
// the client chose. In the place of the tag of an S: line, and in (TAG "$"), it
// stands for the tag of the last command; $1, $2 and so on stand for the tag
// of the first, second and following commands. For example:
//
//	imaptest.Script(t, conn, `
//		S: * OK ready
//		C: $ LOGIN user {8}
//		S: + go ahead
//		C+: password\r\n
//		S: $ OK LOGIN completed
//		C: $ NOOP
//		C: $ FETCH 1 BODY[]
//		S: $2 OK NOOP completed
//		S: * 1 FETCH (BODY[] {5}
//		S+: ab\x00cd
//		S: )
//		S: $3 OK FETCH completed
//	`)
//
// A deviation is reported with Errorf, which any goroutine may call, and
// closes conn so that the client does not wait forever. If the script ends
// without CLOSE, the connection stays open. A client that closes the connection
// need not have read the responses to its last command.
func Script(tb TB, conn net.Conn, script string) {
	tb.Helper()
	p := &player{conn: conn, br: bufio.NewReader(conn)}
	lines := strings.Split(script, "\n")
	for i, line := range lines {
		more, err := p.play(strings.TrimLeft(strings.TrimSuffix(line, "\r"), " \t"))
		// The second error is that of an end that the cleanup of DialScript closed.
		gone := errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed)
		if gone && !slices.ContainsFunc(lines[i:], waits) {
			return
		}
		if err != nil {
			tb.Errorf("imaptest: script line %d: %v", i+1, err)
			conn.Close()
			return
		}
		if !more {
			return
		}
	}
}

// DialScript runs Script in a goroutine on one end of a new Pipe and returns
// the other end. Both ends are closed when the test ends.
func DialScript(tb TB, script string) *PipeConn {
	tb.Helper()
	client, server := Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		Script(tb, server, script)
	}()
	tb.Cleanup(func() {
		client.Close()
		server.Close()
		<-done
	})
	return client
}

// waits reports whether a line of a script waits for the client.
func waits(line string) bool {
	line = strings.TrimLeft(line, " \t")
	return strings.HasPrefix(line, "C") && !strings.HasPrefix(line, "CLOSE") || strings.HasPrefix(line, "STALL")
}

// player is the state of one running script.
type player struct {
	conn net.Conn
	br   *bufio.Reader
	tags []string
	bye  bool // a BYE was sent
}

// play runs one line and reports whether the script continues.
func (p *player) play(line string) (bool, error) {
	if line == "" || line[0] == '#' {
		return true, nil
	}
	verb, text, _ := strings.Cut(line, ":")
	text = strings.TrimPrefix(text, " ")
	switch strings.TrimRight(verb, " ") {
	case "S":
		text, err := p.expand(text)
		if err != nil {
			return false, err
		}
		return true, p.send(text + "\r\n")
	case "C":
		return true, p.expectLine(text)
	case "S+":
		text, err := unescape(text)
		if err != nil {
			return false, err
		}
		return true, p.send(text)
	case "C+":
		return true, p.expectOctets(text)
	case "CLOSE":
		return false, p.conn.Close()
	case "STALL":
		// Ignore what the client still sends, and wait until it closes the connection.
		_, _ = io.Copy(io.Discard, p.br)
		return false, nil
	}
	return false, fmt.Errorf("cannot read %q", line)
}

// send sends text. A client that closes the connection at BYE need not have read
// the text after it.
func (p *player) send(text string) error {
	_, err := io.WriteString(p.conn, text)
	if p.bye {
		return nil
	}
	p.bye = strings.HasPrefix(text, "* BYE")
	return err
}

// tagRef matches the places where an S: line may name a tag.
var tagRef = regexp.MustCompile(`^\$([0-9]*)( |$)|TAG "\$([0-9]*)"`)

// expand replaces references to tags.
func (p *player) expand(text string) (string, error) {
	var failed error
	text = tagRef.ReplaceAllStringFunc(text, func(ref string) string {
		start := strings.IndexByte(ref, '$')
		end := start + 1
		for end < len(ref) && ref[end] >= '0' && ref[end] <= '9' {
			end++
		}
		tag, err := p.tag(ref[start+1 : end])
		if err != nil {
			failed = err
		}
		return ref[:start] + tag + ref[end:]
	})
	return text, failed
}

// tag returns the tag of the n-th command, or the last one for "".
func (p *player) tag(n string) (string, error) {
	i := len(p.tags)
	if n != "" {
		i, _ = strconv.Atoi(n)
	}
	if i < 1 || i > len(p.tags) {
		return "", fmt.Errorf("no command has been read for $%s", n)
	}
	return p.tags[i-1], nil
}

func (p *player) expectLine(want string) error {
	line, err := p.br.ReadString('\n')
	if err != nil {
		return fmt.Errorf("client sent %q then %v, want %q", line, err, want)
	}
	got, ok := strings.CutSuffix(line, "\r\n")
	if !ok {
		return fmt.Errorf("client sent %q without CRLF", line)
	}
	head, rest, _ := strings.Cut(want, " ")
	if head == "$" {
		var tag, cmd string
		tag, cmd, _ = strings.Cut(got, " ")
		if tag == "" {
			return fmt.Errorf("client sent %q without a tag", got)
		}
		p.tags = append(p.tags, tag)
		if cmd != rest {
			return fmt.Errorf("client sent %q, want %q", got, want)
		}
		return nil
	}
	if want, err = p.expand(want); err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("client sent %q, want %q", got, want)
	}
	return nil
}

func (p *player) expectOctets(text string) error {
	want, err := unescape(text)
	if err != nil {
		return err
	}
	got := make([]byte, len(want))
	n, err := io.ReadFull(p.br, got)
	if err != nil {
		return fmt.Errorf("client sent %q then %v, want %q", got[:n], err, want)
	}
	if string(got) != want {
		return fmt.Errorf("client sent %q, want %q", got, want)
	}
	return nil
}

// unescape interprets the escapes of Go string literals; quotation marks
// need none.
func unescape(text string) (string, error) {
	var b []byte
	for text != "" {
		r, wide, rest, err := strconv.UnquoteChar(text, 0)
		if err != nil {
			return "", fmt.Errorf("bad escape in %q", text)
		}
		if wide {
			b = utf8.AppendRune(b, r)
		} else {
			b = append(b, byte(r))
		}
		text = rest
	}
	return string(b), nil
}

// Recorder is a connection that keeps a copy of what is written to it.
type Recorder struct {
	net.Conn
	mu   sync.Mutex
	sent bytes.Buffer
}

// Record wraps the client's end of a connection.
func Record(conn net.Conn) *Recorder { return &Recorder{Conn: conn} }

// Write implements net.Conn.
func (r *Recorder) Write(p []byte) (int, error) {
	n, err := r.Conn.Write(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent.Write(p[:n])
	return n, err
}

// Sent returns a copy of what has been written so far.
func (r *Recorder) Sent() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sent.Bytes())
}
