package imaptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync"
	"time"
)

// certificate makes a self-signed certificate when it is first needed.
type certificate struct {
	once sync.Once
	pair tls.Certificate
	pool *x509.CertPool
	err  error
}

// make generates the key and the certificate. The validity is wide because
// the clock of a testing/synctest bubble starts in the year 2000.
func (c *certificate) make() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.err = err
		return
	}
	tmpl := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "localhost"},
		NotBefore:             time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		c.err = err
		return
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		c.err = err
		return
	}
	c.pair = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	c.pool = x509.NewCertPool()
	c.pool.AddCert(leaf)
}

func (c *certificate) server() (*tls.Config, error) {
	c.once.Do(c.make)
	if c.err != nil {
		return nil, c.err
	}
	return &tls.Config{Certificates: []tls.Certificate{c.pair}}, nil
}

// ClientTLS returns a configuration that trusts the certificate of this
// server under the name localhost. It panics when the system cannot make a
// key.
func (s *Server) ClientTLS() *tls.Config {
	s.cert.once.Do(s.cert.make)
	if s.cert.err != nil {
		panic(s.cert.err)
	}
	return &tls.Config{RootCAs: s.cert.pool, ServerName: "localhost"}
}

// ServerTLS returns a configuration with the certificate of this server.
func (s *Server) ServerTLS() (*tls.Config, error) { return s.cert.server() }
