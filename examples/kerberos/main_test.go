package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/stretchr/testify/require"

	"github.com/go-imaplib/imap"
)

const realm = "EXAMPLE.ORG"

var ada = types.PrincipalName{NameType: nametype.KRB_NT_PRINCIPAL, NameString: []string{"ada"}}

// kdc is a key distribution centre that knows ada and one service.
type kdc struct {
	keys  *keytab.Keytab
	asked []string
}

func newKDC(t *testing.T) *kdc {
	k := &kdc{keys: keytab.New()}
	require.NoError(t, k.keys.AddEntry("imap/localhost", realm, "of the service", time.Now(), 1, etypeID.AES256_CTS_HMAC_SHA1_96))
	return k
}

func (k *kdc) GetServiceTicket(spn string) (messages.Ticket, types.EncryptionKey, error) {
	k.asked = append(k.asked, spn)
	if spn != "imap/localhost" {
		return messages.Ticket{}, types.EncryptionKey{}, errors.New("no such service: " + spn)
	}
	service, now := types.NewPrincipalName(nametype.KRB_NT_SRV_HST, spn), time.Now().UTC()
	return messages.NewTicket(ada, realm, service, realm, types.NewKrbFlags(), k.keys, etypeID.AES256_CTS_HMAC_SHA1_96, 1, now, now, now.Add(time.Hour), now.Add(time.Hour))
}

// acceptor is the server's side of an exchange, with its faults.
type acceptor struct {
	keys        *keytab.Keytab
	certificate []byte // it wants the login to be bound to that
	subkey      bool   // it chooses the key of the last messages
	rotate      int    // of its last message
	wrongTime   bool
	wrongKey    bool
	layers      byte // what it offers
	early       bool // it answers OK at once

	key      types.EncryptionKey
	identity string // the user as which the client acts
}

// accept takes the AP-REQ and returns the AP-REP.
func (a *acceptor) accept(token []byte) ([]byte, error) {
	body, err := unwrapInitial(requestID, token)
	if err != nil {
		return nil, err
	}
	var req messages.APReq
	if err := req.Unmarshal(body); err != nil {
		return nil, err
	}
	if ok, err := req.Verify(a.keys, time.Minute, types.HostAddress{}, nil); !ok {
		return nil, err
	}
	sum := req.Authenticator.Cksum.Checksum
	want := make([]byte, 16)
	if a.certificate != nil {
		hash := sha256.Sum256(a.certificate)
		want = bindingsHash(append([]byte("tls-server-end-point:"), hash[:]...))
	}
	if !bytes.Equal(sum[4:20], want) {
		return nil, errors.New("the channel bindings do not match")
	}
	part := messages.EncAPRepPart{CTime: req.Authenticator.CTime, Cusec: req.Authenticator.Cusec}
	a.key = req.Ticket.DecryptedEncPart.Key
	sealing := a.key
	if a.subkey {
		part.Subkey = types.EncryptionKey{KeyType: a.key.KeyType, KeyValue: bytes.Repeat([]byte{7}, len(a.key.KeyValue))}
		a.key = part.Subkey
	}
	if a.wrongTime {
		part.Cusec++
	}
	if a.wrongKey {
		sealing.KeyValue = bytes.Repeat([]byte{1}, len(sealing.KeyValue))
	}
	plain, err := asn1.Marshal(part)
	if err != nil {
		return nil, err
	}
	sealed, err := crypto.GetEncryptedData(asn1tools.AddASNAppTag(plain, asnAppTag.EncAPRepPart), sealing, keyusage.AP_REP_ENCPART, 0)
	if err != nil {
		return nil, err
	}
	reply, err := asn1.Marshal(messages.APRep{PVNO: 5, MsgType: 15, EncPart: sealed})
	if err != nil {
		return nil, err
	}
	return wrapInitial(replyID, asn1tools.AddASNAppTag(reply, asnAppTag.APREP))
}

// offer is the last challenge: the security layers.
func (a *acceptor) offer() ([]byte, error) {
	etype, err := crypto.GetEtype(a.key.KeyType)
	if err != nil {
		return nil, err
	}
	t := gssapi.WrapToken{Flags: 1, EC: uint16(etype.GetHMACBitLength() / 8), Payload: []byte{a.layers, 0, 16, 0}}
	if err := t.SetCheckSum(a.key, keyusage.GSSAPI_ACCEPTOR_SEAL); err != nil {
		return nil, err
	}
	token, err := t.Marshal()
	if err != nil {
		return nil, err
	}
	head, body := token[:gssapi.HdrLen], token[gssapi.HdrLen:]
	n := len(body) - a.rotate
	binary.BigEndian.PutUint16(head[6:], uint16(a.rotate))
	return append(append(append([]byte(nil), head...), body[n:]...), body[:n]...), nil
}

// choose takes the answer to the offer.
func (a *acceptor) choose(token []byte) error {
	var t gssapi.WrapToken
	if err := t.Unmarshal(token, false); err != nil {
		return err
	}
	if ok, err := t.Verify(a.key, keyusage.GSSAPI_INITIATOR_SEAL); !ok {
		return err
	}
	if len(t.Payload) < 4 || !bytes.Equal(t.Payload[:4], []byte{1, 0, 0, 0}) {
		return errors.New("another layer than none")
	}
	a.identity = string(t.Payload[4:])
	return nil
}

// serve plays an IMAP server that offers only GSSAPI.
func (a *acceptor) serve(conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	fmt.Fprint(conn, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=GSSAPI] hello\r\n")
	next := func() []byte {
		lines.Scan()
		data, _ := base64.StdEncoding.DecodeString(lines.Text())
		return data
	}
	ask := func(data []byte) { fmt.Fprintf(conn, "+ %s\r\n", base64.StdEncoding.EncodeToString(data)) }
	lines.Scan()
	words := strings.Fields(lines.Text())
	tag := words[0]
	first, _ := base64.StdEncoding.DecodeString(words[3])
	err := func() error {
		reply, err := a.accept(first)
		if err != nil || a.early {
			return err
		}
		ask(reply)
		if next(); lines.Text() == "*" {
			return errors.New("given up")
		}
		offer, err := a.offer()
		if err != nil {
			return err
		}
		ask(offer)
		if answer := next(); lines.Text() != "*" {
			return a.choose(answer)
		}
		return errors.New("given up")
	}()
	if err != nil {
		fmt.Fprintf(conn, "%s NO [AUTHENTICATIONFAILED] %v\r\n", tag, err)
		return
	}
	fmt.Fprintf(conn, "%s OK [CAPABILITY IMAP4rev1] in\r\n", tag)
	for lines.Scan() {
		tag, rest, _ := strings.Cut(lines.Text(), " ")
		if strings.HasPrefix(rest, "EXAMINE") {
			fmt.Fprint(conn, "* 3 EXISTS\r\n")
		}
		if rest == "LOGOUT" {
			fmt.Fprint(conn, "* BYE bye\r\n")
		}
		fmt.Fprintf(conn, "%s OK done\r\n", tag)
	}
}

// dial connects to an acceptor, with TLS if there is a certificate.
func (a *acceptor) dial(t *testing.T, config *tls.Config, certificate *tls.Config) *imap.Client {
	l, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if certificate != nil {
			conn = tls.Server(conn, certificate)
		}
		a.serve(conn)
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	opts := &imap.Options{TLSConfig: config}
	var c *imap.Client
	if certificate != nil {
		c, err = imap.DialTLS(t.Context(), net.JoinHostPort("localhost", port), opts)
	} else {
		c, err = imap.DialInsecure(t.Context(), net.JoinHostPort("localhost", port), opts)
	}
	require.NoError(t, err)
	return c
}

func TestLogin(t *testing.T) {
	for name, a := range map[string]*acceptor{
		"plain":                   {},
		"a key of the server's":   {subkey: true},
		"rotated, as Heimdal has": {rotate: 12},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKDC(t)
			a.keys, a.layers = k.keys, 7
			var out bytes.Buffer
			m := &GSSAPI{Tickets: k, User: ada, Realm: realm, Identity: "bob"}
			require.NoError(t, login(t.Context(), &out, a.dial(t, nil, nil), m))
			require.Equal(t, "3 messages\n", out.String())
			require.Equal(t, []string{"imap/localhost"}, k.asked, "the host that was dialled")
			require.Equal(t, "bob", a.identity)
		})
	}
}

// TestBound: under TLS the login is bound to the certificate, if that is requested, and a server with another one refuses.
func TestBound(t *testing.T) {
	server, client := testCertificate(t)
	for name, test := range map[string]struct {
		certificate []byte
		err         string
	}{
		"the same":    {server.Certificates[0].Certificate[0], ""},
		"another one": {[]byte("of somebody between"), "channel bindings do not match"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKDC(t)
			a := &acceptor{keys: k.keys, layers: 1, certificate: test.certificate}
			err := login(t.Context(), new(bytes.Buffer), a.dial(t, client, server), &GSSAPI{Tickets: k, User: ada, Realm: realm, BindCertificate: true})
			if test.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.err)
			}
		})
	}
}

// TestRefused: a login fails if the server does not authenticate itself, whatever it answers.
func TestRefused(t *testing.T) {
	for name, test := range map[string]struct {
		a   acceptor
		err string
	}{
		"another request": {acceptor{wrongTime: true, layers: 1}, "another request"},
		"another key":     {acceptor{wrongKey: true, layers: 1}, "integrity"},
		"a layer":         {acceptor{layers: 6}, "demands a layer"},
		"an early OK":     {acceptor{early: true}, "has not proved itself"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKDC(t)
			test.a.keys = k.keys
			err := login(t.Context(), new(bytes.Buffer), test.a.dial(t, nil, nil), &GSSAPI{Tickets: k, User: ada, Realm: realm})
			require.ErrorContains(t, err, test.err)
		})
	}
	k := newKDC(t)
	m := &GSSAPI{Tickets: k, User: ada, Realm: realm}
	m.Bind(imap.Channel{Host: "elsewhere.example.org"})
	_, _, err := m.Start()
	require.ErrorContains(t, err, "no such service: imap/elsewhere.example.org")
	_, err = m.Next(nil)
	require.ErrorIs(t, err, errOrder)
}
