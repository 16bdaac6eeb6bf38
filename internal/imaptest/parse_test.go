package imaptest

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

func TestUTF7(t *testing.T) {
	for name, wire := range map[string]string{
		"":             "",
		"INBOX":        "INBOX",
		"a&b":          "a&-b",
		"Entwürfe":     "Entw&APw-rfe",
		"台北/日本語":       "&U,BTFw-/&ZeVnLIqe-",
		"\U0001F600 x": "&2D3eAA- x",
	} {
		if got := encodeUTF7(name); got != wire {
			t.Errorf("encode %q: %q, want %q", name, got, wire)
		}
		if got, err := decodeUTF7(wire); got != name || err != nil {
			t.Errorf("decode %q: %q, %v", wire, got, err)
		}
	}
	for _, wire := range []string{"&", "&AOQ", "&A-", "&AGE-", "a\x80", "ä", "&====-", "&2D0-"} {
		if got, err := decodeUTF7(wire); err == nil {
			t.Errorf("decode %q: %q", wire, got)
		}
	}
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string][]address{
		"":                       nil,
		"a@b":                    {{"", "", "a", "b"}},
		"a@b (Al)":               {{"Al", "", "a", "b"}},
		"Al B. <@r1,@r2:a@b>, c": {{"Al B.", "@r1,@r2", "a", "b"}, {"", "", "c", ""}},
		`"x \"y\"" <"p q"@b>`:    {{`x "y"`, "", "p q", "b"}},
		"none:;":                 {{"", "", "none", ""}, {}},
	} {
		got := parseAddresses(in)
		if len(got) != len(want) {
			t.Errorf("%q: %+v", in, got)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%q: %+v, want %+v", in, got[i], want[i])
			}
		}
	}
}

func TestBadSyntax(t *testing.T) {
	c := login(t, New(t, nil))
	c.cmd("SELECT INBOX")
	for _, line := range []string{
		"", " ", "x", "x ", "x\ty", "* NOOP", "+ NOOP", "x  NOOP", "x UID", "x UID NOOP", "x UID UID FETCH",
		`x CREATE "`, `x CREATE "a\b"`, "x CREATE \"\xe4\"", `x CREATE a"b`, "x CREATE (a)", "x CREATE {1}x",
		"x FETCH", "x FETCH 1", "x FETCH 1 (", "x FETCH 1 (FLAGS", "x FETCH a FLAGS", "x FETCH 1: FLAGS",
		"x FETCH 99999999999 FLAGS", "x STORE 1 FLAGS", `x STORE 1 FLAGS (\)`, "x STATUS INBOX MESSAGES",
		"x LIST", `x LIST ""`, `x LIST "" (`, `x LIST (X) "" *`, `x LIST "" * RETURN (X)`, "x ID", "x ID (\"a\")",
		"x ENABLE", "x APPEND INBOX () \"yesterday\" {1+}", "x SEARCH " + strings.Repeat("NOT ", 1000) + "ALL",
		"x SELECT INBOX (X)", "x SELECT INBOX (QRESYNC)", "x COMPRESS X", "x NOOP x",
	} {
		if strings.HasSuffix(line, "+}") {
			line += "\r\nx"
		}
		c.send(line + "\r\n")
		if got := c.line(); !strings.Contains(got, " BAD ") {
			t.Errorf("%q: %q", line, got)
		}
	}
	c.want("NOOP", "OK NOOP completed")
	c.send("a NOOP\n")
	if got := c.line(); got != "a BAD Line does not end with CRLF" {
		t.Error(got)
	}
}

func TestLimits(t *testing.T) {
	c := login(t, New(t, nil))
	c.send("a CREATE {99999999+}\r\n")
	if got := c.line(); got != "* BYE [TOOBIG] Literal too large" {
		t.Error(got)
	}
	d := login(t, New(t, nil))
	go func() { _, _ = io.WriteString(d.conn, "a "+strings.Repeat("x", maxLine+10000)) }()
	if got := d.line(); got != "* BYE Command line too long" {
		t.Error(got)
	}
}

// FuzzSession feeds a logged-in session; it must neither panic nor leave a
// goroutine, which the bubble would report.
func FuzzSession(f *testing.F) {
	for _, seed := range []string{
		"a SELECT INBOX\r\nb FETCH 1:* (FLAGS BODY[1.MIME]<0.5> ENVELOPE BODYSTRUCTURE)\r\n",
		"a SELECT INBOX\r\nb UID SEARCH RETURN (ALL) OR (NOT SEEN) HEADER a {1+}\r\nb 1:3,$\r\n",
		"a LIST (SUBSCRIBED) \"\" (a* %) RETURN (STATUS (MESSAGES))\r\n",
		"a APPEND INBOX (\\Seen) \" 1-Jan-2026 00:00:00 +0000\" {5}\r\nhello\r\n",
		"a ENABLE QRESYNC\r\nb SELECT INBOX (QRESYNC (1 2 1:* (1 1)))\r\nc STORE 1 (UNCHANGEDSINCE 9) +FLAGS.SILENT x\r\n",
		"a IDLE\r\nDONE\r\nb AUTHENTICATE PLAIN =\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		synctest.Test(t, func(t *testing.T) {
			s := Start(&Options{PreAuth: "user"})
			defer s.Close()
			s.User("user").Mailbox("INBOX").Append(bytes.Clone(data), nil, testDate)
			s.User("user").Mailbox("INBOX").Append([]byte(mixed), nil, testDate)
			conn := s.DialPipe()
			defer conn.Close()
			if _, err := conn.Write(data); err != nil {
				return
			}
			synctest.Wait()
		})
	})
}
