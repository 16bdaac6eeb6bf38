package imap

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-imaplib/imap/internal/mimetext"
	"golang.org/x/text/transform"
)

// MediaType returns type and subtype, "text/html".
func (b *BodyStructure) MediaType() string {
	if b == nil || b.Type == "" {
		return ""
	}
	return b.Type + "/" + b.Subtype
}

// Charset returns the declared character set of a text part, or "" if it declares none.
func (b *BodyStructure) Charset() string { return strings.TrimSpace(b.Param("charset")) }

// ContentID returns the identifier by which HTML refers to the part ("cid:" and this), without its angle brackets; "" if
// it has none.
func (b *BodyStructure) ContentID() string {
	return strings.Trim(strings.TrimSpace(b.ID), "<>")
}

// Section returns what to fetch for the bytes of the part, as they are encoded: see Decode and Body.Decoded. Of an
// embedded message it is the whole message, of the message itself, where that is a multipart, the same as the zero Section.
func (b *BodyStructure) Section() Section { return Section{Part: b.Part} }

// DecodedSize returns how many bytes the part has when its transfer encoding is decoded, and whether that is known
// exactly. Of base64 the number is at most 2 bytes too large, of quoted-printable and of encodings that are not known it is
// the size as encoded, which is never too small. A server with the capability BINARY tells the number: FetchBinarySize.
func (b *BodyStructure) DecodedSize() (size int64, exact bool) {
	name, known := mimetext.TransferName(b.Encoding)
	switch {
	case !known || name == "quoted-printable" || name == "x-uuencode":
		return b.Size, b.Size == 0
	case name != "base64":
		return b.Size, true
	}
	const line = 76 + len("\r\n")
	whole, rest := b.Size/int64(line), b.Size%int64(line)
	if rest%4 >= 2 {
		rest -= 2 // the last line has an end too
	}
	return (whole*76 + rest) / 4 * 3, b.Size == 0
}

// TextParts returns the parts that make up the text of a message, in the order in which they are shown: plain text where
// the message has that and HTML as well, and HTML where it has nothing else. Parts of a message that is attached are not
// among them; TextParts of that part (message/rfc822) are the text of that message. A message without text has none.
//
// Which parts are text and which are attachments is decided as in RFC 8621 section 4.1.4: what is marked as an attachment,
// and text with a file name that is not the first part, is an attachment.
func (b *BodyStructure) TextParts() []*BodyStructure { return b.content().text }

// HTMLParts returns the parts that make up the text of a message as TextParts does, but HTML where the message has both
// forms.
func (b *BodyStructure) HTMLParts() []*BodyStructure { return b.content().html }

// Attachments returns the parts of a message that are neither its text, in any form, nor Inline: files, attached messages
// (message/rfc822, with their Envelope), reports and signatures. Filename is the name that the sender gave.
func (b *BodyStructure) Attachments() []*BodyStructure { return b.content().attachments }

// Inline returns the parts of a message that its HTML shows by their ContentID or Location: images, most often.
func (b *BodyStructure) Inline() []*BodyStructure { return b.content().inline }

// content is what a message consists of for a reader.
type content struct {
	text, html, attachments, inline []*BodyStructure
}

func (b *BodyStructure) content() content {
	var c content
	switch {
	case b == nil:
	case b.Type == "message" && len(b.Children) > 0:
		return b.Children[0].content()
	case b.Type == "multipart":
		c.multipart(b, b.Subtype == "alternative", true, true)
	case b.Type == "text" && b.Disposition != "attachment":
		c.text, c.html = []*BodyStructure{b}, []*BodyStructure{b}
	default:
		c.attachments = []*BodyStructure{b}
	}
	return c
}

// multipart sorts the parts of b. Inside of an alternative they belong to one of the forms: toText and toHTML say to which.
func (c *content) multipart(b *BodyStructure, inAlternative, toText, toHTML bool) {
	text, html := len(c.text), len(c.html)
	for i, part := range b.Children {
		switch {
		case part.Type == "multipart":
			c.multipart(part, inAlternative || part.Subtype == "alternative", toText, toHTML)
		case !b.shows(i):
			c.file(b, part)
		case b.Subtype == "alternative":
			c.add(part, toText && part.Subtype == "plain", toHTML && part.Subtype == "html")
		case inAlternative:
			toText = toText && part.Subtype == "plain"
			toHTML = toHTML && part.Subtype == "html"
			c.add(part, toText, toHTML)
		default:
			c.add(part, toText, toHTML)
		}
	}
	if b.Subtype != "alternative" || !toText || !toHTML {
		return
	}
	// A form that is missing is replaced by the other.
	switch noText, noHTML := len(c.text) == text, len(c.html) == html; {
	case noText:
		c.text = append(c.text, c.html[html:]...)
	case noHTML:
		c.html = append(c.html, c.text[text:]...)
	}
}

func (c *content) add(part *BodyStructure, text, html bool) {
	if text {
		c.text = append(c.text, part)
	}
	if html {
		c.html = append(c.html, part)
	}
}

// file takes a part that is not shown as text.
func (c *content) file(parent, part *BodyStructure) {
	related := parent.Subtype == "related" || part.Disposition == "inline"
	if related && part.Disposition != "attachment" && (part.ID != "" || part.Location != "") && part.Type != "message" {
		c.inline = append(c.inline, part)
		return
	}
	c.attachments = append(c.attachments, part)
}

// shows reports whether part i of a multipart is text to show.
func (b *BodyStructure) shows(i int) bool {
	part := b.Children[i]
	if part.Disposition == "attachment" || part.MediaType() != "text/plain" && part.MediaType() != "text/html" {
		return false
	}
	if b.Subtype == "related" {
		return i == b.root()
	}
	return i == 0 || part.Filename() == "" || b.Subtype == "alternative"
}

// root returns which part of a multipart/related is not there for another (RFC 2387 section 3.2).
func (b *BodyStructure) root() int {
	if start := strings.Trim(b.Param("start"), " <>"); start != "" {
		for i, part := range b.Children {
			if part.ContentID() == start {
				return i
			}
		}
	}
	return 0
}

// ---- decoding

// A DecodeError reports where the transfer encoding of a part is damaged. All readable data precedes it.
type DecodeError struct {
	Encoding string // the content-transfer-encoding
	Offset   int64  // bytes from the start of the encoded text
	Reason   string // what is wrong there
}

// Error names the encoding, the place and the reason.
func (e *DecodeError) Error() string {
	return "imap: " + (&mimetext.TransferError{Encoding: e.Encoding, Offset: e.Offset, Reason: e.Reason}).Error()
}

func decodeError(err error) error {
	if damage, ok := err.(*mimetext.TransferError); ok {
		return &DecodeError{damage.Encoding, damage.Offset, damage.Reason}
	}
	return err
}

// Decode returns a reader of the bytes of the part, with its content-transfer-encoding undone: base64, quoted-printable and
// x-uuencode, as tolerant as mail programs are. r reads the encoded bytes, which Section names; where the server decoded
// them (Section.Binary) there is nothing left to do. The memory does not grow with the part. A damaged encoding, or one
// that is not known, gives all that can be read, and then a *DecodeError in the place of io.EOF.
func (b *BodyStructure) Decode(r io.Reader) io.Reader {
	if decoded := mimetext.TransferReader(b.Encoding, r); decoded != r {
		return &decodingReader{decoded}
	}
	return r
}

// DecodeText is Decode for a part of text, and turns its character set into UTF-8. Bytes that are not of the character set
// become U+FFFD. Of UTF-8, and of a character set that is not known, not sent, or means nothing, what is UTF-8 is taken as
// that, and the rest as Windows-1252.
func (b *BodyStructure) DecodeText(r io.Reader) io.Reader {
	return mimetext.TextReader(b.Charset(), b.Decode(r))
}

// decodingReader has the errors of this package.
type decodingReader struct{ r io.Reader }

func (d *decodingReader) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	return n, decodeError(err)
}

func (d *decodingReader) WriteTo(w io.Writer) (int64, error) {
	n, err := d.r.(io.WriterTo).WriteTo(w)
	return n, decodeError(err)
}

// Decoded returns a reader of the section without its transfer encoding, in constant memory: see BodyStructure.Decode. part
// is the part that Section names. It is valid as long as the Body is.
func (b *Body) Decoded(part *BodyStructure) io.Reader {
	if b.Section.Binary {
		return b
	}
	return part.Decode(b)
}

// decodeTextBytes turns bytes of a character set into UTF-8 with LF at the end of lines. Of text that was cut, a character
// that is not whole at its end is left out.
func decodeTextBytes(charset string, b []byte, cut bool) string {
	if cut && (charset == "" || mimetext.IsLoose(charset)) {
		b = b[:len(b)-partialRune(b)]
	}
	out, _, err := transform.Bytes(mimetext.Transformer(charset), b)
	if err != nil {
		out = []byte(strings.ToValidUTF8(string(b), "\uFFFD"))
	}
	text := strings.ReplaceAll(string(out), "\r\n", "\n")
	if cut {
		text = strings.TrimRight(text, "\uFFFD")
	}
	return text
}

// partialRune returns the length of a character at the end of b that is not whole.
func partialRune(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if last := b[len(b)-n:]; utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}
