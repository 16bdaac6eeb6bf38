package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	imap2 "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/go-imaplib/imap"
)

// crowdMessages is what the mailbox holds before the event tells of one more.
const crowdMessages = 5

// crowdRole is the server of many connections: it prints one line, an address for plain TCP, one for TLS, and the
// certificate that clients have to trust. It ends with its standard input.
func crowdRole([]string) error {
	config, trust, err := newCertificate()
	if err != nil {
		return err
	}
	plain, err := listen(nil)
	if err != nil {
		return err
	}
	secure, err := listen(config)
	if err != nil {
		return err
	}
	s := &cannedServer{generate: nothing, n: crowdMessages}
	go s.serve(plain)
	go s.serve(secure)
	fmt.Println(plain.Addr(), secure.Addr(), trust)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// newCertificate makes a certificate of loopback for a server, and what a client has to trust.
func newCertificate() (server *tls.Config, trust string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, "", err
	}
	pair := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return &tls.Config{Certificates: []tls.Certificate{pair}}, base64.StdEncoding.EncodeToString(der), nil
}

// endpoint is where a holder connects to, over TLS where config is set.
type endpoint struct {
	addr   string
	config *tls.Config
}

// endpointOf chooses one of the addresses that crowdRole prints.
func endpointOf(secure bool, plainAddr, tlsAddr, trust string) (to endpoint, err error) {
	if !secure {
		return endpoint{addr: plainAddr}, nil
	}
	der, err := base64.StdEncoding.DecodeString(trust)
	if err != nil {
		return to, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return to, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return endpoint{tlsAddr, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}}, nil
}

// ---- one connection

// A holder is one connection of one client.
type holder interface {
	open(to endpoint) error // connect, log in, SELECT
	idle() error            // enter IDLE, or begin to
	close()
}

// holders make one. got has room for one value of each: nil when the server has reported one more message, or why not.
var holders = map[string]func(got chan<- error) holder{
	"imap": func(got chan<- error) holder { return &ourHolder{got: got} },
	"v2":   func(got chan<- error) holder { return &v2Holder{got: got} },
	"raw":  func(got chan<- error) holder { return &rawHolder{got: got} },
}

// holderNames are all of them in the order of the table.
var holderNames = []string{"imap", "v2", "raw"}

var holderTitles = map[string]string{"imap": "imap", "v2": "go-imap v2", "raw": "raw"}

type ourHolder struct {
	c   *imap.Client
	got chan<- error
}

func (h *ourHolder) open(to endpoint) (err error) {
	ctx := context.Background()
	if to.config != nil {
		h.c, err = imap.DialTLS(ctx, to.addr, &imap.Options{TLSConfig: to.config})
	} else {
		h.c, err = imap.DialInsecure(ctx, to.addr, nil)
	}
	if err != nil {
		return err
	}
	if err := h.c.Login(ctx, "user", "password"); err != nil {
		return err
	}
	_, err = h.c.Select(ctx, "INBOX", nil)
	return err
}

func (h *ourHolder) idle() error {
	go h.watch()
	return nil
}

func (h *ourHolder) watch() {
	for ev, err := range h.c.Idle(context.Background(), nil) {
		if err != nil {
			h.got <- err
			return
		}
		if exists, ok := ev.(*imap.ExistsEvent); ok && exists.Count == crowdMessages+1 {
			h.got <- nil
		}
	}
}

func (h *ourHolder) close() { h.c.Close() }

type v2Holder struct {
	c   *imapclient.Client
	got chan<- error
}

func (h *v2Holder) open(to endpoint) (err error) {
	opts := &imapclient.Options{TLSConfig: to.config, UnilateralDataHandler: &imapclient.UnilateralDataHandler{Mailbox: h.told}}
	if to.config != nil {
		h.c, err = imapclient.DialTLS(to.addr, opts)
	} else {
		h.c, err = imapclient.DialInsecure(to.addr, opts)
	}
	if err != nil {
		return err
	}
	if err := h.c.Login("user", "password").Wait(); err != nil {
		return err
	}
	_, err = h.c.Select("INBOX", &imap2.SelectOptions{}).Wait()
	return err
}

func (h *v2Holder) told(data *imapclient.UnilateralDataMailbox) {
	if data.NumMessages != nil && *data.NumMessages == crowdMessages+1 {
		h.got <- nil
	}
}

func (h *v2Holder) idle() error {
	_, err := h.c.Idle()
	return err
}

func (h *v2Holder) close() { h.c.Close() }

// rawHolder is no client: what it holds, every client does.
type rawHolder struct {
	conn net.Conn
	got  chan<- error
}

func (h *rawHolder) open(to endpoint) (err error) {
	if to.config != nil {
		h.conn, err = tls.Dial("tcp", to.addr, to.config)
	} else {
		h.conn, err = net.Dial("tcp", to.addr)
	}
	if err != nil {
		return err
	}
	buf := make([]byte, 1024)
	if _, err := converse(h.conn, buf, "", "* OK"); err != nil {
		return err
	}
	for _, command := range []string{"R LOGIN user password\r\n", "R SELECT INBOX\r\n"} {
		if _, err := converse(h.conn, buf, command, "R OK"); err != nil {
			return err
		}
	}
	return nil
}

// converse sends text, reads until there is a line that starts with end, and returns all that was read.
func converse(conn net.Conn, buf []byte, text, end string) (string, error) {
	if _, err := io.WriteString(conn, text); err != nil {
		return "", err
	}
	for n := 0; n < len(buf); {
		m, err := conn.Read(buf[n:])
		if err != nil {
			return "", err
		}
		n += m
		last := buf[bytes.LastIndexByte(buf[:max(n-1, 0)], '\n')+1 : n]
		if bytes.HasPrefix(last, []byte(end)) && last[len(last)-1] == '\n' {
			return string(buf[:n]), nil
		}
	}
	return "", errors.New("the answer is too long")
}

func (h *rawHolder) idle() error {
	go h.watch()
	return nil
}

func (h *rawHolder) watch() {
	var err error
	buf := make([]byte, 64)
	for _, step := range [...][2]string{{"R IDLE\r\n", "+ "}, {"", "* 6 EXISTS"}} {
		if _, err = converse(h.conn, buf, step[0], step[1]); err != nil {
			break
		}
	}
	h.got <- err
	h.conn.Read(buf) // stays in IDLE
}

func (h *rawHolder) close() { h.conn.Close() }

// ---- all of them

// holdRole opens connections, logs in and selects a mailbox on all, measures them at rest, puts all into IDLE, measures,
// has the server tell each of a new message, waits until each has heard it, and measures again.
func holdRole(args []string) error {
	name, transport, plainAddr := args[0], args[1], args[3]
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	if os.Getenv(profileVariable) != "" {
		runtime.MemProfileRate = 1
	}
	g := &group{name: transport + "-" + name, holder: holders[name], got: make(chan error, n)}
	if g.to, err = endpointOf(transport == "tls", plainAddr, args[4], args[5]); err != nil {
		return err
	}
	if g.control, err = net.Dial("tcp", plainAddr); err != nil {
		return err
	}
	h, err := g.run(n)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(h)
}

type group struct {
	name    string // of profiles
	to      endpoint
	control net.Conn // tells the server what to do
	got     chan error
	holder  func(got chan<- error) holder
	list    []holder
}

func (g *group) run(n int) (h holding, err error) {
	if _, err := converse(g.control, make([]byte, 256), "", "* OK"); err != nil {
		return h, err
	}
	g.list = make([]holder, n)
	before := look()
	for i := range g.list {
		g.list[i] = g.holder(g.got)
		if err := g.list[i].open(g.to); err != nil {
			return h, err
		}
	}
	h[0] = look().less(before)
	if err := heapProfile(g.name + "-rest"); err != nil {
		return h, err
	}
	if err := g.idle(); err != nil {
		return h, err
	}
	h[1] = look().less(before)
	if err := heapProfile(g.name + "-idle"); err != nil {
		return h, err
	}
	if err := g.event(); err != nil {
		return h, err
	}
	h[2] = look().less(before)
	for _, one := range g.list {
		one.close()
	}
	return h, nil
}

// patience is how long all connections together may take for one step.
const patience = 2 * time.Minute

// idle puts all into IDLE and waits until the server has confirmed it.
func (g *group) idle() error {
	for _, one := range g.list {
		if err := one.idle(); err != nil {
			return err
		}
	}
	want, said := fmt.Sprintf("* %d IDLING\r\n", len(g.list)), ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var err error
		if said, err = converse(g.control, make([]byte, 256), "C XIDLING\r\n", "C OK"); err != nil {
			return err
		}
		if strings.HasPrefix(said, want) {
			return nil
		}
	}
	return fmt.Errorf("of %d connections the server says %q", len(g.list), said)
}

// event has the server tell all of a message more, and waits until each has heard it.
func (g *group) event() error {
	if _, err := converse(g.control, make([]byte, 256), "C XEVENT\r\n", "C OK"); err != nil {
		return err
	}
	late := time.After(patience)
	for heard := range len(g.list) {
		select {
		case err := <-g.got:
			if err != nil {
				return err
			}
		case <-late:
			return fmt.Errorf("%d of %d connections have heard of the event", heard, len(g.list))
		}
	}
	return nil
}

// look returns what this process holds, without garbage and with the stacks as small as they can be.
func look() held {
	for range 4 { // each makes a stack smaller by half at most
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return held{int64(m.HeapAlloc), int64(m.StackInuse), int64(runtime.NumGoroutine()), processMemory("VmRSS:")}
}

func (h held) less(before held) held {
	return held{h.Heap - before.Heap, h.Stacks - before.Stacks, h.Goroutines - before.Goroutines, h.RSS - before.RSS}
}
