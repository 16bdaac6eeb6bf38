package sasl

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-imaplib/imap/internal/measure"
	"github.com/stretchr/testify/require"
)

const (
	digestNonce      = "OA6MHXh6VqTrRk" // the client's in RFC 2831 section 4
	digestChallenge1 = `realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8`
	digestResponse1  = `charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,` +
		`cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",response=d388dad90d4bbd760a152321f2143af7,qop=auth`
	digestAnswer1 = "rspauth=ea40f60335c427b5527b84dbabcdfffd"
)

// fixedDigest is a client with a fixed nonce.
func fixedDigest(user, password, host, nonce string) *digestMD5 {
	m := DigestMD5(user, password).(*digestMD5)
	m.BindHost(host)
	m.nonce = func() string { return nonce }
	return m
}

func chris() *digestMD5 { return fixedDigest("chris", "secret", "elwood.innosoft.com", digestNonce) }

func TestDigestMD5Vector(t *testing.T) {
	m := chris()
	for range 2 {
		require.Equal(t, []string{digestResponse1, ""}, runSASL(t, m, "DIGEST-MD5", digestChallenge1, digestAnswer1))
		require.NoError(t, m.Finish(nil))
		requireSpent(t, m)
		require.Error(t, m.Finish(nil), "spent")
	}
}

// The response is compared with that of another implementation for the same parts.
func TestDigestMD5Response(t *testing.T) {
	for _, c := range []struct{ user, password, nonce, challenge, want, answer string }{
		{"jürgen", `pä"ss\wörd x`, "c", `realm="a\"b\\c",nonce="n\"o\\n",charset=utf-8,algorithm=md5-sess`,
			`charset=utf-8,username="jürgen",realm="a\"b\\c",nonce="n\"o\\n",nc=00000001,cnonce="c",` +
				`digest-uri="imap/mail.example.org",response=85b57258394cdf350834c26ecf66d395,qop=auth`,
			"rspauth=df05330dfc807234cc43065b7ea4fd51"},
		{"jürgen", "€", "c", `realm=r,nonce=n,charset=utf-8,algorithm=md5-sess`, // the user fits into ISO 8859-1, the password does not
			`charset=utf-8,username="jürgen",realm="r",nonce="n",nc=00000001,cnonce="c",` +
				`digest-uri="imap/mail.example.org",response=9b3b4440a15367e94a8c700179332a22,qop=auth`,
			`rspauth="de1a62f629bca23bcd3d05f6db3389ca"`},
		{"jürgen", `pä"ss\wörd x`, "c", "realm=\"a\\\"b\\\\c\",nonce=\"n\\\"o\\\\n\",algorithm=md5-sess", // no UTF-8
			"username=\"j\xfcrgen\",realm=\"a\\\"b\\\\c\",nonce=\"n\\\"o\\\\n\",nc=00000001,cnonce=\"c\"," +
				`digest-uri="imap/mail.example.org",response=85b57258394cdf350834c26ecf66d395,qop=auth`,
			"rspauth=df05330dfc807234cc43065b7ea4fd51"},
	} {
		m := fixedDigest(c.user, c.password, "mail.example.org", c.nonce)
		require.Equal(t, []string{c.want, ""}, runSASL(t, m, "DIGEST-MD5", c.challenge, c.answer))
		require.NoError(t, m.Finish(nil))
	}
	m := fixedDigest("u", "p", "localhost", "c") // no realm: none is sent, and the empty one is hashed
	require.Equal(t, []string{`username="u",nonce="n",nc=00000001,cnonce="c",digest-uri="imap/localhost",` +
		`response=530225bb1be601170df2bf09ad0af03a,qop=auth`, ""},
		runSASL(t, m, "DIGEST-MD5", "nonce=n,algorithm=md5-sess", "rspauth=1fd48c6a318efea03caeb157d33c91ea"))
}

// Dovecot hashes UTF-8 unchanged: if that makes a difference, there is a second exchange, and no third.
func TestDigestMD5Rebind(t *testing.T) {
	m := fixedDigest("jürgen", `pä"ss\wörd x`, "mail.example.org", "c")
	const no, wrong = "", "AUTHENTICATIONFAILED"
	const challenge = `realm="a\"b\\c",nonce="n\"o\\n",charset=utf-8,algorithm=md5-sess`
	require.False(t, m.Rebind(no), "before Start")
	for _, refusal := range []string{no, wrong} {
		m.BindHost("mail.example.org")
		require.Contains(t, runSASL(t, m, "DIGEST-MD5", challenge)[0], "response=85b57258394cdf350834c26ecf66d395")
		require.False(t, m.Rebind("UNAVAILABLE"))
		require.True(t, m.Rebind(refusal))
		require.Contains(t, runSASL(t, m, "DIGEST-MD5", challenge)[0], "response=c9214f97d59de597a0ed9d7e20a78126")
		require.False(t, m.Rebind(refusal), "no other way is left")
	}
	m.BindHost("mail.example.org")
	runSASL(t, m, "DIGEST-MD5")
	require.False(t, m.Rebind(no), "refused before the answer")
	m = chris()
	runSASL(t, m, "DIGEST-MD5", digestChallenge1)
	require.False(t, m.Rebind(no), "ASCII is the same in both")
}

func TestDigestMD5Realm(t *testing.T) {
	for _, c := range []struct{ user, realms, want string }{
		{"u", `realm="a",realm="b"`, "a"},
		{"u@B", `realm="a",realm="b",realm=c`, "b"},
		{"u@x@c", `realm="a", realm=b , realm=c`, "c"},
		{"u@d", `realm=a,realm=b`, "a"},
		{"a", `realm="",realm=a`, ""},
	} {
		said := runSASL(t, DigestMD5(c.user, "p"), "DIGEST-MD5", c.realms+",nonce=n,algorithm=md5-sess")[0]
		require.Contains(t, said, `username="`+c.user+`",realm="`+c.want+`",`)
	}
}

// The proof may come with the tagged OK instead of in a challenge, but it must come and be correct.
func TestDigestMD5Finish(t *testing.T) {
	m := chris()
	require.Error(t, m.Finish(nil), "before Start")
	for data, ok := range map[string]bool{
		digestAnswer1: true, ` RSPAUTH = "ea40f60335c427b5527b84dbabcdfffd" , x=y`: true,
		"": false, "rspauth": false, "rspauth=": false, "hello": false, digestAnswer1 + "," + digestAnswer1: false,
		"rspauth=ea40f60335c427b5527b84dbabcdfffe": false, "rspauth=EA40F60335C427B5527B84DBABCDFFFD": false,
		"rspauth=d388dad90d4bbd760a152321f2143af7": false, digestChallenge1: false, `rspauth="`: false,
	} {
		runSASL(t, m, "DIGEST-MD5", digestChallenge1)
		err := m.Finish([]byte(data))
		require.Equal(t, ok, err == nil, "%q: %v", data, err)

		runSASL(t, m, "DIGEST-MD5", digestChallenge1)
		_, err = m.Next([]byte(data))
		require.Equal(t, ok, err == nil, "%q: %v", data, err)
		require.Equal(t, ok, m.Finish([]byte(digestAnswer1)) == nil, "a second chance after %q", data)
	}
	runSASL(t, m, "DIGEST-MD5", digestChallenge1)
	require.ErrorContains(t, m.Finish(nil), "has not proved")
	runSASL(t, m, "DIGEST-MD5")
	require.Error(t, m.Finish([]byte(digestAnswer1)), "OK before the answer")
	runSASL(t, m, "DIGEST-MD5", digestChallenge1, digestAnswer1)
	runSASL(t, m, "DIGEST-MD5")
	require.Error(t, m.Finish(nil), "verified in the exchange before")
}

func TestDigestMD5Challenge(t *testing.T) {
	const rest = `nonce="n",algorithm=md5-sess`
	for challenge, text := range map[string]string{
		"":                                    "directive nonce",
		",,":                                  "directive nonce",
		"algorithm=md5-sess":                  "directive nonce",
		`nonce="n"`:                           "directive algorithm",
		`nonce="n",` + rest:                   "directive nonce",
		`nonce="",algorithm=md5-sess`:         "nonce is empty",
		rest + ",algorithm=md5-sess":          "directive algorithm",
		"nonce=n,algorithm=md5":               `algorithm "md5"`,
		"nonce=n,algorithm=\"a\x01\"":         `algorithm "a\x01"`,
		rest + `,qop="auth-int"`:              "security layer",
		rest + `,qop="auth-conf,x"`:           "security layer",
		rest + `,qop=""`:                      "security layer",
		rest + `,qop=auth,qop=auth`:           "two directives qop",
		rest + ",stale=true,stale=true":       "two directives stale",
		rest + ",maxbuf=1,maxbuf=2":           "two directives maxbuf",
		rest + ",charset=utf-8,charset=utf-8": "two directives charset",
		rest + ",cipher=des,cipher=des":       "two directives cipher",
		rest + ",charset=utf-16":              `character set "utf-16"`,
		rest + ",hello":                       "malformed",
		rest + ",=x":                          "malformed",
		rest + ",x=":                          "malformed",
		rest + ",x=,y=z":                      "malformed",
		rest + `,x="`:                         "malformed",
		rest + `,x="\`:                        "malformed",
		rest + `,x="\"`:                       "malformed",
		rest + `,x="a"b`:                      "malformed",
		rest + `,x=a b`:                       "malformed",
		rest + `,x=a"b`:                       "malformed",
		rest + ",x y=a":                       "malformed",
		rest + ",x=\x00":                      "malformed",
		rest + ",x=ä":                         "malformed",
		strings.Repeat("x", maxChallenge+1):   "too long",
	} {
		m := chris()
		runSASL(t, m, "DIGEST-MD5")
		response, err := m.Next([]byte(challenge))
		require.ErrorContains(t, err, text, challenge)
		require.Nil(t, response)
		requireSpent(t, m)
		require.Error(t, m.Finish([]byte(digestAnswer1)))
	}
	for _, challenge := range []string{
		rest, rest + ",", ",, " + rest, rest + `,qop="auth-conf , AUTH"`, rest + ",x=y,x=z,opaque=\"o\"", "NONCE = n ,\r\n\tAlgorithm=MD5-SESS",
		rest + `,cipher="rc4,3des",maxbuf=0,stale=true,domain=""`, `nonce=a==b/+,algorithm="md5-sess"`,
	} {
		runSASL(t, chris(), "DIGEST-MD5", challenge)
	}
}

func TestDigestMD5Arguments(t *testing.T) {
	requireStartError(t, DigestMD5("a\x00", "b"), "user name")
	requireStartError(t, DigestMD5("a\r\n", "b"), "user name")
	requireStartError(t, DigestMD5("\xe4", "b"), "user name")
	requireStartError(t, DigestMD5("a", "b\x00"), "NUL")
	for _, m := range []Mechanism{DigestMD5("€", "p"), DigestMD5("u", "€-hunter2")} { // without UTF-8
		runSASL(t, m, "DIGEST-MD5")
		_, err := m.Next([]byte("nonce=n,algorithm=md5-sess"))
		require.ErrorContains(t, err, "8859-1")
		require.NotContains(t, err.Error(), "hunter2")
	}
	m := DigestMD5(strings.Repeat("u", maxDigestResponse), "p")
	runSASL(t, m, "DIGEST-MD5")
	_, err := m.Next([]byte("nonce=n,algorithm=md5-sess"))
	require.ErrorContains(t, err, "too long")
}

// digestServer is the server's side, written from RFC 2831 without the client's code.
type digestServer struct{ user, realm, password string }

func (s digestServer) run(t *testing.T, m Mechanism) {
	t.Helper()
	escape := func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `"`, `\"`) }
	said := runSASL(t, m, "DIGEST-MD5", `realm="`+escape(s.realm)+`",nonce="x+/=",qop="auth",algorithm=md5-sess,charset=utf-8`)[0]
	require.Contains(t, said, `username="`+escape(s.user)+`",realm="`+escape(s.realm)+`",nonce="x+/="`)
	_, cnonce, _ := strings.Cut(said, `cnonce="`)
	cnonce, _, _ = strings.Cut(cnonce, `"`)
	_, response, _ := strings.Cut(said, "response=")
	response, _, _ = strings.Cut(response, ",")
	hash := func(s string) string { h := md5.Sum([]byte(s)); return string(h[:]) }
	hexHash := func(s string) string { return hex.EncodeToString([]byte(hash(s))) }
	narrow := func(s string) string {
		var octets []byte
		for _, r := range s {
			if r >= 256 {
				return s
			}
			octets = append(octets, byte(r))
		}
		return string(octets)
	}
	a1 := hexHash(hash(narrow(s.user)+":"+narrow(s.realm)+":"+narrow(s.password)) + ":x+/=:" + cnonce)
	proof := func(method string) string {
		return hexHash(a1 + ":x+/=:00000001:" + cnonce + ":auth:" + hexHash(method+":imap/localhost"))
	}
	require.Equal(t, proof("AUTHENTICATE"), response)
	_, err := m.Next([]byte("rspauth=" + proof("")))
	require.NoError(t, err)
	require.NoError(t, m.(Finisher).Finish(nil))
}

func TestDigestMD5RandomCredentials(t *testing.T) {
	for range 200 {
		user, realm, password := randomWord(), randomWord(), randomWord()
		digestServer{user, realm, password}.run(t, DigestMD5(user, password))
	}
	seen := make(map[string]bool)
	for range 100 {
		said := runSASL(t, DigestMD5("u", "p"), "DIGEST-MD5", digestChallenge1)[0]
		require.False(t, seen[said], "a nonce twice")
		seen[said] = true
	}
}

func TestChallengesAreLinear(t *testing.T) {
	for _, c := range [][3]string{{"", "realm=a,", ""}, {`nonce="`, `\"`, ""}, {"", ",", ""}, {"", "a=", ""}, {"", "x", "=y"}} {
		measure.RequireGrowth(t, c[1], func(n int) func() {
			text := c[0] + strings.Repeat(c[1], n) + c[2]
			return func() {
				m := DigestMD5("u@x", "p").(*digestMD5)
				if d, err := m.parseChallenge(text + ",nonce=n,algorithm=md5-sess"); err == nil {
					d.realm(m.user)
				}
			}
		})
	}
}

// FuzzDigest plays a server that does not know the password: whatever it sends, the client does not panic, answers with one
// line of directives, and accepts no proof.
func FuzzDigest(f *testing.F) {
	f.Add(digestChallenge1, digestAnswer1, "")
	f.Add(`realm="a\"b\\c",realm=x,nonce="n",qop="auth,auth-int",algorithm=md5-sess,maxbuf=1`, "rspauth=", "rspauth=x")
	f.Add(",, nonce = n ,\r\n algorithm=\"md5-sess\",x=\"", "=", "\x00")
	f.Add(`nonce="\`, "", `"`)
	f.Fuzz(func(t *testing.T, first, last, data string) {
		m := fixedDigest("jürgen", "another password", "localhost", "c")
		runSASL(t, m, "DIGEST-MD5")
		response, err := m.Next([]byte(first))
		if err == nil {
			again, err := m.parseDirectives(string(response))
			require.NoError(t, err)
			given, err := m.parseChallenge(first)
			require.NoError(t, err)
			require.Equal(t, []string{given.nonce}, again["nonce"])
			require.Equal(t, given.realm("jürgen"), strings.Join(again["realm"], ","))
			require.Len(t, again["response"], 1)
		} else {
			require.True(t, utf8.ValidString(err.Error()))
		}
		_, err = m.Next([]byte(last))
		require.Error(t, err)
		require.Error(t, m.Finish([]byte(data)))
		require.Error(t, m.Finish(nil))
		require.NotErrorIs(t, err, errors.ErrUnsupported)
	})
}
