package sasl

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// DigestMD5 returns the mechanism of imap.DigestMD5.
func DigestMD5(user, password string) Mechanism {
	return &digestMD5{mutualSASL: mutualSASL{mechanismName: "DIGEST-MD5"}, user: user, password: hide(password), host: "localhost", nonce: rand.Text}
}

type digestMD5 struct {
	mutualSASL
	user     string
	password hidden
	host     string
	nonce    func() string
	utf8Only bool // hash UTF-8, never ISO 8859-1

	latin     bool   // the hash was of ISO 8859-1 text that differs from UTF-8
	signature string // the expected proof of the server
}

// maxDigestResponse is the length in bytes that a response must not reach (RFC 2831 section 2.1.2).
const maxDigestResponse = 4096

func (m *digestMD5) Secret() string { return m.password() }

func (m *digestMD5) BindHost(host string) { m.host, m.utf8Only = host, false }

// Rebind requests an exchange with UTF-8 if the refused one did not use it.
func (m *digestMD5) Rebind(code string) bool {
	if m.state != proved || !m.latin || code != "" && code != "AUTHENTICATIONFAILED" {
		return false
	}
	m.utf8Only = true
	return true
}

func (m *digestMD5) Start() (string, []byte, error) {
	m.state, m.latin, m.signature = notStarted, false, ""
	if err := m.allowed(md5.New); err != nil {
		return "", nil, err
	}
	if strings.ContainsFunc(m.user, unicode.IsControl) || !utf8.ValidString(m.user) {
		return "", nil, m.errorf("control character or invalid UTF-8 in the user name")
	}
	if err := m.withoutNUL(m.password()); err != nil {
		return "", nil, err
	}
	m.state = opened
	return "DIGEST-MD5", nil, nil
}

func (m *digestMD5) Next(challenge []byte) ([]byte, error) { return m.next(challenge, m) }

func (m *digestMD5) Finish(data []byte) error { return m.end(data, m) }

// prove answers the server's challenge.
func (m *digestMD5) prove(challenge string) ([]byte, error) {
	d, err := m.parseChallenge(challenge)
	if err != nil {
		return nil, err
	}
	user, secret, err := m.encode(d)
	if err != nil {
		return nil, err
	}
	cnonce, uri := m.nonce(), "imap/"+m.host
	key := md5.Sum([]byte(secret))
	a1 := md5Hex(string(key[:]) + ":" + d.nonce + ":" + cnonce)
	sign := func(method string) string {
		return md5Hex(a1 + ":" + d.nonce + ":00000001:" + cnonce + ":auth:" + md5Hex(method+":"+uri))
	}
	m.signature = sign("")
	var b strings.Builder
	if d.utf8 {
		b.WriteString("charset=utf-8,")
	}
	b.WriteString("username=" + quoteDigest(user))
	if len(d.realms) > 0 {
		b.WriteString(",realm=" + quoteDigest(d.realm(m.user)))
	}
	b.WriteString(",nonce=" + quoteDigest(d.nonce) + ",nc=00000001,cnonce=" + quoteDigest(cnonce) +
		",digest-uri=" + quoteDigest(uri) + ",response=" + sign("AUTHENTICATE") + ",qop=auth")
	if b.Len() >= maxDigestResponse {
		return nil, m.errorf("the response would be too long")
	}
	return []byte(b.String()), nil
}

// encode returns the user in the form that is sent, and user, realm and password in the form that is hashed.
func (m *digestMD5) encode(d digestChallenge) (user, secret string, err error) {
	parts := []string{m.user, d.realm(m.user), m.password()}
	user = m.user
	for i, part := range parts {
		latin, fits := toLatin1(part)
		switch {
		case i == 1 && !d.utf8: // the realm, in the server's bytes
		case fits && !m.utf8Only:
			m.latin = m.latin || d.utf8 && latin != part
			parts[i] = latin
		case !d.utf8 && utf8.ValidString(part):
			return "", "", m.errorf("user or password is not ISO 8859-1, and the server takes nothing else")
		}
	}
	if !d.utf8 {
		user = parts[0]
	}
	return user, strings.Join(parts, ":"), nil
}

// verify checks the server's proof.
func (m *digestMD5) verify(answer string) error {
	directives, err := m.parseDirectives(answer)
	if err != nil {
		return err
	}
	said, err := m.only(directives, "rspauth")
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(said), []byte(m.signature)) != 1 {
		return m.errorf("the server's answer is wrong: it does not know the password")
	}
	return nil
}

// digestChallenge is the server's first message.
type digestChallenge struct {
	realms []string
	nonce  string
	utf8   bool
}

// realm returns the realm at the end of the user name, if the server offers it, else the first realm.
func (d digestChallenge) realm(user string) string {
	if at := strings.LastIndexByte(user, '@'); at >= 0 {
		if i := slices.IndexFunc(d.realms, func(r string) bool { return strings.EqualFold(r, user[at+1:]) }); i >= 0 {
			return d.realms[i]
		}
	}
	if len(d.realms) == 0 {
		return ""
	}
	return d.realms[0]
}

// parseChallenge parses the server's challenge. It ignores unknown directives, as RFC 2831 requires.
func (m *digestMD5) parseChallenge(text string) (d digestChallenge, err error) {
	directives, err := m.parseDirectives(text)
	if err != nil {
		return d, err
	}
	for _, once := range []string{"qop", "stale", "maxbuf", "charset", "cipher"} {
		if len(directives[once]) > 1 {
			return d, m.errorf("the server's challenge has two directives %s", once)
		}
	}
	d.realms = directives["realm"]
	if d.nonce, err = m.only(directives, "nonce"); err != nil {
		return d, err
	}
	algorithm, err := m.only(directives, "algorithm")
	if err != nil {
		return d, err
	}
	charset := directives["charset"]
	d.utf8 = len(charset) > 0
	switch {
	case d.nonce == "":
		return d, m.errorf("the server's nonce is empty")
	case !strings.EqualFold(algorithm, "md5-sess"):
		return d, m.errorf("the server asks for the algorithm %s", quoteWords(algorithm))
	case !hasAuth(directives["qop"]):
		return d, m.errorf("the server demands a security layer")
	case d.utf8 && !strings.EqualFold(charset[0], "utf-8"):
		return d, m.errorf("the server asks for the character set %s", quoteWords(charset[0]))
	}
	return d, nil
}

// hasAuth reports whether the server offers authentication without a security layer, which is also the default.
func hasAuth(qop []string) bool {
	if len(qop) == 0 {
		return true
	}
	return slices.ContainsFunc(strings.Split(qop[0], ","), func(s string) bool {
		return strings.EqualFold(strings.Trim(s, digestSpace), "auth")
	})
}

// only returns the value of a directive that must occur exactly once.
func (m *digestMD5) only(directives map[string][]string, name string) (string, error) {
	if values := directives[name]; len(values) == 1 {
		return values[0], nil
	}
	return "", m.errorf("the server's challenge has not exactly one directive %s", name)
}

// digestSpace are the characters allowed between the parts of a message.
const digestSpace = " \t\r\n"

// parseDirectives parses a list of name=value. The result has the values by name in lower case.
func (m *digestMD5) parseDirectives(text string) (map[string][]string, error) {
	directives := make(map[string][]string)
	for {
		text = strings.TrimLeft(text, digestSpace+",")
		if text == "" {
			return directives, nil
		}
		name, rest, ok := strings.Cut(text, "=")
		name = strings.ToLower(strings.TrimRight(name, digestSpace))
		value, rest, valid := digestValue(strings.TrimLeft(rest, digestSpace))
		rest = strings.TrimLeft(rest, digestSpace)
		if !ok || !valid || !isDigestToken(name) || rest != "" && rest[0] != ',' {
			return nil, m.errorf("the server's challenge is malformed")
		}
		directives[name] = append(directives[name], value)
		text = rest
	}
}

// digestValue parses a token or a quoted string and returns the text after it.
func digestValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, digestSpace+",")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], end > 0 && isVisibleASCII(s[:end]) && !strings.Contains(s[:end], `"`)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			i++
			if i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

// isDigestToken reports whether s is a token: printable ASCII without separators.
func isDigestToken(s string) bool {
	return s != "" && isVisibleASCII(s) && !strings.ContainsAny(s, `()<>@,;:\"/[]?={}`)
}

// quoteDigest returns s as a quoted string.
func quoteDigest(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// toLatin1 converts UTF-8 to ISO 8859-1, if that has all the characters.
func toLatin1(s string) (latin string, ok bool) {
	if !utf8.ValidString(s) {
		return "", false
	}
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > unicode.MaxLatin1 {
			return "", false
		}
		b = append(b, byte(r))
	}
	return string(b), true
}
