package sasl

import (
	"bytes"
	"crypto/fips140"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// runSASL runs Start and answers challenges; it returns all that the client sends after the name of the mechanism.
func runSASL(t *testing.T, m Mechanism, name string, challenges ...string) []string {
	t.Helper()
	got, initial, err := m.Start()
	require.NoError(t, err)
	require.Equal(t, name, got)
	var said []string
	if initial != nil {
		said = append(said, string(initial))
	}
	for _, challenge := range challenges {
		response, err := m.Next([]byte(challenge))
		require.NoError(t, err)
		said = append(said, string(response))
	}
	return said
}

// requireSpent demands that a mechanism takes no further challenge.
func requireSpent(t *testing.T, m Mechanism) {
	t.Helper()
	for range 2 {
		_, err := m.Next(nil)
		require.ErrorContains(t, err, "unexpected challenge")
	}
}

func requireStartError(t *testing.T, m Mechanism, text string) {
	t.Helper()
	name, initial, err := m.Start()
	require.ErrorContains(t, err, text)
	require.Empty(t, name)
	require.Nil(t, initial)
}

func TestPlain(t *testing.T) {
	for _, c := range []struct{ identity, user, password, want string }{
		{"", "tim", "tanstaaftanstaaf", "\x00tim\x00tanstaaftanstaaf"},       // RFC 4616 section 4
		{"Ursel", "Kurt", "xipj3plmq", "Ursel\x00Kurt\x00xipj3plmq"},         // the same
		{"", "prem", "pass", "\x00prem\x00pass"},                             // AHByZW0AcGFzcw==
		{"", "jürgen", `pä"ss\wörd, x=y`, "\x00jürgen\x00pä\"ss\\wörd, x=y"}, // byte for byte
		{"", "u", "p\xe4\r\n", "\x00u\x00p\xe4\r\n"},
		{"", "", "", "\x00\x00"},
	} {
		m := Plain(c.identity, c.user, c.password)
		for range 2 {
			require.Equal(t, []string{c.want}, runSASL(t, m, "PLAIN"))
			requireSpent(t, m)
		}
	}
	requireStartError(t, Plain("a\x00", "b", "c"), "NUL")
	requireStartError(t, Plain("a", "\x00b", "c"), "NUL")
	requireStartError(t, Plain("a", "b", "c\x00d"), "NUL")
}

func TestLoginMechanism(t *testing.T) {
	m := LoginMechanism("jürgen", `p"\ ä`)
	for _, prompts := range [][]string{{"Username:", "Password:"}, {"User Name\x00", "Password\x00"}, {"", ""}} {
		require.Equal(t, []string{"jürgen", `p"\ ä`}, runSASL(t, m, "LOGIN", prompts...))
		requireSpent(t, m)
	}
	runSASL(t, m, "LOGIN", "interrupted after one prompt")
	require.Equal(t, []string{"jürgen", `p"\ ä`}, runSASL(t, m, "LOGIN", "", ""))
	requireStartError(t, LoginMechanism("a\x00", "b"), "NUL")
	requireStartError(t, LoginMechanism("a", "b\x00"), "NUL")
}

func TestCRAMMD5(t *testing.T) {
	m := CRAMMD5("tim", "tanstaaftanstaaf") // RFC 2195 section 2
	for range 2 {
		require.Equal(t, []string{"tim b913a602c7eda7a495b4e6e7334d3890"},
			runSASL(t, m, "CRAM-MD5", "<1896.697170952@postoffice.reston.mci.net>"))
		requireSpent(t, m)
	}
	_, _, err := m.Start()
	require.NoError(t, err)
	_, err = m.Next(nil)
	require.ErrorContains(t, err, "empty challenge")
	requireSpent(t, m)
	requireStartError(t, CRAMMD5("a\x00", "b"), "NUL")
	requireStartError(t, CRAMMD5("a", "b\x00"), "NUL")
}

// Courier's forms, with the challenge of RFC 2195 and the answers of another implementation.
func TestCRAMSHA(t *testing.T) {
	for _, c := range []struct {
		make         func(user, password string) Mechanism
		name, answer string
	}{
		{CRAMSHA1, "CRAM-SHA1", "8cb10ed0a8b764ab0e05125dd6eaa295f19b5943"},
		{CRAMSHA256, "CRAM-SHA256", "f0011bbf7c1618ef90e3f18148e5eda4e15631c9c38ebef062bf7143ff72e944"},
	} {
		m := c.make("tim", "tanstaaftanstaaf")
		for range 2 {
			require.Equal(t, []string{"tim " + c.answer}, runSASL(t, m, c.name, "<1896.697170952@postoffice.reston.mci.net>"))
			requireSpent(t, m)
		}
		runSASL(t, m, c.name)
		_, err := m.Next(nil)
		require.ErrorContains(t, err, "empty challenge")
		requireSpent(t, m)
		requireStartError(t, c.make("a\x00", "b"), "NUL")
		requireStartError(t, c.make("a", "b\x00"), "NUL")
	}
}

func TestExternal(t *testing.T) {
	for _, identity := range []string{"", "fred@example.com", "jürgen"} { // RFC 4422 appendix A
		m := External(identity)
		require.Equal(t, []string{identity}, runSASL(t, m, "EXTERNAL"))
		requireSpent(t, m)
	}
	requireStartError(t, External("a\x00"), "NUL")
	requireStartError(t, External("\xe4"), "UTF-8")
}

func TestAnonymous(t *testing.T) {
	for _, trace := range []string{"", "sirhc", "a@example.com", strings.Repeat("ä", 255)} { // RFC 4505 section 4
		m := Anonymous(trace)
		require.Equal(t, []string{trace}, runSASL(t, m, "ANONYMOUS"))
		requireSpent(t, m)
	}
	requireStartError(t, Anonymous(strings.Repeat("ä", 256)), "255")
	requireStartError(t, Anonymous("a\r\nb"), "control")
	requireStartError(t, Anonymous("a\x00"), "control")
	requireStartError(t, Anonymous("\xff"), "UTF-8")
}

func TestXOAuth2(t *testing.T) {
	m := XOAuth2("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
	want := "user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01"
	require.Equal(t, []string{want}, runSASL(t, m, "XOAUTH2"))
	require.NoError(t, m.(FailureExplainer).Failure())
	require.Equal(t, []string{want, ""},
		runSASL(t, m, "XOAUTH2", `{"status":"401","schemes":"bearer mac","scope":"https://mail.google.com/"}`))
	requireSpent(t, m)
	require.EqualError(t, m.(FailureExplainer).Failure(),
		`imap: XOAUTH2: status "401", scope "https://mail.google.com/", schemes "bearer mac"`)
	require.Equal(t, []string{want}, runSASL(t, m, "XOAUTH2"), "used again")
	require.NoError(t, m.(FailureExplainer).Failure(), "the reason of the exchange before")
}

func TestOAuthBearer(t *testing.T) {
	const token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==" // RFC 7628 section 4.1, without host and port
	m := OAuthBearer("user@example.com", token)
	want := "n,a=user@example.com,\x01auth=Bearer " + token + "\x01\x01"
	require.Equal(t, []string{want}, runSASL(t, m, "OAUTHBEARER"))
	reason := `{"status":"invalid_token","scope":"example_scope","openid-configuration":"https://example.com/.well-known/openid-configuration"}`
	require.Equal(t, []string{want, "\x01"}, runSASL(t, m, "OAUTHBEARER", reason)) // section 4.3
	requireSpent(t, m)
	require.EqualError(t, m.(FailureExplainer).Failure(), `imap: OAUTHBEARER: status "invalid_token", `+
		`scope "example_scope", openid-configuration "https://example.com/.well-known/openid-configuration"`)
	require.Equal(t, []string{"n,,\x01auth=Bearer " + token + "\x01\x01"}, runSASL(t, OAuthBearer("", token), "OAUTHBEARER"))
	require.Equal(t, []string{"n,a=a=2Cb=3Dc,\x01auth=Bearer t\x01\x01"}, runSASL(t, OAuthBearer("a,b=c", "t"), "OAUTHBEARER"))
}

func TestOAuthArguments(t *testing.T) {
	for _, make := range []func(user, token string) Mechanism{XOAuth2, OAuthBearer} {
		for _, user := range []string{"a\x01auth=Bearer x", "a\x00", "a\nb", "a\u0085", "\xff"} {
			requireStartError(t, make(user, "token"), "user name")
		}
		for _, token := range []string{"", "a b", "a\x01b", "token\n", "\x00", "tökén", "a\x7f"} {
			requireStartError(t, make("user", token), "token")
		}
	}
}

func TestOAuthFailure(t *testing.T) {
	for _, c := range []struct{ challenge, want string }{
		{"", ""},
		{"{}", ""},
		{`{"other":1}`, ""},
		{`{"status":400}`, `status "400"`},
		{`{"status":null,"scope":["a","b"]}`, `status "<nil>", scope "[a b]"`},
		{`{"status":"no s3cr3t-t0ken\n"}`, `status "no [redacted]\n"`},
		{"s3cr3t-t0ken is bad\r\n", `the server says "[redacted] is bad\r\n"`},
		{`{"status":"not dXNlcj11c2VyAWF1dGg9QmVhcmVyIHMzY3IzdC10MGtlbgEB"}`, `status "not [redacted]"`}, // what was sent
		{"dXNlcj11c2VyAWF1dGg9QmVhcmVyIHMzY3IzdC10MGtlbgEB?", `the server says "[redacted]?"`},
		{`["a"]`, `the server says "[\"a\"]"`},
		{`{"status":"` + strings.Repeat("x", 1000) + `"}`, `status "` + strings.Repeat("x", 200) + `…"`},
		{strings.Repeat("ä", 150), `the server says "` + strings.Repeat("ä", 100) + `…"`},
		{strings.Repeat("x", maxChallenge+1), ""},
	} {
		m := XOAuth2("user", "s3cr3t-t0ken")
		runSASL(t, m, "XOAUTH2", c.challenge)
		err := m.(FailureExplainer).Failure()
		if c.want == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, "imap: XOAUTH2: "+c.want)
		}
	}
	m := XOAuth2("user", strings.Repeat("t", 10000)) // an echo that would be cut inside the token
	runSASL(t, m, "XOAUTH2", strings.Repeat("t", 10000))
	require.NoError(t, m.(FailureExplainer).Failure())
}

// The reason must not change with the buffer of the challenge, which is reused.
func TestOAuthKeepsNoBuffer(t *testing.T) {
	m := XOAuth2("user", "token")
	runSASL(t, m, "XOAUTH2")
	challenge := []byte(`{"status":"one"}`)
	_, err := m.Next(challenge)
	require.NoError(t, err)
	copy(challenge, `{"status":"two"}`)
	require.ErrorContains(t, m.(FailureExplainer).Failure(), "one")
}

// A mechanism never shows a secret, before, during and after an exchange.
func TestMechanismsAreRedacted(t *testing.T) {
	const secret = "hunter2-hunter2"
	for name, m := range map[string]Mechanism{
		"PLAIN": Plain("", "user", secret), "LOGIN": LoginMechanism("user", secret), "CRAM-MD5": CRAMMD5("user", secret),
		"SCRAM-SHA-1": SCRAMSHA1("user", secret), "SCRAM-SHA-256": SCRAMSHA256("user", secret),
		"SCRAM-SHA-512": SCRAMSHA512("user", secret), "DIGEST-MD5": DigestMD5("user", secret),
		"CRAM-SHA1": CRAMSHA1("user", secret), "CRAM-SHA256": CRAMSHA256("user", secret),
		"XOAUTH2": XOAuth2("user", secret), "OAUTHBEARER": OAuthBearer("user", secret),
		"EXTERNAL": External("user"), "ANONYMOUS": Anonymous("user"),
	} {
		requireRedacted(t, m, name, secret)
		_, _, err := m.Start()
		require.NoError(t, err)
		requireRedacted(t, m, name, secret)
		_, _ = m.Next([]byte(`{"status":"` + secret + `"}`))
		requireRedacted(t, m, name, secret)
	}
}

func requireRedacted(t *testing.T, m Mechanism, name, secret string) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%5.1v", "%!"} {
		for _, value := range []any{m, []Mechanism{m}, struct{ M Mechanism }{m}, struct{ m Mechanism }{m}, &m} {
			requireHidden(t, fmt.Sprintf(verb, value), secret)
		}
	}
	require.Equal(t, name+" [redacted]", fmt.Sprintf("%+v", m))
	require.Equal(t, name+" [redacted]", fmt.Sprint(m))

	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "m", m, "in", []any{m})
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "m", m, "in", []any{m})
	require.Equal(t, 2, strings.Count(out.String(), "m=\""+name+" [redacted]\"")+strings.Count(out.String(), `"m":"`+name+" [redacted]"))
	requireHidden(t, out.String(), secret)

	text, err := json.Marshal([]any{m, map[string]any{"m": m}})
	require.NoError(t, err)
	requireHidden(t, string(text), secret)
}

// requireHidden looks for a secret in plain text and in hexadecimal.
func requireHidden(t *testing.T, text, secret string) {
	t.Helper()
	require.NotContains(t, text, secret)
	require.NotContains(t, strings.ToLower(text), fmt.Sprintf("%x", secret))
}

// Printers that read unexported fields by reflection and call no methods find nothing either.
func TestSecretsAreOutOfReach(t *testing.T) {
	type shadow struct{ password hidden } // without the methods of a mechanism
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%q"} {
		requireHidden(t, fmt.Sprintf(verb, shadow{hide("hunter2-hunter2")}), "hunter2-hunter2")
	}
}

// Errors of local checks do not repeat the invalid value.
func TestArgumentErrorsAreRedacted(t *testing.T) {
	for _, m := range []Mechanism{
		Plain("", "u", "hunter2\x00"), LoginMechanism("u", "hunter2\x00"), CRAMMD5("u", "hunter2\x00"), SCRAMSHA1("u", "hunter2\n"),
		SCRAMSHA256("u", "hunter2\n"), SCRAMSHA512("u", "hunter2\n"), DigestMD5("u", "hunter2\x00"), CRAMSHA1("u", "hunter2\x00"),
		CRAMSHA256("u", "hunter2\x00"), XOAuth2("u", "hunter2\n"), OAuthBearer("u", "hunter2\n"),
	} {
		_, _, err := m.Start()
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestStrongest(t *testing.T) {
	for _, c := range []struct {
		offered string
		hasTLS  bool
		want    string
	}{
		{"PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS", true, "SCRAM-SHA-256"},
		{"LOGIN PLAIN SCRAM-SHA-1 SCRAM-SHA-256", false, "SCRAM-SHA-256"},
		{"SCRAM-SHA-256-PLUS SCRAM-SHA-1", true, "SCRAM-SHA-256"},
		{"SCRAM-SHA-256-PLUS SCRAM-SHA-1", false, "SCRAM-SHA-1"},
		{"SCRAM-SHA-1-PLUS PLAIN", true, "SCRAM-SHA-1"},
		{"SCRAM-SHA-1-PLUS PLAIN", false, "PLAIN"},
		{"SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-512", true, "SCRAM-SHA-512"},
		{"SCRAM-SHA-256 SCRAM-SHA-512-PLUS", true, "SCRAM-SHA-512"},
		{"SCRAM-SHA-256 SCRAM-SHA-512-PLUS", false, "SCRAM-SHA-256"},
		{"PLAIN CRAM-MD5 CRAM-SHA1 CRAM-SHA256 SCRAM-SHA-1", true, "SCRAM-SHA-1"},
		{"PLAIN CRAM-MD5 CRAM-SHA1 CRAM-SHA256", true, "CRAM-SHA256"},
		{"PLAIN CRAM-MD5 CRAM-SHA1", true, "CRAM-SHA1"},
		{"CRAM-MD5-PLUS CRAM-SHA256-PLUS PLAIN-PLUS DIGEST-MD5-PLUS", true, ""},
		{"PLAIN CRAM-MD5 LOGIN", true, "CRAM-MD5"},
		{"DIGEST-MD5 CRAM-MD5", false, "CRAM-MD5"},
		{"DIGEST-MD5 PLAIN", true, "PLAIN"},
		{"DIGEST-MD5 LOGIN", true, "LOGIN"},
		{"DIGEST-MD5", false, "DIGEST-MD5"},
		{"LOGIN PLAIN", true, "PLAIN"},
		{"LOGIN", true, "LOGIN"},
		{"SCRAM-SHA-384 GSSAPI XOAUTH2 EXTERNAL ANONYMOUS NTLM", true, ""},
		{"", false, ""},
	} {
		names := strings.Fields(c.offered)
		offered := func(name string) bool {
			for _, n := range names {
				if n == name {
					return true
				}
			}
			return false
		}
		_, m := Strongest(offered, c.hasTLS, "user", "password")
		if c.want == "" {
			require.Nil(t, m, c.offered)
			continue
		}
		require.Equal(t, c.want+" [redacted]", fmt.Sprint(m), c.offered)
	}
}

func TestSendsPassword(t *testing.T) {
	for name, want := range map[string]bool{
		"PLAIN": true, "plain": true, "LOGIN": true, "XOAUTH2": true, "OAUTHBEARER": true, "XGWTRUSTEDAPP": true, "": true,
		"SCRAM": true, "NTLM": true, "CRAM-MD5": false, "cram-md5": false, "DIGEST-MD5": false,
		"CRAM-SHA1": false, "cram-sha256": false, "CRAM": true, "SCRAM-SHA-1": false,
		"Scram-Sha-256": false, "SCRAM-SHA-256-PLUS": false, "SCRAM-SHA-512": false, "GSSAPI": false, "EXTERNAL": false,
		"ANONYMOUS": false,
	} {
		require.Equal(t, want, SendsPassword(name), name)
	}
}

// MD5 and SHA-1 panic if only FIPS 140-3 is allowed: they must be an error instead, and not be chosen.
func TestMechanismsInFIPSMode(t *testing.T) {
	if !fips140.Enforced() {
		self, err := os.Executable()
		require.NoError(t, err)
		command := exec.CommandContext(t.Context(), self, "-test.run=^TestMechanismsInFIPSMode$", "-test.v")
		command.Env = append(os.Environ(), "GODEBUG=fips140=only")
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "PASS: TestMechanismsInFIPSMode")
		return
	}
	for _, m := range []Mechanism{CRAMMD5("u", "p"), CRAMSHA1("u", "p"), CRAMSHA256("u", "p"), SCRAMSHA1("u", "p"), DigestMD5("u", "p")} {
		_, _, err := m.Start()
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%v: %v", m, err)
		}
	}
	long := CRAMSHA256("u", "a password of 14 octets")
	for _, m := range []Mechanism{SCRAMSHA256("u", "p"), SCRAMSHA512("u", "p"), long} {
		if _, _, err := m.Start(); err != nil {
			t.Error(err)
		}
	}
	if _, err := long.Next([]byte("challenge")); err != nil {
		t.Error(err)
	}
	old := func(name string) bool {
		return !strings.HasPrefix(name, "SCRAM-SHA-256") && !strings.HasPrefix(name, "SCRAM-SHA-512")
	}
	if _, m := Strongest(old, true, "u", "p"); fmt.Sprint(m) != "PLAIN [redacted]" {
		t.Error(m)
	}
}
