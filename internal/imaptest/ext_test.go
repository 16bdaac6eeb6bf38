package imaptest

import (
	"bufio"
	"compress/flate"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// deflated is a connection after COMPRESS.
type deflated struct {
	net.Conn
	r io.Reader
	w *flate.Writer
}

func (d *deflated) Read(p []byte) (int, error) { return d.r.Read(p) }

func (d *deflated) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	if err != nil {
		return n, err
	}
	return n, d.w.Flush()
}

func TestCompress(t *testing.T) {
	c := login(t, New(t, nil))
	c.want("COMPRESS DEFLATE", "OK DEFLATE active")
	w, err := flate.NewWriter(c.conn, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	d := &deflated{c.conn, flate.NewReader(c.br), w}
	c = &client{t: t, conn: d, br: bufio.NewReader(d)}
	c.has("COMPRESS DEFLATE", "NO [COMPRESSIONACTIVE]")
	if got := c.cmd("CAPABILITY"); strings.Contains(got, "COMPRESS") {
		t.Error(got)
	}
	c.has("SELECT INBOX", "OK [READ-WRITE]")
	c.cmd("LOGOUT")
}

func TestUnauthenticate(t *testing.T) {
	c := login(t, New(t, nil))
	c.cmd("SELECT INBOX")
	c.has("ENABLE CONDSTORE", "BAD ")
	c.want("UNAUTHENTICATE", "OK UNAUTHENTICATE completed")
	c.has("NOOP", "OK ")
	c.has("SELECT INBOX", "BAD ")
	c.has("LOGIN user password", "OK ")
}

func TestUTF8(t *testing.T) {
	c := login(t, New(t, nil))
	c.has(`CREATE "Entwürfe"`, "BAD ")
	c.want("ENABLE UTF8=ACCEPT", "* ENABLED UTF8=ACCEPT\nOK ENABLE completed")
	c.has(`CREATE "Entwürfe"`, "OK ")
	c.has(`LIST "" E*`, `"/" "Entwürfe"`)
	c.has("APPEND \"Entwürfe\" UTF8 (~{15+}\r\nSubject: ä\r\n\r\n)", "OK [APPENDUID")
	c.has("CREATE {3+}\r\na\r\n", "BAD ")
	c.cmd(`SELECT "Entwürfe"`)
	c.has("FETCH 1 ENVELOPE", `"ä"`)
	c.has("FETCH 1 (EMAILID THREADID SAVEDATE)", "EMAILID (M", "THREADID NIL", "SAVEDATE \"")
	c.has("STATUS INBOX (MAILBOXID APPENDLIMIT)", "MAILBOXID (F", "APPENDLIMIT 67108864")
}

func TestQuota(t *testing.T) {
	s := New(t, nil)
	fill(s.User("user").Mailbox("INBOX"), 2)
	c := login(t, s)
	c.want("GETQUOTAROOT INBOX", "* QUOTAROOT INBOX \"\"\n* QUOTA \"\" (STORAGE 1 1048576)\nOK GETQUOTAROOT completed")
	c.want(`SETQUOTA "" (STORAGE 10 MESSAGE 2)`, "* QUOTA \"\" (MESSAGE 2 2 STORAGE 1 10)\nOK SETQUOTA completed")
	c.want("APPEND INBOX {1+}\r\nx", "NO [OVERQUOTA] Quota exceeded")
	c.has(`SETQUOTA "" (X 1)`, "NO ")
	c.want(`SETQUOTA "" ()`, "* QUOTA \"\" ()\nOK SETQUOTA completed")
	c.has("APPEND INBOX {1+}\r\nx", "OK ")
	c.has("GETQUOTA other", "NO ")
}

func TestACL(t *testing.T) {
	c := login(t, New(t, nil))
	c.want("MYRIGHTS INBOX", "* MYRIGHTS INBOX lrswipkxtea\nOK MYRIGHTS completed")
	c.want("SETACL INBOX bob rl", "OK SETACL completed")
	c.want("SETACL INBOX bob +s", "OK SETACL completed")
	c.want("SETACL INBOX bob -l", "OK SETACL completed")
	c.want("GETACL INBOX", "* ACL INBOX \"bob\" rs \"user\" lrswipkxtea\nOK GETACL completed")
	c.want("LISTRIGHTS INBOX user", "* LISTRIGHTS INBOX \"user\" la r s w i p k x t e\nOK LISTRIGHTS completed")
	c.want("LISTRIGHTS INBOX bob", "* LISTRIGHTS INBOX \"bob\" \"\" l r s w i p k x t e a\nOK LISTRIGHTS completed")
	c.want("DELETEACL INBOX bob", "OK DELETEACL completed")
	c.want("GETACL INBOX", "* ACL INBOX \"user\" lrswipkxtea\nOK GETACL completed")
	c.has("SETACL INBOX bob z", "BAD ")
	c.has("GETACL none", "NO ")
}

func TestMetadata(t *testing.T) {
	c := login(t, New(t, nil))
	c.want("SETMETADATA INBOX (/private/comment \"one\" /private/a/b {5+}\r\nt\r\nwo)", "OK SETMETADATA completed")
	c.want("GETMETADATA INBOX /PRIVATE/Comment", "* METADATA INBOX (/private/comment \"one\")\nOK GETMETADATA completed")
	c.want("GETMETADATA (DEPTH infinity) INBOX (/private)",
		"* METADATA INBOX (/private/a/b {5}\r\nt\r\nwo /private/comment \"one\")\nOK GETMETADATA completed")
	c.want("GETMETADATA (MAXSIZE 3 DEPTH 1) INBOX /private/a", "OK [METADATA LONGENTRIES 5] GETMETADATA completed")
	c.want("SETMETADATA INBOX (/private/comment NIL)", "OK SETMETADATA completed")
	c.want("GETMETADATA INBOX /private/comment", "OK GETMETADATA completed")
	c.want(`SETMETADATA "" (/shared/admin "x")`, "OK SETMETADATA completed")
	c.want(`GETMETADATA "" /shared/admin`, "* METADATA \"\" (/shared/admin \"x\")\nOK GETMETADATA completed")
	c.has("SETMETADATA INBOX (comment x)", "BAD ")
	c.has("SETMETADATA none (/private/x \"\")", "NO ")
}

func sortClient(t *testing.T) *client {
	t.Helper()
	s := New(t, nil)
	m := s.User("user").Mailbox("INBOX")
	for i, h := range []string{
		"Subject: Re: [list] b\r\nFrom: z@x\r\nMessage-ID: <1>\r\n",
		"Subject: a\r\nFrom: y@x\r\nMessage-ID: <2>\r\nReferences: <gone>\r\n",
		"Subject: b (fwd)\r\nFrom: x@x\r\nMessage-ID: <3>\r\nReferences: <1>\r\n",
		"Subject: c\r\nMessage-ID: <4>\r\nReferences: <1> <3>\r\n",
		"Subject: [Fwd: a]\r\nMessage-ID: <5>\r\nIn-Reply-To: <1>\r\n",
		"Subject: d\r\nMessage-ID: <6>\r\nReferences: <gone> <gone2>\r\n",
		"Subject: e\r\nMessage-ID: <7>\r\nReferences: <7>\r\n",
	} {
		date := testDate.AddDate(0, 0, i).Format("2 Jan 2006 15:04:05 -0700")
		m.Append(fmt.Appendf(nil, "%sDate: %s\r\n\r\n%s", h, date, strings.Repeat("x", 100*(9-i))), nil, testDate.AddDate(0, -i, 0))
	}
	c := login(t, s)
	c.cmd("SELECT INBOX")
	return c
}

func TestSort(t *testing.T) {
	c := sortClient(t)
	for args, want := range map[string]string{
		"(DATE) UTF-8 ALL":                 " 1 2 3 4 5 6 7",
		"(REVERSE ARRIVAL) UTF-8 1:3":      " 1 2 3",
		"(SIZE) US-ASCII ALL":              " 7 6 5 4 3 2 1",
		"(SUBJECT REVERSE DATE) UTF-8 ALL": " 5 2 3 1 4 6 7",
		"(FROM DATE) UTF-8 1:3":            " 3 2 1",
		"(CC) UTF-8 SUBJECT none":          "",
	} {
		c.want("SORT "+args, "* SORT"+want+"\nOK SORT completed")
	}
	c.has("UID SORT RETURN (MIN MAX COUNT ALL) (SIZE) UTF-8 1:3", "UID MIN 3 MAX 1 COUNT 3 ALL 3,2,1\n")
	c.has("SORT (SIZE) KOI8-R ALL", "NO [BADCHARSET")
	c.has("SORT (X) UTF-8 ALL", "BAD ")
	c.has("SORT () UTF-8 ALL", "BAD ")
}

func TestThread(t *testing.T) {
	c := sortClient(t)
	c.want("THREAD REFERENCES UTF-8 ALL", "* THREAD (1 (3 4)(5))((2)(6))(7)\nOK THREAD completed")
	c.want("UID THREAD ORDEREDSUBJECT UTF-8 1:5", "* THREAD (1 3)(2 5)(4)\nOK UID THREAD completed")
	c.want("THREAD REFERENCES UTF-8 SUBJECT none", "* THREAD\nOK THREAD completed")
	c.has("THREAD X UTF-8 ALL", "BAD ")
}

func TestCRAMMD5(t *testing.T) {
	srv := New(t, &Options{CRAMMD5: true})
	c := newClient(t, srv.Dial())
	if got := c.cmd("CAPABILITY"); !strings.Contains(got, "AUTH=CRAM-MD5") {
		t.Error(got)
	}
	c.has("AUTHENTICATE CRAM-MD5 =", "NO ")
	s := &session{srv: srv, id: 7, tag: "a1"}
	for answer, want := range map[string]string{
		"user 2f1d7a5f1b7a2b3c4d5e6f708192a3b4":           "",
		"other " + cramMD5("password", s.cramChallenge()): "",
		"user " + cramMD5("password", s.cramChallenge()):  "password",
	} {
		_, got, err := s.checkCRAMMD5(answer)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", answer, got, err)
		}
	}
	if got := cramMD5("tanstaaftanstaaf", "<1896.697170952@postoffice.reston.mci.net>"); got != "b913a602c7eda7a495b4e6e7334d3890" {
		t.Error("not what RFC 2195 has:", got)
	}
	newClient(t, New(t, nil).Dial()).has("AUTHENTICATE CRAM-MD5", "NO ")
}

func TestProxyAuth(t *testing.T) {
	srv := New(t, &Options{Admins: []string{"user"}, Users: map[string]string{"user": "password", "bob": "b", "eve": "e"}})
	fill(srv.User("bob").Mailbox("INBOX"), 3)
	c := login(t, srv)
	c.has("PROXYAUTH nobody", "NO [AUTHORIZATIONFAILED]")
	c.has("SELECT INBOX", "* 0 EXISTS")
	c.has("PROXYAUTH bob", "BAD ")
	c.has("UNSELECT", "OK ")
	c.has("PROXYAUTH bob", "OK ")
	c.has("STATUS INBOX (MESSAGES)", "MESSAGES 3")
	c.has("PROXYAUTH eve", "OK ")
	c.has("STATUS INBOX (MESSAGES)", "MESSAGES 0")
	c.has("UNAUTHENTICATE", "OK ")
	c.has("LOGIN bob b", "OK ")
	c.has("PROXYAUTH user", "NO [AUTHORIZATIONFAILED]")
	login(t, New(t, nil)).has("PROXYAUTH user", "BAD ")
}
