package imap

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-imaplib/imap/internal/ascii"
)

// URL is an IMAP URL (RFC 5092) of a server, a mailbox, the result of a search, a message, or a part of one. Names and text
// are decoded; a zero value means that the URL does not contain the component. The fields for a message are Mailbox,
// UIDValidity, UID, Section and Partial, those for an authorization (RFC 4467) Expire, Access, Mechanism and Token.
type URL struct {
	User string // the user to log in as
	Auth string // the SASL mechanism to log in with; "*" for any
	Host string // "mail.example.org" or "mail.example.org:143"; "" in a URL that is relative to a server

	Mailbox     string // UTF-8
	UIDValidity uint32
	Search      string // the criteria of SEARCH in wire syntax; instead of a UID
	UID         UID
	Section     string // the text in the brackets of BODY[…]
	Partial     *URLPartial

	Expire    time.Time // when the authorization ends; zero: never
	Access    string    // the users that may use it: "anonymous", "authuser", "user+ada", "submit+ada"
	Mechanism string    // "INTERNAL"; "" in a URL that is not authorized yet
	Token     string    // the hexadecimal digits that authorize
}

// URLPartial is a range of bytes in a URL. With Length 0 it extends to the end.
type URLPartial struct{ Offset, Length uint64 }

// errURL reports an invalid IMAP URL. The text never contains the URL, which may contain a token.
var errURL = errors.New("imap: not an IMAP URL")

// ParseURL parses an IMAP URL: an absolute one, "imap://ada@mail.example.org/INBOX/;UID=20", or one that is relative to a
// server, "/INBOX/;UID=20". Other relative forms are errors, as RFC 5092 section 7.2 requires.
func ParseURL(s string) (*URL, error) {
	u := new(URL)
	if !u.parse(s) {
		return nil, errURL
	}
	return u, nil
}

func (u *URL) parse(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	server, hasServer := cutPrefixFold(s, "imap:")
	if !hasServer {
		server = s
	}
	if server, ok := strings.CutPrefix(server, "//"); ok {
		i := strings.IndexByte(server, '/')
		if i < 0 {
			return u.parseServer(server)
		}
		return u.parseServer(server[:i]) && (i+1 == len(server) || u.parsePath(server[i+1:]))
	}
	if hasServer || len(s) < 2 || s[0] != '/' {
		return false
	}
	return u.parsePath(s[1:])
}

// parseServer parses [user[;AUTH=mechanism]@]host[:port].
func (u *URL) parseServer(s string) bool {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		user, auth, hasAuth := cutFold(s[:i], ";AUTH=")
		if hasAuth && auth == "" || user == "" && !hasAuth || !unescapeURL(&u.User, user) || !unescapeURL(&u.Auth, auth) {
			return false
		}
		s = s[i+1:]
	}
	u.Host = s
	return s != "" && !strings.ContainsAny(s, `;?#@"<>\^{|}%`)
}

// parsePath parses the text after the server and its slash.
func (u *URL) parsePath(s string) bool {
	path, search, searches := strings.Cut(s, "?")
	at := len(path)
	for i := strings.IndexByte(path, '/'); i >= 0; {
		if i+1 < len(path) && path[i+1] == ';' {
			at = i
			break
		}
		next := strings.IndexByte(path[i+1:], '/')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	mailbox, validity, hasValidity := cutFold(path[:at], ";UIDVALIDITY=")
	if mailbox == "" || strings.IndexByte(mailbox, ';') >= 0 || !unescapeURL(&u.Mailbox, mailbox) {
		return false
	}
	if hasValidity && !nonZero32(validity, &u.UIDValidity) {
		return false
	}
	if searches {
		return at == len(path) && search != "" && unescapeURL(&u.Search, search)
	}
	return at == len(path) || u.parseMessage(path[at:])
}

// parseMessage parses /;UID=n[/;SECTION=s][/;PARTIAL=o.n][;EXPIRE=t][;URLAUTH=…].
func (u *URL) parseMessage(s string) bool {
	var uid uint32
	value, s, ok := urlParam(s, "/;UID=")
	if !ok || !nonZero32(value, &uid) {
		return false
	}
	u.UID = UID(uid)
	if value, rest, ok := urlParam(s, "/;SECTION="); ok {
		if s = rest; value == "" || !unescapeURL(&u.Section, value) {
			return false
		}
	}
	if value, rest, ok := urlParam(s, "/;PARTIAL="); ok {
		if s = rest; !u.parsePartial(value) {
			return false
		}
	}
	return s == "" || u.parseAuth(s)
}

// urlParam cuts the parameter with the given key from the start of s. Its value ends where the next parameter begins.
func urlParam(s, key string) (value, rest string, ok bool) {
	s, ok = cutPrefixFold(s, key)
	if !ok {
		return "", s, false
	}
	i := strings.IndexByte(s, ';')
	if i < 0 {
		return s, "", true
	}
	if i > 0 && s[i-1] == '/' {
		i--
	}
	return s[:i], s[i:], true
}

func (u *URL) parsePartial(s string) bool {
	offset, length, hasLength := strings.Cut(s, ".")
	p := &URLPartial{}
	var err, err2 error
	p.Offset, err = strconv.ParseUint(offset, 10, 63)
	if hasLength {
		p.Length, err2 = strconv.ParseUint(length, 10, 63)
	}
	u.Partial = p
	return err == nil && err2 == nil && isDigits(offset) && (!hasLength || isDigits(length) && p.Length > 0)
}

// parseAuth parses [;EXPIRE=t];URLAUTH=access[:mechanism:token].
func (u *URL) parseAuth(s string) bool {
	if value, rest, ok := urlParam(s, ";EXPIRE="); ok {
		t, err := time.Parse(time.RFC3339, strings.ToUpper(value))
		if err != nil {
			return false
		}
		u.Expire, s = t, rest
	}
	value, s, ok := urlParam(s, ";URLAUTH=")
	if !ok || s != "" {
		return false
	}
	access, verifier, verified := strings.Cut(value, ":")
	if !unescapeURL(&u.Access, access) || !validAccess(u.Access) {
		return false
	}
	if !verified {
		return true
	}
	u.Mechanism, u.Token, ok = strings.Cut(verifier, ":")
	return ok && isURLMechanism(u.Mechanism) && isHexText(u.Token)
}

// validAccess reports whether s is a valid access identifier.
func validAccess(s string) bool {
	name, user, hasUser := strings.Cut(s, "+")
	if name == "" || hasUser != (user != "") {
		return false
	}
	for i := range len(name) {
		if c := ascii.Upper(name[i]); (c < 'A' || c > 'Z') && !ascii.IsDigit(c) && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

func isURLMechanism(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '.'
	})
}

func isHexText(s string) bool {
	for i := range len(s) {
		if !isHex(s[i]) {
			return false
		}
	}
	return s != ""
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func nonZero32(s string, n *uint32) bool {
	v, err := strconv.ParseUint(s, 10, 32)
	*n = uint32(v)
	return err == nil && v > 0 && isDigits(s)
}

// cutFold cuts s around the first sep, ignoring case.
func cutFold(s, sep string) (before, after string, found bool) {
	for i := 0; i+len(sep) <= len(s); i++ {
		if ascii.EqualFold(s[i:i+len(sep)], sep) {
			return s[:i], s[i+len(sep):], true
		}
	}
	return s, "", false
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !ascii.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// unescapeURL decodes percent-encoding. The result must be UTF-8 without NUL.
func unescapeURL(dst *string, s string) bool {
	if strings.IndexByte(s, '%') < 0 {
		*dst = s
		return true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
			c = unhex(s[i+1])<<4 | unhex(s[i+2])
			i += 2
		}
		if c == 0 {
			return false
		}
		b = append(b, c)
	}
	*dst = string(b)
	return utf8.Valid(b)
}

// String returns the text of the URL: an absolute one if it has a Host, else one that is relative to a server. Characters
// that a URL cannot contain are percent-encoded. A URL without Host and Mailbox is "".
func (u *URL) String() string {
	var b strings.Builder
	if u.Host != "" {
		b.WriteString("imap://")
		if u.User != "" || u.Auth != "" {
			escapeURL(&b, u.User, urlUser)
			if u.Auth != "" {
				b.WriteString(";AUTH=")
				escapeURL(&b, u.Auth, urlUser)
			}
			b.WriteByte('@')
		}
		b.WriteString(u.Host)
	}
	if u.Mailbox == "" {
		if u.Host != "" {
			b.WriteByte('/')
		}
		return b.String()
	}
	b.WriteByte('/')
	escapeMailbox(&b, u.Mailbox)
	if u.UIDValidity != 0 {
		b.WriteString(";UIDVALIDITY=" + strconv.FormatUint(uint64(u.UIDValidity), 10))
	}
	switch {
	case u.UID != 0:
		u.writeMessage(&b)
	case u.Search != "":
		b.WriteByte('?')
		escapeURL(&b, u.Search, urlPlain)
	}
	return b.String()
}

func (u *URL) writeMessage(b *strings.Builder) {
	b.WriteString("/;UID=" + strconv.FormatUint(uint64(u.UID), 10))
	if u.Section != "" {
		b.WriteString("/;SECTION=")
		escapeURL(b, u.Section, urlPlain)
	}
	if p := u.Partial; p != nil {
		b.WriteString("/;PARTIAL=" + strconv.FormatUint(p.Offset, 10))
		if p.Length > 0 {
			b.WriteString("." + strconv.FormatUint(p.Length, 10))
		}
	}
	if u.Access == "" {
		return
	}
	if !u.Expire.IsZero() {
		b.WriteString(";EXPIRE=" + u.Expire.Format(time.RFC3339))
	}
	b.WriteString(";URLAUTH=")
	escapeURL(b, u.Access, urlUser+"+")
	if u.Mechanism != "" {
		b.WriteString(":" + u.Mechanism + ":" + u.Token)
	}
}

const (
	// urlUser are the characters other than letters and digits that are not encoded in a user name.
	urlUser = "-._~!$'()*,&="
	// urlPlain are those that are not encoded in a mailbox name, a section and a search.
	urlPlain = urlUser + "+:@/"
)

// escapeMailbox writes a mailbox name. It encodes a slash at the start, at the end or after another slash, and the segments
// "." and "..", which have a different meaning in a URL.
func escapeMailbox(b *strings.Builder, name string) {
	segments := strings.Split(name, "/")
	for i, segment := range segments {
		if i > 0 {
			b.WriteString(slashBetween(segments[i-1], segment))
		}
		if segment == "." || segment == ".." {
			segment = strings.ReplaceAll(segment, ".", "%2E")
			b.WriteString(segment)
			continue
		}
		escapeURL(b, segment, urlPlain)
	}
}

func slashBetween(before, after string) string {
	if before == "" || after == "" {
		return "%2F"
	}
	return "/"
}

// escapeURL writes s, with all bytes percent-encoded that are neither letters nor digits nor in plain.
func escapeURL(b *strings.Builder, s, plain string) {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case ascii.IsDigit(c), 'A' <= ascii.Upper(c) && ascii.Upper(c) <= 'Z', strings.IndexByte(plain, c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
}

func isHex(c byte) bool { return ascii.IsDigit(c) || 'A' <= ascii.Upper(c) && ascii.Upper(c) <= 'F' }

func unhex(c byte) byte {
	if ascii.IsDigit(c) {
		return c - '0'
	}
	return ascii.Upper(c) - 'A' + 10
}
