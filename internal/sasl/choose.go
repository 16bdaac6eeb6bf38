package sasl

import (
	"crypto/fips140"
	"strings"
)

// passwordMechanisms are the mechanisms for a password, the strongest first: those that also authenticate the server,
// then those that do not send the password, then those that do, which is safe under TLS. DIGEST-MD5 is last although it
// does not send the password: RFC 6331 retired it, and because of realms and character sets it may fail with the right
// password. It is for connections on which the other offered mechanisms would reveal the password.
var passwordMechanisms = []struct {
	name string
	old  bool // uses SHA-1, MD5, or a key that may be too short: not in FIPS 140-only mode
	make func(user, password string) Mechanism
}{
	{"SCRAM-SHA-512", false, SCRAMSHA512},
	{"SCRAM-SHA-256", false, SCRAMSHA256},
	{"SCRAM-SHA-1", true, SCRAMSHA1},
	{"CRAM-SHA256", true, CRAMSHA256},
	{"CRAM-SHA1", true, CRAMSHA1},
	{"CRAM-MD5", true, CRAMMD5},
	{"PLAIN", false, func(user, password string) Mechanism { return Plain("", user, password) }},
	{"LOGIN", false, LoginMechanism},
	{"DIGEST-MD5", true, DigestMD5},
}

// Strongest returns the strongest password mechanism that the server offers, and its name, or nil if it offers none. offered
// is called with the name of a mechanism without "AUTH=".
func Strongest(offered func(name string) bool, hasTLS bool, user, password string) (name string, m Mechanism) {
	for _, m := range passwordMechanisms {
		if m.old && fips140.Enforced() {
			continue
		}
		if offered(m.name) || hasTLS && strings.HasPrefix(m.name, "SCRAM-") && offered(m.name+"-PLUS") {
			return m.name, m.make(user, password)
		}
	}
	return "", nil
}

// SendsPassword reports whether a mechanism reveals a password or token to anyone who can read the connection. This is
// assumed of a mechanism that is not known to be safe.
func SendsPassword(name string) bool {
	name = strings.ToUpper(name)
	switch name {
	case "CRAM-MD5", "CRAM-SHA1", "CRAM-SHA256", "DIGEST-MD5", "GSSAPI", "GS2-KRB5", "GS2-KRB5-PLUS", "EXTERNAL", "ANONYMOUS":
		return false
	}
	return !strings.HasPrefix(name, "SCRAM-")
}

// IsOneSided reports whether a mechanism does not authenticate the server, so that there is nothing to check after a
// success.
func IsOneSided(name string) bool { return oneSided[strings.ToUpper(name)] }

// oneSided are the mechanisms that do not authenticate the server. Any other may have to check the last message.
var oneSided = map[string]bool{
	"PLAIN": true, "LOGIN": true, "CRAM-MD5": true, "CRAM-SHA1": true, "CRAM-SHA256": true,
	"XOAUTH2": true, "OAUTHBEARER": true, "EXTERNAL": true, "ANONYMOUS": true,
}
