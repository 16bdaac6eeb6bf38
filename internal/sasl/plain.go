package sasl

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain returns the mechanism of imap.Plain.
func Plain(identity, user, password string) Mechanism {
	return &plainSASL{singleSASL{"PLAIN"}, identity, user, hide(password)}
}

type plainSASL struct {
	singleSASL
	identity, user string
	password       hidden
}

func (m *plainSASL) Secret() string { return m.password() }

func (m *plainSASL) Start() (string, []byte, error) {
	if err := m.withoutNUL(m.identity, m.user, m.password()); err != nil {
		return "", nil, err
	}
	return "PLAIN", []byte(m.identity + "\x00" + m.user + "\x00" + m.password()), nil
}

// External returns the mechanism of imap.External.
func External(identity string) Mechanism { return &externalSASL{singleSASL{"EXTERNAL"}, identity} }

type externalSASL struct {
	singleSASL
	identity string
}

func (m *externalSASL) Start() (string, []byte, error) {
	if err := m.withoutNUL(m.identity); err != nil {
		return "", nil, err
	}
	if !utf8.ValidString(m.identity) {
		return "", nil, m.errorf("the identity is not UTF-8")
	}
	return "EXTERNAL", []byte(m.identity), nil
}

// Anonymous returns the mechanism of imap.Anonymous.
func Anonymous(trace string) Mechanism { return &anonymousSASL{singleSASL{"ANONYMOUS"}, trace} }

type anonymousSASL struct {
	singleSASL
	trace string
}

func (m *anonymousSASL) Start() (string, []byte, error) {
	switch {
	case !utf8.ValidString(m.trace):
		return "", nil, m.errorf("the trace is not UTF-8")
	case strings.ContainsFunc(m.trace, unicode.IsControl):
		return "", nil, m.errorf("control character in the trace")
	case utf8.RuneCountInString(m.trace) > 255:
		return "", nil, m.errorf("the trace is longer than 255 characters")
	}
	return "ANONYMOUS", []byte(m.trace), nil
}

// LoginMechanism returns the mechanism of imap.LoginMechanism.
func LoginMechanism(user, password string) Mechanism {
	return &loginSASL{mechanismName: "LOGIN", user: user, password: hide(password)}
}

type loginSASL struct {
	mechanismName
	user     string
	password hidden
	prompts  int // answered so far
}

func (m *loginSASL) Secret() string { return m.password() }

func (m *loginSASL) Start() (string, []byte, error) {
	m.prompts = 0
	if err := m.withoutNUL(m.user, m.password()); err != nil {
		return "", nil, err
	}
	return "LOGIN", nil, nil
}

func (m *loginSASL) Next([]byte) ([]byte, error) {
	m.prompts++
	switch m.prompts {
	case 1:
		return []byte(m.user), nil
	case 2:
		return []byte(m.password()), nil
	}
	return nil, m.unexpected()
}
