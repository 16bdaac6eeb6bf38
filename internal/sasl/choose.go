package sasl

import (
	"crypto/fips140"
	"strings"
)

// passwordMechanisms are the mechanisms for a password, the strongest first: those that prove the server too, then those
// that keep the password, then those that send it, which is safe under TLS. DIGEST-MD5 comes behind them although it
// keeps the password: RFC 6331 retired it, and realms and character sets make it fail where the password is right. It is
// for connections on which all that is left would show the password.
var passwordMechanisms = []struct {
	name string
	old  bool // by SHA-1, MD5, or a key that may be short: not in FIPS 140-only mode
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

// Strongest returns the strongest mechanism for a password that the server offers, and its name; nil if it offers none.
// offered takes the name of a mechanism without "AUTH=".
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

// SendsPassword reports whether a mechanism shows a password or token to the goroutine that reads the connection. A mechanism that
// is not known to be safe is taken to do so.
func SendsPassword(name string) bool {
	name = strings.ToUpper(name)
	switch name {
	case "CRAM-MD5", "CRAM-SHA1", "CRAM-SHA256", "DIGEST-MD5", "GSSAPI", "GS2-KRB5", "GS2-KRB5-PLUS", "EXTERNAL", "ANONYMOUS":
		return false
	}
	return !strings.HasPrefix(name, "SCRAM-")
}

// IsOneSided reports whether the server proves nothing by a mechanism, so that its success has nothing left to check.
func IsOneSided(name string) bool { return oneSided[strings.ToUpper(name)] }

// oneSided are the mechanisms by which the server proves nothing. Any other may have to check what comes last.
var oneSided = map[string]bool{
	"PLAIN": true, "LOGIN": true, "CRAM-MD5": true, "CRAM-SHA1": true, "CRAM-SHA256": true,
	"XOAUTH2": true, "OAUTHBEARER": true, "EXTERNAL": true, "ANONYMOUS": true,
}
