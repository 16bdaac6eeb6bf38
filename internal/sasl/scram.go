package sasl

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"hash"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// Bounds of the server's iteration count. Below the lower one, which RFC 5802 and RFC 7677 require, a hostile server could
// guess the password from the proof too cheaply; above the upper one it could keep the client busy for long.
const (
	minIterations = 4096
	maxIterations = 1_000_000
)

// SCRAMSHA512 returns the mechanism of imap.SCRAMSHA512.
func SCRAMSHA512(user, password string) Mechanism {
	return &scram{mutualSASL: mutualSASL{mechanismName: "SCRAM-SHA-512"}, newHash: sha512.New, user: user, password: hide(password), nonce: rand.Text}
}

// SCRAMSHA256 returns the mechanism of imap.SCRAMSHA256.
func SCRAMSHA256(user, password string) Mechanism {
	return &scram{mutualSASL: mutualSASL{mechanismName: "SCRAM-SHA-256"}, newHash: sha256.New, user: user, password: hide(password), nonce: rand.Text}
}

// SCRAMSHA1 returns the mechanism of imap.SCRAMSHA1.
func SCRAMSHA1(user, password string) Mechanism {
	return &scram{mutualSASL: mutualSASL{mechanismName: "SCRAM-SHA-1"}, newHash: sha1.New, user: user, password: hide(password), nonce: rand.Text}
}

type scram struct {
	mutualSASL // its name is without -PLUS
	newHash    func() hash.Hash
	user       string
	password   hidden
	nonce      func() string
	bindings   []channelBinding // remaining bindings to try, the next one first; if empty, "n"

	wrongKind   bool   // the server does not support the kind of binding
	prepared    hidden // the password after SASLprep
	binding     channelBinding
	clientNonce string
	clientFirst string // the client's first message without its GS2 header
	signature   []byte // the expected proof of the server
}

// channelBinding is the flag of the GS2 header and the binding data (RFC 5801 section 5).
type channelBinding struct {
	flag string // "n": not possible, "y": possible but not offered, "p=" and the kind
	data []byte
}

func (b channelBinding) header() string { return b.flag + ",," }

func (m *scram) Secret() string { return m.password() }

func (m *scram) PlusName() string { return string(m.mechanismName) + "-PLUS" }

func (m *scram) BindChannel(plusOffered bool, state *tls.ConnectionState) {
	switch {
	case state == nil:
		m.bindings = nil
	case !plusOffered:
		m.bindings = []channelBinding{{flag: "y"}}
	default:
		m.bindings = append(channelBindings(state), channelBinding{flag: "n"})
	}
}

// Rebind selects the next kind of binding if the server does not support the last one. After a refusal without a reason,
// only tls-unique and no binding remain: Cyrus supports only that kind, which TLS 1.3 does not have, and answers a plain NO
// to others. Any other reason is final, above all a binding that does not match, which means that there is a man in the
// middle.
func (m *scram) Rebind(code string) bool {
	last := len(m.bindings) - 1
	switch {
	case m.binding.data == nil:
		return false
	case m.wrongKind:
		m.bindings = m.bindings[1:]
	case code != "" || m.state != opened && m.state != proved:
		return false
	case last > 1 && m.bindings[last-1].flag == tlsUnique:
		m.bindings = m.bindings[last-1:]
	default:
		m.bindings = m.bindings[last:]
	}
	return true
}

// channelBindings returns the bindings of the connection, the best one first.
func channelBindings(state *tls.ConnectionState) []channelBinding {
	var bindings []channelBinding
	if state.Version >= tls.VersionTLS13 {
		if data, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32); err == nil {
			bindings = append(bindings, channelBinding{"p=tls-exporter", data})
		}
	}
	if len(state.PeerCertificates) > 0 {
		if data := endPoint(state.PeerCertificates[0]); data != nil {
			bindings = append(bindings, channelBinding{"p=tls-server-end-point", data})
		}
	}
	if hasTLSUnique(state) {
		bindings = append(bindings, channelBinding{tlsUnique, state.TLSUnique})
	}
	return bindings
}

// Binding returns the binding of the given kind, such as "tls-exporter", or nil if the connection has none.
func Binding(state *tls.ConnectionState, kind string) []byte {
	for _, b := range channelBindings(state) {
		if b.flag == "p="+kind {
			return b.data
		}
	}
	return nil
}

// tlsUnique is the original binding of RFC 5802. It is tried last, because TLS 1.3 does not have it.
const tlsUnique = "p=tls-unique"

// hasTLSUnique reports whether the connection has a secure tls-unique. Without the extended master secret (RFC 7627) two
// connections can have the same value; Go then exports no keys either.
func hasTLSUnique(state *tls.ConnectionState) bool {
	if len(state.TLSUnique) == 0 {
		return false
	}
	_, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
	return err == nil
}

// endPoint returns the hash of the server's certificate with the hash function of its signature, but at least SHA-256 (RFC
// 5929 section 4.1). It returns nil for signatures without such a function, such as Ed25519.
func endPoint(certificate *x509.Certificate) []byte {
	var newHash func() hash.Hash
	switch certificate.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1,
		x509.SHA256WithRSA, x509.DSAWithSHA256, x509.ECDSAWithSHA256, x509.SHA256WithRSAPSS:
		newHash = sha256.New
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		newHash = sha512.New384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		newHash = sha512.New
	default:
		return nil
	}
	h := newHash()
	h.Write(certificate.Raw)
	return h.Sum(nil)
}

func (m *scram) Start() (string, []byte, error) {
	m.state, m.wrongKind, m.signature = notStarted, false, nil
	user, err := m.prepare()
	if err != nil {
		return "", nil, err
	}
	name := string(m.mechanismName)
	m.binding = channelBinding{flag: "n"}
	if len(m.bindings) > 0 {
		m.binding = m.bindings[0]
	}
	if m.binding.data != nil {
		name = m.PlusName()
	}
	m.clientNonce = m.nonce()
	m.clientFirst = "n=" + escapeSASLName(user) + ",r=" + m.clientNonce
	m.state = opened
	return name, []byte(m.binding.header() + m.clientFirst), nil
}

// prepare checks user and password before anything is sent. It returns the prepared user and stores the prepared password.
func (m *scram) prepare() (user string, err error) {
	if err := m.allowed(m.newHash); err != nil {
		return "", err
	}
	if !utf8.ValidString(m.user) {
		return "", m.errorf("the user name is not UTF-8")
	}
	user, ok := prepareSASL(m.user)
	if !ok || user == "" {
		return "", m.errorf("the user name is empty or holds a control character")
	}
	password, ok := prepareSASL(m.password())
	if !ok {
		return "", m.errorf("the password holds a control character")
	}
	m.prepared = hide(password)
	return user, nil
}

func (m *scram) Next(challenge []byte) ([]byte, error) { return m.next(challenge, m) }

func (m *scram) Finish(data []byte) error { return m.end(data, m) }

// prove returns the client's final message, the response to the server's first message.
func (m *scram) prove(message string) ([]byte, error) {
	first, err := m.parseFirst(message)
	if err != nil {
		return nil, err
	}
	salted, err := pbkdf2.Key(m.newHash, m.prepared(), first.salt, first.iterations, m.newHash().Size())
	if err != nil {
		return nil, m.errorf("deriving the key: %w", err)
	}
	bound := append([]byte(m.binding.header()), m.binding.data...)
	clientLast := "c=" + base64.StdEncoding.EncodeToString(bound) + ",r=" + first.nonce
	exchange := m.clientFirst + "," + message + "," + clientLast
	clientKey := m.mac(salted, "Client Key")
	h := m.newHash()
	h.Write(clientKey)
	proof := make([]byte, h.Size())
	subtle.XORBytes(proof, clientKey, m.mac(h.Sum(nil), exchange))
	m.signature = m.mac(m.mac(salted, "Server Key"), exchange)
	return []byte(clientLast + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

func (m *scram) mac(key []byte, message string) []byte {
	mac := hmac.New(m.newHash, key)
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

// verify checks the server's last message.
func (m *scram) verify(serverLast string) error {
	if err := m.refused(serverLast); err != nil {
		return err
	}
	value, _, _ := strings.Cut(serverLast, ",")
	value, ok := strings.CutPrefix(value, "v=")
	signature, err := base64.StdEncoding.DecodeString(value)
	if !ok || err != nil {
		return m.errorf("the server's last message is malformed")
	}
	if !hmac.Equal(signature, m.signature) {
		return m.errorf("the server's signature is wrong: it does not know the password")
	}
	return nil
}

// scramFirst is the server's first message.
type scramFirst struct {
	nonce      string
	salt       []byte
	iterations int
}

// parseFirst parses and checks the server's first message. It ignores extensions after it, as RFC 5802 section 5.1 requires,
// except for mandatory ones.
func (m *scram) parseFirst(message string) (first scramFirst, err error) {
	if err := m.refused(message); err != nil {
		return first, err
	}
	if strings.HasPrefix(message, "m=") {
		return first, m.errorf("the server asks for an extension that is not supported")
	}
	nonce, rest, _ := strings.Cut(message, ",")
	salt, rest, _ := strings.Cut(rest, ",")
	count, _, _ := strings.Cut(rest, ",")
	first.nonce = strings.TrimPrefix(nonce, "r=")
	if !strings.HasPrefix(nonce, "r="+m.clientNonce) || len(first.nonce) == len(m.clientNonce) || !isVisibleASCII(first.nonce) {
		return first, m.errorf("the server's nonce does not continue the client's")
	}
	salt, ok := strings.CutPrefix(salt, "s=")
	if first.salt, err = base64.StdEncoding.DecodeString(salt); !ok || err != nil || len(first.salt) == 0 {
		return first, m.errorf("the server's salt is malformed")
	}
	count, ok = strings.CutPrefix(count, "i=")
	iterations, err := strconv.ParseUint(count, 10, 32)
	if !ok || err != nil || iterations < minIterations || iterations > maxIterations {
		return first, m.errorf("the server's iteration count is not between %d and %d", minIterations, maxIterations)
	}
	first.iterations = int(iterations)
	return first, nil
}

// refused returns the error for a message "e=", and nil for other messages.
func (m *scram) refused(message string) error {
	reason, ok := strings.CutPrefix(message, "e=")
	if !ok {
		return nil
	}
	reason, _, _ = strings.Cut(reason, ",")
	m.wrongKind = reason == "unsupported-channel-binding-type" || reason == "channel-binding-not-supported"
	return m.errorf("the server refuses: %s", quoteWords(reason))
}

// prepareSASL applies SASLprep (RFC 4013) to a user name or a password. It does not change ASCII, nor text that
// SASLprep does not allow: bytes that are not UTF-8, prohibited characters, right-to-left text that violates its rules.
// For control characters, of ASCII or not, ok is false.
func prepareSASL(s string) (prepared string, ok bool) {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "", false
	}
	if !utf8.ValidString(s) {
		return s, true
	}
	prepared = norm.NFKC.String(strings.Map(mapSASL, s))
	if strings.ContainsFunc(prepared, isProhibited) || !isBidiSafe(prepared) {
		return s, true
	}
	return prepared, true
}

// mapSASL maps all spaces to the ASCII space (RFC 3454 table C.1.2) and removes invisible characters (table B.1).
func mapSASL(r rune) rune {
	switch {
	case r < 0x80:
		return r
	case r == 0x200b || unicode.Is(unicode.Zs, r):
		return ' '
	case r == 0xad || r == 0x34f || r == 0x1806 || r >= 0x180b && r <= 0x180d || r == 0x200c || r == 0x200d ||
		r == 0x2060 || r >= 0xfe00 && r <= 0xfe0f || r == 0xfeff:
		return -1
	}
	return r
}

// prohibited has the characters that RFC 4013 section 2.3 prohibits, other than controls, private use and noncharacters, and
// that can remain after mapping and normalization: RFC 3454 tables C.2.2 and C.6 to C.9.
var prohibited = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x06dd, Hi: 0x06dd, Stride: 1},
		{Lo: 0x070f, Hi: 0x070f, Stride: 1},
		{Lo: 0x180e, Hi: 0x180e, Stride: 1},
		{Lo: 0x200e, Hi: 0x200f, Stride: 1},
		{Lo: 0x2028, Hi: 0x202e, Stride: 1},
		{Lo: 0x2061, Hi: 0x2063, Stride: 1},
		{Lo: 0x206a, Hi: 0x206f, Stride: 1},
		{Lo: 0x2ff0, Hi: 0x2ffb, Stride: 1},
		{Lo: 0xfff9, Hi: 0xfffd, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1d173, Hi: 0x1d17a, Stride: 1},
		{Lo: 0xe0001, Hi: 0xe0001, Stride: 1},
		{Lo: 0xe0020, Hi: 0xe007f, Stride: 1},
	},
}

func isProhibited(r rune) bool {
	return unicode.In(r, prohibited, unicode.Co, unicode.Noncharacter_Code_Point)
}

// isBidiSafe reports whether s satisfies RFC 3454 section 6: text with right-to-left letters must have no left-to-right
// ones, and must begin and end with a right-to-left one.
func isBidiSafe(s string) bool {
	left, right := strings.ContainsFunc(s, isLeftToRight), strings.ContainsFunc(s, isRightToLeft)
	if !right {
		return true
	}
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	return !left && isRightToLeft(first) && isRightToLeft(last)
}

func isLeftToRight(r rune) bool {
	properties, _ := bidi.LookupRune(r)
	return properties.Class() == bidi.L
}

func isRightToLeft(r rune) bool {
	properties, _ := bidi.LookupRune(r)
	return properties.Class() == bidi.R || properties.Class() == bidi.AL
}
