package model

import (
	"bytes"
	"compress/flate"
	"io"
	"slices"
	"strings"

	"github.com/go-imaplib/imap"
)

// ---- COMPRESS

// A deflater is the server side of COMPRESS.
type deflater struct {
	out  bytes.Buffer
	w    *flate.Writer
	got  []byte // all data from the client since
	read int    // bytes inflated so far
}

func newDeflater() *deflater {
	d := &deflater{}
	d.w, _ = flate.NewWriter(&d.out, flate.DefaultCompression)
	return d
}

// send returns b compressed and flushed.
func (d *deflater) send(b []byte) []byte {
	d.w.Write(b)
	d.w.Flush()
	return slices.Clone(takeAll(&d.out))
}

func takeAll(b *bytes.Buffer) []byte {
	all := b.Bytes()
	b.Reset()
	return all
}

// receive inflates received data.
func (d *deflater) receive(b []byte) ([]byte, error) {
	d.got = append(d.got, b...)
	plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(d.got)))
	if err == io.ErrUnexpectedEOF {
		err = nil
	}
	fresh := plain[min(d.read, len(plain)):]
	d.read = max(d.read, len(plain))
	return fresh, err
}

func (s *server) compress(rec *record) {
	if s.deflate != nil {
		s.fail("state", "COMPRESS is sent where the client compresses already")
	}
	if s.refuses() {
		s.finish(rec, "NO", "COMPRESSIONACTIVE", "not compressed")
		return
	}
	s.finish(rec, "OK", "", "compressing")
	s.deflate = newDeflater()
	s.alert()
}

func (x *run) compress(*rng) {
	x.judge(x.client.Compress(x.ctx), x.only("COMPRESS"))
	x.tell(func(c *call) { c.left = true }) // data may have followed the OK
}

// ---- LOGIN and UNAUTHENTICATE

func (s *server) login(rec *record) {
	if s.loggedIn {
		s.fail("state", "LOGIN is sent where somebody is logged in")
	}
	if s.refuses() || len(rec.args) != 2 || rec.args[0].text != user || rec.args[1].text != password {
		s.finish(rec, "NO", "AUTHENTICATIONFAILED", "not logged in")
		return
	}
	s.loggedIn, s.knows = true, true
	code := ""
	if !s.step.chance(Codes, 2) && !s.has(silent) {
		code = "CAPABILITY " + strings.Join(s.caps, " ")
	}
	s.finish(rec, "OK", code, "logged in")
}

func (x *run) login(*rng) {
	err := x.client.Login(x.ctx, user, password)
	rec := x.only("LOGIN")
	x.judge(err, rec)
	if err == nil && rec != nil && x.client.State() != imap.Authenticated {
		x.srv.fail("state", "Login goes well, and the state is %s", x.client.State())
	}
}

func (s *server) unauthenticate(rec *record) {
	if s.deflate != nil {
		s.fail("state", "UNAUTHENTICATE is sent where the next password would be compressed")
	}
	if s.refuses() {
		s.finish(rec, "NO", "", "not unauthenticated")
		return
	}
	s.loggedIn, s.enabled, s.condstore, s.rules = false, make(map[string]bool), false, notifyRules{}
	s.unselect()
	for i := range s.expected {
		s.expected[i].must = false // they belonged to the former user
	}
	s.finish(rec, "OK", "", "unauthenticated")
}

func (x *run) unauthenticate(*rng) {
	err := x.client.Unauthenticate(x.ctx)
	rec := x.only("UNAUTHENTICATE")
	x.judge(err, rec)
	if err != nil || rec == nil {
		return
	}
	if list := x.client.Events(); len(list) > 0 {
		x.srv.fail("trust", "Unauthenticate keeps %d events of the former user", len(list))
	}
	x.events, x.srv.expected, x.lost = nil, nil, false
}
