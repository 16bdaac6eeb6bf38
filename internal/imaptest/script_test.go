package imaptest

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// fakeTB records errors.
type fakeTB struct {
	testing.TB
	errors []string
}

func (f *fakeTB) Errorf(format string, args ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

func TestScript(t *testing.T) {
	conn := Record(DialScript(t, `
		# the greeting
		S: * OK ready
		C: $ LOGIN user {8}
		S: + go ahead
		C+: pass\x00ord\r\n
		S: $ OK done
		C: $ SEARCH RETURN () "a"
		C: $ NOOP
		S: * ESEARCH (TAG "$2") ALL 1
		S: $1 OK twice
		S: $ OK last $
		S+: a"b\x00\r\n
		C: DONE
		CLOSE
	`))
	const sent = "A1 LOGIN user {8}\r\npass\x00ord\r\nA2 SEARCH RETURN () \"a\"\r\nA3 NOOP\r\nDONE\r\n"
	if _, err := io.WriteString(conn, sent); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != "* OK ready\r\n+ go ahead\r\nA1 OK done\r\n"+
		"* ESEARCH (TAG \"A2\") ALL 1\r\nA1 OK twice\r\nA3 OK last $\r\na\"b\x00\r\n" {
		t.Errorf("%q %v", got, err)
	}
	if string(conn.Sent()) != sent {
		t.Errorf("recorded %q", conn.Sent())
	}
}

func TestScriptFailures(t *testing.T) {
	for _, c := range []struct{ script, sent, want string }{
		{"C: $ NOOP", "a CHECK\r\n", `script line 1: client sent "a CHECK", want "$ NOOP"`},
		{"\nC: $ NOOP", "a NOOP\n", `script line 2: client sent "a NOOP\n" without CRLF`},
		{"C: $ NOOP", "", `client sent "" then EOF`},
		{"C+: abc", "abd", `client sent "abd", want "abc"`},
		{"C+: abc", "a", `client sent "a" then unexpected EOF`},
		{"S: $ OK", "", "no command has been read for $"},
		{"S: $1 OK", "", "no command has been read for $1"},
		{`S+: \q`, "", "bad escape"},
		{"nonsense", "", `cannot read "nonsense"`},
		{"C: DONE", "done\r\n", `client sent "done", want "DONE"`},
		{"C: $ x", " x\r\n", "without a tag"},
	} {
		client, server := Pipe()
		if _, err := io.WriteString(client, c.sent); err != nil {
			t.Fatal(err)
		}
		if err := client.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		tb := &fakeTB{TB: t}
		Script(tb, server, c.script)
		if len(tb.errors) != 1 || !strings.Contains(tb.errors[0], c.want) {
			t.Errorf("%q: %q", c.script, tb.errors)
		}
		if _, err := io.ReadAll(client); err != nil {
			t.Error(err)
		}
	}
}

func TestScriptStall(t *testing.T) {
	client, server := Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		Script(t, server, "STALL\nC: never")
	}()
	if _, err := io.WriteString(client, "anything"); err != nil {
		t.Fatal(err)
	}
	client.Close()
	<-done
}
