package imaptest

import (
	"fmt"
	"strings"
	"testing"
)

// mixed is a message with nested parts.
const mixed = "Date: Wed, 4 Mar 2026 05:06:07 +0100\r\n" +
	"From: \"A, B\" <a@example.org>\r\n" +
	"To: c@example.org, Team: d@example.org, E <e@example.org>;\r\n" +
	"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n folded\r\n" +
	"Message-ID: <1@example.org>\r\n" +
	"MIME-Version: 1.0\r\n" +
	"Content-Type: multipart/mixed; boundary=\"b1\"\r\n" +
	"\r\n" +
	"preamble\r\n" +
	"--b1\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\n" +
	"Content-Transfer-Encoding: base64\r\n" +
	"\r\n" +
	"R3LDvMOfZQ==\r\n" +
	"--b1\r\n" +
	"Content-Type: message/rfc822\r\n" +
	"Content-Disposition: attachment; filename=\"m.eml\"\r\n" +
	"\r\n" +
	"Subject: inner\r\n" +
	"\r\n" +
	"inner body\r\n" +
	"--b1--\r\n"

func mixedClient(t *testing.T) *client {
	t.Helper()
	s := New(t, nil)
	s.User("user").Mailbox("INBOX").Append([]byte(mixed), []string{`\Seen`}, testDate)
	c := login(t, s)
	c.cmd("EXAMINE INBOX")
	return c
}

// lit writes a literal.
func lit(s string) string { return fmt.Sprintf("{%d}\r\n%s", len(s), s) }

// value fetches one item and returns it without the frame.
func (c *client) value(item string) string {
	c.t.Helper()
	got := c.cmd("FETCH 1 (%s)", item)
	got, ok := strings.CutSuffix(got, ")\nOK FETCH completed")
	_, got, cut := strings.Cut(got, " ("+strings.Replace(item, ".PEEK", "", 1)+" ")
	if !ok || !cut {
		c.t.Errorf("%s: %q", item, got)
	}
	return got
}

func TestFetchItems(t *testing.T) {
	c := mixedClient(t)
	for item, want := range map[string]string{
		"FLAGS":        `(\Seen \Recent)`,
		"UID":          "1",
		"INTERNALDATE": `" 4-Mar-2026 05:06:07 +0100"`,
		"RFC822.SIZE":  "506",
		"ENVELOPE": `("Wed, 4 Mar 2026 05:06:07 +0100" "=?utf-8?q?Gr=C3=BC=C3=9Fe?= folded" ` +
			`(("A, B" NIL "a" "example.org")) (("A, B" NIL "a" "example.org")) (("A, B" NIL "a" "example.org")) ` +
			`((NIL NIL "c" "example.org")(NIL NIL "Team" NIL)(NIL NIL "d" "example.org")("E" NIL "e" "example.org")(NIL NIL NIL NIL)) ` +
			`NIL NIL NIL "<1@example.org>")`,
		"BODY": `(("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "BASE64" 12 0)` +
			`("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 28 (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) ` +
			`("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 10 0) 2) "MIXED")`,
		"BODYSTRUCTURE": `(("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "BASE64" 12 0 NIL NIL NIL NIL)` +
			`("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 28 (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) ` +
			`("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 10 0 NIL NIL NIL NIL) 2 NIL ` +
			`("ATTACHMENT" ("FILENAME" "m.eml")) NIL NIL) "MIXED" ("BOUNDARY" "b1") NIL NIL NIL)`,
		"MODSEQ": "(2)",
	} {
		if got := c.value(item); got != want {
			t.Errorf("%s\n got: %s\nwant: %s", item, got, want)
		}
	}
}

// TestPreview: the server makes no preview of text that it cannot decode.
func TestPreview(t *testing.T) {
	for head, want := range map[string]string{
		"": "Grüße",
		"Content-Type: text/plain; charset=utf-8":  "Grüße",
		"Content-Type: text/plain; charset=koi8-r": "",
		"Content-Type: text/html; charset=utf-8":   "",
		"Content-Type: image/png":                  "",
	} {
		if head != "" {
			head += "\r\n"
		}
		if got := parsePart([]byte(head+"\r\nGrüße\r\n"), "TEXT/PLAIN", 0).preview(); got != want {
			t.Errorf("%q: %q", head, got)
		}
	}
}

func TestFetchSections(t *testing.T) {
	c := mixedClient(t)
	header, body, _ := strings.Cut(mixed, "\r\n\r\n")
	header += "\r\n\r\n"
	for item, want := range map[string]string{
		"BODY[]":                                lit(mixed),
		"RFC822":                                lit(mixed),
		"RFC822.HEADER":                         lit(header),
		"BODY.PEEK[HEADER]":                     lit(header),
		"RFC822.TEXT":                           lit(body),
		"BODY[TEXT]":                            lit(body),
		"BODY[1]":                               lit("R3LDvMOfZQ=="),
		"BODY[1.MIME]":                          lit("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
		"BODY[2]":                               lit("Subject: inner\r\n\r\ninner body"),
		"BODY[2.HEADER]":                        lit("Subject: inner\r\n\r\n"),
		"BODY[2.TEXT]":                          lit("inner body"),
		"BODY[2.1]":                             lit("inner body"),
		"BODY[2.1.1]":                           "NIL",
		"BODY[3]":                               "NIL",
		"BODY[1.TEXT]":                          "NIL",
		"BODY[2.HEADER.FIELDS (SUBJECT)]":       lit("Subject: inner\r\n\r\n"),
		"BODY[HEADER.FIELDS (subject \"x y\")]": lit("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n folded\r\n\r\n"),
		"BINARY[1]":                             lit("Grüße"),
		"BINARY.SIZE[1]":                        "7",
		"PREVIEW":                               lit("Grüße"),
	} {
		if got := c.value(item); got != want {
			t.Errorf("%s\n got: %q\nwant: %q", item, got, want)
		}
	}
	c.has("FETCH 1 BODY.PEEK[TEXT]<2.5>", "(BODY[TEXT]<2> {5}\r\neambl)")
	c.has("FETCH 1 BODY.PEEK[TEXT]<9999.5>", "(BODY[TEXT]<9999> {0}\r\n)")
	c.has("FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (Date From To Subject Content-Type)]",
		"{50}\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n\r\n)")
	for _, item := range []string{"BODY[0]", "BODY[MIME]", "BODY[X]", "X", "()", "BODY[TEXT]<1.0>", "BODY[", "RFC822[]", "BINARY[1.MIME]"} {
		c.has("FETCH 1 "+item, "BAD ")
	}
}

func TestFetchSetsSeen(t *testing.T) {
	s := New(t, nil)
	fill(s.User("user").Mailbox("INBOX"), 2)
	c := login(t, s)
	c.cmd("SELECT INBOX")
	c.want("FETCH 1 (UID BODY[TEXT])", "* 1 FETCH (UID 1 BODY[TEXT] {8}\r\nbody 1\r\n FLAGS (\\Seen \\Recent))\nOK FETCH completed")
	c.want("FETCH 1 (UID BODY[TEXT])", "* 1 FETCH (UID 1 BODY[TEXT] {8}\r\nbody 1\r\n)\nOK FETCH completed")
	c.want("FETCH 1:2 FAST", `* 1 FETCH (FLAGS (\Seen \Recent) INTERNALDATE " 4-Mar-2026 05:06:07 +0100" RFC822.SIZE 51)
* 2 FETCH (FLAGS (\Recent) INTERNALDATE " 4-Mar-2026 05:06:07 +0100" RFC822.SIZE 51)
OK FETCH completed`)
	c.has("FETCH 0 UID", "BAD ")
	c.has("FETCH 3 UID", "BAD ")
	c.want("UID FETCH 7:9 UID", "OK UID FETCH completed")
}

func TestStore(t *testing.T) {
	s := New(t, nil)
	fill(s.User("user").Mailbox("INBOX"), 2)
	c := login(t, s)
	c.cmd("SELECT INBOX")
	c.want(`UID STORE 1 FLAGS (\seen work)`, "* 1 FETCH (UID 1 FLAGS (\\Seen work \\Recent))\nOK UID STORE completed")
	c.want(`STORE 1 -FLAGS (WORK)`, "* 1 FETCH (FLAGS (\\Seen \\Recent))\nOK STORE completed")
	c.want(`STORE 1 +FLAGS a b`, "* 1 FETCH (FLAGS (\\Seen a b \\Recent))\nOK STORE completed")
	c.want(`STORE 1 FLAGS.SILENT ()`, "OK STORE completed")
	c.has(`STORE 1 FLAGS (\Odd)`, "BAD ")
	c.has(`STORE 1 LABELS (x)`, "BAD ")
}

func TestCondstore(t *testing.T) {
	s := New(t, nil)
	m := s.User("user").Mailbox("INBOX")
	fill(m, 3) // mod-sequences 2, 3, 4
	c := login(t, s)
	c.has("SELECT INBOX (CONDSTORE)", "[HIGHESTMODSEQ 4]")
	c.want("STORE 1:2 (UNCHANGEDSINCE 2) +FLAGS (a)", "* 1 FETCH (FLAGS (a \\Recent) MODSEQ (5))\nOK [MODIFIED 2] Conditional STORE failed")
	c.want("STORE 2 +FLAGS.SILENT (a)", "* 2 FETCH (MODSEQ (6))\nOK STORE completed")
	c.want("FETCH 1:* (FLAGS) (CHANGEDSINCE 5)", "* 2 FETCH (FLAGS (a \\Recent) MODSEQ (6))\nOK FETCH completed")
	c.want("SEARCH MODSEQ 5", "* SEARCH 1 2 (MODSEQ 6)\nOK SEARCH completed")
}

func TestQresync(t *testing.T) {
	s := New(t, nil)
	m := s.User("user").Mailbox("INBOX")
	fill(m, 5)
	m.SetUIDValidity(7)
	c := login(t, s)
	c.has("SELECT INBOX (QRESYNC (7 6))", "BAD ")
	c.want("ENABLE CONDSTORE QRESYNC NONSENSE", "* ENABLED CONDSTORE QRESYNC\nOK ENABLE completed")
	m.Expunge(2, 4)
	m.SetFlags(3, `\Seen`)
	c.has("SELECT INBOX (QRESYNC (7 6))", "* VANISHED (EARLIER) 2,4\n* 2 FETCH (UID 3 FLAGS (\\Seen \\Recent) MODSEQ (9))\nOK ")
	c.has("SELECT INBOX (QRESYNC (7 7 1:3 (1:2 1:2)))", "* 2 FETCH (UID 3 ")
	c.want("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 6 VANISHED)",
		"* VANISHED (EARLIER) 2,4\n* 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (9))\nOK UID FETCH completed")
	m.Expunge(1, 3)
	c.want("NOOP", "* VANISHED 1,3\nOK NOOP completed")
}
