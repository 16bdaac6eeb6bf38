package sasl

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
)

// CRAMMD5 returns the mechanism of imap.CRAMMD5.
func CRAMMD5(user, password string) Mechanism {
	return &cram{mechanismName: "CRAM-MD5", newHash: md5.New, user: user, password: hide(password)}
}

// CRAMSHA1 returns the mechanism of imap.CRAMSHA1.
func CRAMSHA1(user, password string) Mechanism {
	return &cram{mechanismName: "CRAM-SHA1", newHash: sha1.New, user: user, password: hide(password)}
}

// CRAMSHA256 returns the mechanism of imap.CRAMSHA256.
func CRAMSHA256(user, password string) Mechanism {
	return &cram{mechanismName: "CRAM-SHA256", newHash: sha256.New, user: user, password: hide(password)}
}

type cram struct {
	mechanismName
	newHash  func() hash.Hash
	user     string
	password hidden
	answered bool
}

// minFIPSKey is the shortest key of an HMAC in FIPS 140-only mode, in bytes: a shorter one panics.
const minFIPSKey = 14

func (m *cram) Secret() string { return m.password() }

func (m *cram) Start() (string, []byte, error) {
	m.answered = false
	if err := m.allowed(m.newHash); err != nil {
		return "", nil, err
	}
	if fips140.Enforced() && len(m.password()) < minFIPSKey {
		return "", nil, m.errorf("the password is too short for FIPS 140-only mode: %w", errors.ErrUnsupported)
	}
	if err := m.withoutNUL(m.user, m.password()); err != nil {
		return "", nil, err
	}
	return string(m.mechanismName), nil, nil
}

func (m *cram) Next(challenge []byte) ([]byte, error) {
	if m.answered {
		return nil, m.unexpected()
	}
	m.answered = true
	if len(challenge) == 0 {
		return nil, m.errorf("empty challenge from the server")
	}
	mac := hmac.New(m.newHash, []byte(m.password()))
	mac.Write(challenge)
	return []byte(m.user + " " + hex.EncodeToString(mac.Sum(nil))), nil
}
