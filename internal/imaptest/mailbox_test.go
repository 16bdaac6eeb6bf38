package imaptest

import (
	"strings"
	"testing"
	"time"
)

func TestSelect(t *testing.T) {
	s := New(t, &Options{NoCaps: []string{"OBJECTID"}})
	m := s.User("user").Mailbox("INBOX")
	fill(m, 3)
	m.SetFlags(1, `\seen`, "$Work")
	m.SetUIDValidity(77)
	c := login(t, s)
	c.want("SELECT inbox", `* FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Work)
* 3 EXISTS
* 3 RECENT
* OK [UNSEEN 2] First unseen message
* OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Work \*)] Flags permitted
* OK [UIDVALIDITY 77] UIDs valid
* OK [UIDNEXT 4] Predicted next UID
* OK [HIGHESTMODSEQ 5] Highest
OK [READ-WRITE] Mailbox opened`)
	c.has("EXAMINE INBOX", "* OK [CLOSED]", "PERMANENTFLAGS ()", "OK [READ-ONLY]", "* 0 RECENT")
	c.want("SELECT nowhere", "* OK [CLOSED] Previous mailbox closed\nNO [NONEXISTENT] No such mailbox")
	c.want("CHECK", "BAD No mailbox is selected")
	m.SetReadOnly(true)
	c.has("SELECT INBOX", "OK [READ-ONLY]")
	c.has("STORE 1 FLAGS ()", "NO ")
	c.want("UNSELECT", "OK UNSELECT completed")
}

func TestMailboxes(t *testing.T) {
	s := New(t, nil)
	c := login(t, s)
	c.has("CREATE a/b", "OK [MAILBOXID (F")
	c.has("CREATE a/b", "NO [ALREADYEXISTS]")
	c.has("CREATE &AOQ-", "OK")
	c.has("CREATE Sent (USE (\\Sent))", "OK")
	c.has("CREATE Odd (USE (\\Odd))", "NO [USEATTR]")
	if s.User("user").find("ä") == nil {
		t.Error("name was not decoded")
	}
	c.want(`LIST "" *`, `* LIST (\HasNoChildren) "/" INBOX
* LIST (\HasNoChildren \Sent) "/" Sent
* LIST (\HasChildren) "/" a
* LIST (\HasNoChildren) "/" a/b
* LIST (\HasNoChildren) "/" &AOQ-
OK LIST completed`)
	c.want(`LIST "" %`, `* LIST (\HasNoChildren) "/" INBOX
* LIST (\HasNoChildren \Sent) "/" Sent
* LIST (\HasChildren) "/" a
* LIST (\HasNoChildren) "/" &AOQ-
OK LIST completed`)
	c.want(`LIST "a/" %`, "* LIST (\\HasNoChildren) \"/\" a/b\nOK LIST completed")
	c.want(`LIST "" ""`, "* LIST (\\Noselect) \"/\" \"\"\nOK LIST completed")
	c.want("DELETE a", "OK DELETE completed")
	c.want(`LIST "" a`, "* LIST (\\Noselect \\HasChildren) \"/\" a\nOK LIST completed")
	c.has("SELECT a", "NO ")
	c.has("DELETE a", "NO [HASCHILDREN]")
	c.has("DELETE INBOX", "NO ")
	c.want("RENAME a x y", "BAD Syntax error: unexpected text after the command")
	c.want(`RENAME a "x y"`, "OK RENAME completed")
	c.want(`LIST "" x*`, "* LIST (\\Noselect \\HasChildren) \"/\" \"x y\"\n* LIST (\\HasNoChildren) \"/\" \"x y/b\"\nOK LIST completed")
	c.has("CREATE &bad", "BAD ")
	c.has("RENAME INBOX old", "OK")
	c.has(`LIST "" (INBOX old)`, "INBOX", "old")
}

func TestExtendedList(t *testing.T) {
	s := New(t, nil)
	u := s.User("user")
	fill(u.Mailbox("a/b"), 2)
	u.SetSpecialUse("Trash", `\Trash`)
	c := login(t, s)
	c.want("SUBSCRIBE a/b", "OK SUBSCRIBE completed")
	c.has("SUBSCRIBE nothing", "NO ")
	c.want(`LSUB "" *`, "* LSUB () \"/\" a/b\nOK LSUB completed")
	c.want(`LIST (SUBSCRIBED) "" *`, "* LIST (\\HasNoChildren \\Subscribed) \"/\" a/b\nOK LIST completed")
	c.want(`LIST (SUBSCRIBED RECURSIVEMATCH) "" %`,
		"* LIST (\\HasChildren) \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))\nOK LIST completed")
	c.want(`LIST (SPECIAL-USE) "" * RETURN ()`, "* LIST (\\Trash) \"/\" Trash\nOK LIST completed")
	c.want(`LIST "" a/% RETURN (CHILDREN SUBSCRIBED STATUS (MESSAGES UIDNEXT SIZE))`,
		"* LIST (\\HasNoChildren \\Subscribed) \"/\" a/b\n* STATUS a/b (MESSAGES 2 UIDNEXT 3 SIZE 102)\nOK LIST completed")
	c.has(`LIST (RECURSIVEMATCH) "" %`, "BAD ")
	c.want("UNSUBSCRIBE a/b", "OK UNSUBSCRIBE completed")
	c.want("NAMESPACE", "* NAMESPACE ((\"\" \"/\")) NIL NIL\nOK NAMESPACE completed")
}

func TestStatus(t *testing.T) {
	s := New(t, nil)
	fill(s.User("user").Mailbox("x"), 2)
	c := login(t, s)
	c.has("STATUS x (MESSAGES RECENT UIDNEXT UNSEEN HIGHESTMODSEQ DELETED)",
		"* STATUS x (MESSAGES 2 RECENT 2 UIDNEXT 3 UNSEEN 2 HIGHESTMODSEQ 3 DELETED 0)")
	c.has("STATUS x (NONSENSE)", "BAD ")
	c.has("STATUS y (MESSAGES)", "NO ")
}

func TestAppend(t *testing.T) {
	s := New(t, &Options{NoCaps: []string{"OBJECTID"}})
	m := s.User("user").Mailbox("INBOX")
	m.SetUIDValidity(9)
	c := login(t, s)
	c.want("APPEND INBOX (\\Seen $a) \" 4-Mar-2026 05:06:07 +0100\" {9+}\r\nA: b\r\n\r\nc", "OK [APPENDUID 9 1] APPEND completed")
	c.want("APPEND INBOX {1+}\r\nx (\\Draft) {1+}\r\ny", "OK [APPENDUID 9 2:3] APPEND completed")
	c.want("APPEND nowhere {1+}\r\nx", "NO [TRYCREATE] No such mailbox")
	c.has("APPEND INBOX {0+}\r\n", "BAD ")
	c.has("APPEND INBOX", "BAD ")
	list := m.Messages()
	if len(list) != 3 || string(list[0].Raw) != "A: b\r\n\r\nc" || !list[0].Date.Equal(testDate) ||
		strings.Join(list[0].Flags, " ") != `\Seen $a` || string(list[2].Raw) != "y" {
		t.Errorf("%+v", list)
	}
}

func TestCopyMoveExpunge(t *testing.T) {
	s := New(t, nil)
	u := s.User("user")
	fill(u.Mailbox("INBOX"), 5)
	u.Mailbox("x").SetUIDValidity(5)
	c := login(t, s)
	c.cmd("SELECT INBOX")
	c.want("COPY 1:2 x", "OK [COPYUID 5 1:2 1:2] COPY completed")
	c.want("UID COPY 99 x", "OK COPY completed")
	c.want("COPY 1 y", "NO [TRYCREATE] No such mailbox")
	c.want("COPY 9 x", "BAD Sequence number out of range")
	c.want("MOVE 2 x", "* OK [COPYUID 5 2 3] Moved\n* 2 EXPUNGE\nOK MOVE completed")
	c.want("STORE 1,3 +FLAGS.SILENT (\\Deleted)", "OK STORE completed")
	c.want("UID EXPUNGE 4:*", "* 3 EXPUNGE\nOK UID EXPUNGE completed")
	c.want("EXPUNGE", "* 1 EXPUNGE\nOK EXPUNGE completed")
	c.want("STORE * FLAGS \\Deleted", "* 2 FETCH (FLAGS (\\Deleted \\Recent))\nOK STORE completed")
	c.want("CLOSE", "OK CLOSE completed")
	if n := len(u.Mailbox("INBOX").Messages()); n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestUpdates(t *testing.T) {
	s := New(t, nil)
	m := s.User("user").Mailbox("INBOX")
	fill(m, 3)
	a, b := login(t, s), login(t, s)
	a.cmd("SELECT INBOX")
	b.cmd("SELECT INBOX")
	b.cmd("STORE 1 +FLAGS.SILENT (\\Deleted)")
	b.cmd("EXPUNGE")
	// Sequence numbers must not change during a command that uses them.
	a.want("FETCH 1 UID", "* 1 FETCH (UID 1)\nOK FETCH completed")
	a.has("STORE 1 +FLAGS (\\Seen)", "NO [EXPUNGEISSUED]")
	a.want("UID FETCH 3 FLAGS", "* 3 FETCH (UID 3 FLAGS (\\Recent))\n* 1 EXPUNGE\nOK UID FETCH completed")
	m.Append([]byte("x"), nil, time.Time{})
	m.SetFlags(2, `\Flagged`)
	a.want("NOOP", "* 3 EXISTS\n* 3 RECENT\n* 1 FETCH (FLAGS (\\Flagged \\Recent))\nOK NOOP completed")
	a.want("NOOP", "OK NOOP completed")
}

func TestIdle(t *testing.T) {
	s := New(t, nil)
	m := s.User("user").Mailbox("INBOX")
	fill(m, 1)
	c := login(t, s)
	c.cmd("SELECT INBOX")
	c.send("i IDLE\r\n")
	expect := func(want string) {
		t.Helper()
		if got := c.line(); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	expect("+ idling")
	m.SetFlags(1, `\Seen`)
	expect(`* 1 FETCH (FLAGS (\Seen \Recent))`)
	m.Expunge(1)
	expect("* 1 EXPUNGE")
	fill(m, 1)
	expect("* 1 EXISTS")
	expect("* 1 RECENT")
	c.send("DONE\r\n")
	expect("i OK IDLE completed")
	c.send("j IDLE\r\n")
	c.line()
	c.send("nonsense\r\n")
	expect("j BAD Expected DONE")
}
