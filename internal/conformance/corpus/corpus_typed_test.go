package corpus_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// corpusExceptions are the cases where the library rightly returns something other than the corpus expects, each with the
// reason. The rest of such a case is still compared.
var corpusExceptions = map[string]string{
	"imap-codec/codec.rs#7":                                             "two spaces behind the asterisk: DavMail sends them",
	"imap-codec/codec/decode.rs#9":                                      "a space behind SEARCH: Yahoo and exmail.qq.com send it",
	"imap-codec/response.rs#33":                                         "spaces at the end of STATUS: Exchange and Outlook.com send them",
	"imap-codec/response.rs#36":                                         "spaces at the end of CAPABILITY: iCloud and exmail.qq.com send them",
	"transcripts/gmail/search-summary":                                  "((NIL NIL NIL NIL)) is the end of a group that did not start: no address",
	"transcripts/gmail/add-labels":                                      "NIL among the labels is none",
	"transcripts/gmail/set-labels":                                      "NIL among the labels is none",
	"net-imap/fetch_responses/test_invalid_fetch_msg_att_unknown_fails": "an item that nobody knows is stepped over: AOL, James, Dovecot send such",
}

// corpusLost are the cases whose bytes cannot be framed: the connection ends.
var corpusLost = map[string]string{
	"net-imap/quirky_behaviors/invalid literal numeric format (too large)": "a literal larger than any limit; its source refuses it too",
}

// corpusText is a string of the corpus: plain, in base64, or as its length and hash.
type corpusText struct {
	value string
	hash  string
	size  int
	set   bool
}

func (s *corpusText) UnmarshalJSON(b []byte) error {
	var v struct {
		Base64 *string
		Len    int
		SHA256 string
	}
	s.set = string(b) != "null"
	if b[0] != '{' {
		return json.Unmarshal(b, &s.value)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	if v.Base64 != nil {
		raw, err := base64.StdEncoding.DecodeString(*v.Base64)
		s.value = string(raw)
		return err
	}
	s.size, s.hash = v.Len, v.SHA256
	return nil
}

// equal compares a string with that of the corpus.
func (s *corpusText) equal(t *testing.T, got, what string) {
	t.Helper()
	if s.hash == "" {
		assert.Equal(t, s.value, got, what)
		return
	}
	sum := sha256.Sum256([]byte(got))
	assert.Equal(t, s.size, len(got), what)
	assert.Equal(t, s.hash, hex.EncodeToString(sum[:]), what)
}

// runEach plays each response of the case by itself, as the answer to the command that requests it.
func (c *corpusCase) runEach(t *testing.T, split int) {
	if len(c.Expect.Responses) == 0 {
		c.runRefused(t, split)
		return
	}
	frames := splitFrames(c.Wire)
	if corpusLost[c.key] != "" || slices.ContainsFunc(c.Expect.Responses, func(r wanted) bool { return r.Kind == "?" }) {
		return // runWhole has checked everything
	}
	require.Len(t, frames, len(c.Expect.Responses), "responses")
	for i, w := range c.Expect.Responses {
		one := &corpusOne{c: c, w: w, wire: frames[i], split: split}
		check, ok := corpusKinds[w.Kind]
		if !ok {
			check = (*corpusOne).other
		}
		check(one, t)
	}
}

// runRefused: a response that a source refuses yields no value, or a value that the library accepts; the connection stays
// usable.
func (c *corpusCase) runRefused(t *testing.T, split int) {
	if corpusLost[c.key] != "" {
		return
	}
	x := corpusTalk(t, split, corpusCaps, c.Wire)
	if _, err := x.c.SearchSeq(x.ctx, imap.Where(), nil); err != nil {
		_, ok := errors.AsType[*imap.ProtocolError](err)
		require.True(t, ok, "%v", err)
	}
	refused := slices.ContainsFunc(x.c.Events(), func(e imap.Event) bool {
		_, ok := e.(*imap.UnknownEvent)
		return ok
	})
	assert.Equal(t, corpusExceptions[c.key] == "", refused, "refused")
	x.noop(t)
}

// corpusOne is one response of a case.
type corpusOne struct {
	c     *corpusCase
	w     wanted
	wire  []byte
	split int
}

// talk returns a client whose next command is answered with the response.
func (o *corpusOne) talk(t *testing.T, wire []byte) *exchange {
	t.Helper()
	return corpusTalk(t, o.split, corpusCaps, wire)
}

var corpusKinds = map[string]func(*corpusOne, *testing.T){
	"OK":         (*corpusOne).status,
	"NO":         (*corpusOne).status,
	"BAD":        (*corpusOne).status,
	"BYE":        (*corpusOne).bye,
	"PREAUTH":    (*corpusOne).greeting,
	"CONTINUE":   (*corpusOne).goAhead,
	"CAPABILITY": (*corpusOne).capability,
	"ENABLED":    (*corpusOne).enabled,
	"FLAGS":      (*corpusOne).flags,
	"EXISTS":     (*corpusOne).number,
	"RECENT":     (*corpusOne).number,
	"EXPUNGE":    (*corpusOne).number,
	"LIST":       (*corpusOne).list,
	"LSUB":       (*corpusOne).list,
	"XLIST":      (*corpusOne).list,
	"STATUS":     (*corpusOne).mailboxStatus,
	"SEARCH":     (*corpusOne).search,
	"ESEARCH":    (*corpusOne).extendedSearch,
	"VANISHED":   (*corpusOne).vanished,
	"NAMESPACE":  (*corpusOne).namespace,
	"ID":         (*corpusOne).id,
	"SORT":       (*corpusOne).sort,
	"THREAD":     (*corpusOne).thread,
	"QUOTA":      (*corpusOne).quota,
	"QUOTAROOT":  (*corpusOne).quotaRoot,
	"ACL":        (*corpusOne).acl,
	"LISTRIGHTS": (*corpusOne).listRights,
	"MYRIGHTS":   (*corpusOne).myRights,
	"METADATA":   (*corpusOne).metadata,
	"FETCH":      (*corpusOne).fetch,
	"UIDFETCH":   (*corpusOne).fetch,
}

// other: an unknown response is an event with its bytes.
func (o *corpusOne) other(t *testing.T) {
	x := o.talk(t, o.wire)
	x.noop(t)
	events := x.c.Events()
	require.Len(t, events, 1)
	e, ok := events[0].(*imap.UnknownEvent)
	require.True(t, ok, "%T", events[0])
	assert.Equal(t, string(bytes.TrimRight(o.wire, "\r\n")), string(e.Raw))
	x.noop(t)
}

// ---- status

// statusWord is the first word of a status response.
var statusWord = regexp.MustCompile(`^[^ \r\n]+ +(?i:OK|NO|BAD|BYE|PREAUTH)`)

// status: code and text, as the end of a raw command, whatever the response was; then the meaning of the code.
func (o *corpusOne) status(t *testing.T) {
	rest := statusWord.ReplaceAll(o.wire, nil)
	x := o.talk(t, append([]byte("tag "+o.w.Kind), rest...))
	resp, err := x.c.Do(x.ctx, "XCORPUS")
	if o.w.Kind == "OK" {
		require.NoError(t, err)
		o.codeAndText(t, resp.Code, resp.CodeArgs, resp.Text)
	} else {
		e, ok := errors.AsType[*imap.Error](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, o.w.Kind, e.Status)
		o.codeAndText(t, e.Code, e.Args, e.Text)
	}
	x.noop(t)
	if o.w.Tag == "" {
		o.unasked(t)
		if o.w.Kind == "OK" {
			o.greeting(t)
		}
	}
	if o.w.Code != nil {
		o.codeMeaning(t)
	}
}

func (o *corpusOne) codeAndText(t *testing.T, code imap.Code, args, text string) {
	t.Helper()
	assert.Equal(t, strings.TrimSpace(o.w.Text.value), text, "text")
	if o.w.Code == nil {
		assert.Empty(t, code)
		return
	}
	assert.Equal(t, strings.ToUpper(o.w.Code.Name), string(code))
	if list, ok := o.w.Code.list(); ok {
		got := strings.FieldsFunc(args, func(r rune) bool { return r == ' ' || r == '(' || r == ')' })
		assert.Equal(t, strings.ToUpper(strings.Join(list, " ")), strings.ToUpper(strings.ReplaceAll(strings.Join(got, " "), `"`, "")))
		return
	}
	assert.Equal(t, o.w.Code.args(t), strings.Trim(args, "()"), "arguments of the code")
}

// list returns the arguments of a code that has a list.
func (w *wantedCode) list() (list []string, ok bool) {
	return list, w.Value != nil && json.Unmarshal(w.Value, &list) == nil
}

// args are the arguments of a code, as in the brackets.
func (w *wantedCode) args(t *testing.T) string {
	t.Helper()
	if w.Value == nil {
		return w.Raw
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(w.Value))
	d.UseNumber()
	require.NoError(t, d.Decode(&v))
	switch v := v.(type) {
	case map[string]any:
		var fields []string
		for _, k := range []string{"uidvalidity", "uids", "source", "dest"} {
			if v[k] != nil {
				fields = append(fields, fmt.Sprint(v[k]))
			}
		}
		return strings.Join(fields, " ")
	}
	return fmt.Sprint(v)
}

// unasked: an untagged status is stored under its code, and a NO or BAD is an event.
func (o *corpusOne) unasked(t *testing.T) {
	x := o.talk(t, o.wire)
	x.noop(t)
	if o.w.Code != nil {
		_, ok := x.c.Response(o.w.Code.Name)
		assert.True(t, ok, "Response(%s)", o.w.Code.Name)
	}
	var alerts []imap.Event
	events := slices.DeleteFunc(x.c.Events(), func(e imap.Event) bool {
		_, ok := e.(*imap.AlertEvent)
		if ok {
			alerts = append(alerts, e)
		}
		return ok
	})
	if o.w.Code != nil && o.w.Code.Name == "ALERT" {
		assert.Equal(t, []imap.Event{&imap.AlertEvent{Text: o.w.Text.value}}, alerts)
	} else if o.w.Kind != "OK" {
		assert.Equal(t, []imap.Event{&imap.UnknownEvent{Raw: bytes.TrimRight(o.wire, "\r\n")}}, events)
	}
}

// greeting: the response as the first of a connection.
func (o *corpusOne) greeting(t *testing.T) {
	conn := imaptest.DialScript(t, "S+: "+strings.Trim(strconv.Quote(string(o.wire)), `"`)+"\nC: $ NOOP\nS: $ OK done\n")
	conn.SplitReads(o.split)
	c, err := imap.NewClient(t.Context(), conn, nil)
	require.NoError(t, err)
	defer c.Close()
	assert.Equal(t, strings.TrimSpace(o.w.Text.value), c.Greeting())
	assert.Equal(t, map[string]imap.State{"OK": imap.NotAuthenticated, "PREAUTH": imap.Authenticated}[o.w.Kind], c.State())
	if o.w.Code != nil && o.w.Code.Name == "CAPABILITY" {
		o.caps(t, c.Caps(), stringsOf(t, o.w.Code.Value))
	}
	require.NoError(t, c.Noop(t.Context()))
}

// bye ends the connection, with the server's text.
func (o *corpusOne) bye(t *testing.T) {
	x := o.talk(t, o.wire)
	err := x.c.Noop(x.ctx)
	e, ok := errors.AsType[*imap.Error](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, "BYE", e.Status)
	o.codeAndText(t, e.Code, e.Args, e.Text)
	assert.ErrorIs(t, err, imap.ErrClosed)
	assert.ErrorIs(t, x.c.Noop(x.ctx), imap.ErrClosed)
	assert.Equal(t, imap.LoggedOut, x.c.State())
	x = o.talk(t, o.wire)
	require.NoError(t, x.c.Logout(x.ctx))
}

func stringsOf(t *testing.T, raw json.RawMessage) []string {
	t.Helper()
	var list []string
	require.NoError(t, json.Unmarshal(raw, &list), "%s", raw)
	return list
}

// codeMeaning: the effect of a code on the state and on the result of its command.
func (o *corpusOne) codeMeaning(t *testing.T) {
	var n uint64
	json.Unmarshal(o.w.Code.Value, &n)
	switch o.w.Code.Name {
	case "UIDVALIDITY", "UIDNEXT", "UNSEEN", "HIGHESTMODSEQ", "PERMANENTFLAGS", "MAILBOXID", "READ-ONLY", "READ-WRITE":
		x := o.talk(t, append(bytes.Clone(o.wire), "* 9 EXISTS\r\n"...))
		if o.w.Tag != "" {
			x = o.talk(t, o.wire)
		}
		mb, err := x.c.Select(x.ctx, "another", nil)
		require.NoError(t, err)
		o.mailbox(t, mb, n)
		x.noop(t)
	case "CAPABILITY":
		x := o.talk(t, o.wire)
		x.noop(t)
		o.known(t, x.c.Caps(), stringsOf(t, o.w.Code.Value))
	case "APPENDUID":
		x := o.talk(t, o.wire)
		got, err := x.c.Append(x.ctx, "a", imap.LiteralString("x"), nil)
		require.NoError(t, err)
		assert.Equal(t, o.w.Code.args(t), fmt.Sprintf("%d %d", got.UIDValidity, got.UID))
	case "COPYUID":
		x := o.talk(t, o.wire)
		got, err := x.c.Copy(x.ctx, imap.UIDRange(1, 0), "a")
		require.NoError(t, err)
		o.copied(t, got)
		x = o.talk(t, o.wire)
		got, err = x.c.Move(x.ctx, imap.UIDRange(1, 0), "a")
		require.NoError(t, err)
		o.copied(t, got)
	}
}

func (o *corpusOne) mailbox(t *testing.T, mb *imap.Mailbox, n uint64) {
	t.Helper()
	switch o.w.Code.Name {
	case "UIDVALIDITY":
		assert.EqualValues(t, n, mb.UIDValidity)
	case "UIDNEXT":
		assert.EqualValues(t, n, mb.UIDNext)
	case "UNSEEN":
		assert.EqualValues(t, n, mb.Unseen)
	case "HIGHESTMODSEQ":
		assert.EqualValues(t, n, mb.HighestModSeq)
	case "PERMANENTFLAGS":
		equalFlagNames(t, stringsOf(t, o.w.Code.Value), mb.PermanentFlags)
	case "MAILBOXID":
		assert.Equal(t, strings.Trim(string(o.w.Code.Value), `"`), mb.MailboxID)
	case "READ-ONLY":
		assert.True(t, mb.ReadOnly)
	case "READ-WRITE":
		assert.False(t, mb.ReadOnly)
	}
}

// copied compares the sets of a COPYUID, pair by pair.
func (o *corpusOne) copied(t *testing.T, got *imap.CopyResult) {
	t.Helper()
	var want struct {
		UIDValidity  uint32
		Source, Dest string
	}
	require.NoError(t, json.Unmarshal(o.w.Code.Value, &want))
	assert.Equal(t, want.UIDValidity, got.UIDValidity)
	assert.Equal(t, expandSet(t, want.Source), slices.Collect(got.Source.All()))
	assert.Equal(t, expandSet(t, want.Dest), slices.Collect(got.Dest.All()))
}

// expandSet lists the numbers of a set, range by range; 20:19 is 19:20 (RFC 4315 section 4).
func expandSet(t *testing.T, set string) []imap.UID {
	t.Helper()
	var all []imap.UID
	for part := range strings.SplitSeq(set, ",") {
		from, to, ok := strings.Cut(part, ":")
		if !ok {
			to = from
		}
		a, err := strconv.Atoi(from)
		require.NoError(t, err)
		z, err := strconv.Atoi(to)
		require.NoError(t, err)
		for n := min(a, z); n <= max(a, z); n++ {
			all = append(all, imap.UID(n))
		}
	}
	return all
}

func equalFlagNames(t *testing.T, want []string, got []imap.Flag) {
	t.Helper()
	fold := make([]string, 0, len(got))
	for _, f := range got {
		fold = append(fold, strings.ToUpper(string(f)))
	}
	for i := range want {
		want[i] = strings.ToUpper(want[i])
	}
	assert.Equal(t, strings.Join(want, " "), strings.Join(fold, " "), "flags")
}

// goAhead: a continuation causes a literal to be sent, and is ignored if no caller waits for it.
func (o *corpusOne) goAhead(t *testing.T) {
	conn := imaptest.DialScript(t, "S: * PREAUTH [CAPABILITY IMAP4rev1] hi\nC: $ NOOP\nS+: "+
		strings.Trim(strconv.Quote(string(o.wire)), `"`)+"\nS: $ OK done\nC: $ APPEND a {1}\nS+: "+
		strings.Trim(strconv.Quote(string(o.wire)), `"`)+"\nC: x\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n")
	conn.SplitReads(o.split)
	c, err := imap.NewClient(t.Context(), conn, nil)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Noop(t.Context()))
	_, err = c.Append(t.Context(), "a", imap.LiteralString("x"), nil)
	require.NoError(t, err)
	require.NoError(t, c.Noop(t.Context()))
}

// ---- capabilities and the mailbox

func (o *corpusOne) capability(t *testing.T) {
	x := o.talk(t, o.wire)
	caps, err := x.c.Capability(x.ctx)
	require.NoError(t, err)
	o.caps(t, caps, o.w.Values)
	o.known(t, x.c.Caps(), o.w.Values)
	x.noop(t)
}

// known: the capabilities known after a list. A list without IMAP4 replaces nothing.
func (o *corpusOne) known(t *testing.T, caps imap.Caps, list []string) {
	if slices.ContainsFunc(list, func(name string) bool { return strings.HasPrefix(strings.ToUpper(name), "IMAP4") }) {
		o.caps(t, caps, list)
		return
	}
	assert.True(t, caps.Has("IMAP4rev1") || caps.Has("IMAP4rev2"))
}

func (o *corpusOne) caps(t *testing.T, caps imap.Caps, want []string) {
	t.Helper()
	got := slices.Sorted(caps.All())
	for i := range want {
		assert.True(t, caps.Has(want[i]), want[i])
		want[i] = strings.ToUpper(want[i])
	}
	slices.Sort(want)
	assert.Equal(t, slices.Compact(want), got)
}

func (o *corpusOne) enabled(t *testing.T) {
	x := o.talk(t, o.wire)
	got, err := x.c.Enable(x.ctx, append([]string{"X-CORPUS"}, o.w.Values...)...)
	require.NoError(t, err)
	assert.Equal(t, strings.ToUpper(strings.Join(o.w.Values, " ")), strings.ToUpper(strings.Join(got, " ")))
	for _, name := range o.w.Values {
		assert.True(t, x.c.Enabled(name))
	}
	x.noop(t)
}

func (o *corpusOne) flags(t *testing.T) {
	x := o.talk(t, o.wire)
	mb, err := x.c.Select(x.ctx, "another", nil)
	require.NoError(t, err)
	equalFlagNames(t, slices.Clone(o.w.Flags), mb.Flags)
	x = o.talk(t, o.wire)
	x.noop(t)
	equalFlagNames(t, slices.Clone(o.w.Flags), x.c.Mailbox().Flags)
}

// number: the counter of the selected mailbox, and an event.
func (o *corpusOne) number(t *testing.T) {
	x := o.talk(t, o.wire)
	x.noop(t)
	mb, events := x.c.Mailbox(), x.c.Events()
	require.Len(t, events, 1)
	switch o.w.Kind {
	case "EXISTS":
		assert.Equal(t, &imap.ExistsEvent{Count: o.w.Num}, events[0])
		assert.Equal(t, o.w.Num, mb.Exists)
	case "RECENT":
		assert.Equal(t, &imap.RecentEvent{Count: o.w.Num}, events[0])
		assert.Equal(t, o.w.Num, mb.Recent)
	case "EXPUNGE":
		assert.Equal(t, &imap.ExpungeEvent{SeqNum: imap.SeqNum(o.w.Num)}, events[0])
		x = o.talk(t, o.wire)
		got, err := x.c.Expunge(x.ctx)
		require.NoError(t, err)
		assert.Equal(t, []imap.SeqNum{imap.SeqNum(o.w.Num)}, got.SeqNums)
	}
	x.noop(t)
}

// list: the entry, and the decoded parts of its name.
func (o *corpusOne) list(t *testing.T) {
	var attrs []string
	require.NoError(t, json.Unmarshal(o.w.Attrs, &attrs))
	entry := o.listEntry(t, attrs)
	if entry == nil {
		return
	}
	assert.Equal(t, o.w.Mailbox.value, entry.Raw)
	assert.Equal(t, o.w.Delim, entry.Delimiter)
	for _, a := range attrs {
		if use, ok := xlistUses[a]; ok && o.w.Kind == "XLIST" {
			a = use
		}
		assert.True(t, entry.Has(imap.MailboxAttr(a)), "%s in %v", a, entry.Attrs)
	}
	name, err := imap.DecodeMailboxName(entry.Raw)
	switch {
	case strings.EqualFold(entry.Raw, "INBOX"):
		name = "INBOX"
	case err != nil:
		name = entry.Raw
	}
	if trimmed := strings.TrimSuffix(name, entry.Delimiter); trimmed != "" {
		name = trimmed
	}
	assert.Equal(t, name, entry.Name)
}

// xlistUses are the attributes of RFC 6154 for those of XLIST.
var xlistUses = map[string]string{`\AllMail`: `\All`, `\Starred`: `\Flagged`, `\Spam`: `\Junk`}

// listEntry sends the command that the response answers.
func (o *corpusOne) listEntry(t *testing.T, attrs []string) *imap.ListEntry {
	t.Helper()
	var entries []imap.ListEntry
	var err error
	switch o.w.Kind {
	case "LSUB":
		x := o.talk(t, o.wire)
		entries, err = x.c.Lsub(x.ctx, "", "*")
		x.noop(t)
	case "XLIST":
		x := corpusTalk(t, o.split, "IMAP4rev1 XLIST", o.wire)
		entries, err = x.c.List(x.ctx, "", "*", &imap.ListOptions{SpecialUse: true})
		x.noop(t)
		if use := attrs[len(attrs)-1]; use == `\Inbox` || use == `\HasChildren` {
			require.Empty(t, entries, "a mailbox for no special use")
			return nil
		}
	default:
		x := o.talk(t, o.wire)
		x.noop(t)
		events := x.c.Events()
		require.Len(t, events, 1)
		x = o.talk(t, o.wire)
		entries, err = x.c.List(x.ctx, "", "*", nil)
		x.noop(t)
		assert.Equal(t, events, []imap.Event{&imap.ListEvent{Entry: entries[0]}})
	}
	require.NoError(t, err)
	require.Len(t, entries, 1)
	return &entries[0]
}

// mailboxStatus: the items that have a field; others are skipped.
func (o *corpusOne) mailboxStatus(t *testing.T) {
	name := o.w.Mailbox.value
	if decoded, err := imap.DecodeMailboxName(name); err == nil {
		name = decoded
	}
	x := o.talk(t, o.wire)
	st, err := x.c.Status(x.ctx, name, imap.StatusMessages)
	require.NoError(t, err)
	x.noop(t)
	var items map[string]any
	d := json.NewDecoder(bytes.NewReader(o.w.Items))
	d.UseNumber()
	require.NoError(t, d.Decode(&items))
	assert.Equal(t, name, st.Mailbox)
	fields := map[string]any{"MESSAGES": st.Messages, "RECENT": st.Recent, "UIDNEXT": st.UIDNext, "UIDVALIDITY": st.UIDValidity,
		"UNSEEN": st.Unseen, "DELETED": st.Deleted, "SIZE": st.Size, "HIGHESTMODSEQ": st.HighestModSeq, "APPENDLIMIT": st.AppendLimit}
	for item, field := range fields {
		want := "null"
		if n, ok := items[item].(json.Number); ok {
			want = n.String()
		}
		got, err := json.Marshal(field)
		require.NoError(t, err)
		assert.Equal(t, want, string(got), item)
	}
	if id, ok := items["MAILBOXID"].([]any); ok {
		assert.Equal(t, id[0], st.MailboxID)
	}
	x = o.talk(t, o.wire)
	x.noop(t)
	assert.Equal(t, []imap.Event{&imap.StatusEvent{Status: st}}, x.c.Events())
}

// ---- search

func (o *corpusOne) search(t *testing.T) {
	x := o.talk(t, o.wire)
	res, err := x.c.SearchSeq(x.ctx, imap.Where(), nil)
	require.NoError(t, err)
	want := slices.Compact(slices.Sorted(slices.Values(o.w.Nums)))
	assert.Equal(t, want, setNumbers(res.Seqs))
	assert.Equal(t, o.w.ModSeq, res.ModSeq)
	assert.EqualValues(t, len(want), res.Count)
	x.noop(t)
	x = o.talk(t, o.wire)
	res, err = x.c.Search(x.ctx, imap.Where(), nil)
	require.NoError(t, err)
	assert.Equal(t, want, setNumbers(res.UIDs))
	x.noop(t)
}

func setNumbers[N imap.UID | imap.SeqNum](set imap.Set[N]) []uint32 {
	var all []uint32
	for n := range set.All() {
		all = append(all, uint32(n))
	}
	return all
}

// extendedSearch: each item of an ESEARCH. One with the tag of another command, or of another kind of numbers, is not the
// result.
func (o *corpusOne) extendedSearch(t *testing.T) {
	x := corpusTalk(t, o.split, corpusCaps+" ESEARCH", o.wire)
	opts := imap.SearchOptions{}
	var items [][2]json.RawMessage
	require.NoError(t, json.Unmarshal(o.w.Items, &items))
	want := imap.SearchResult{}
	for _, item := range items {
		o.esearchItem(t, item, &opts, &want)
	}
	search := x.c.SearchSeq
	if string(o.w.UID) == "true" {
		search = x.c.Search
	}
	got, err := search(x.ctx, imap.Where(), &opts)
	require.NoError(t, err)
	x.noop(t)
	if opts.Min {
		assert.Equal(t, want.Min, got.Min)
	}
	if opts.Max {
		assert.Equal(t, want.Max, got.Max)
	}
	if opts.Count {
		assert.Equal(t, want.Count, got.Count)
	}
	assert.Equal(t, want.ModSeq, got.ModSeq)
	assert.Equal(t, want.UIDs.String(), imap.UIDSet(convertSet(got.Seqs)).String()+got.UIDs.String())
}

func convertSet(s imap.SeqSet) (out imap.UIDSet) {
	for _, r := range s {
		out = append(out, imap.Range[imap.UID]{Start: imap.UID(r.Start), Stop: imap.UID(r.Stop)})
	}
	return out
}

func (o *corpusOne) esearchItem(t *testing.T, item [2]json.RawMessage, opts *imap.SearchOptions, want *imap.SearchResult) {
	t.Helper()
	var name string
	require.NoError(t, json.Unmarshal(item[0], &name))
	var partial struct {
		Low, High int
		Set       string
	}
	var set string
	switch name {
	case "MIN":
		opts.Min = true
		require.NoError(t, json.Unmarshal(item[1], &want.Min))
	case "MAX":
		opts.Max = true
		require.NoError(t, json.Unmarshal(item[1], &want.Max))
	case "COUNT":
		opts.Count = true
		require.NoError(t, json.Unmarshal(item[1], &want.Count))
	case "MODSEQ":
		require.NoError(t, json.Unmarshal(item[1], &want.ModSeq))
	case "ALL":
		opts.All = true
		require.NoError(t, json.Unmarshal(item[1], &set))
	case "PARTIAL":
		require.NoError(t, json.Unmarshal(item[1], &partial))
		opts.PartialFrom, opts.PartialTo, set = partial.Low, partial.High, partial.Set
	default:
		t.Errorf("item %s", name)
	}
	if set != "" {
		uids := slices.Compact(slices.Sorted(slices.Values(expandSet(t, set))))
		want.UIDs = imap.UIDs(uids...)
	}
}

// vanished: an event, and the result of a QRESYNC selection for VANISHED (EARLIER).
func (o *corpusOne) vanished(t *testing.T) {
	want := expandSet(t, o.w.UIDs)
	x := o.talk(t, o.wire)
	x.noop(t)
	if !o.w.Earlier {
		events := x.c.Events()
		require.Len(t, events, 1)
		assert.Equal(t, want, slices.Collect(events[0].(*imap.VanishedEvent).UIDs.All()))
		x = o.talk(t, o.wire)
		res, err := x.c.Expunge(x.ctx)
		require.NoError(t, err)
		assert.Equal(t, want, slices.Collect(res.UIDs.All()))
		return
	}
	x = o.talk(t, o.wire)
	mb, err := x.c.Select(x.ctx, "another", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 1, ModSeq: 1}})
	require.NoError(t, err)
	assert.Equal(t, want, slices.Collect(mb.Vanished.All()))
	x.noop(t)
}

// ---- the server

func (o *corpusOne) namespace(t *testing.T) {
	x := o.talk(t, o.wire)
	got, err := x.c.Namespace(x.ctx)
	require.NoError(t, err)
	entries := func(list []wantedNamespace) (out []imap.NamespaceEntry) {
		for _, n := range list {
			prefix, err := imap.DecodeMailboxName(n.Prefix)
			require.NoError(t, err)
			out = append(out, imap.NamespaceEntry{Prefix: prefix, Delimiter: n.Delim})
		}
		return out
	}
	assert.Equal(t, &imap.Namespaces{Personal: entries(o.w.Personal), Other: entries(o.w.Other), Shared: entries(o.w.Shared)}, got)
	x.noop(t)
}

func (o *corpusOne) id(t *testing.T) {
	x := o.talk(t, o.wire)
	got, err := x.c.ID(x.ctx, nil)
	require.NoError(t, err)
	want := make(map[string]string)
	for k, v := range o.w.Fields {
		if v == nil {
			v = new(string)
		}
		want[strings.ToLower(k)] = *v
	}
	low := make(map[string]string)
	for k, v := range maps.All(got) {
		low[strings.ToLower(k)] = v
	}
	assert.Equal(t, want, low)
	x.noop(t)
}
