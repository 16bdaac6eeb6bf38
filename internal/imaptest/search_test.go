package imaptest

import (
	"testing"
	"time"
)

func searchClient(t *testing.T) *client {
	t.Helper()
	s := New(t, nil)
	m := s.User("user").Mailbox("INBOX")
	m.Append([]byte(mixed), []string{`\Seen`, "work"}, testDate)
	m.Append([]byte("From: x@example.org\r\nTo: y@example.org\r\nSubject: plain\r\nDate: Mon, 1 Jun 2026 00:00:00 +0000\r\n\r\nsmall\r\n"),
		[]string{`\Flagged`}, testDate.AddDate(0, 1, 0))
	m.Append([]byte("Subject: third\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nf=FCnf\r\n"),
		nil, time.Now())
	m.Expunge(m.Append([]byte("x"), nil, testDate))
	m.Append([]byte("Subject: last\r\n\r\nend\r\n"), []string{`\Deleted`}, testDate)
	c := login(t, s)
	c.cmd("SELECT INBOX")
	return c
}

func TestSearchKeys(t *testing.T) {
	c := searchClient(t)
	for key, want := range map[string]string{
		"ALL":                              " 1 2 3 4",
		"SEEN":                             " 1",
		"UNSEEN UNDELETED":                 " 2 3",
		"KEYWORD Work":                     " 1",
		"UNKEYWORD work":                   " 2 3 4",
		"OR FLAGGED DELETED":               " 2 4",
		"NOT (OR FLAGGED DELETED)":         " 1 3",
		"NEW":                              " 2 3 4",
		"OLD":                              "",
		"2:3,*":                            " 2 3 4",
		"UID 3:5":                          " 3 4",
		"UID 9:*":                          " 4",
		"FROM x@":                          " 2",
		"TO TEAM":                          " 1",
		"SUBJECT \"e folded\"":             " 1",
		"HEADER Subject \"\"":              " 1 2 3 4",
		"HEADER Date \"\"":                 " 1 2",
		"BODY small":                       " 2",
		"BODY plain":                       "",
		"TEXT plain":                       " 2 3",
		"BODY inner":                       " 1",
		"LARGER 500":                       " 1",
		"SMALLER 30":                       " 4",
		"BEFORE 4-Apr-2026":                " 1 4",
		"ON 4-Mar-2026":                    " 1 4",
		"SINCE \"4-Apr-2026\" FLAGGED":     " 2",
		"SENTSINCE 1-Jun-2026":             " 2",
		"SENTBEFORE 1-Jun-2026":            " 1",
		"SENTON 4-Mar-2026":                " 1",
		"YOUNGER 3600":                     " 3",
		"CHARSET UTF-8 BODY {6+}\r\ngrüss": "",
		"CHARSET UTF-8 BODY {7+}\r\nGRÜßE": " 1",
		"CHARSET utf-8 SUBJECT {4+}\r\nüß": " 1",
		"BODY {5+}\r\nfünf":                " 3",
	} {
		if got := c.cmd("SEARCH %s", key); got != "* SEARCH"+want+"\nOK SEARCH completed" {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	c.want("UID SEARCH 3:4", "* SEARCH 3 5\nOK UID SEARCH completed")
	c.want("SEARCH CHARSET KOI8-R ALL", "NO [BADCHARSET (US-ASCII UTF-8)] Unknown charset")
	for _, key := range []string{"", "NONSENSE", "OR SEEN", "BEFORE yesterday", "(SEEN", "SEEN)", "9", "ALL ", "LARGER x"} {
		c.has("SEARCH "+key, "BAD ")
	}
}

func TestExtendedSearch(t *testing.T) {
	c := searchClient(t)
	c.send("e UID SEARCH RETURN (MIN MAX COUNT ALL) ALL\r\n")
	if got := c.finish("e"); got != "* ESEARCH (TAG \"e\") UID MIN 1 MAX 5 COUNT 4 ALL 1:3,5\nOK UID SEARCH completed" {
		t.Error(got)
	}
	c.send("e SEARCH RETURN (COUNT MIN) ANSWERED\r\n")
	if got := c.finish("e"); got != "* ESEARCH (TAG \"e\") COUNT 0\nOK SEARCH completed" {
		t.Error(got)
	}
	c.want("SEARCH RETURN (SAVE) UNSEEN", "OK SEARCH completed")
	c.want("UID FETCH $ UID", "* 2 FETCH (UID 2)\n* 3 FETCH (UID 3)\n* 4 FETCH (UID 5)\nOK UID FETCH completed")
	c.want("SEARCH $ FLAGGED", "* SEARCH 2\nOK SEARCH completed")
	c.has("SEARCH RETURN (SAVE MAX) ALL", "MAX 4")
	c.want("FETCH $ UID", "* 4 FETCH (UID 5)\nOK FETCH completed")
	c.want("EXPUNGE", "* 4 EXPUNGE\nOK EXPUNGE completed")
	c.want("FETCH $ UID", "OK FETCH completed")
}
