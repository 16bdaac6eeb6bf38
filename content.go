package imap

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
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

// ContentID returns the identifier by which HTML refers to the part (after "cid:"), without its angle brackets, or "" if it
// has none.
func (b *BodyStructure) ContentID() string {
	return strings.Trim(strings.TrimSpace(b.ID), "<>")
}

// Section returns the Section to fetch for the bytes of the part, with their transfer encoding: see Decode and Body.Decoded.
// For an embedded message it is the whole message; for the message itself, if that is a multipart, the zero Section.
func (b *BodyStructure) Section() Section { return Section{Part: b.Part} }

// DecodedSize returns the size of the part in bytes after decoding its transfer encoding, and whether it is exact. For
// base64 it is at most 2 bytes too large; for quoted-printable and unknown encodings it is the encoded size, which is
// never too small. A server with the capability BINARY can compute the exact size: FetchBinarySize.
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
		rest -= 2 // the line ending of the last line
	}
	return (whole*76 + rest) / 4 * 3, b.Size == 0
}

// TextParts returns the parts that make up the text of a message, in the order of display. If the message has both plain
// text and HTML, these are the plain text parts. Parts of an attached message are not included; TextParts of the attached
// part (message/rfc822) returns its text. A message without text has none.
//
// Text and attachments are distinguished as in RFC 8621 section 4.1.4: a part that is marked as an attachment is one, and so
// is text with a file name that is not the first part.
func (b *BodyStructure) TextParts() []*BodyStructure { return b.content().text }

// HTMLParts is like TextParts, but returns the HTML parts if the message has both forms.
func (b *BodyStructure) HTMLParts() []*BodyStructure { return b.content().html }

// Attachments returns the parts of a message that are neither text, in any form, nor Inline: files, attached messages
// (message/rfc822, with their Envelope), reports and signatures. Filename returns the sender's name for a file.
func (b *BodyStructure) Attachments() []*BodyStructure { return b.content().attachments }

// Inline returns the parts to which the HTML refers by ContentID or Location, usually images.
func (b *BodyStructure) Inline() []*BodyStructure { return b.content().inline }

// content holds the parts of a message by their role.
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

// multipart assigns the parts of b to roles. Inside an alternative toText and toHTML report to which forms they belong.
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
	// A missing form is replaced by the other one.
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

// file adds a part that is not displayed as text.
func (c *content) file(parent, part *BodyStructure) {
	related := parent.Subtype == "related" || part.Disposition == "inline"
	if related && part.Disposition != "attachment" && (part.ID != "" || part.Location != "") && part.Type != "message" {
		c.inline = append(c.inline, part)
		return
	}
	c.attachments = append(c.attachments, part)
}

// shows reports whether part i of a multipart is text to display.
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

// root returns the index of the root part of a multipart/related (RFC 2387 section 3.2).
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

// DecodeError reports where the transfer encoding of a part is damaged. It follows all data that can be decoded.
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

// Decode returns a reader that decodes the content-transfer-encoding of the part: base64, quoted-printable and
// x-uuencode, as leniently as mail programs do. r must read the encoded bytes, which Section names; bytes that the
// server decoded (Section.Binary) need no Decode. The memory is constant. If the encoding is damaged or unknown, the
// reader returns all readable data, and then a *DecodeError instead of io.EOF.
func (b *BodyStructure) Decode(r io.Reader) io.Reader {
	if decoded := mimetext.TransferReader(b.Encoding, r); decoded != r {
		return &decodingReader{decoded}
	}
	return r
}

// DecodeText is like Decode, for a text part, and also converts its character set to UTF-8. Bytes that are invalid in the
// character set become U+FFFD. HTML without a character set has that of its meta element, unless that names a set of single
// bytes and the text begins with valid UTF-8. If the character set is UTF-8, unknown or missing, valid UTF-8 is kept, ISO-2022-JP is recognized by its escape sequences, and other bytes are taken for
// Windows-1252.
func (b *BodyStructure) DecodeText(r io.Reader) io.Reader {
	if b.Subtype == "html" {
		return &htmlReader{part: b, r: bufio.NewReaderSize(b.Decode(r), mimetext.HTMLHead)}
	}
	return mimetext.TextReader(b.Charset(), b.Decode(r))
}

// htmlReader converts HTML, whose character set may depend on its first bytes.
type htmlReader struct {
	part *BodyStructure
	r    *bufio.Reader
	text io.Reader // nil before the first Read
}

func (h *htmlReader) Read(p []byte) (int, error) {
	if h.text == nil {
		head, err := h.r.Peek(mimetext.HTMLHead)
		var r io.Reader = h.r
		if err != nil {
			r = &textThenError{head, err} // h.r does not return it again
		}
		h.text = mimetext.TextReader(h.part.charset(head), r)
	}
	return h.text.Read(p)
}

// textThenError returns an error behind a text.
type textThenError struct {
	text []byte
	err  error
}

func (t *textThenError) Read(p []byte) (int, error) {
	if len(t.text) == 0 {
		return 0, t.err
	}
	n := copy(p, t.text)
	t.text = t.text[n:]
	return n, nil
}

// charset returns the character set of a text that begins with head.
func (b *BodyStructure) charset(head []byte) string {
	if b.Subtype == "html" {
		return mimetext.HTMLCharset(b.Charset(), head)
	}
	return b.Charset()
}

// decodingReader converts errors to those of this package.
type decodingReader struct{ r io.Reader }

func (d *decodingReader) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	return n, decodeError(err)
}

func (d *decodingReader) WriteTo(w io.Writer) (int64, error) {
	n, err := d.r.(io.WriterTo).WriteTo(w)
	return n, decodeError(err)
}

// Decoded returns a reader that decodes the transfer encoding of the section, in constant memory: see BodyStructure.Decode.
// part must be the part that Section names. The reader is valid as long as the Body.
func (b *Body) Decoded(part *BodyStructure) io.Reader {
	if b.Section.Binary {
		return b
	}
	return part.Decode(b)
}

// decodeTextBytes converts b from a character set to UTF-8 with LF line endings. If the text was cut, an incomplete
// character at its end is dropped.
func decodeTextBytes(d mimetext.Decoder, charset string, b []byte, cut bool) string {
	if cut && (charset == "" || mimetext.IsLoose(charset)) {
		b = b[:len(b)-partialRune(b)]
	}
	out, _, err := transform.Bytes(d.Transformer(charset, b), b)
	if err != nil {
		out = []byte(strings.ToValidUTF8(string(b), "\uFFFD"))
	}
	text := strings.ReplaceAll(string(out), "\r\n", "\n")
	if cut {
		text = strings.TrimRight(text, "\uFFFD")
	}
	return text
}

// partialRune returns the length of an incomplete character at the end of b.
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

// TextOptions configures FetchText.
type TextOptions struct {
	HTML      bool        // prefer HTML to plain text in messages with both forms
	Forwarded bool        // include the text of attached messages
	MaxBytes  int         // longest text of one message, in bytes of UTF-8; 0: 256 KiB
	Items     []FetchItem // further items to fetch: FetchEnvelope, FetchFlags, …

	skip func(*Message) bool // reports whether the text of a message is not needed
}

// defaultTextBytes is the default of TextOptions.MaxBytes.
const defaultTextBytes = 256 << 10

// MessageText is the text of one message.
type MessageText struct {
	Message   *Message // with UID, SeqNum, BodyStructure and TextOptions.Items
	MediaType string   // of Text: "text/plain", "text/html"; "" for a message without text
	Text      string   // the joined Parts of MediaType, in UTF-8 with LF line endings
	Truncated bool     // the text of the message is longer
	Parts     []TextPart
}

// TextPart is a part of a message with its text.
type TextPart struct {
	Part *BodyStructure
	Text string // in UTF-8 with LF line endings
}

// FetchText returns an iterator over the readable text of messages (FETCH or UID FETCH, RFC 9051 section 6.4.5; selected):
// the parts that TextParts returns, decoded from their transfer encoding and character set. HTML is not converted.
// Attachments are not fetched, and no message is marked as seen. A hundred messages take two round trips: one for their
// structures and one for their texts, with one command for each kind of structure. The server decodes if it has the
// capability BINARY.
//
// An error without a message ends the loop. An error with a message concerns only that message: a *DecodeError after
// all readable text, a value that could not be parsed, or a structure or text that the server left out although the message
// exists. Messages are yielded in the order of their UIDs, or, for a short set, in the order of the server's answer. Messages
// that do not exist, or are removed meanwhile, yield nothing. Other commands may be issued inside the loop.
func (c *Client) FetchText(ctx context.Context, set NumSet, opts *TextOptions) iter.Seq2[*MessageText, error] {
	o := TextOptions{}
	if opts != nil {
		o = *opts
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultTextBytes
	}
	return func(yield func(*MessageText, error) bool) {
		if set != nil && emptySet(set) {
			return
		}
		c := c.pin()
		_, set, err := c.capsFor(ctx, set)
		if err != nil {
			yield(nil, err)
			return
		}
		if set != nil && emptySet(set) {
			return // all of the messages were removed
		}
		batches, err := c.textBatches(ctx, set)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, batch := range batches {
			if !c.fetchTexts(ctx, batch, &o, yield) {
				return
			}
		}
	}
}

const (
	// textBatch is how many messages are fetched at once.
	textBatch = 100
	// textBatchBytes bounds the texts that are in memory at once, unless one message alone exceeds it.
	textBatchBytes = 8 << 20
)

// textBatches splits a set into sets of few messages. For a large or open set it searches first, because few of its numbers
// may exist.
func (c *Client) textBatches(ctx context.Context, set NumSet) ([]NumSet, error) {
	if seqs, ok := set.(SeqSet); ok {
		set = c.existing(seqs)
	}
	if isShort(set, textBatch) {
		return []NumSet{set}, nil
	}
	found, err := c.Search(ctx, Where().In(set), nil)
	if err != nil {
		return nil, err
	}
	var batches []NumSet
	var batch UIDSet
	n := 0
	for uid := range found.UIDs.All() {
		batch.add(uid)
		if n++; n%textBatch == 0 {
			batches, batch = append(batches, batch), nil
		}
	}
	if len(batch) > 0 {
		batches = append(batches, batch)
	}
	return batches, nil
}

// existing returns the set without sequence numbers beyond the last message, which servers refuse in a search. If none are
// left, it returns just one of the numbers.
func (c *Client) existing(seqs SeqSet) SeqSet {
	box := c.Mailbox()
	if box == nil || c.mayOpen() {
		return seqs // the mailbox of the call is not known
	}
	if box.Exists == 0 || beyond(seqs, box.Exists) {
		return seqs.First(1)
	}
	if all := seqs.normal(); all[len(all)-1].Stop > SeqNum(box.Exists) {
		return all.Intersect(SeqRange(1, SeqNum(box.Exists)))
	}
	return seqs
}

// isShort reports whether a set names at most n messages.
func isShort(set NumSet, n uint64) bool {
	switch set := set.(type) {
	case UIDSet:
		return set.Len() <= n && !slices.ContainsFunc(set, func(r Range[UID]) bool { return r.Stop == 0 && r.Start != 0 })
	case SeqSet:
		return set.Len() <= n && !slices.ContainsFunc(set, func(r Range[SeqNum]) bool { return r.Stop == 0 && r.Start != 0 })
	}
	return set == nil // Fetch reports the error
}

// fetchTexts yields the texts of a batch. It reports whether the caller's loop continues.
func (c *Client) fetchTexts(ctx context.Context, set NumSet, o *TextOptions, yield func(*MessageText, error) bool) bool {
	all, err := c.textStructures(ctx, set, o)
	if err != nil {
		yield(nil, err)
		return false
	}
	for len(all) > 0 {
		n := withinBytes(all)
		now := all[:n]
		all = all[n:]
		err := c.fetchTextParts(ctx, now)
		if err == nil {
			err = c.settleTexts(ctx, now)
		}
		if err != nil {
			yield(nil, err)
			return false
		}
		for i, t := range now {
			if t.removed {
				continue
			}
			text, err := t.result(o)
			if !yield(text, err) {
				return false
			}
			now[i] = nil
		}
	}
	return true
}

// withinBytes returns how many of the messages to fetch at once, at least one.
func withinBytes(all []*textFetch) int {
	var size int64
	for i, t := range all {
		if size += t.size(); size > textBatchBytes && i > 0 {
			return i
		}
	}
	return len(all)
}

// textFetch is a message whose text is fetched.
type textFetch struct {
	m       *Message
	err     error // error yielded together with m
	wanted  []wantedText
	bare    bool // its structure did not come
	removed bool // the message was removed meanwhile
}

// wantedText is a part whose text is fetched.
type wantedText struct {
	part    *BodyStructure
	section Section
	data    []byte
	arrived bool
}

// textStructures fetches the structures of the messages.
func (c *Client) textStructures(ctx context.Context, set NumSet, o *TextOptions) ([]*textFetch, error) {
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return nil, err
	}
	binary := caps.offers("BINARY")
	items := append([]FetchItem{FetchBodyStructure}, o.Items...)
	var all []*textFetch
	first := make(map[UID]*textFetch)
	for m, err := range c.Fetch(ctx, set, items...) {
		if m == nil {
			return nil, err
		}
		if t := first[m.UID]; t != nil && m.UID != 0 { // the rest of the message, after many others
			t.m.add(m)
			t.err = cmp.Or(t.err, err)
			continue
		}
		t := &textFetch{m: m, err: err}
		first[m.UID] = t
		all = append(all, t)
	}
	for _, t := range all {
		if o.skip != nil && o.skip(t.m) {
			continue
		}
		t.bare = t.m.BodyStructure == nil
		for _, part := range textToShow(t.m.BodyStructure, o) {
			t.wanted = append(t.wanted, wantedText{part: part, section: textSection(part, binary, o.MaxBytes)})
		}
	}
	return all, nil
}

// textToShow returns the parts whose text is wanted.
func textToShow(b *BodyStructure, o *TextOptions) []*BodyStructure {
	parts := b.TextParts()
	if o.HTML {
		parts = b.HTMLParts()
	}
	if !o.Forwarded {
		return parts
	}
	for _, part := range b.Attachments() {
		if part.Type == "message" && part != b {
			parts = append(slices.Clip(parts), textToShow(part, o)...)
		}
	}
	return parts
}

// textSection returns the section to fetch for at most max bytes of a part, and a few more to detect a longer one.
func textSection(part *BodyStructure, binary bool, max int) Section {
	const more = 4
	s := part.Section()
	s.Count = min(int64(max), restOfSection/4) + more // all counts below are at most restOfSection
	name, known := mimetext.TransferName(part.Encoding)
	if s.Binary = binary && known && (name == "base64" || name == "quoted-printable"); s.Binary || part.Size <= s.Count {
		return s
	}
	switch name {
	case "base64":
		s.Count += s.Count/2 + 8
	case "quoted-printable":
		s.Count *= 3
	case "x-uuencode":
		s.Count += s.Count/2 + maxUUHead
	}
	return s
}

// maxUUHead is the longest text in front of uuencoded data.
const maxUUHead = 1024

// size returns the maximum size of the texts in bytes.
func (t *textFetch) size() (n int64) {
	for i := range t.wanted {
		n += min(t.wanted[i].section.Count, max(t.wanted[i].part.Size, 1))
	}
	return n
}

// fetchTextParts fetches the texts of some messages. Parts that the server cannot decode are fetched encoded.
func (c *Client) fetchTextParts(ctx context.Context, all []*textFetch) error {
	err := c.fetchTextSections(ctx, all)
	again := false
	for _, t := range all {
		for i := range t.wanted {
			w := &t.wanted[i]
			if !w.arrived && w.section.Binary {
				w.section = textSection(w.part, false, int(w.section.Count))
				again = true
			}
		}
	}
	if err != nil && !(again && isUndecodable(err)) || !again {
		return err
	}
	return c.fetchTextSections(ctx, all)
}

// isUndecodable reports whether a server could not decode a part. Dovecot answers NO [UNKNOWN-CTE], others plain NO or BAD.
func isUndecodable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && !errors.Is(err, ErrClosed) && (e.Code == CodeUnknownCTE || e.Code == "")
}

// textGroup is a group of messages of which the same sections are fetched.
type textGroup struct {
	uids  UIDSet
	items []FetchItem
}

// fetchTextSections fetches the missing sections, with all commands at once.
func (c *Client) fetchTextSections(ctx context.Context, all []*textFetch) error {
	groups := textGroups(all)
	byUID := make(map[UID]*textFetch, len(all))
	for _, t := range all {
		byUID[t.m.UID] = t
	}
	var mu sync.Mutex // guards the data of the messages
	p := c.Pipeline()
	for _, g := range groups {
		p.Go(func(view *Client) error {
			view = &Client{e: view.e, call: view.call, pinned: c.pinned}
			for m, err := range view.Fetch(ctx, g.uids, g.items...) {
				if m == nil {
					return err
				}
				mu.Lock()
				byUID[m.UID].take(m, err)
				mu.Unlock()
			}
			return nil
		})
	}
	return p.Wait()
}

// textGroups groups the messages by the sections to fetch.
func textGroups(all []*textFetch) []*textGroup {
	groups := make(map[string]*textGroup)
	var ordered []*textGroup
	for _, t := range all {
		var items []FetchItem
		for _, w := range t.wanted {
			if !w.arrived {
				items = append(items, w.section)
			}
		}
		if len(items) == 0 || t.m.UID == 0 { // its structure came with an error
			continue
		}
		key := fmt.Sprint(items)
		g := groups[key]
		if g == nil {
			g = &textGroup{items: items}
			groups[key], ordered = g, append(ordered, g)
		}
		g.uids = append(g.uids, Range[UID]{t.m.UID, t.m.UID})
	}
	for _, g := range ordered {
		g.uids = g.uids.normalize()
	}
	return ordered
}

// take stores the sections of m.
func (t *textFetch) take(m *Message, err error) {
	if t == nil {
		return
	}
	if t.err == nil {
		t.err = err
	}
	for i := range t.wanted {
		w := &t.wanted[i]
		data, there := m.Section(w.section), slices.ContainsFunc(m.Sections, func(d SectionData) bool { return d.Section.matches(w.section) })
		if !w.arrived && (data != nil || there && !w.section.Binary) { // NIL is an empty text, or one that cannot be decoded
			w.data, w.arrived = data, true
		}
	}
}

// isIncomplete reports whether data of the message did not come, for an unknown reason.
func (t *textFetch) isIncomplete() bool {
	return t.err == nil && t.m.UID != 0 && (t.bare || slices.ContainsFunc(t.wanted, func(w wantedText) bool { return !w.arrived }))
}

var errNoText = errors.New("the server did not send the text of the message")

// settleTexts distinguishes messages that were removed from those whose text the server left out.
func (c *Client) settleTexts(ctx context.Context, all []*textFetch) error {
	var uids UIDSet
	for _, t := range all {
		if t.isIncomplete() {
			uids = append(uids, Range[UID]{t.m.UID, t.m.UID})
		}
	}
	if len(uids) == 0 {
		return nil
	}
	there, err := c.existingUIDs(ctx, uids.normalize())
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.isIncomplete() {
			t.removed = !there.Contains(t.m.UID)
			t.err = failed("UID FETCH", errNoText)
		}
	}
	return nil
}

// result returns the text of the message.
func (t *textFetch) result(o *TextOptions) (*MessageText, error) {
	text := &MessageText{Message: t.m}
	first := t.err
	left := o.MaxBytes
	for i := range t.wanted {
		w := &t.wanted[i]
		s, cut, err := w.text(left)
		if err != nil && first == nil {
			first = failed("UID FETCH", err)
		}
		text.Parts = append(text.Parts, TextPart{w.part, s})
		text.Truncated = text.Truncated || cut
		left -= len(s)
	}
	text.join()
	return text, first
}

// text decodes at most max bytes of the part. cut reports whether it has more.
func (w *wantedText) text(max int) (s string, cut bool, err error) {
	data := w.data
	cut = int64(len(data)) >= w.section.Count
	if !w.section.Binary {
		if cut {
			data = wholeUnits(w.part.Encoding, data)
		}
		whole := len(data)
		if data, err = mimetext.DecodeTransfer(w.part.Encoding, data); err != nil {
			if damage := err.(*mimetext.TransferError); cut && damage.Offset >= int64(whole) {
				err = nil // the error is at the cut
			}
			err = decodeError(err)
		}
	}
	s = decodeTextBytes(w.part.textDecoder(), w.part.charset(data), data, cut)
	if len(s) > max {
		s, cut = s[:max], true
		s = s[:max-partialRune([]byte(s[max-min(max, 4):]))]
	}
	return s, cut, err
}

// wholeUnits drops an incomplete encoded byte at the end of text that was cut.
func wholeUnits(encoding string, b []byte) []byte {
	if name, _ := mimetext.TransferName(encoding); name != "quoted-printable" {
		return b
	}
	if i := bytes.LastIndexByte(b, '='); i >= 0 && i > len(b)-3 {
		return b[:i]
	}
	return b
}

// join sets Text to the joined texts of the parts with the media type of the first.
func (t *MessageText) join() {
	if len(t.Parts) == 0 {
		return
	}
	t.MediaType = t.Parts[0].Part.MediaType()
	var b strings.Builder
	for _, p := range t.Parts {
		if p.Part.MediaType() != t.MediaType {
			continue
		}
		if b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") {
			b.WriteByte('\n')
		}
		b.WriteString(p.Text)
	}
	t.Text = b.String()
}
