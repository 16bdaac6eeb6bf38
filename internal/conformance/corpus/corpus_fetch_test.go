package corpus_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/htmlindex"
)

// wantedPart is a body structure of the corpus.
type wantedPart struct {
	Type, Subtype   string
	Params          map[string]*corpusText
	ID, Description corpusText
	Encoding        string
	Size, Lines     int64
	MD5, Location   corpusText
	Language        []string
	Disposition     *struct {
		Type   string
		Params map[string]*corpusText
	}
	Parts    []wantedPart
	Envelope *wantedEnvelope
	Body     *wantedPart
}

// wantedEnvelope is an envelope of the corpus, with header text as in the message.
type wantedEnvelope struct {
	Date, Subject             corpusText
	From, Sender, To, CC, BCC []wantedAddress
	ReplyTo                   []wantedAddress `json:"reply_to"`
	InReplyTo                 corpusText      `json:"in_reply_to"`
	MessageID                 corpusText      `json:"message_id"`
}

type wantedAddress struct{ Name, Mailbox, Host corpusText }

// untypedItem matches the items for which Message has no field: they are skipped.
var untypedItem = regexp.MustCompile(`^(BINARY\.SIZE\[.*\]|ABC|STUFF)$`)

var fetchNumber = regexp.MustCompile(`^\* +[0-9]+ +(?i:FETCH) +\(`)

// fetch: each item of the row. A row with a UID answers a FETCH; one without is unsolicited, and answers a FETCH when the
// UID is inserted.
func (o *corpusOne) fetch(t *testing.T) {
	var attrs map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(o.w.Attrs, &attrs))
	if _, ok := attrs["UID"]; !ok && o.w.Kind == "FETCH" {
		x := o.talk(t, o.wire)
		x.noop(t)
		events := x.c.Events()
		require.Len(t, events, 1)
		news, ok := events[0].(*imap.FetchEvent)
		require.True(t, ok, "%T", events[0])
		o.message(t, news.Message, attrs)
		o.wire = append(append(bytes.Clone(fetchNumber.Find(o.wire)), "UID 4711 "...), fetchNumber.ReplaceAll(o.wire, nil)...)
	}
	x := o.talk(t, o.wire)
	got, err := imap.Collect(x.c.Fetch(x.ctx, imap.UIDRange(1, 0)))
	require.NoError(t, err)
	require.Len(t, got, 1)
	o.message(t, got[0], attrs)
	x.noop(t)
	o.streamed(t, attrs)
}

// streamed: the same with the bodies read from the wire.
func (o *corpusOne) streamed(t *testing.T, attrs map[string]json.RawMessage) {
	x := o.talk(t, o.wire)
	n := 0
	for m, err := range x.c.FetchStream(x.ctx, imap.UIDRange(1, 0)) {
		require.NoError(t, err)
		n++
		var sections []imap.SectionData
		for b, err := range m.Bodies() {
			require.NoError(t, err)
			data, err := io.ReadAll(b)
			require.NoError(t, err)
			sections = append(sections, imap.SectionData{Section: b.Section, Bytes: data})
		}
		whole := m.Message
		whole.Sections = sections
		o.message(t, &whole, attrs)
	}
	require.Equal(t, 1, n)
	x.noop(t)
}

func (o *corpusOne) message(t *testing.T, m *imap.Message, attrs map[string]json.RawMessage) {
	t.Helper()
	if o.w.Kind == "FETCH" {
		assert.EqualValues(t, o.w.Seq, m.SeqNum)
	} else {
		assert.Equal(t, string(o.w.UID), strconv.FormatUint(uint64(m.UID), 10))
	}
	for name, raw := range attrs {
		o.item(t, m, name, raw)
	}
}

func (o *corpusOne) item(t *testing.T, m *imap.Message, name string, raw json.RawMessage) {
	t.Helper()
	switch name {
	case "UID":
		assert.Equal(t, string(raw), strconv.FormatUint(uint64(m.UID), 10))
	case "FLAGS":
		equalFlagNames(t, stringsOf(t, raw), m.Flags)
	case "RFC822.SIZE":
		assert.Equal(t, string(raw), strconv.FormatInt(m.Size, 10))
	case "MODSEQ":
		assert.Equal(t, string(raw), strconv.FormatUint(m.ModSeq, 10))
	case "INTERNALDATE":
		equalDate(t, raw, m.InternalDate)
	case "SAVEDATE":
		equalDate(t, raw, m.SaveDate)
	case "EMAILID":
		equalText(t, raw, m.EmailID, name)
	case "THREADID":
		equalText(t, raw, m.ThreadID, name)
	case "PREVIEW":
		equalText(t, raw, m.Preview, name)
	case "X-GM-MSGID":
		assert.Equal(t, string(raw), strconv.FormatUint(m.Gmail.MessageID, 10))
	case "X-GM-THRID":
		assert.Equal(t, string(raw), strconv.FormatUint(m.Gmail.ThreadID, 10))
	case "X-GM-LABELS":
		equalLabels(t, stringsOf(t, raw), m.Gmail.Labels)
	case "ENVELOPE":
		var want *wantedEnvelope
		require.NoError(t, json.Unmarshal(raw, &want))
		equalEnvelope(t, want, m.Envelope)
	case "BODY", "BODYSTRUCTURE":
		var want *wantedPart
		require.NoError(t, json.Unmarshal(raw, &want))
		equalPart(t, want, m.BodyStructure)
	default:
		o.section(t, m, name, raw)
	}
}

func equalText(t *testing.T, raw json.RawMessage, got, what string) {
	t.Helper()
	var want corpusText
	require.NoError(t, json.Unmarshal(raw, &want))
	want.equal(t, got, what)
}

func equalDate(t *testing.T, raw json.RawMessage, got time.Time) {
	t.Helper()
	if string(raw) == "null" {
		assert.True(t, got.IsZero())
		return
	}
	want, err := time.Parse(`"_2-Jan-2006 15:04:05 -0700"`, string(raw))
	require.NoError(t, err)
	assert.True(t, want.Equal(got), "%v is not %v", got, want)
	assert.Equal(t, want.Format(time.RFC3339), got.Format(time.RFC3339))
}

// equalLabels: labels are mailbox names, and NIL means no label.
func equalLabels(t *testing.T, want, got []string) {
	t.Helper()
	want = slices.DeleteFunc(want, func(s string) bool { return s == "NIL" })
	for i, s := range want {
		if name, err := imap.DecodeMailboxName(s); err == nil {
			want[i] = name
		}
	}
	assert.Equal(t, want, got, "labels")
}

// section finds a section by its name, which is in upper case and without quotes.
func (o *corpusOne) section(t *testing.T, m *imap.Message, name string, raw json.RawMessage) {
	t.Helper()
	s, ok := sectionNamed(name)
	if !ok {
		assert.Regexp(t, untypedItem, name)
		return
	}
	if string(raw) == "null" {
		assert.Empty(t, m.Section(s), name)
		return
	}
	equalText(t, raw, string(m.Section(s)), name)
}

var sectionName = regexp.MustCompile(`^(BODY|BINARY)\[([0-9.]*?)\.?([A-Z][A-Z.]*)?(?: \((.*)\))?\](?:<([0-9]+)>)?$`)

func sectionNamed(name string) (imap.Section, bool) {
	switch name {
	case "RFC822":
		return imap.Section{}, true
	case "RFC822.HEADER":
		return imap.Section{Specifier: "HEADER"}, true
	case "RFC822.TEXT":
		return imap.Section{Specifier: "TEXT"}, true
	}
	p := sectionName.FindStringSubmatch(name)
	if p == nil {
		return imap.Section{}, false
	}
	s := imap.Section{Binary: p[1] == "BINARY"}
	if p[2] != "" {
		for n := range strings.SplitSeq(p[2], ".") {
			i, _ := strconv.Atoi(n)
			s.Part = append(s.Part, i)
		}
	}
	var not bool
	s.Specifier, not = strings.CutSuffix(p[3], ".NOT")
	s.Specifier = strings.TrimSuffix(s.Specifier, ".FIELDS")
	if not {
		s.NotFields = strings.Fields(p[4])
	} else {
		s.Fields = strings.Fields(p[4])
	}
	s.Offset, _ = strconv.ParseInt(p[5], 10, 64)
	return s, true
}

// ---- envelopes

// headerText decodes header text with the standard library.
func headerText(s string) string {
	d := mime.WordDecoder{CharsetReader: func(charset string, r io.Reader) (io.Reader, error) {
		enc, err := htmlindex.Get(charset)
		if err != nil {
			return nil, err
		}
		return enc.NewDecoder().Reader(r), nil
	}}
	if text, err := d.DecodeHeader(s); err == nil {
		return text
	}
	return s
}

var namedZones = strings.NewReplacer(" EST", " -0500", " EDT", " -0400", " CST", " -0600", " CDT", " -0500",
	" MST", " -0700", " MDT", " -0600", " PST", " -0800", " PDT", " -0700", " JST", " +0900")

// otherDates are dates that package net/mail does not read.
var otherDates = map[string]string{
	"18 Jan 1992 17:19 (Saturday)": "1992-01-18T17:19:00Z",
	"26 Dec 1991 20:45 (Thursday)": "1991-12-26T20:45:00Z",
}

func equalEnvelope(t *testing.T, want *wantedEnvelope, got *imap.Envelope) {
	t.Helper()
	if want == nil {
		assert.Nil(t, got)
		return
	}
	require.NotNil(t, got, "envelope")
	// Package net/mail treats the zones of RFC 5322 section 4.3 as UTC.
	date, err := mail.ParseDate(namedZones.Replace(want.Date.value))
	if err != nil {
		date, _ = time.Parse(time.RFC3339, otherDates[want.Date.value])
	}
	assert.Equal(t, want.Date.value, got.DateText)
	assert.True(t, date.Equal(got.Date), "date %q is %v", want.Date.value, got.Date)
	assert.Equal(t, headerText(want.Subject.value), got.Subject)
	assert.Equal(t, want.InReplyTo.value, got.InReplyTo)
	assert.Equal(t, want.MessageID.value, got.MessageID)
	equalAddresses(t, "from", want.From, got.From)
	equalAddresses(t, "sender", want.Sender, got.Sender)
	equalAddresses(t, "reply-to", want.ReplyTo, got.ReplyTo)
	equalAddresses(t, "to", want.To, got.To)
	equalAddresses(t, "cc", want.CC, got.CC)
	equalAddresses(t, "bcc", want.BCC, got.BCC)
}

func equalAddresses(t *testing.T, what string, want []wantedAddress, got []imap.Address) {
	t.Helper()
	var list []imap.Address
	inGroup := false
	for _, a := range want {
		empty := a.Name.value+a.Mailbox.value+a.Host.value == ""
		if empty && !inGroup {
			continue // the end of a group that did not start
		}
		inGroup = !empty && (inGroup || a.Name.value+a.Host.value == "")
		list = append(list, imap.Address{Name: headerText(a.Name.value), Mailbox: a.Mailbox.value, Host: a.Host.value})
	}
	assert.Equal(t, list, got, what)
}

// ---- body structures

func equalPart(t *testing.T, want *wantedPart, got *imap.BodyStructure) {
	t.Helper()
	if want == nil {
		assert.Nil(t, got)
		return
	}
	require.NotNil(t, got, "body structure")
	assert.Equal(t, strings.ToLower(want.Type+"/"+want.Subtype), got.Type+"/"+got.Subtype)
	equalParams(t, want.Params, got.Params)
	assert.Equal(t, want.ID.value, got.ID, "id")
	assert.Equal(t, want.Description.value, got.Description, "description")
	assert.Equal(t, strings.ToLower(want.Encoding), got.Encoding, "encoding")
	assert.Equal(t, want.Size, got.Size, "size")
	assert.Equal(t, want.Lines, got.Lines, "lines")
	assert.Equal(t, want.MD5.value, got.MD5, "md5")
	assert.Equal(t, want.Location.value, got.Location, "location")
	assert.Equal(t, strings.ToUpper(strings.Join(want.Language, ",")), strings.ToUpper(strings.Join(got.Language, ",")))
	if d := want.Disposition; d != nil {
		assert.Equal(t, strings.ToLower(d.Type), got.Disposition)
		equalParams(t, d.Params, got.DispositionParams)
	} else {
		assert.Empty(t, got.Disposition)
	}
	parts := want.Parts
	if want.Body != nil {
		parts = []wantedPart{*want.Body}
	}
	if want.Envelope != nil {
		equalEnvelope(t, want.Envelope, got.Envelope)
	}
	require.Len(t, got.Children, len(parts))
	for i := range parts {
		equalPart(t, &parts[i], got.Children[i])
	}
}

func equalParams(t *testing.T, want map[string]*corpusText, got []imap.Param) {
	t.Helper()
	assert.Len(t, got, len(want), "parameters")
	for name, value := range want {
		i := slices.IndexFunc(got, func(p imap.Param) bool { return p.Name == strings.ToLower(name) })
		if assert.GreaterOrEqual(t, i, 0, "parameter %s", name) && value != nil {
			value.equal(t, got[i].Value, name)
		}
	}
}
