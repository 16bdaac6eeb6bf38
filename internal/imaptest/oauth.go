package imaptest

import (
	"bytes"
	"strings"
)

// oauthRefusal is the challenge that reports that a token is not accepted.
const oauthRefusal = `{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`

// authXOAuth2 reads "user=name^Aauth=Bearer token^A^A"; the token is the password.
func (s *session) authXOAuth2(data []byte) (name, token string, err error) {
	if data == nil {
		if data, err = s.ask(""); err != nil {
			return "", "", err
		}
	}
	for field := range bytes.SplitSeq(data, []byte{1}) {
		key, value, _ := strings.Cut(string(field), "=")
		switch key {
		case "user":
			name = value
		case "auth":
			token = strings.TrimPrefix(value, "Bearer ")
		}
	}
	return name, token, s.refuseToken(name, token)
}

// authOAuthBearer reads "n,a=name,^Ahost=h^Aport=p^Aauth=Bearer token^A^A" (RFC 7628).
func (s *session) authOAuthBearer(data []byte) (name, token string, err error) {
	if data == nil {
		if data, err = s.ask(""); err != nil {
			return "", "", err
		}
	}
	head, fields, _ := strings.Cut(string(data), "\x01")
	for part := range strings.SplitSeq(head, ",") {
		if v, ok := strings.CutPrefix(part, "a="); ok {
			name = strings.NewReplacer("=2C", ",", "=3D", "=").Replace(v)
		}
	}
	for field := range strings.SplitSeq(fields, "\x01") {
		if v, ok := strings.CutPrefix(field, "auth=Bearer "); ok {
			token = v
		}
	}
	return name, token, s.refuseToken(name, token)
}

// refuseToken sends a challenge with the reason for refusing a token, and waits for the empty response.
func (s *session) refuseToken(name, token string) error {
	s.srv.mu.Lock()
	want, known := s.srv.passwords[name]
	s.srv.mu.Unlock()
	if known && want == token {
		return nil
	}
	_, err := s.ask(oauthRefusal)
	return err
}
