package mimetext

import (
	"io"
	"strconv"
	"strings"
)

// TransferError reports where a content-transfer-encoding is damaged. It follows all readable data.
type TransferError struct {
	Encoding string // "base64", "quoted-printable", "x-uuencode", or the name that is not known
	Offset   int64  // bytes from the start of the encoded text to the first damage
	Reason   string // what is wrong there
}

// Error names the encoding, the place and the reason.
func (e *TransferError) Error() string {
	return e.Encoding + ": damaged at byte " + strconv.FormatInt(e.Offset, 10) + ": " + e.Reason
}

// transferNames maps the names of encodings, including those that programs make up, to the usual ones.
var transferNames = map[string]string{
	"": "7bit", "7bit": "7bit", "7-bit": "7bit", "7bits": "7bit", "8bit": "8bit", "8-bit": "8bit", "8bits": "8bit",
	"binary": "binary", "base64": "base64", "base-64": "base64", "b64": "base64",
	"quoted-printable": "quoted-printable", "quotedprintable": "quoted-printable", "quoted-printed": "quoted-printable",
	"x-uuencode": "x-uuencode", "uuencode": "x-uuencode", "x-uue": "x-uuencode", "uue": "x-uuencode",
}

// TransferName returns the usual name of a content-transfer-encoding (RFC 2045 section 6): "7bit", "8bit", "binary",
// "base64", "quoted-printable" or "x-uuencode", and whether it is one of them. Case, spaces, a comment and text after a
// semicolon are ignored. The name of a character set in its place encodes nothing.
func TransferName(name string) (string, bool) {
	if i := strings.IndexAny(name, ";("); i >= 0 {
		name = name[:i]
	}
	key := strings.ToLower(strings.Trim(name, " \t\r\n\"',"))
	if known, ok := transferNames[key]; ok {
		return known, true
	}
	if known, ok := transferNames[strings.ReplaceAll(key, " ", "")]; ok {
		return known, true
	}
	if Lookup(key) != nil {
		return "8bit", true
	}
	return name, false
}

// transferDecoder decodes in pieces.
type transferDecoder interface {
	// decode decodes src, appends the result to dst and returns how many bytes of src it has used: all of them if final is
	// set, else all but the few whose meaning depends on the bytes after them. at is the offset of src.
	decode(dst, src []byte, at int64, final bool) (out []byte, used int)
	// damaged returns the first damage, or nil if none exists.
	damaged() error
}

// newTransferDecoder returns nil for an encoding that changes nothing.
func newTransferDecoder(name string) transferDecoder {
	known, ok := TransferName(name)
	switch {
	case !ok:
		return &unknownDecoder{damage{&TransferError{known, 0, "an encoding that is not known"}}}
	case known == "base64":
		return &base64Decoder{}
	case known == "quoted-printable":
		return &quotedDecoder{}
	case known == "x-uuencode":
		return &uuDecoder{}
	}
	return nil
}

// DecodeTransfer decodes b from the content-transfer-encoding with that name. With an error it returns all readable
// data. The result is b itself if the encoding is an identity.
func DecodeTransfer(name string, b []byte) ([]byte, error) {
	d := newTransferDecoder(name)
	if d == nil {
		return b, nil
	}
	out, _ := d.decode(make([]byte, 0, len(b)), b, 0, true)
	return out, d.damaged()
}

// TransferReader returns a reader that decodes r from the content-transfer-encoding with that name, in constant memory. It
// continues after damage, and then returns a *TransferError instead of io.EOF. The result is r itself if the encoding is an
// identity.
func TransferReader(name string, r io.Reader) io.Reader {
	d := newTransferDecoder(name)
	if d == nil {
		return r
	}
	return &transferReader{r: r, decoder: d}
}

// transferReader reads pieces of the encoded text and returns the decoded data.
type transferReader struct {
	r       io.Reader
	decoder transferDecoder
	buf     []byte // encoded; unused from start on
	start   int
	at      int64  // offset of buf[start]
	out     []byte // decoded; not yet returned from given on
	given   int
	err     error // error of r, including io.EOF
}

// transferChunk is the number of encoded bytes that are read at once. It is larger than the lookahead of a decoder.
const transferChunk = 8 << 10

// Read reads decoded bytes.
func (t *transferReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := t.fill(); err != nil {
		return 0, err
	}
	n := copy(p, t.out[t.given:])
	t.given += n
	return n, nil
}

// WriteTo writes all remaining data to w.
func (t *transferReader) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		err := t.fill()
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		n, err := w.Write(t.out[t.given:])
		total += int64(n)
		t.given += n
		if err != nil {
			return total, err
		}
	}
}

// fill ensures that out is not empty, or returns an error.
func (t *transferReader) fill() error {
	for t.given == len(t.out) {
		if t.err != nil && t.start == len(t.buf) {
			return t.end()
		}
		if t.err == nil {
			t.more()
		}
		var used int
		t.out, used = t.decoder.decode(t.out[:0], t.buf[t.start:], t.at, t.err != nil)
		t.given = 0
		t.start += used
		t.at += int64(used)
	}
	return nil
}

// more reads a piece of encoded text and appends it to the unused text.
func (t *transferReader) more() {
	if t.buf == nil {
		t.buf = make([]byte, 0, 2*transferChunk)
	}
	n := copy(t.buf[:cap(t.buf)], t.buf[t.start:])
	t.start = 0
	var read int
	read, t.err = t.r.Read(t.buf[n:cap(t.buf)])
	t.buf = t.buf[:n+read]
}

func (t *transferReader) end() error {
	if t.err != io.EOF {
		return t.err
	}
	if err := t.decoder.damaged(); err != nil {
		return err
	}
	return io.EOF
}

// damage holds the first damage.
type damage struct{ first *TransferError }

func (d *damage) note(encoding string, at int64, reason string) {
	if d.first == nil {
		d.first = &TransferError{encoding, at, reason}
	}
}

func (d *damage) damaged() error {
	if d.first == nil {
		return nil
	}
	return d.first
}

// unknownDecoder returns text in an unknown encoding unchanged.
type unknownDecoder struct{ damage }

func (d *unknownDecoder) decode(dst, src []byte, _ int64, _ bool) ([]byte, int) {
	return append(dst, src...), len(src)
}

// maxLookahead bounds the bytes that a decoder holds back until it has more input.
const maxLookahead = 2 << 10

// isBlank reports whether c is a space or a tab.
func isBlank(c byte) bool { return c == ' ' || c == '\t' }
