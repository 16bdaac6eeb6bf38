package imaptest

import (
	"testing"
	"time"
)

func TestPartialAndFuzzy(t *testing.T) {
	srv := New(t, nil)
	box := srv.User("user").Mailbox("INBOX")
	for _, from := range []string{"Zoe <a@x>", "b@x", "Abe <c@x>"} {
		box.Append([]byte("From: "+from+"\r\n\r\nx\r\n"), nil, time.Now())
	}
	c := login(t, srv)
	c.cmd("SELECT INBOX")
	c.has("UID SEARCH RETURN (PARTIAL 2:9) ALL", " UID PARTIAL (2:9 2:3)\n")
	c.has("SEARCH RETURN (COUNT PARTIAL -1:-1) ALL", " COUNT 3 PARTIAL (-1:-1 3)\n")
	c.has("SEARCH RETURN (PARTIAL -9:-4) ALL", " PARTIAL (-4:-9 NIL)\n")
	c.has("SEARCH RETURN (PARTIAL 0:4) ALL", "BAD ")
	c.has("SEARCH RETURN (ALL PARTIAL 1:4) ALL", "BAD ")
	c.has("SEARCH RETURN (SAVE PARTIAL 1:1 MAX) ALL", " PARTIAL (1:1 1) MAX 3\n")
	c.has("SEARCH $", "* SEARCH 1 3\n")
	c.has("UID FETCH 1:* (UID) (PARTIAL -1:-1)", "* 3 FETCH (UID 3)\nOK ")
	c.has("FETCH 1:* (UID) (PARTIAL 1:1)", "BAD ")
	c.has("SORT (DISPLAYFROM) UTF-8 ALL", "* SORT 3 2 1\n")
	c.has("SEARCH RETURN (ALL RELEVANCY) FUZZY TEXT x", " ALL 1:3 RELEVANCY (100 100 100)\n")
	c.has("LIST \"\" INBOX RETURN (MYRIGHTS METADATA (/private/comment))", "* METADATA INBOX (/private/comment NIL)\n")

	c = login(t, New(t, &Options{NoCaps: []string{"PARTIAL", "SEARCH=FUZZY", "SORT=DISPLAY", "LIST-MYRIGHTS", "LIST-METADATA"}}))
	c.cmd("SELECT INBOX")
	for _, command := range []string{
		"SEARCH RETURN (PARTIAL 1:1) ALL", "UID FETCH 1:* (UID) (PARTIAL 1:1)", "SORT (DISPLAYTO) UTF-8 ALL", "SEARCH FUZZY TEXT x",
		`LIST "" * RETURN (MYRIGHTS)`, `LIST "" * RETURN (METADATA (/private/comment))`,
	} {
		c.has(command, "BAD ")
	}
}
