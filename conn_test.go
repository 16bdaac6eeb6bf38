package imap_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serveGreeting sends a greeting on each connection, then reads until it is closed.
func serveGreeting(t *testing.T, greeting string) (addr string) {
	t.Helper()
	return testkit.Listen(t, func(conn net.Conn) {
		io.WriteString(conn, greeting)
		io.Copy(io.Discard, conn)
	})
}

// TestWrongPort: the error names the protocol on the port, and what to do.
func TestWrongPort(t *testing.T) {
	ctx := testkit.Context(t)
	for service, greeting := range map[string]string{
		"SMTP": "220 mail.example.org ESMTP\r\n", "POP3": "+OK ready\r\n", "HTTP": "HTTP/1.1 400 Bad Request\r\n\r\n", "SSH": "SSH-2.0-OpenSSH_9.2\r\n",
	} {
		addr := serveGreeting(t, greeting)
		for name, dial := range map[string]func() (*imap.Client, error){
			"DialTLS":      func() (*imap.Client, error) { return imap.DialTLS(ctx, addr, nil) },
			"DialStartTLS": func() (*imap.Client, error) { return imap.DialStartTLS(ctx, addr, nil) },
			"DialInsecure": func() (*imap.Client, error) { return imap.DialInsecure(ctx, addr, nil) },
		} {
			_, err := dial()
			wrong, ok := errors.AsType[*imap.ServiceError](err)
			require.True(t, ok, "%s %s: %v", service, name, err)
			assert.Equal(t, service, wrong.Service, name)
			assert.ErrorContains(t, err, "imap: connecting: the server speaks "+service+" on this port: IMAP has 993 (DialTLS) and 143 (DialStartTLS)")
			assert.False(t, imap.IsTransient(err))
			assert.True(t, imap.SafeToRetry(err))
		}
	}
}

// TestTLSMixedUp connects with TLS to a port without it, and without TLS to a port that needs it, on the in-memory server
// and on real ones.
func TestTLSMixedUp(t *testing.T) {
	ctx := testkit.Context(t)
	srv := imaptest.New(t, nil)
	plain, err := srv.Listen()
	require.NoError(t, err)
	secure, err := srv.ListenTLS()
	require.NoError(t, err)
	_, err = imap.DialTLS(ctx, plain, nil)
	require.ErrorContains(t, err, "the server speaks IMAP without TLS on this port: use DialStartTLS, or the port for TLS (993)")
	start := time.Now()
	_, err = imap.DialInsecure(ctx, secure, nil)
	require.ErrorContains(t, err, "the server speaks TLS on this port: use DialTLS")
	_, err = imap.DialStartTLS(ctx, secure, nil)
	require.ErrorContains(t, err, "the server speaks TLS on this port: use DialTLS")
	assert.Less(t, time.Since(start), time.Minute, "not the two minutes of Options.Timeout")
	for _, name := range []string{"dovecot", "cyrus", "courier"} {
		t.Run(name, func(t *testing.T) {
			_, err := imap.DialTLS(testkit.Context(t), realserver.Get(t, name).Addr, nil)
			wrong, ok := errors.AsType[*imap.ServiceError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, "IMAP", wrong.Service)
			_, err = imap.DialInsecure(testkit.Context(t), realserver.Get(t, name).TLSAddr, nil)
			wrong, ok = errors.AsType[*imap.ServiceError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, "TLS", wrong.Service)
		})
	}
}

// TestSilentServer checks that the error for a server without a greeting names what may be listening there.
func TestSilentServer(t *testing.T) {
	_, err := imap.DialInsecure(testkit.Context(t), serveGreeting(t, ""), &imap.Options{Timeout: 100 * time.Millisecond})
	require.ErrorContains(t, err, "the server sent no greeting: there may be another protocol on this port, or TLS")
	assert.True(t, imap.IsTransient(err), "it may be slow")
	_, err = imap.DialTLS(testkit.Context(t), serveGreeting(t, ""), &imap.Options{Timeout: 100 * time.Millisecond})
	require.ErrorContains(t, err, "there may be no TLS on this port")
}

// certificate makes a certificate for a name.
func certificate(t *testing.T, name string, until time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), cryptorand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Unix(0, 0), NotAfter: until, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(cryptorand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestCertificateHints checks that the error for an untrusted certificate names the next step.
func TestCertificateHints(t *testing.T) {
	later, before := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	for name, tt := range map[string]struct {
		host  string
		until time.Time
		trust bool
		hint  string
	}{
		"self-signed": {"localhost", later, false, "to accept a certificate of your own set Options.TLSConfig with it in RootCAs"},
		"expired":     {"localhost", before, true, "the server needs a new certificate, or the clock of this machine is wrong"},
		"wrong name":  {"mail.example.org", later, true, "dial the name that the certificate is for, or set Options.TLSConfig with this ServerName"},
	} {
		t.Run(name, func(t *testing.T) {
			cert, pool := certificate(t, tt.host, tt.until)
			l, err := tls.Listen("tcp", "localhost:0", &tls.Config{Certificates: []tls.Certificate{cert}})
			require.NoError(t, err)
			defer l.Close()
			go func() {
				for c, err := l.Accept(); err == nil; c, err = l.Accept() {
					c.(*tls.Conn).Handshake()
					c.Close()
				}
			}()
			config := &tls.Config{}
			if tt.trust {
				config.RootCAs = pool
			}
			_, port, err := net.SplitHostPort(l.Addr().String())
			require.NoError(t, err)
			_, err = imap.DialTLS(testkit.Context(t), net.JoinHostPort("localhost", port), &imap.Options{TLSConfig: config})
			require.ErrorContains(t, err, tt.hint)
			assert.False(t, imap.IsTransient(err), "%v", err)
			var verification *tls.CertificateVerificationError
			require.ErrorAs(t, err, &verification)
		})
	}
}

// TestNextStep checks that the errors for common mistakes name the next step.
func TestNextStep(t *testing.T) {
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
		ctx := testkit.Context(t)
		_, err := imap.Collect(c.Fetch(ctx, imap.SeqRange(1, 0), imap.FetchFlags))
		require.ErrorContains(t, err, "not possible in the authenticated state: select a mailbox first")
		require.ErrorContains(t, c.Login(ctx, "a", "b"), "this connection is logged in already")
		testkit.Deliver(t, c, testkit.Small)
		_, err = c.FetchOne(ctx, 4711, imap.FetchFlags)
		require.EqualError(t, err, "imap: UID FETCH: no message with this UID in the selected mailbox")
		_, err = c.Select(ctx, "", nil)
		require.ErrorContains(t, err, "an empty mailbox name")
		if !c.Caps().Has("PREVIEW") {
			_, err = c.FetchOne(ctx, 1, imap.FetchPreview)
			require.ErrorContains(t, err, "the server does not offer PREVIEW: Client.Previews makes previews of the text")
		}
	})
	for _, name := range []string{"dovecot", "cyrus", "courier"} {
		t.Run(name+" before login", func(t *testing.T) {
			s := realserver.Get(t, name)
			user, _, err := s.NewUser()
			require.NoError(t, err)
			c, err := imap.DialInsecure(testkit.Context(t), s.Addr, nil)
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Select(testkit.Context(t), "INBOX", nil)
			require.ErrorContains(t, err, "not possible in the not authenticated state: log in first")
			err = c.Login(testkit.Context(t), user, "wrong")
			require.Error(t, err)
			assert.False(t, imap.IsTransient(err), "%v", err)
			assert.True(t, strings.HasPrefix(err.Error(), "imap: LOGIN: NO"), "%v", err)
		})
	}
}

func TestCompressUnsupported(t *testing.T) {
	c := testkit.Offering(t, "", testkit.OnlyNoop)
	require.ErrorIs(t, c.Compress(testkit.Context(t)), errors.ErrUnsupported)
	testkit.RequireNothingSent(t, c)
}

func TestCompressBeforeLogin(t *testing.T) {
	c := testkit.FollowText(t, "S: * OK [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] hello\n"+testkit.OnlyNoop)
	var state *imap.StateError
	require.ErrorAs(t, c.Compress(testkit.Context(t)), &state)
	testkit.RequireNothingSent(t, c)
}

// TestCompressUnauthenticate: a password must not be compressed (CRIME).
func TestCompressUnauthenticate(t *testing.T) {
	c := testkit.Offering(t, "COMPRESS=DEFLATE UNAUTHENTICATE", "C: $ COMPRESS DEFLATE\nS: $ OK DEFLATE active\n"+testkit.OnlyNoop)
	require.NoError(t, c.Compress(testkit.Context(t)))
	require.ErrorContains(t, c.Unauthenticate(testkit.Context(t)), "compressed already")
	testkit.RequireNothingSent(t, c)
}

// deflating is a server that sends its first compressed bytes in the same segment as the answer to COMPRESS, then sends
// what the test passes to it, unchanged.
type deflating struct {
	net.Conn
	in  io.Reader // inflated
	out *flate.Writer
	buf bytes.Buffer
}

// deflate flushes text through the compressor and returns the bytes for the wire.
func (d *deflating) deflate(t *testing.T, text string) []byte {
	d.buf.Reset()
	_, err := io.WriteString(d.out, text)
	require.NoError(t, err)
	require.NoError(t, d.out.Flush())
	return bytes.Clone(d.buf.Bytes())
}

// expect reads one line from the client.
func (d *deflating) expect(t *testing.T, line string) {
	got := make([]byte, len(line)+2)
	d.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, err := io.ReadFull(d.in, got)
	require.NoError(t, err)
	require.Equal(t, line+"\r\n", string(got))
}

// startDeflating returns a client and a server with compression on. behind arrives in one segment with the OK.
func startDeflating(t *testing.T, behind string, opts *imap.Options) (*imap.Client, *deflating) {
	t.Helper()
	near, far := imaptest.Pipe()
	t.Cleanup(func() { far.Close() })
	ctx := testkit.Context(t)
	go io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE IDLE] hello\r\n")
	c, err := imap.NewClient(ctx, near, opts)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	d := &deflating{Conn: far}
	d.out, err = flate.NewWriter(&d.buf, flate.BestCompression)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- c.Compress(ctx) }()
	line := make([]byte, len("A1 COMPRESS DEFLATE\r\n"))
	_, err = io.ReadFull(far, line)
	require.NoError(t, err)
	answer := []byte("A1 OK active\r\n")
	if behind != "" {
		answer = append(answer, d.deflate(t, behind)...)
	}
	far.Write(answer)
	require.NoError(t, <-done)
	d.in = flate.NewReader(far)
	return c, d
}

func TestCompressDataAfterOK(t *testing.T) {
	c, d := startDeflating(t, "* 5 EXISTS\r\n", nil)
	go func() {
		d.expect(t, "A2 NOOP")
		d.Write(d.deflate(t, "A2 OK done\r\n"))
	}()
	require.NoError(t, c.Noop(testkit.Context(t)))
	require.Equal(t, []imap.Event{&imap.ExistsEvent{Count: 5}}, c.Events())
}

func TestCompressByteByByte(t *testing.T) {
	c, d := startDeflating(t, "", nil)
	body := strings.Repeat("line of a body\r\n", 40)
	go func() {
		d.expect(t, "A2 NOOP")
		for _, b := range d.deflate(t, "* NO "+strings.ReplaceAll(body, "\r\n", " ")+"\r\n* 7 EXISTS\r\nA2 OK done\r\n") {
			d.Write([]byte{b})
			time.Sleep(100 * time.Microsecond)
		}
	}()
	require.NoError(t, c.Noop(testkit.Context(t)))
	require.Len(t, c.Events(), 2)
}

// TestCompressCancel cancels calls while their answer is split in two at every possible place.
func TestCompressCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := startDeflating(t, "", nil)
		ctx := testkit.Context(t)
		for cut := 0; ; cut++ {
			// The cancelled call receives the first piece, the next call the rest.
			first := make(chan struct{})
			wire := d.deflate(t, "* 7 EXISTS\r\n"+tag(2+2*cut)+" OK done\r\n")
			if cut > len(wire) {
				break
			}
			short, cancel := context.WithCancel(ctx)
			go func() {
				d.expect(t, tag(2+2*cut)+" NOOP")
				d.Write(wire[:cut])
				close(first)
				time.Sleep(time.Millisecond) // a call that is cancelled while it still writes closes the connection
				cancel()
				time.Sleep(time.Millisecond)
				d.Write(wire[cut:])
				d.expect(t, tag(3+2*cut)+" NOOP")
				d.Write(d.deflate(t, tag(3+2*cut)+" OK done\r\n"))
			}()
			if err := c.Noop(short); cut < len(wire) {
				require.ErrorIs(t, err, context.Canceled)
			}
			<-first
			require.NoError(t, c.Noop(ctx))
			require.Equal(t, []imap.Event{&imap.ExistsEvent{Count: 7}}, c.Events())
		}
	})
}

func tag(n int) string { return fmt.Sprintf("A%d", n) }

// TestCompressCancelled cancels COMPRESS itself: the next call finds the connection compressed.
func TestCompressCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := imaptest.Pipe()
		t.Cleanup(func() { far.Close() })
		ctx := testkit.Context(t)
		go io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] hello\r\n")
		c, err := imap.NewClient(ctx, near, nil)
		require.NoError(t, err)
		defer c.Close()
		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, c.Compress(short), context.DeadlineExceeded)
		d := &deflating{Conn: far, in: far}
		d.out, err = flate.NewWriter(&d.buf, flate.BestSpeed)
		require.NoError(t, err)
		go func() {
			d.expect(t, "A1 COMPRESS DEFLATE")
			io.WriteString(far, "A1 OK active\r\n")
			d.in = flate.NewReader(far)
			d.expect(t, "A2 NOOP")
			far.Write(d.deflate(t, "A2 OK done\r\n"))
		}()
		require.NoError(t, c.Noop(ctx))
		require.ErrorContains(t, c.Compress(ctx), "compressed already")
	})
}

func TestCompressIdle(t *testing.T) {
	c, d := startDeflating(t, "", nil)
	ctx := testkit.Context(t)
	go func() {
		d.expect(t, "A2 IDLE")
		d.Write(d.deflate(t, "+ idling\r\n"))
		d.Write(d.deflate(t, "* 8 EXISTS\r\n"))
		d.expect(t, "DONE")
		d.Write(d.deflate(t, "A2 OK done\r\n"))
		d.expect(t, "A3 NOOP")
		d.Write(d.deflate(t, "A3 OK done\r\n"))
		d.expect(t, "A4 IDLE")
		d.Write(d.deflate(t, "+ idling\r\n* 9 EXISTS\r\n"))
		d.expect(t, "DONE")
		d.Write(d.deflate(t, "A4 OK done\r\n"))
		d.expect(t, "A5 NOOP")
		d.Write(d.deflate(t, "A5 OK done\r\n"))
	}()
	var counts []uint32
	for ev, err := range c.Idle(ctx, nil) {
		require.NoError(t, err)
		counts = append(counts, ev.(*imap.ExistsEvent).Count)
		if len(counts) == 2 {
			break
		}
		require.NoError(t, c.Noop(ctx))
	}
	require.Equal(t, []uint32{8, 9}, counts)
	require.NoError(t, c.Noop(ctx))
}

// TestCompressClose closes the client while a read is blocked below the decompressor.
func TestCompressClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := startDeflating(t, "", nil)
		done := make(chan error, 1)
		go func() { done <- c.Noop(testkit.Context(t)) }()
		synctest.Wait()
		start := time.Now()
		c.Close()
		require.ErrorIs(t, <-done, imap.ErrClosed)
		require.Zero(t, time.Since(start))
	})
}

// TestCompressBomb sends a line that decompresses to a far larger one.
func TestCompressBomb(t *testing.T) {
	c, d := startDeflating(t, "", &imap.Options{MaxLine: 1 << 20})
	go func() {
		d.expect(t, "A2 NOOP")
		d.Write(d.deflate(t, "* OK "+strings.Repeat("a", 64<<20)))
	}()
	err := c.Noop(testkit.Context(t))
	var limit *imap.LimitError
	require.ErrorAs(t, err, &limit)
	require.Equal(t, "MaxLine", limit.Name)
}

func TestCompressCorrupt(t *testing.T) {
	c, d := startDeflating(t, "", nil)
	go func() {
		d.expect(t, "A2 NOOP")
		d.Write([]byte("A2 OK not compressed\r\n"))
	}()
	err := c.Noop(testkit.Context(t))
	require.ErrorIs(t, err, imap.ErrClosed)
	var corrupt flate.CorruptInputError
	require.ErrorAs(t, err, &corrupt)
}

// TestCompressAtRest measures the memory of a compressed connection that is idle.
func TestCompressAtRest(t *testing.T) {
	const n = 20
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // the first moves what sync.Pool holds, the second drops it
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	clients := make([]*imap.Client, n)
	for i := range clients {
		c, d := startDeflating(t, "", nil)
		go func() {
			d.expect(t, "A2 NOOP")
			d.Write(d.deflate(t, "A2 OK done\r\n"))
			d.in, d.out, d.buf = nil, nil, bytes.Buffer{}
		}()
		require.NoError(t, c.Noop(testkit.Context(t)))
		clients[i] = c
	}
	require.Eventually(t, func() bool { return (heap()-before)/n < 80<<10 }, 10*time.Second, 50*time.Millisecond)
	runtime.KeepAlive(clients)
}

// TestCompressKeepsNoDeadline: the deadline of the answer to COMPRESS does not apply to later answers. A decompressor that
// sees a deadline pass is unusable.
func TestCompressKeepsNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := imaptest.Pipe()
		d := &deflating{Conn: far}
		go func() {
			io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] hello\r\n")
			io.ReadFull(far, make([]byte, len("A1 COMPRESS DEFLATE\r\n")))
			io.WriteString(far, "A1 OK active\r\n")
			d.in = flate.NewReader(far)
			io.ReadFull(d.in, make([]byte, len("A2 NOOP\r\n")))
			d.out, _ = flate.NewWriter(&d.buf, flate.BestSpeed)
			time.Sleep(time.Minute)
			d.Write(d.deflate(t, "A2 OK done\r\n"))
		}()
		c, err := imap.NewClient(t.Context(), near, nil)
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.Compress(t.Context()))
		time.Sleep(time.Minute + 30*time.Second) // the answer to COMPRESS was due within two
		require.NoError(t, c.Noop(t.Context()))
	})
}

// waitingDialer waits until ctx ends, and returns an error without the cause.
type waitingDialer struct{}

func (waitingDialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	<-ctx.Done()
	return nil, errors.New("operation was canceled")
}

// TestDialCause: a dial that was cancelled returns the cause, even if the dialer does not.
func TestDialCause(t *testing.T) {
	ctx, cancel := context.WithCancelCause(testkit.Context(t))
	cancel(testkit.ErrGone)
	for _, dial := range []func(context.Context, string, *imap.Options) (*imap.Client, error){imap.DialTLS, imap.DialStartTLS, imap.DialInsecure} {
		_, err := dial(ctx, "imap.example.org", &imap.Options{Dialer: waitingDialer{}})
		require.ErrorIs(t, err, testkit.ErrGone)
		require.ErrorContains(t, err, "operation was canceled")
		require.True(t, imap.SafeToRetry(err))
	}
}

// ntlmLike is a mechanism like NTLM: two messages of the client, the second bound to the connection, and no proof of the
// server before its OK.
type ntlmLike struct {
	ch       imap.Channel
	bound    bool
	binding  []byte
	finished bool
	refuse   error // what Finish returns
}

func (m *ntlmLike) Bind(ch imap.Channel) { m.ch, m.bound = ch, true }

func (m *ntlmLike) Start() (string, []byte, error) {
	if !m.bound {
		return "", nil, errors.New("Start before Bind")
	}
	return "NTLM", []byte("NEGOTIATE"), nil
}

func (m *ntlmLike) Next(challenge []byte) ([]byte, error) {
	binding, err := m.ch.Binding("tls-server-end-point")
	if err != nil && m.ch.TLS != nil {
		return nil, err
	}
	m.binding = binding
	return fmt.Appendf(nil, "AUTHENTICATE %s %x", challenge, binding), nil
}

func (m *ntlmLike) Finish([]byte) error { m.finished = true; return m.refuse }

var (
	_ imap.BoundMechanism = (*ntlmLike)(nil)
	_ imap.FinalMechanism = (*ntlmLike)(nil)
)

// serveNTLM plays the server of ntlmLike on a connection and returns the answer that it received.
func serveNTLM(conn net.Conn) string {
	fmt.Fprintf(conn, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=NTLM] hi\r\n")
	lines := bufio.NewScanner(conn)
	lines.Scan()
	tag, _, _ := strings.Cut(lines.Text(), " ")
	fmt.Fprintf(conn, "+ %s\r\n", base64.StdEncoding.EncodeToString([]byte("nonce")))
	lines.Scan()
	answer, _ := base64.StdEncoding.DecodeString(lines.Text())
	fmt.Fprintf(conn, "%s OK [CAPABILITY IMAP4rev1] in\r\n", tag)
	return string(answer)
}

// TestMechanismIsBound: a mechanism of the caller gets the host and the channel binding of the connection, and can reject a
// success.
func TestMechanismIsBound(t *testing.T) {
	srv := imaptest.New(t, nil) // for its certificate
	addr, err := srv.ListenTLS()
	require.NoError(t, err)
	probe, err := tls.Dial("tcp", addr, srv.ClientTLS())
	require.NoError(t, err)
	certificate := probe.ConnectionState().PeerCertificates[0]
	probe.Close()
	sum := sha256.Sum256(certificate.Raw)

	t.Run("TLS", func(t *testing.T) {
		m := &ntlmLike{}
		c, err := imap.DialTLS(testkit.Context(t), addr, &imap.Options{TLSConfig: srv.ClientTLS()})
		require.NoError(t, err)
		defer c.Close()
		// The server has no NTLM, but the binding is known anyway.
		require.ErrorIs(t, c.Authenticate(testkit.Context(t), m), errors.ErrUnsupported)
		got, err := m.ch.Binding("tls-server-end-point")
		require.NoError(t, err)
		assert.Equal(t, sum[:], got)
		exported, err := m.ch.Binding("tls-exporter")
		require.NoError(t, err)
		assert.Len(t, exported, 32)
		_, err = m.ch.Binding("tls-unique")
		require.ErrorIs(t, err, errors.ErrUnsupported, "TLS 1.3 has none")
		assert.NotEmpty(t, m.ch.Host)
		assert.True(t, m.ch.Caps.Has("IDLE"))
	})
	for name, refuse := range map[string]error{"in the clear": nil, "the last word": errLastWord} {
		t.Run(name, func(t *testing.T) {
			near, far := imaptest.Pipe()
			answer := make(chan string, 1)
			go func() { answer <- serveNTLM(far) }()
			c, err := imap.NewClient(testkit.Context(t), near, &imap.Options{AllowInsecureAuth: true})
			require.NoError(t, err)
			defer c.Close()
			m := &ntlmLike{refuse: refuse}
			err = c.Authenticate(testkit.Context(t), m)
			assert.Equal(t, "AUTHENTICATE nonce ", <-answer)
			assert.True(t, m.finished)
			assert.Nil(t, m.ch.TLS)
			_, missing := m.ch.Binding("tls-exporter")
			require.ErrorIs(t, missing, errors.ErrUnsupported)
			if refuse == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, errLastWord)
			require.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed)
		})
	}
}

var errLastWord = errors.New("not the server that was meant")

// TestFinishOnlyAfterOK: Finish is called after the OK, and not if the exchange was given up, when the mechanism has not
// seen what it has to judge. An exchange that was given up is not trusted.
func TestFinishOnlyAfterOK(t *testing.T) {
	near, far := imaptest.Pipe()
	defer far.Close()
	ctx, cancel := context.WithCancel(testkit.Context(t))
	gone := make(chan struct{})
	go func() {
		fmt.Fprintf(far, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=NTLM] hi\r\n")
		lines := bufio.NewScanner(far)
		lines.Scan()
		tag, _, _ := strings.Cut(lines.Text(), " ")
		fmt.Fprintf(far, "+ bm9uY2U=\r\n")
		lines.Scan()
		cancel()
		<-gone
		fmt.Fprintf(far, "%s OK [CAPABILITY IMAP4rev1] in\r\n", tag)
	}()
	c, err := imap.NewClient(ctx, near, &imap.Options{AllowInsecureAuth: true})
	require.NoError(t, err)
	defer c.Close()
	m := &ntlmLike{}
	require.ErrorIs(t, c.Authenticate(ctx, m), context.Canceled)
	assert.False(t, m.finished)
	close(gone)
	require.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed)
	require.False(t, m.finished)
}

// TestOptionsID: Options.ID is sent after each login, and a refusal is ignored.
func TestOptionsID(t *testing.T) {
	opts := &imap.Options{AllowInsecureAuth: true, ID: map[string]string{"name": "test", "version": "1"}}
	c := testkit.FollowWith(t, opts, `
S: * OK [CAPABILITY IMAP4rev1 ID AUTH=PLAIN SASL-IR UNAUTHENTICATE] hello
C: $ LOGIN user "password"
S: $ OK [CAPABILITY IMAP4rev1 ID AUTH=PLAIN SASL-IR UNAUTHENTICATE] done
C: $ ID ("name" "test" "version" "1")
S: * ID ("name" "server")
S: $ OK done
C: $ UNAUTHENTICATE
S: $ OK done
C: $ CAPABILITY
S: * CAPABILITY IMAP4rev1 ID AUTH=PLAIN SASL-IR UNAUTHENTICATE
S: $ OK done
C: $ AUTHENTICATE PLAIN AHVzZXIAcGFzc3dvcmQ=
S: * CAPABILITY IMAP4rev1 ID UNAUTHENTICATE
S: $ OK done
C: $ ID ("name" "test" "version" "1")
S: $ NO we do not care
C: $ UNAUTHENTICATE
S: $ OK done
C: $ CAPABILITY
S: * CAPABILITY IMAP4rev1
S: $ OK done
C: $ LOGIN user "password"
S: $ OK done
C: $ CAPABILITY
S: * CAPABILITY IMAP4rev1
S: $ OK done
C: $ NOOP
S: $ OK done
`)
	opts.ID["name"] = "changed" // it was copied
	ctx := testkit.Context(t)
	require.NoError(t, c.Login(ctx, "user", "password"))
	require.NoError(t, c.Unauthenticate(ctx))
	require.NoError(t, c.LoginPlain(ctx, "user", "password"))
	require.NoError(t, c.Unauthenticate(ctx))
	require.NoError(t, c.Login(ctx, "user", "password"))
	require.NoError(t, c.Noop(ctx))
}

// TestAuthenticateToken: a token is requested for each login, and the error explains why one is refused.
func TestAuthenticateToken(t *testing.T) {
	c := testkit.FollowWith(t, &imap.Options{AllowInsecureAuth: true}, `
S: * OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] hello
C: $ AUTHENTICATE XOAUTH2 dXNlcj1hZGEBYXV0aD1CZWFyZXIgdG9rZW4tMQEB
S: + eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ==
C+: \r\n
S: $ NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)
C: $ AUTHENTICATE XOAUTH2 dXNlcj1hZGEBYXV0aD1CZWFyZXIgdG9rZW4tMgEB
S: $ OK [CAPABILITY IMAP4rev1] done
C: $ NOOP
S: $ OK done
`)
	ctx := testkit.Context(t)
	asked := 0
	source := func(context.Context) (string, error) {
		asked++
		return fmt.Sprintf("token-%d", asked), nil
	}
	broken := errors.New("no refresh token")
	err := c.AuthenticateToken(ctx, "ada", func(context.Context) (string, error) { return "", broken })
	require.ErrorIs(t, err, broken)
	assert.True(t, imap.SafeToRetry(err))
	require.Error(t, c.AuthenticateToken(ctx, "ada", nil))
	err = c.AuthenticateToken(ctx, "ada", source)
	why, ok := errors.AsType[*imap.OAuthError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, &imap.OAuthError{Mechanism: "XOAUTH2", Status: "401", Schemes: "bearer", Scope: "https://mail.google.com/"}, why)
	assert.Equal(t, imap.CodeAuthenticationFailed, imap.CodeOf(err))
	assert.False(t, imap.IsTransient(err))
	require.NoError(t, c.AuthenticateToken(ctx, "ada", source))
	require.NoError(t, c.Noop(ctx))
	assert.Equal(t, 2, asked)

	c = testkit.FollowText(t, `
S: * OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER] hello
`)
	require.ErrorIs(t, c.AuthenticateToken(ctx, "ada", source), imap.ErrInsecure)
	assert.Equal(t, 2, asked, "nothing is asked for what cannot be sent")
}
