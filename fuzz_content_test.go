package imap_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-imaplib/imap"
)

// FuzzHeaderValues reads header values of any kind: nothing panics, and nothing comes out that was not in.
func FuzzHeaderValues(f *testing.F) {
	for _, s := range []string{
		"", "Re: [list] Lunch (fwd)", "[Fwd: [x] y]", `"Lovelace, Ada" <ada@example.org>, b@c (d)`, "Team: a@b, c@d;", "<@a,@b:c@d>", `"\`, "(((", "=?utf-8?q?a?= <a@b>",
		"Re: Re[2]: Fwd : [a] [b]", "İİİ", "re\u0130: x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		base := imap.BaseSubject(s)
		if len(base) > len(s) {
			t.Fatalf("%q became %q", s, base)
		}
		if again := imap.BaseSubject(base); len(again) > len(base) {
			t.Fatalf("%q became %q", base, again)
		}
		for _, a := range imap.ParseAddressList(s) {
			if a.Mailbox == "" && a.Host == "" || len(a.Mailbox)+len(a.Host) > len(s) {
				t.Fatalf("%q gave %+v", s, a)
			}
		}
		if l := imap.LiteralText([]byte(s)); l.Size < int64(len(s)) || l.Size > int64(2*len(s)+2) {
			t.Fatalf("%q has %d bytes", s, l.Size)
		}
		m := &imap.Message{UID: 1, Envelope: &imap.Envelope{Subject: s, MessageID: s, InReplyTo: s}}
		if _, err := imap.ThreadMessages[imap.UID]([]*imap.Message{m, m, m}, "REFERENCES"); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzDecodeText decodes parts of text: what comes out is UTF-8 whatever went in, and long input gives no more than its share.
func FuzzDecodeText(f *testing.F) {
	f.Add("base64", "utf-8", "aGVsbG8=")
	f.Add("quoted-printable", "iso-2022-jp", "=1B$B$3=1B(B")
	f.Add("8bit", "", "caf\xe9")
	f.Add("x-uuencode", "utf-7", "begin 644 a\n#86)C\nend\n")
	f.Fuzz(func(t *testing.T, encoding, charset, in string) {
		part := &imap.BodyStructure{Type: "text", Subtype: "plain", Encoding: encoding, Params: []imap.Param{{Name: "charset", Value: charset}}}
		var out strings.Builder
		buf := make([]byte, 7)
		r := part.DecodeText(strings.NewReader(in))
		for {
			n, err := r.Read(buf)
			out.Write(buf[:n])
			if err != nil {
				break
			}
		}
		if !utf8.ValidString(out.String()) {
			t.Fatalf("%q in %s and %s gave %q", in, encoding, charset, out.String())
		}
		if out.Len() > 8*len(in)+64 {
			t.Fatalf("%d bytes of %d", out.Len(), len(in))
		}
	})
}
