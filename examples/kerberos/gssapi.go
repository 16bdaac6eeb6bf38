package main

import (
	"crypto/md5" // what RFC 4121 takes for channel bindings; it protects nothing by itself
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/chksumtype"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/go-imaplib/imap"
)

// Tickets is the source of service tickets: *client.Client of gokrb5 is one.
type Tickets interface {
	GetServiceTicket(spn string) (messages.Ticket, types.EncryptionKey, error)
}

// GSSAPI is the mechanism GSSAPI (RFC 4752): Kerberos, without integrity and confidentiality of its own, which TLS
// provides. Client and server authenticate each other, and no password is sent.
type GSSAPI struct {
	Tickets  Tickets
	User     types.PrincipalName
	Realm    string
	Identity string // the mailbox to act as, "" for that of the user

	// Bind binds the exchange to the server's certificate, if there is TLS. RFC 4752 does not; Exchange with "extended
	// protection" requires it.
	BindCertificate bool

	ch    imap.Channel
	auth  types.Authenticator
	key   types.EncryptionKey
	state int
}

const (
	awaitsServer = iota + 1 // the AP-REP
	awaitsLayers            // what protection the server offers
	proved
)

// The flags of the GSS-API checksum (RFC 4121 section 4.1.1.1): mutual authentication, and integrity for the last messages.
const contextFlags = gssapi.ContextFlagMutual | gssapi.ContextFlagInteg

var _ interface {
	imap.BoundMechanism
	imap.FinalMechanism
} = (*GSSAPI)(nil)

// Bind receives the underlying connection.
func (g *GSSAPI) Bind(ch imap.Channel) { g.ch = ch }

// Start gets a ticket for the host and makes the first token: an AP-REQ.
func (g *GSSAPI) Start() (string, []byte, error) {
	g.state = 0
	ticket, key, err := g.Tickets.GetServiceTicket("imap/" + g.ch.Host)
	if err != nil {
		return "", nil, err
	}
	if g.auth, err = types.NewAuthenticator(g.Realm, g.User); err != nil {
		return "", nil, err
	}
	bindings, err := g.bindings()
	if err != nil {
		return "", nil, err
	}
	sum := make([]byte, 24)
	binary.LittleEndian.PutUint32(sum, 16)
	copy(sum[4:20], bindings)
	binary.LittleEndian.PutUint32(sum[20:], contextFlags)
	g.auth.Cksum = types.Checksum{CksumType: chksumtype.GSSAPI, Checksum: sum}
	req, err := messages.NewAPReq(ticket, key, g.auth)
	if err != nil {
		return "", nil, err
	}
	types.SetFlag(&req.APOptions, flags.APOptionMutualRequired)
	body, err := req.Marshal()
	if err != nil {
		return "", nil, err
	}
	token, err := wrapInitial(requestID, body)
	g.key, g.state = key, awaitsServer
	return "GSSAPI", token, err
}

// bindings is the hash of the channel binding (RFC 4121 section 4.1.1.2), zero for none.
func (g *GSSAPI) bindings() ([]byte, error) {
	if !g.BindCertificate || g.ch.TLS == nil {
		return make([]byte, 16), nil
	}
	data, err := g.ch.Binding("tls-server-end-point")
	if err != nil {
		return nil, err
	}
	return bindingsHash(append([]byte("tls-server-end-point:"), data...)), nil
}

// bindingsHash is the hash of application data only: no addresses.
func bindingsHash(data []byte) []byte {
	b := binary.LittleEndian.AppendUint32(make([]byte, 16), uint32(len(data)))
	sum := md5.Sum(append(b, data...))
	return sum[:]
}

var errOrder = errors.New("GSSAPI: a message out of its order")

// Next answers the server: its proof, then its offer of security layers.
func (g *GSSAPI) Next(challenge []byte) ([]byte, error) {
	state := g.state
	g.state = 0
	switch state {
	case awaitsServer:
		if err := g.verify(challenge); err != nil {
			return nil, err
		}
		g.state = awaitsLayers
		return []byte{}, nil
	case awaitsLayers:
		answer, err := g.layers(challenge)
		if err == nil {
			g.state = proved
		}
		return answer, err
	}
	return nil, errOrder
}

// Finish refuses a server that answers OK before it has proved itself.
func (g *GSSAPI) Finish([]byte) error {
	if g.state != proved {
		return errors.New("GSSAPI: the server has not proved itself")
	}
	return nil
}

// verify checks that the AP-REP answers our request: then the server has the key.
func (g *GSSAPI) verify(token []byte) error {
	body, err := unwrapInitial(replyID, token)
	if err != nil {
		return err
	}
	var reply messages.APRep
	if err := reply.Unmarshal(body); err != nil {
		return err
	}
	plain, err := crypto.DecryptEncPart(reply.EncPart, g.key, keyusage.AP_REP_ENCPART)
	if err != nil {
		return err
	}
	var part messages.EncAPRepPart
	if err := part.Unmarshal(plain); err != nil {
		return err
	}
	if part.CTime.Unix() != g.auth.CTime.Unix() || part.Cusec != g.auth.Cusec {
		return errors.New("GSSAPI: the server answered another request")
	}
	if len(part.Subkey.KeyValue) > 0 {
		g.key = part.Subkey
	}
	return nil
}

// layers reads the server's offer, and answers that no layer is wanted.
func (g *GSSAPI) layers(token []byte) ([]byte, error) {
	offer, err := unwrap(token, g.key)
	if err != nil {
		return nil, err
	}
	const none = 1
	if len(offer) != 4 || offer[0]&none == 0 {
		return nil, errors.New("GSSAPI: the server demands a layer of protection")
	}
	return wrap(append([]byte{none, 0, 0, 0}, g.Identity...), g.key, uint64(g.auth.SeqNumber))
}

// ---- tokens (RFC 4121)

var (
	requestID = []byte{1, 0}
	replyID   = []byte{2, 0}
)

// wrapInitial puts a Kerberos message into a GSS-API token.
func wrapInitial(id, body []byte) ([]byte, error) {
	oid, err := asn1.Marshal(gssapi.OIDKRB5.OID())
	if err != nil {
		return nil, err
	}
	return asn1tools.AddASNAppTag(append(append(oid, id...), body...), 0), nil
}

func unwrapInitial(id, token []byte) ([]byte, error) {
	var oid asn1.ObjectIdentifier
	body, err := asn1.UnmarshalWithParams(token, &oid, "application,explicit,tag:0")
	if err != nil {
		return nil, err
	}
	if !oid.Equal(gssapi.OIDKRB5.OID()) || len(body) < 2 || body[0] != id[0] || body[1] != id[1] {
		return nil, fmt.Errorf("GSSAPI: not the token that is due: % x", token[:min(len(token), 20)])
	}
	return body[2:], nil
}

// wrap signs a message of the client.
func wrap(payload []byte, key types.EncryptionKey, seq uint64) ([]byte, error) {
	etype, err := crypto.GetEtype(key.KeyType)
	if err != nil {
		return nil, err
	}
	t := gssapi.WrapToken{EC: uint16(etype.GetHMACBitLength() / 8), SndSeqNum: seq, Payload: payload}
	if err := t.SetCheckSum(key, keyusage.GSSAPI_INITIATOR_SEAL); err != nil {
		return nil, err
	}
	return t.Marshal()
}

// unwrap checks the signature of a message of the server, which may be rotated.
func unwrap(token []byte, key types.EncryptionKey) ([]byte, error) {
	const head = gssapi.HdrLen
	if len(token) > head {
		body := token[head:]
		n := int(binary.BigEndian.Uint16(token[6:])) % len(body)
		token = append(append(append([]byte(nil), token[:head]...), body[n:]...), body[:n]...)
	}
	var t gssapi.WrapToken
	if err := t.Unmarshal(token, true); err != nil {
		return nil, err
	}
	const sealed = 2
	if t.Flags&sealed != 0 {
		return nil, errors.New("GSSAPI: a message that is encrypted")
	}
	if ok, err := t.Verify(key, keyusage.GSSAPI_ACCEPTOR_SEAL); !ok {
		return nil, err
	}
	return t.Payload, nil
}
