package sasl

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// XOAuth2 returns the mechanism of imap.XOAuth2.
func XOAuth2(user, token string) Mechanism {
	return &oauthSASL{mechanismName: "XOAUTH2", user: user, header: "user=" + user, token: hide(token)}
}

// OAuthBearer returns the mechanism of imap.OAuthBearer.
func OAuthBearer(user, token string) Mechanism {
	header := "n,"
	if user != "" {
		header += "a=" + escapeSASLName(user)
	}
	return &oauthSASL{mechanismName: "OAUTHBEARER", user: user, header: header + ",", token: hide(token), dummy: "\x01"}
}

type oauthSASL struct {
	mechanismName
	user   string
	header string // the text before the token
	token  hidden
	dummy  string // the response to the challenge that explains a failure

	answered bool
	reason   error // from that challenge
}

func (m *oauthSASL) Secret() string { return m.token() }

func (m *oauthSASL) Start() (string, []byte, error) {
	m.answered, m.reason = false, nil
	if strings.ContainsFunc(m.user, unicode.IsControl) || !utf8.ValidString(m.user) {
		return "", nil, m.errorf("control character or invalid UTF-8 in the user name")
	}
	token := m.token()
	if token == "" || !isVisibleASCII(token) {
		return "", nil, m.errorf("the token is empty or not printable ASCII")
	}
	return string(m.mechanismName), m.message(), nil
}

// message returns the message of the client.
func (m *oauthSASL) message() []byte {
	return []byte(m.header + "\x01auth=Bearer " + m.token() + "\x01\x01")
}

func (m *oauthSASL) Next(challenge []byte) ([]byte, error) {
	if m.answered {
		return nil, m.unexpected()
	}
	m.answered = true
	if len(challenge) <= maxChallenge {
		m.reason = parseOAuthError(string(m.mechanismName), challenge, m.token(), base64.StdEncoding.EncodeToString(m.message()))
	}
	return []byte(m.dummy), nil
}

func (m *oauthSASL) Failure() error { return m.reason }

// OAuthError is a server's reason for refusing a token: imap.OAuthError.
type OAuthError struct {
	Mechanism, Status, Scope, Schemes, OpenIDConfiguration, Text string
}

// Error returns the server's reason, quoted and of bounded length. It never contains the token.
func (e *OAuthError) Error() string {
	if e.Text != "" {
		return "imap: " + e.Mechanism + ": the server says " + quoteWords(e.Text)
	}
	var words []string
	for _, field := range []struct{ name, value string }{
		{"status", e.Status}, {"scope", e.Scope}, {"schemes", e.Schemes}, {"openid-configuration", e.OpenIDConfiguration},
	} {
		if field.value != "" {
			words = append(words, field.name+" "+quoteWords(field.value))
		}
	}
	return "imap: " + e.Mechanism + ": " + strings.Join(words, ", ")
}

// parseOAuthError parses a server's reason for refusing a token, and returns nil if none exists. It masks the token, alone
// and in the form that was sent.
func parseOAuthError(mechanism string, challenge []byte, token, sent string) error {
	mask := strings.NewReplacer(token, "[redacted]", sent, "[redacted]").Replace
	if len(challenge) == 0 {
		return nil
	}
	var fields map[string]any
	if json.Unmarshal(challenge, &fields) != nil {
		return &OAuthError{Mechanism: mechanism, Text: mask(string(challenge))}
	}
	field := func(name string) string {
		if value, ok := fields[name]; ok {
			return mask(fmt.Sprint(value))
		}
		return ""
	}
	e := &OAuthError{Mechanism: mechanism, Status: field("status"), Scope: field("scope"), Schemes: field("schemes"),
		OpenIDConfiguration: field("openid-configuration")}
	if *e == (OAuthError{Mechanism: mechanism}) {
		return nil
	}
	return e
}
