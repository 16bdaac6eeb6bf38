package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// rawClient is no client: it reads the bytes of the answers and looks only at their end, or with scan also for
// line ends and literals.
type rawClient struct {
	conn net.Conn
	in   *bufio.Reader
	scan bool
}

func (c *rawClient) open(to account) (err error) {
	if c.conn, err = net.Dial("tcp", to.addr); err != nil {
		return err
	}
	c.in = bufio.NewReaderSize(c.conn, 32<<10)
	for _, command := range []string{"", "R LOGIN " + to.user + " " + to.password + "\r\n", "R SELECT INBOX\r\n"} {
		if _, err := io.WriteString(c.conn, command); err != nil {
			return err
		}
		if err := c.skipAnswer(command == ""); err != nil {
			return err
		}
	}
	return nil
}

// skipAnswer reads up to a tagged line, or one line.
func (c *rawClient) skipAnswer(one bool) error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil || one || line[0] == 'R' {
			return err
		}
	}
}

func (c *rawClient) close() { c.conn.Close() }

var rawCommands = map[string]string{
	"flags": "R UID FETCH 1:* (UID FLAGS)", "envelope": "R UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)",
	"structure": "R UID FETCH 1:* (UID BODYSTRUCTURE)", "stream": "R UID FETCH 1:* (UID BODY.PEEK[])",
	"bodies": "R UID FETCH 1:* (UID BODY.PEEK[])", "search": "R UID SEARCH ALL", "sparse": "R UID SEARCH ALL",
	"esearch": "R UID SEARCH RETURN (ALL) ALL", "sync": "R UID FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)", "list": `R LIST "" *`,
}

func (c *rawClient) run(workload string, n int) (result, error) {
	if command, ok := rawCommands[workload]; ok {
		if _, err := io.WriteString(c.conn, command+"\r\n"); err != nil {
			return result{}, err
		}
		if c.scan {
			return c.scanAnswer(workload == "esearch")
		}
		return c.readAnswer(workload == "esearch")
	}
	if c.scan {
		return result{}, errNotMeasured
	}
	switch workload {
	case "noop":
		return c.noop(n, 1)
	case "pipeline", "enabled":
		return c.noop(n, pipelined)
	case "append":
		return c.append(n)
	}
	return result{}, errNotMeasured
}

var rawEnd = []byte("R OK done\r\n")

// tagGrowth is by how much the mark of the tag is longer than our tag.
const tagGrowth = int64(len(tagMark) - len("R"))

// readAnswer reads until what was read ends like the answer.
func (c *rawClient) readAnswer(tagged bool) (result, error) {
	buf := make([]byte, 32<<10)
	var total int64
	tail := make([]byte, 0, 2*len(rawEnd))
	for {
		n, err := c.conn.Read(buf)
		if err != nil {
			return result{}, err
		}
		total += int64(n)
		tail = append(tail, buf[max(n-len(rawEnd), 0):n]...)
		tail = tail[max(len(tail)-len(rawEnd), 0):]
		if bytes.Equal(tail, rawEnd) {
			break
		}
	}
	return result{Items: -1, Bytes: withMark(total-int64(len(rawEnd)), tagged)}, nil
}

func withMark(n int64, tagged bool) int64 {
	if tagged {
		return n + tagGrowth
	}
	return n
}

// scanAnswer finds lines and literals.
func (c *rawClient) scanAnswer(tagged bool) (result, error) {
	r := result{}
	for {
		line, err := c.in.ReadSlice('\n')
		start := line[0]
		for errors.Is(err, bufio.ErrBufferFull) {
			r.Bytes += int64(len(line))
			line, err = c.in.ReadSlice('\n')
		}
		if err != nil {
			return r, err
		}
		if start == 'R' {
			r.Bytes = withMark(r.Bytes, tagged)
			return r, nil
		}
		r.Bytes += int64(len(line))
		if start == '*' {
			r.Items++
		}
		if size := literalSize(line); size > 0 {
			if _, err := c.in.Discard(size); err != nil {
				return r, err
			}
			r.Bytes += int64(size)
		}
	}
}

func literalSize(line []byte) int {
	if len(line) < 4 || line[len(line)-3] != '}' {
		return 0
	}
	open := bytes.LastIndexByte(line, '{')
	n, err := strconv.Atoi(string(line[open+1 : len(line)-3]))
	if open < 0 || err != nil {
		return 0
	}
	return n
}

var rawNoops = bytes.Repeat([]byte("R NOOP\r\n"), pipelined)

// noop sends commands by so many and reads as many lines.
func (c *rawClient) noop(n, batch int) (r result, err error) {
	for done := 0; done < n; done += batch {
		count := min(batch, n-done)
		if _, err := c.conn.Write(rawNoops[:count*len("R NOOP\r\n")]); err != nil {
			return r, err
		}
		for range count {
			if _, err := c.in.ReadSlice('\n'); err != nil {
				return r, err
			}
		}
	}
	return result{Items: n, Sum: int64(n)}, nil
}

func (c *rawClient) append(n int) (r result, err error) {
	fmt.Fprintf(c.conn, "R APPEND INBOX {%d}\r\n", n)
	if _, err := c.in.ReadSlice('\n'); err != nil {
		return r, err
	}
	buf, body := make([]byte, 64<<10), &patternReader{n: int64(n)}
	for {
		n, err := body.Read(buf)
		if err == io.EOF {
			break
		}
		if _, err := c.conn.Write(buf[:n]); err != nil {
			return r, err
		}
	}
	io.WriteString(c.conn, "\r\n")
	line, err := c.in.ReadSlice('\n')
	if err != nil || !bytes.HasPrefix(line, []byte("R OK")) {
		return r, fmt.Errorf("answer to APPEND: %q %w", line, err)
	}
	return result{Items: 1, Sum: int64(n)}, nil
}
