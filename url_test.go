package imap_test

import (
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// urls are the URLs of RFC 5092 section 9, RFC 4467, RFC 4469, RFC 2193 and RFC 2221, and others of their forms.
var urls = []struct {
	text string
	url  imap.URL
	same bool // String writes it so again
}{
	{"imap://minbari.example.org/gray-council;UIDVALIDITY=385759045/;UID=20/;PARTIAL=0.1024",
		imap.URL{Host: "minbari.example.org", Mailbox: "gray-council", UIDValidity: 385759045, UID: 20, Partial: &imap.URLPartial{Length: 1024}}, true},
	{"imap://psicorp.example.org/~peter/%E6%97%A5%E6%9C%AC%E8%AA%9E/%E5%8F%B0%E5%8C%97",
		imap.URL{Host: "psicorp.example.org", Mailbox: "~peter/日本語/台北"}, true},
	{"imap://;AUTH=GSSAPI@minbari.example.org/gray-council/;uid=20/;section=1.2",
		imap.URL{Host: "minbari.example.org", Auth: "GSSAPI", Mailbox: "gray-council", UID: 20, Section: "1.2"}, false},
	{"imap://;AUTH=*@minbari.example.org/gray%20council?SUBJECT%20shadows",
		imap.URL{Host: "minbari.example.org", Auth: "*", Mailbox: "gray council", Search: "SUBJECT shadows"}, true},
	{"imap://john;AUTH=*@minbari.example.org/babylon5/personel?charset%20UTF-8%20SUBJECT%20%7B14+%7D%0D%0A%D0%98%D0%B2%D0%B0",
		imap.URL{User: "john", Host: "minbari.example.org", Auth: "*", Mailbox: "babylon5/personel",
			Search: "charset UTF-8 SUBJECT {14+}\r\nИва"}, true},
	{"imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred:internal:91354a473744909de610943775f92038",
		imap.URL{User: "joe", Host: "example.com", Mailbox: "INBOX", UID: 20, Section: "1.2", Access: "submit+fred", Mechanism: "internal",
			Token: "91354a473744909de610943775f92038"}, false},
	{"imap://joe@example.com/INBOX/;UID=20/;SECTION=1.2;EXPIRE=2006-12-19T16:39:57-08:00;URLAUTH=user+fred",
		imap.URL{User: "joe", Host: "example.com", Mailbox: "INBOX", UID: 20, Section: "1.2", Access: "user+fred",
			Expire: time.Date(2006, 12, 19, 16, 39, 57, 0, time.FixedZone("", -8*3600))}, true},
	{"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER",
		imap.URL{Mailbox: "Drafts", UIDValidity: 385759045, UID: 20, Section: "HEADER"}, false},
	{"//foo.example/public/;UID=7", imap.URL{Host: "foo.example", Mailbox: "public", UID: 7}, false},
	{"IMAP://MIKE@SERVER2/", imap.URL{User: "MIKE", Host: "SERVER2"}, false},
	{"imap://SERVER2:1143/", imap.URL{Host: "SERVER2:1143"}, true},
	{"imap://[2001:db8::1]:143/INBOX", imap.URL{Host: "[2001:db8::1]:143", Mailbox: "INBOX"}, true},
	{"imap://user;AUTH=*@SERVER2/REMOTE", imap.URL{User: "user", Auth: "*", Host: "SERVER2", Mailbox: "REMOTE"}, true},
	{"imap://h/a%3Bb%2F%2Fc%3F%25", imap.URL{Host: "h", Mailbox: "a;b//c?%"}, false},
	{"imap://h/%2Fa/%2E%2E/b%2F/;UID=1", imap.URL{Host: "h", Mailbox: "/a/../b/", UID: 1}, true},
	{"imap://a%40b%3Ac@h/x/;UID=4294967295/;PARTIAL=9223372036854775807",
		imap.URL{User: "a@b:c", Host: "h", Mailbox: "x", UID: 4294967295, Partial: &imap.URLPartial{Offset: 9223372036854775807}}, true},
}

func TestURL(t *testing.T) {
	for _, tt := range urls {
		got, err := imap.ParseURL(tt.text)
		require.NoError(t, err, tt.text)
		if !tt.url.Expire.IsZero() {
			assert.True(t, tt.url.Expire.Equal(got.Expire))
			got.Expire = tt.url.Expire
		}
		assert.Equal(t, tt.url, *got, tt.text)
		again := got.String()
		if tt.same {
			assert.Equal(t, tt.text, again)
		}
		back, err := imap.ParseURL(again)
		require.NoError(t, err, again)
		assert.Equal(t, again, back.String())
	}
}

// TestURLRefused: what is no IMAP URL is an error, whose text holds nothing of it.
func TestURLRefused(t *testing.T) {
	for _, s := range []string{"", "/", "imap:", "imap://", "imap:///x", "http://h/x", "INBOX/;UID=1", ";UID=1", "imap://h/;UID=1", "imap://h/a/;UID=0",
		"imap://h/a/;UID=4294967296", "imap://h/a/;UID=", "imap://h/a/;UID=-1", "imap://h/a/;UID=+1", "imap://h/a/;UID=1/;SECTION=", "imap://h/a/;UID=1/;SECTION=1/;PARTIAL=",
		"imap://h/a/;UID=1/;PARTIAL=1.0", "imap://h/a/;UID=1/;PARTIAL=.5", "imap://h/a/;UID=1/;PARTIAL=1.+5", "imap://h/a;UIDVALIDITY=0", "imap://h/a;UIDVALIDITY=x",
		"imap://h/a;TYPE=LIST", "imap://h/a?", "imap://h/a/;UID=1?ALL", "imap://h/a b", "imap://h/a%", "imap://h/a%0", "imap://h/a%0g", "imap://h/a%00", "imap://h/%ff",
		"imap://h/ä", "imap://h/a\r\n", "imap://@h/a", "imap://u;AUTH=@h/a", "imap://u@/a", "imap://h/a/;UID=1;URLAUTH=", "imap://h/a/;UID=1;URLAUTH=user+",
		"imap://h/a/;UID=1;URLAUTH=+x", "imap://h/a/;UID=1;URLAUTH=anonymous:INTERNAL", "imap://h/a/;UID=1;URLAUTH=anonymous:INTERNAL:xyz",
		"imap://h/a/;UID=1;URLAUTH=anonymous::00", "imap://h/a/;UID=1;EXPIRE=2006-12-19T16:39:57Z", "imap://h/a/;UID=1;EXPIRE=x;URLAUTH=anonymous",
		"imap://h/a/;UID=1;URLAUTH=anonymous;EXPIRE=2006-12-19T16:39:57Z", "imap://h/a/;UID=1/;X=1", "imap://h#x/a", "imap://h/a/;PARTIAL=1/;UID=1"} {
		u, err := imap.ParseURL(s)
		assert.EqualError(t, err, "imap: not an IMAP URL", s)
		assert.Nil(t, u, s)
	}
}

// FuzzURL: what is read is written so that it is read as the same.
func FuzzURL(f *testing.F) {
	for _, tt := range urls {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := imap.ParseURL(s)
		if err != nil {
			return
		}
		text := u.String()
		again, err := imap.ParseURL(text)
		require.NoError(t, err, "%q -> %q", s, text)
		assert.True(t, u.Expire.Equal(again.Expire))
		again.Expire = u.Expire
		assert.Equal(t, u, again, "%q -> %q", s, text)
	})
}
