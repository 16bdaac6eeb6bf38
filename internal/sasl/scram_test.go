package sasl

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"hash"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

const (
	clientNonce1   = "fyko+d2lbbFgONRv9qkxdawL" // RFC 5802 section 5
	serverFirst1   = "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
	clientLast1    = "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
	serverLast1    = "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
	clientNonce256 = "rOprNGfwEbeRWgbNEkqO" // RFC 7677 section 3
	serverFirst256 = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	clientLast256  = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
	serverLast256  = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
	clientLast512  = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ=="
	serverLast512  = "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==" // by another implementation
)

// pencil is the client of the examples in RFC 5802 and RFC 7677.
func pencil(m Mechanism, nonce string) *scram {
	s := m.(*scram)
	s.nonce = func() string { return nonce }
	return s
}

func TestSCRAMVectors(t *testing.T) {
	m := pencil(SCRAMSHA1("user", "pencil"), clientNonce1)
	for range 2 {
		require.Equal(t, []string{"n,,n=user,r=" + clientNonce1, clientLast1, ""},
			runSASL(t, m, "SCRAM-SHA-1", serverFirst1, serverLast1))
		require.NoError(t, m.Finish(nil))
		requireSpent(t, m)
		require.Error(t, m.Finish(nil), "spent")
	}
	m = pencil(SCRAMSHA256("user", "pencil"), clientNonce256)
	require.Equal(t, []string{"n,,n=user,r=" + clientNonce256, clientLast256, ""},
		runSASL(t, m, "SCRAM-SHA-256", serverFirst256, serverLast256))
	require.NoError(t, m.Finish(nil))
	m = pencil(SCRAMSHA512("user", "pencil"), clientNonce256) // the same words with the other function
	require.Equal(t, []string{"n,,n=user,r=" + clientNonce256, clientLast512, ""},
		runSASL(t, m, "SCRAM-SHA-512", serverFirst256, serverLast512))
	require.NoError(t, m.Finish(nil))
	runSASL(t, m, "SCRAM-SHA-512", serverFirst256)
	require.ErrorContains(t, m.Finish([]byte(serverLast256)), "does not know the password")
}

// The signature may come with the tagged OK instead of in a challenge, but it must come.
func TestSCRAMFinish(t *testing.T) {
	m := pencil(SCRAMSHA1("user", "pencil"), clientNonce1)
	require.Error(t, m.Finish(nil), "before Start")
	for data, ok := range map[string]bool{
		serverLast1: true, serverLast1 + ",x=y": true,
		"": false, "v=": false, "v": false, "hello": false, "e=other-error": false,
		"v=AAAAAAAAAAAAAAAAAAAAAAAAAAA=": false, strings.ToUpper(serverLast1): false,
	} {
		runSASL(t, m, "SCRAM-SHA-1", serverFirst1)
		err := m.Finish([]byte(data))
		require.Equal(t, ok, err == nil, "%q: %v", data, err)
	}
	runSASL(t, m, "SCRAM-SHA-1", serverFirst1)
	require.ErrorContains(t, m.Finish(nil), "has not proved")
	runSASL(t, m, "SCRAM-SHA-1")
	require.Error(t, m.Finish([]byte("v=")), "OK after the first message")
	require.Error(t, m.Finish(nil))
	runSASL(t, m, "SCRAM-SHA-1", serverFirst1, serverLast1)
	runSASL(t, m, "SCRAM-SHA-1")
	require.Error(t, m.Finish(nil), "verified in the exchange before")
}

func TestSCRAMServerLast(t *testing.T) {
	for _, message := range []string{
		"", "v", "v=", "v=!", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ", "v=smF9pqV8S7suAoZWja4dJRkFsKQ=", "x=1,v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
		"rmF9pqV8S7suAoZWja4dJRkFsKQ=", serverFirst1, "e=invalid-proof", "e=", strings.Repeat("v", maxChallenge+1),
	} {
		m := pencil(SCRAMSHA1("user", "pencil"), clientNonce1)
		runSASL(t, m, "SCRAM-SHA-1", serverFirst1)
		_, err := m.Next([]byte(message))
		require.Error(t, err, message)
		require.Error(t, m.Finish([]byte(serverLast1)), "a second chance after %q", message)
	}
}

func TestSCRAMServerFirst(t *testing.T) {
	const nonce = "r=" + clientNonce1
	for message, text := range map[string]string{
		"":                                    "nonce",
		"r":                                   "nonce",
		"r=":                                  "nonce",
		",,":                                  "nonce",
		"hello":                               "nonce",
		nonce + ",s=QSXCR+Q6sek8bf92,i=4096":  "nonce", // not longer than ours
		"r=other,s=QSXCR+Q6sek8bf92,i=4096":   "nonce",
		nonce + " ,s=QSXCR+Q6sek8bf92,i=4096": "nonce",
		nonce + "\x01,s=QSXC,i=4096":          "nonce",
		nonce + "ä,s=QSXC,i=4096":             "nonce",
		"s=QSXC," + nonce + "x,i=4096":        "nonce",
		nonce + "x":                           "salt",
		nonce + "x,":                          "salt",
		nonce + "x,s=,i=4096":                 "salt",
		nonce + "x,s=?,i=4096":                "salt",
		nonce + "x,QSXC,i=4096":               "salt",
		nonce + "x,i=4096,s=QSXC":             "salt",
		nonce + "x,s=QSXC":                    "iteration",
		nonce + "x,s=QSXC,4096":               "iteration",
		nonce + "x,s=QSXC,i=":                 "iteration",
		nonce + "x,s=QSXC,i=+5000":            "iteration",
		nonce + "x,s=QSXC,i=-5000":            "iteration",
		nonce + "x,s=QSXC,i=0":                "iteration",
		nonce + "x,s=QSXC,i=1":                "iteration",
		nonce + "x,s=QSXC,i=4095":             "iteration",
		nonce + "x,s=QSXC,i=10000001":         "iteration",
		nonce + "x,s=QSXC,i=4294971392":       "iteration", // 2^32 + 4096
		nonce + "x,s=QSXC,i=99999999999999999999999": "iteration",
		"m=ext," + nonce + "x,s=QSXC,i=4096":         "extension",
		"e=other-error":                              `refuses: "other-error"`,
		"e=a\x01b,x":                                 `refuses: "a\x01b"`,
		strings.Repeat("r", maxChallenge+1):          "too long",
	} {
		m := pencil(SCRAMSHA1("user", "pencil"), clientNonce1)
		runSASL(t, m, "SCRAM-SHA-1")
		response, err := m.Next([]byte(message))
		require.ErrorContains(t, err, text, message)
		require.Nil(t, response)
		requireSpent(t, m)
		require.Error(t, m.Finish(nil))
	}
}

func TestSCRAMIterations(t *testing.T) {
	m := pencil(SCRAMSHA256("user", "pencil"), "n")
	runSASL(t, m, "SCRAM-SHA-256")
	for count, ok := range map[int]bool{minIterations - 1: false, minIterations: true, maxIterations: true, maxIterations + 1: false} {
		first, err := m.parseFirst(fmt.Sprintf("r=nx,s=QSXC,i=%d,optional=extension", count))
		require.Equal(t, ok, err == nil)
		if ok {
			require.Equal(t, scramFirst{"nx", []byte("A%\xc2"), count}, first)
		}
	}
}

// scramServer is the server's side, written from RFC 5802 without the client's code.
type scramServer struct {
	newHash  func() hash.Hash
	password string
	cbind    string // the GS2 header and the binding that must come
}

func (s scramServer) hmac(key []byte, text string) []byte {
	h := hmac.New(s.newHash, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func (s scramServer) run(t *testing.T, m Mechanism, name, user string) {
	t.Helper()
	got, initial, err := m.Start()
	require.NoError(t, err)
	require.Equal(t, name, got)
	header := strings.SplitN(string(initial), ",", 3)
	bare := header[2]
	attributes := strings.Split(bare, ",")
	require.Len(t, attributes, 2, "an unescaped comma")
	unescaped := strings.ReplaceAll(strings.ReplaceAll(attributes[0], "=2C", ","), "=3D", "=")
	require.Equal(t, "n="+user, unescaped)

	salt := []byte("salt of the server")
	first := attributes[1] + "server's,s=" + base64.StdEncoding.EncodeToString(salt) + ",i=4096"
	last, err := m.Next([]byte(first))
	require.NoError(t, err)
	withoutProof, proof, _ := strings.Cut(string(last), ",p=")
	require.Equal(t, "c="+base64.StdEncoding.EncodeToString([]byte(s.cbind))+","+attributes[1]+"server's", withoutProof)

	salted, err := pbkdf2.Key(s.newHash, s.password, salt, 4096, s.newHash().Size())
	require.NoError(t, err)
	message := bare + "," + first + "," + withoutProof
	clientKey := s.hmac(salted, "Client Key")
	h := s.newHash()
	h.Write(clientKey)
	sent, err := base64.StdEncoding.DecodeString(proof)
	require.NoError(t, err)
	for i, octet := range s.hmac(h.Sum(nil), message) {
		sent[i] ^= octet
	}
	require.Equal(t, clientKey, sent, "the proof is wrong")
	response, err := m.Next([]byte("v=" + base64.StdEncoding.EncodeToString(s.hmac(s.hmac(salted, "Server Key"), message))))
	require.NoError(t, err)
	require.Empty(t, response)
	require.NoError(t, m.(Finisher).Finish(nil))
}

// randomWord is a user or password of characters that mechanisms treat specially.
func randomWord() string {
	letters := []rune(`abz AZ09"\,=;:{}()%*~^'` + "`äöüÄÖÜß€漢字😀é")
	runes := make([]rune, 1+mrand.IntN(30))
	for i := range runes {
		runes[i] = letters[mrand.IntN(len(letters))]
	}
	return string(runes)
}

func TestSCRAMRandomCredentials(t *testing.T) {
	for range 50 {
		user, password := randomWord(), randomWord()
		scramServer{sha1.New, password, "n,,"}.run(t, SCRAMSHA1(user, password), "SCRAM-SHA-1", user)
		scramServer{sha256.New, password, "n,,"}.run(t, SCRAMSHA256(user, password), "SCRAM-SHA-256", user)
		scramServer{sha512.New, password, "n,,"}.run(t, SCRAMSHA512(user, password), "SCRAM-SHA-512", user)
	}
	m := SCRAMSHA256("a", "b")
	server := scramServer{sha256.New, "b", "n,,"}
	server.run(t, m, "SCRAM-SHA-256", "a")
	server.run(t, m, "SCRAM-SHA-256", "a")
}

func TestSCRAMPreparation(t *testing.T) {
	for _, argument := range []string{"\x00", "a\tb", "a\r\n", "\x7f", "ä\u0085"} {
		requireStartError(t, SCRAMSHA256(argument, "b"), "control character")
		requireStartError(t, SCRAMSHA256("a", argument), "control character")
	}
	requireStartError(t, SCRAMSHA256("", "b"), "empty")
	requireStartError(t, SCRAMSHA256("\u00ad", "b"), "empty")
	requireStartError(t, SCRAMSHA256("\xe4", "b"), "UTF-8")
	scramServer{sha256.New, "IX é", "n,,"}.run(t, SCRAMSHA256("ﬁ", "\u2168\u00a0e\u0301"), "SCRAM-SHA-256", "fi")
	scramServer{sha256.New, "l\xe4tin", "n,,"}.run(t, SCRAMSHA256("a", "l\xe4tin"), "SCRAM-SHA-256", "a")
	scramServer{sha256.New, "", "n,,"}.run(t, SCRAMSHA256("a", ""), "SCRAM-SHA-256", "a")
}

func TestSCRAMNonce(t *testing.T) {
	m := SCRAMSHA256("a", "b")
	seen := map[string]bool{}
	for range 100 {
		_, initial, err := m.Start()
		require.NoError(t, err)
		_, nonce, ok := strings.Cut(string(initial), ",r=")
		require.True(t, ok)
		require.GreaterOrEqual(t, len(nonce), 20)
		require.False(t, seen[nonce])
		seen[nonce] = true
	}
}

// The examples of RFC 4013 section 3, its tables, and what is kept because SASLprep has no form for it.
func TestPrepareSASL(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"I\u00adX":               "IX",
		"user":                   "user",
		"USER":                   "USER",
		"\u00aa":                 "a",
		"\u2168":                 "IX",
		`p "q" \ , = ~ pq`:       `p "q" \ , = ~ pq`,
		"pässwörd":               "pässwörd",
		"pa\u0308sswo\u0308rd":   "pässwörd",
		"a\u00a0b\u3000c\u200bd": "a b c d",
		"x\u200d\ufeff\ufe0fy":   "xy",
		"עברית":                  "עברית",
		"\u0627\u0031":           "\u0627\u0031", // breaks the rule for right-to-left text
		"a\u05d0":                "a\u05d0",
		"a\ue000\u00aa":          "a\ue000\u00aa", // private use
		"\u202e\u00aa":           "\u202e\u00aa",
		"\ufffd\u00aa":           "\ufffd\u00aa",
		"\U000e0041\u00aa":       "\U000e0041\u00aa",
		"\ufdd0\u00aa":           "\ufdd0\u00aa",
		"l\xe4tin\u00aa":         "l\xe4tin\u00aa",
		"😀":                      "😀",
	} {
		got, ok := prepareSASL(in)
		require.True(t, ok, "%q", in)
		require.Equal(t, want, got, "%q", in)
	}
	for _, in := range []string{"\x00", "\x07", "a\n", "\x7f", "\u0080", "\u009f", "\xe4\x01"} {
		_, ok := prepareSASL(in)
		require.False(t, ok, "%q", in)
	}
}

// tlsStates makes a TLS connection and returns both ends' view of it, and the certificate as it was sent.
func tlsStates(t *testing.T, version uint16, key crypto.Signer) (client, server tls.ConnectionState, certificate []byte) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	serverSide := tls.Server(a, &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}, SessionTicketsDisabled: true,
	})
	clientSide := tls.Client(b, &tls.Config{InsecureSkipVerify: true, MaxVersion: version})
	done := make(chan error, 1)
	go func() { done <- serverSide.HandshakeContext(t.Context()) }()
	require.NoError(t, clientSide.HandshakeContext(t.Context()))
	require.NoError(t, <-done)
	return clientSide.ConnectionState(), serverSide.ConnectionState(), certificate
}

func ecKey(t *testing.T, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return key
}

func TestSCRAMChannelBinding(t *testing.T) {
	client, server, _ := tlsStates(t, tls.VersionTLS13, ecKey(t, elliptic.P256()))
	exported, err := server.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
	require.NoError(t, err)
	m := SCRAMSHA256("user", "password")
	m.(ChannelBinder).BindChannel(true, &client)
	scramServer{sha256.New, "password", "p=tls-exporter,," + string(exported)}.run(t, m, "SCRAM-SHA-256-PLUS", "user")
	m = SCRAMSHA1("user", "password")
	require.Equal(t, "SCRAM-SHA-1-PLUS", m.(ChannelBinder).PlusName())
	m.(ChannelBinder).BindChannel(true, &client)
	scramServer{sha1.New, "password", "p=tls-exporter,," + string(exported)}.run(t, m, "SCRAM-SHA-1-PLUS", "user")

	m = SCRAMSHA512("user", "password")
	m.(ChannelBinder).BindChannel(true, &client)
	scramServer{sha512.New, "password", "p=tls-exporter,," + string(exported)}.run(t, m, "SCRAM-SHA-512-PLUS", "user")

	m = SCRAMSHA1("user", "password")
	m.(ChannelBinder).BindChannel(false, &client)
	scramServer{sha1.New, "password", "y,,"}.run(t, m, "SCRAM-SHA-1", "user")
	require.False(t, m.(Rebinder).Rebind(""), "nothing was bound")
	for _, offered := range []bool{false, true} {
		m.(ChannelBinder).BindChannel(offered, nil)
		scramServer{sha1.New, "password", "n,,"}.run(t, m, "SCRAM-SHA-1", "user")
		require.False(t, m.(Rebinder).Rebind(""), "nothing was bound")
	}
}

func TestSCRAMServerEndPoint(t *testing.T) {
	for curve, newHash := range map[elliptic.Curve]func() hash.Hash{
		elliptic.P256(): sha256.New, elliptic.P384(): sha512.New384, elliptic.P521(): sha512.New,
	} {
		client, _, certificate := tlsStates(t, tls.VersionTLS12, ecKey(t, curve))
		h := newHash()
		h.Write(certificate)
		m := SCRAMSHA256("user", "password")
		m.(ChannelBinder).BindChannel(true, &client)
		scramServer{sha256.New, "password", "p=tls-server-end-point,," + string(h.Sum(nil))}.run(t, m, "SCRAM-SHA-256-PLUS", "user")
	}
	sum := sha256.Sum256([]byte("raw")) // RFC 5929 section 4.1: never less than SHA-256
	require.Equal(t, sum[:], endPoint(&x509.Certificate{Raw: []byte("raw"), SignatureAlgorithm: x509.SHA1WithRSA}))

	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	client, _, _ := tlsStates(t, tls.VersionTLS12, key)
	m := SCRAMSHA256("user", "password")
	m.(ChannelBinder).BindChannel(true, &client) // no hash function belongs to Ed25519: tls-unique is left
	scramServer{sha256.New, "password", "p=tls-unique,," + string(client.TLSUnique)}.run(t, m, "SCRAM-SHA-256-PLUS", "user")
	client.TLSUnique = nil
	m.(ChannelBinder).BindChannel(true, &client) // offered, but not possible
	scramServer{sha256.New, "password", "n,,"}.run(t, m, "SCRAM-SHA-256", "user")
}

func TestSCRAMUnique(t *testing.T) {
	client, server, certificate := tlsStates(t, tls.VersionTLS12, ecKey(t, elliptic.P256()))
	end := sha256.Sum256(certificate)
	m := SCRAMSHA1("user", "password")
	m.(ChannelBinder).BindChannel(true, &client)
	scramServer{sha1.New, "password", "p=tls-server-end-point,," + string(end[:])}.run(t, m, "SCRAM-SHA-1-PLUS", "user")

	const no = ""
	for name, refuse := range map[string]func(){
		"unknown":               func() { _, _ = m.Next([]byte("e=unsupported-channel-binding-type")) },
		"without a reason":      func() {},
		"only behind the proof": func() { runSASL(t, m, "SCRAM-SHA-1-PLUS"); proveTo(t, m) },
	} {
		m.(ChannelBinder).BindChannel(true, &client)
		runSASL(t, m, "SCRAM-SHA-1-PLUS")
		refuse()
		require.True(t, m.(Rebinder).Rebind(no), name)
		scramServer{sha1.New, "password", "p=tls-unique,," + string(server.TLSUnique)}.run(t, m, "SCRAM-SHA-1-PLUS", "user")
		runSASL(t, m, "SCRAM-SHA-1-PLUS")
		require.True(t, m.(Rebinder).Rebind(no), name)
		scramServer{sha1.New, "password", "n,,"}.run(t, m, "SCRAM-SHA-1", "user")
		require.False(t, m.(Rebinder).Rebind(no), "no other way is left")
	}
}

// proveTo has a client that was started send its proof.
func proveTo(t *testing.T, m Mechanism) {
	t.Helper()
	_, err := m.Next([]byte("r=" + m.(*scram).clientNonce + "x,s=QSXC,i=4096"))
	require.NoError(t, err)
}

// Without the extended master secret tls-unique can be that of two connections.
func TestSCRAMUniqueNeedsExtendedMasterSecret(t *testing.T) {
	require.False(t, hasTLSUnique(&tls.ConnectionState{Version: tls.VersionTLS12}))
	client, _, _ := tlsStates(t, tls.VersionTLS12, ecKey(t, elliptic.P256()))
	require.True(t, hasTLSUnique(&client))
	client, _, _ = tlsStates(t, tls.VersionTLS13, ecKey(t, elliptic.P256()))
	require.False(t, hasTLSUnique(&client))
}

func TestSCRAMRebind(t *testing.T) {
	client, _, _ := tlsStates(t, tls.VersionTLS13, ecKey(t, elliptic.P256()))
	m := SCRAMSHA256("user", "password")
	bind := func() { m.(ChannelBinder).BindChannel(true, &client) }
	start := func() string {
		_, initial, err := m.Start()
		require.NoError(t, err)
		flag, _, _ := strings.Cut(string(initial), ",")
		return flag
	}
	rebind := m.(Rebinder).Rebind
	refuse := func(reason string) {
		_, err := m.Next([]byte("e=" + reason))
		require.ErrorContains(t, err, reason)
	}
	const no, wrong = "", "AUTHENTICATIONFAILED"

	require.False(t, rebind(no), "before Start")
	bind()
	require.Equal(t, "p=tls-exporter", start())
	refuse("unsupported-channel-binding-type")
	require.True(t, rebind(wrong))
	require.Equal(t, "p=tls-server-end-point", start())
	refuse("channel-binding-not-supported")
	require.True(t, rebind(no))
	require.Equal(t, "n", start())
	require.False(t, rebind(no), "no other way is left")

	bind()
	require.Equal(t, "p=tls-exporter", start())
	require.False(t, rebind(wrong), "the password is wrong")
	require.True(t, rebind(no), "no reason")
	require.Equal(t, "n", start())

	for _, reason := range []string{"channel-bindings-dont-match", "invalid-proof", "unknown-user", "other-error"} {
		bind()
		require.Equal(t, "p=tls-exporter", start())
		refuse(reason)
		require.False(t, rebind(no), reason)
	}
}

// FuzzSCRAM plays a server that does not know the password: whatever it sends, the client survives, answers only what
// continues its own nonce, and believes nothing.
func FuzzSCRAM(f *testing.F) {
	f.Add(serverFirst1, serverLast1, "")
	f.Add(serverFirst256, serverLast256, serverLast256)
	f.Add("r="+clientNonce1+"x,s=QSXC,i=4096,m=1", "e=invalid-proof", "v=")
	f.Add("m=x", "v=", "v=AAAA")
	f.Add("e=unsupported-channel-binding-type", "", "e=")
	f.Add("r=,s=,i=", "v", "\x00")
	f.Fuzz(func(t *testing.T, first, last, data string) {
		for _, nonce := range []string{clientNonce1, clientNonce256} {
			m := pencil(SCRAMSHA256("user", "another password"), nonce)
			_, _, err := m.Start()
			require.NoError(t, err)
			if parsed, err := m.parseFirst(first); err == nil && parsed.iterations > minIterations {
				return // too slow
			}
			response, err := m.Next([]byte(first))
			if err == nil {
				require.True(t, strings.HasPrefix(first, "r="+nonce))
				require.True(t, strings.HasPrefix(string(response), "c=biws,r="+nonce))
			} else {
				require.True(t, utf8.ValidString(err.Error()))
			}
			_, err = m.Next([]byte(last))
			require.Error(t, err)
			require.Error(t, m.Finish([]byte(data)))
			require.Error(t, m.Finish(nil))
		}
	})
}
