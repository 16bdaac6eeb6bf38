package model

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-imaplib/imap"
)

// A tunnel is TLS on the server's side of a link. It has a goroutine for the handshake and for decryption; the
// goroutine that sends data encrypts it.
type tunnel struct {
	link *link
	raw  []byte // received, but not read by TLS; guarded by link.mu
	conn *tls.Conn

	encrypting atomic.Bool // the server is sending, and holds link.mu
	mu         sync.Mutex
	out        []byte // encrypted, to be appended to the output of the server
}

func newTunnel(l *link) *tunnel {
	t := &tunnel{link: l}
	t.conn = tls.Server(tunnelEnd{t}, &tls.Config{Certificates: []tls.Certificate{identity()}, SessionTicketsDisabled: true})
	return t
}

// run performs the handshake and passes received data to the server until the link ends.
func (t *tunnel) run() {
	l := t.link
	buf := make([]byte, 4<<10)
	for {
		n, err := t.conn.Read(buf)
		l.mu.Lock()
		l.srv.take(buf[:n])
		if err != nil {
			l.srv.ended = true
		}
		l.broadcast()
		l.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// encrypt returns b encrypted. The caller must hold link.mu.
func (t *tunnel) encrypt(b []byte) []byte {
	t.encrypting.Store(true)
	defer t.encrypting.Store(false)
	_, _ = t.conn.Write(b) // writing to tunnelEnd does not fail
	return t.drain()
}

// drain takes the encrypted data. The caller must hold link.mu.
func (t *tunnel) drain() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.out
	t.out = nil
	return out
}

// tunnelEnd is the stream below TLS.
type tunnelEnd struct{ *tunnel }

func (t tunnelEnd) Read(p []byte) (int, error) {
	l := t.link
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(t.raw) == 0 {
		if l.closed || l.srv.ended {
			return 0, io.EOF
		}
		wake := l.wake
		l.mu.Unlock()
		<-wake
		l.mu.Lock()
	}
	n := copy(p, t.raw)
	t.raw = t.raw[n:]
	return n, nil
}

func (t tunnelEnd) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.out = append(t.out, p...)
	t.mu.Unlock()
	if !t.encrypting.Load() {
		l := t.link
		l.mu.Lock()
		defer l.mu.Unlock()
		l.srv.putBytes(t.drain())
		l.broadcast()
	}
	return len(p), nil
}

func (tunnelEnd) Close() error                     { return nil }
func (tunnelEnd) LocalAddr() net.Addr              { return addr{} }
func (tunnelEnd) RemoteAddr() net.Addr             { return addr{} }
func (tunnelEnd) SetDeadline(time.Time) error      { return nil }
func (tunnelEnd) SetReadDeadline(time.Time) error  { return nil }
func (tunnelEnd) SetWriteDeadline(time.Time) error { return nil }

const serverName = "mail.example.org"

// identity is the certificate of the server. Its signatures always have the same length.
var identity = sync.OnceValue(func() tls.Certificate {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: serverName},
		DNSNames:     []string{serverName},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Unix(1<<32, 0),
		IsCA:         true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
})

// startTLS starts TLS. An attack is simulated by a line in the clear after the OK, which the client must reject.
func (s *server) startTLS(rec *record) {
	if s.loggedIn || s.tls != nil || s.deflate != nil {
		s.fail("state", "STARTTLS is sent where it is not possible")
	}
	if s.refuses() {
		s.finish(rec, "NO", "", "no TLS")
		return
	}
	s.finish(rec, "OK", "", "begin TLS")
	if s.step.chance(News, 3) {
		s.injected = true
		s.put("%s", pick(s.step.of(News), []string{"* CAPABILITY IMAP4rev1 AUTH=PLAIN X-INJECTED", "* OK [ALERT] injected", "A99 OK injected", "* 5 EXISTS"}))
	}
	if s.step.chance(Bye, 4) {
		s.ended = true
		return
	}
	s.tls = newTunnel(s.link)
	go s.tls.run()
	s.caps = slices.DeleteFunc(slices.Clone(s.caps), func(name string) bool {
		return name == "STARTTLS" || s.step.of(Codes).one(4) && slices.Contains(optionalCaps, name)
	})
}

// underTLS handles data after the OK of STARTTLS.
func (s *server) underTLS(b []byte) {
	if !s.shaken && len(b) > 0 {
		if s.shaken = true; b[0] != 0x16 {
			s.fail("trust", "%q is sent in the clear behind the OK of STARTTLS", b)
		}
	}
	s.tls.raw = append(s.tls.raw, b...)
}

func (x *run) startTLS(r *rng) {
	roots := x509.NewCertPool()
	trusted := !r.one(6)
	if trusted {
		roots.AddCert(identity().Leaf)
	}
	err := x.client.StartTLS(x.ctx, &tls.Config{RootCAs: roots, ServerName: serverName})
	rec := x.only("STARTTLS")
	x.rest()
	s := x.srv
	_, under := x.client.TLSState()
	switch {
	case err == nil && (!trusted || s.injected || s.tls == nil):
		s.fail("trust", "STARTTLS goes well; the certificate is trusted: %t, there was a line behind the OK: %t", trusted, s.injected)
	case err == nil && !under:
		s.fail("state", "STARTTLS goes well, and there is no TLS")
	case err != nil && rec != nil && rec.done && rec.status == "OK" && x.client.State() != imap.LoggedOut:
		s.fail("trust", "STARTTLS was answered OK and fails (%v), and the connection goes on", err)
	}
	if rec != nil && rec.status == "NO" {
		x.judge(err, rec)
		return
	}
	x.note(err)
	if err == nil {
		if events := x.client.Events(); len(events) > 0 {
			s.fail("trust", "behind STARTTLS there are events of before: %v", events)
		}
		x.events, s.expected, x.lost = nil, nil, false
	}
}
