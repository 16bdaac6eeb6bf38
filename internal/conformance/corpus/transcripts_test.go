package corpus_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recordings are the recorded answers of servers, by name, and which of them a conversation used.
type recordings struct {
	cases map[string]*corpusCase
	mu    sync.Mutex
	used  map[string]bool
}

func loadRecordings(t *testing.T) *recordings {
	r := &recordings{cases: make(map[string]*corpusCase), used: make(map[string]bool)}
	for _, c := range loadCorpus(t) {
		if name, ok := strings.CutPrefix(c.key, "transcripts/"); ok {
			r.cases[name] = c
		}
	}
	return r
}

// get returns a recorded answer and notes that it was used.
func (r *recordings) get(t *testing.T, name string) *corpusCase {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.cases[name]
	if c == nil {
		t.Errorf("no recording %q", name)
		return &corpusCase{Wire: []byte("A BAD no recording\r\n")}
	}
	r.used[name] = true
	return c
}

// TestRecordedConversations has clients talk to servers whose answers were recorded: from the greeting to LOGOUT, with the
// bytes in one piece, one by one, and in pieces. Every recording is used.
func TestRecordedConversations(t *testing.T) {
	r := loadRecordings(t)
	require.Len(t, r.cases, 197)
	for name, talk := range map[string]func(*recordedTalk){
		"gmail": gmailSession, "gmail mailboxes": gmailMailboxes, "gmail messages": gmailMessages, "gmail extensions": gmailExtensions,
		"gmail login": gmailLogin, "exchange": exchangeSession, "exchange 2003": exchange2003, "exchange 2007": exchange2007,
		"courier": courierSession, "cyrus": cyrusSession, "icloud": icloudSession, "lowercase": lowercaseSession, "uw": uwSession,
		"uw preauth": uwPreauth, "acl": aclSession, "metadata": metadataSession,
	} {
		t.Run(name, func(t *testing.T) {
			for _, split := range []int{0, 1, 29} {
				talk(&recordedTalk{t: t, ctx: testkit.Context(t), r: r, split: split})
			}
		})
	}
	for name := range r.cases {
		assert.True(t, r.used[name], "recording %s in no conversation", name)
	}
}

// recordedTalk is a conversation: a client, and a server that sends the recorded answers in the order in which they are
// queued.
type recordedTalk struct {
	t     *testing.T
	ctx   context.Context
	r     *recordings
	split int
	c     *imap.Client

	mu    sync.Mutex
	queue []recordedAnswer
}

type recordedAnswer struct{ command, name string }

// dial connects to a server that greets with a recording, or with the text.
func (v *recordedTalk) dial(greeting string) {
	v.t.Helper()
	if !strings.HasPrefix(greeting, "*") {
		greeting = string(v.r.get(v.t, greeting).Wire)
	}
	near, far := imaptest.Pipe()
	near.SplitReads(v.split)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer far.Close()
		io.WriteString(far, greeting)
		v.serve(far)
	}()
	v.t.Cleanup(func() {
		near.Close()
		far.Close()
		<-done
	})
	var err error
	v.c, err = imap.NewClient(v.ctx, near, &imap.Options{AllowInsecureAuth: true, Timeout: 10 * time.Second})
	require.NoError(v.t, err)
	v.t.Cleanup(func() { v.c.Close() })
}

// next queues the answer to the next command.
func (v *recordedTalk) next(command, name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.queue = append(v.queue, recordedAnswer{command, name})
}

func (v *recordedTalk) take() recordedAnswer {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.queue) == 0 {
		return recordedAnswer{}
	}
	a := v.queue[0]
	v.queue = v.queue[1:]
	return a
}

func (v *recordedTalk) serve(conn io.ReadWriter) {
	r := bufio.NewReader(conn)
	tag := ""
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		fields := strings.Fields(line)
		for n := corpusLiteral.FindStringSubmatch(line); n != nil; n = corpusLiteral.FindStringSubmatch(line) {
			if !strings.HasSuffix(line, "+}\r\n") {
				conn.Write(v.r.get(v.t, "gmail/go-ahead").Wire)
			}
			size, _ := strconv.ParseInt(n[1], 10, 64)
			if _, err := io.CopyN(io.Discard, r, size); err != nil {
				return
			}
			if line, err = r.ReadString('\n'); err != nil {
				return
			}
		}
		command := strings.ToUpper(fields[0])
		if command != "DONE" {
			tag, command = fields[0], strings.ToUpper(fields[1])
		}
		if command == "UID" {
			command += " " + strings.ToUpper(fields[2])
		}
		a := v.take()
		if a.command != command {
			v.t.Errorf("client sent %s, not %s", command, a.command)
			return
		}
		if a.name == "" {
			io.WriteString(conn, tag+" OK done\r\n")
			continue
		}
		wire := v.r.get(v.t, a.name).Wire
		if command != "IDLE" {
			wire = answerWith(wire, tag)
		}
		conn.Write(wire)
	}
}

// wanted returns the responses of one kind in a recording.
func (v *recordedTalk) wanted(name, kind string) []wanted {
	var list []wanted
	for _, w := range v.r.get(v.t, name).Expect.Responses {
		if w.Kind == kind {
			list = append(list, w)
		}
	}
	return list
}

// ok fails the conversation at an error.
func (v *recordedTalk) ok(err error) {
	v.t.Helper()
	require.NoError(v.t, err)
}

// noop: the connection stays usable.
func (v *recordedTalk) noop() {
	v.t.Helper()
	v.next("NOOP", "")
	v.ok(v.c.Noop(v.ctx))
}

// logout ends a conversation.
func (v *recordedTalk) logout() {
	v.t.Helper()
	v.next("LOGOUT", "gmail/logout")
	v.ok(v.c.Logout(v.ctx))
	assert.Equal(v.t, imap.LoggedOut, v.c.State())
}

// gmail connects and logs in with the recorded capabilities.
func (v *recordedTalk) gmail(login string) {
	v.t.Helper()
	v.dial("gmail/greeting")
	v.next("CAPABILITY", "gmail/capability")
	v.next("AUTHENTICATE", login)
	v.ok(v.c.LoginPlain(v.ctx, "username", "password"))
	assert.True(v.t, v.c.Caps().Has("X-GM-EXT-1"))
	assert.False(v.t, v.c.Caps().Has("AUTH=PLAIN"))
}

func (v *recordedTalk) selectMailbox(mailbox, name string) *imap.Mailbox {
	v.t.Helper()
	v.next("SELECT", name)
	mb, err := v.c.Select(v.ctx, mailbox, nil)
	v.ok(err)
	assert.Equal(v.t, mailbox, mb.Name)
	assert.Equal(v.t, v.wanted(name, "EXISTS")[0].Num, mb.Exists)
	equalFlagNames(v.t, slices.Clone(v.wanted(name, "FLAGS")[0].Flags), mb.Flags)
	for _, w := range v.wanted(name, "OK") {
		if w.Tag == "" && w.Code != nil {
			var n uint64
			json.Unmarshal(w.Code.Value, &n)
			(&corpusOne{w: w}).mailbox(v.t, mb, n)
		}
	}
	return mb
}

// gmailUIDs are the messages in the recordings of Gmail.
const gmailUIDs = "1:3,5,7:9,11:14,26:29,31,34,41:43,50"

// gmailSession: log in, look around, search, fetch, change, move, idle, append.
func gmailSession(v *recordedTalk) {
	t, ctx := v.t, v.ctx
	v.gmail("gmail/authenticate")
	c := v.c
	v.next("NAMESPACE", "gmail/namespace")
	ns, err := c.Namespace(ctx)
	v.ok(err)
	assert.Equal(t, []imap.NamespaceEntry{{Prefix: "", Delimiter: "/"}}, ns.Personal)
	v.selectMailbox("INBOX", "gmail/select-inbox")

	v.next("UID SEARCH", "gmail/search")
	res, err := c.Search(ctx, imap.Where(), nil)
	v.ok(err)
	assert.Equal(t, gmailUIDs, res.UIDs.String())
	v.next("UID SEARCH", "gmail/search-deleted-not-1-3")
	some, err := c.Search(ctx, imap.Where().Deleted(), nil)
	v.ok(err)
	assert.Equal(t, "5,7:9,11:14,26:29,31,34,41:43,50", some.UIDs.String())
	v.next("SEARCH", "gmail/get-indexes")
	seqs, err := c.SearchSeq(ctx, imap.Where(), nil)
	v.ok(err)
	assert.Equal(t, "1:21", seqs.Seqs.String())
	gmailChanges(v, res.UIDs)
	v.logout()
}

func gmailChanges(v *recordedTalk, uids imap.UIDSet) {
	t, ctx, c := v.t, v.ctx, v.c
	v.next("UID STORE", "gmail/set-flags")
	stored, err := c.Store(ctx, uids, imap.SetFlags(imap.FlagSeen, imap.FlagAnswered), nil)
	v.ok(err)
	require.Len(t, stored.Messages, 21)
	assert.Equal(t, []imap.Flag{imap.FlagSeen, imap.FlagAnswered}, stored.Messages[20].Flags)
	assert.EqualValues(t, 50, stored.Messages[20].UID)
	for _, name := range []string{"gmail/set-labels", "gmail/add-labels"} {
		v.next("UID STORE", name)
		_, err := c.Do(ctx, "UID STORE", uids, imap.Atom(`+X-GM-LABELS`), imap.Atom(`("Custom Label")`))
		v.ok(err)
	}
	c.Events()
	v.next("UID STORE", "gmail/add-flags")
	_, err = c.Store(ctx, uids, imap.AddFlags(imap.FlagDeleted), &imap.StoreOptions{Silent: true})
	v.ok(err)
	assert.Len(t, c.Events(), 22)
	assert.EqualValues(t, 29, c.Mailbox().Exists)
	v.next("UID COPY", "gmail/uid-copy")
	copied, err := c.Copy(ctx, uids, "UnitTests")
	v.ok(err)
	assert.Equal(t, &imap.CopyResult{UIDValidity: 85, Source: uids, Dest: imap.UIDRange(1, 21)}, copied)
	v.next("UID MOVE", "gmail/uid-move")
	moved, err := c.Move(ctx, uids, "UnitTests")
	v.ok(err)
	assert.Equal(t, copied, moved)
	assert.EqualValues(t, 0, c.Mailbox().Exists)
	v.next("UID EXPUNGE", "gmail/uid-expunge")
	gone, err := c.UIDExpunge(ctx, uids)
	v.ok(err)
	assert.Len(t, gone.SeqNums, 21)
	v.next("EXPUNGE", "gmail/expunge")
	gone, err = c.Expunge(ctx)
	v.ok(err)
	assert.Equal(t, []imap.SeqNum{1, 1, 1}, gone.SeqNums)
	assert.EqualValues(t, 18, c.Mailbox().Exists)
	c.Events()
	v.next("IDLE", "gmail/idle")
	v.next("DONE", "gmail/idle-done")
	n := 0
	for _, err := range c.Idle(ctx, nil) {
		v.ok(err)
		if n++; n == 44 {
			break
		}
	}
	v.noop()
	v.next("NOOP", "gmail/count-explicit.noop")
	v.ok(c.Noop(ctx))
	assert.EqualValues(t, 1, c.Mailbox().Exists)
	v.next("NOOP", "gmail/count-implicit.noop")
	v.ok(c.Noop(ctx))
	assert.EqualValues(t, 0, c.Mailbox().Exists)
}

// gmailMailboxes: every recorded LIST, LSUB, XLIST, STATUS and SELECT.
func gmailMailboxes(v *recordedTalk) {
	t, ctx := v.t, v.ctx
	v.gmail("gmail/authenticate+statussize+objectid")
	for name := range v.r.cases {
		short, _ := strings.CutPrefix(name, "gmail/")
		switch {
		case short == name:
		case strings.HasPrefix(short, "list-"):
			v.listRecorded(name)
		case strings.HasPrefix(short, "status-"):
			v.statusRecorded(name)
		case strings.HasPrefix(short, "select-"):
			v.selectMailbox("Some/Mailbox", name)
		case strings.HasPrefix(short, "lsub-"):
			v.next("LSUB", name)
			got, err := v.c.Lsub(ctx, "", "*")
			v.ok(err)
			assert.Len(t, got, len(v.wanted(name, "LSUB")))
		}
	}
	v.next("XLIST", "gmail/xlist")
	uses, err := v.c.SpecialUse(ctx)
	v.ok(err)
	assert.Equal(t, map[imap.MailboxAttr]string{`\All`: "[Gmail]/All Mail", `\Drafts`: "[Gmail]/Drafts", `\Important`: "[Gmail]/Important",
		`\Sent`: "[Gmail]/Sent Mail", `\Junk`: "[Gmail]/Spam", `\Flagged`: "[Gmail]/Starred", `\Trash`: "[Gmail]/Trash"}, uses)
	v.next("EXAMINE", "gmail/examine-inbox")
	mb, err := v.c.Examine(ctx, "INBOX", nil)
	v.ok(err)
	assert.True(t, mb.ReadOnly)
	assert.EqualValues(t, 270, mb.Exists)
	v.next("EXAMINE", "gmail/count.examine")
	mb, err = v.c.Examine(ctx, "INBOX", nil)
	v.ok(err)
	assert.False(t, mb.ReadOnly, "as granted")
	v.next("CREATE", "gmail/create-mailboxid")
	resp, err := v.c.Do(ctx, "CREATE", "x")
	v.ok(err)
	assert.Equal(t, imap.Code("MAILBOXID"), resp.Code)
	v.next("RENAME", "gmail/rename-unittests")
	v.ok(v.c.Rename(ctx, "UnitTests", "x"))
	v.next("ENABLE", "gmail/utf8accept")
	_, err = v.c.Enable(ctx, "UTF8=ACCEPT")
	v.ok(err)
	assert.True(t, v.c.Enabled("UTF8=ACCEPT"))
	v.logout()
}

func (v *recordedTalk) listRecorded(name string) {
	v.t.Helper()
	v.next("LIST", name)
	opts := &imap.ListOptions{}
	statuses := v.wanted(name, "STATUS")
	if len(statuses) > 0 {
		opts.ReturnStatus = []imap.StatusItem{imap.StatusMessages, imap.StatusUnseen}
	}
	got, err := v.c.List(v.ctx, "", "*", opts)
	v.ok(err)
	want := v.wanted(name, "LIST")
	require.Len(v.t, got, len(want), name)
	n := 0
	for i := range got {
		assert.Equal(v.t, want[i].Mailbox.value, got[i].Raw)
		if got[i].Has(imap.AttrNonExistent) {
			assert.True(v.t, got[i].Has(imap.AttrNoSelect))
		}
		if got[i].Status != nil {
			assert.NotNil(v.t, got[i].Status.Messages)
			n++
		}
	}
	assert.Equal(v.t, len(statuses), n, "numbers of %s", name)
	assert.Empty(v.t, v.c.Events())
}

func (v *recordedTalk) statusRecorded(name string) {
	v.t.Helper()
	w := v.wanted(name, "STATUS")[0]
	v.next("STATUS", name)
	st, err := v.c.Status(v.ctx, w.Mailbox.value, imap.StatusMessages, imap.StatusSize, imap.StatusMailboxID)
	v.ok(err)
	var items map[string]any
	require.NoError(v.t, json.Unmarshal(w.Items, &items))
	if n, ok := items["MESSAGES"].(float64); ok {
		assert.EqualValues(v.t, n, *st.Messages)
		assert.EqualValues(v.t, 1024, *st.Size)
		assert.Len(v.t, st.MailboxID, 36)
	}
	if limit, ok := items["APPENDLIMIT"].(float64); ok {
		assert.EqualValues(v.t, limit, *st.AppendLimit)
	}
}

// gmailMessages: the recorded bodies, in memory and streamed, then fifty APPENDs.
func gmailMessages(v *recordedTalk) {
	t, ctx := v.t, v.ctx
	v.gmail("gmail/authenticate-no-appendlimit-value")
	v.selectMailbox("INBOX", "gmail/select-inbox")
	uids, err := imap.ParseUIDSet(gmailUIDs)
	v.ok(err)
	v.next("UID FETCH", "gmail/search-summary")
	n := 0
	for m, err := range v.c.Fetch(ctx, uids, imap.FetchEnvelope, imap.FetchFlags, imap.FetchInternalDate, imap.FetchSize, imap.FetchModSeq,
		imap.FetchGmailLabels, imap.FetchGmailMsgID, imap.FetchGmailThreadID, imap.FetchAttr("BODY")) {
		v.ok(err)
		assert.True(t, uids.Contains(m.UID))
		assert.NotNil(t, m.BodyStructure)
		assert.NotEmpty(t, m.Envelope.Subject)
		assert.NotZero(t, m.Gmail.MessageID)
		assert.NotEmpty(t, m.Gmail.Labels)
		if n++; n == 5 {
			v.bodyRecorded(11) // in the middle of the loop
		}
	}
	assert.Equal(t, 21, n)
	for name := range v.r.cases {
		if uid, err := strconv.Atoi(strings.TrimPrefix(name, "gmail/fetch.")); err == nil {
			v.bodyRecorded(imap.UID(uid))
			v.streamRecorded(imap.UID(uid))
		}
	}
	for i := range 50 {
		v.next("APPEND", "gmail/append."+strconv.Itoa(i+1))
		got, err := v.c.Append(ctx, "INBOX", imap.LiteralString(strings.Repeat("x", 100*i)), nil)
		v.ok(err)
		assert.Equal(t, &imap.AppendResult{UIDValidity: 23, UID: imap.UID(i + 1)}, got)
		assert.EqualValues(t, i+1, v.c.Mailbox().Exists)
	}
	v.logout()
}

// checkBody compares a body with the recorded one.
func (v *recordedTalk) checkBody(uid imap.UID, data []byte, modSeq uint64) {
	v.t.Helper()
	name := "gmail/fetch." + strconv.Itoa(int(uid))
	var attrs map[string]json.RawMessage
	require.NoError(v.t, json.Unmarshal(v.wanted(name, "FETCH")[0].Attrs, &attrs))
	var want corpusText
	require.NoError(v.t, json.Unmarshal(attrs["BODY[]"], &want))
	if want.hash == "" {
		assert.Equal(v.t, want.value, string(data))
	} else {
		sum := sha256.Sum256(data)
		assert.Equal(v.t, want.hash, hex.EncodeToString(sum[:]), name)
	}
	assert.Equal(v.t, string(attrs["MODSEQ"]), strconv.FormatUint(modSeq, 10))
}

func (v *recordedTalk) bodyRecorded(uid imap.UID) {
	v.t.Helper()
	v.next("UID FETCH", "gmail/fetch."+strconv.Itoa(int(uid)))
	m, err := v.c.FetchOne(v.ctx, uid, imap.Section{}, imap.FetchModSeq)
	v.ok(err)
	v.checkBody(uid, m.Section(imap.Section{}), m.ModSeq)
}

func (v *recordedTalk) streamRecorded(uid imap.UID) {
	v.t.Helper()
	v.next("UID FETCH", "gmail/fetch."+strconv.Itoa(int(uid)))
	for m, err := range v.c.FetchStream(v.ctx, imap.UIDs(uid), imap.Section{}, imap.FetchModSeq) {
		v.ok(err)
		var data bytes.Buffer
		for b, err := range m.Bodies() {
			v.ok(err)
			_, err = b.WriteTo(&data)
			v.ok(err)
		}
		v.checkBody(uid, data.Bytes(), m.ModSeq)
	}
}

// gmailExtensions: extensions that Gmail does not have, in its style: PREVIEW, OBJECTID, SAVEDATE, ANNOTATE.
func gmailExtensions(v *recordedTalk) {
	t, ctx := v.t, v.ctx
	v.gmail("gmail/authenticate+preview")
	v.selectMailbox("INBOX", "gmail/select-inbox")
	fetch := func(name string, items ...imap.FetchItem) []*imap.Message {
		v.next("UID FETCH", name)
		got, err := imap.Collect(v.c.Fetch(ctx, imap.UIDRange(1, 0), items...))
		v.ok(err)
		return got
	}
	for _, m := range fetch("gmail/fetch-preview", imap.FetchPreview) {
		assert.NotEmpty(t, m.Preview)
	}
	assert.Len(t, fetch("gmail/fetch-previewtext-bodystructure", imap.FetchBodyStructure), 7)
	text := imap.Section{Specifier: "TEXT", Count: 512}
	for _, name := range []string{"gmail/fetch-previewtext-peek-text-only", "gmail/fetch-previewtext-peek-html-only", "gmail/fetch-korean-previewtext-peek-text-only"} {
		for _, m := range fetch(name, text) {
			assert.NotEmpty(t, m.Section(text), name)
		}
	}
	first := imap.Section{Part: []int{1}, Count: 512}
	assert.NotEmpty(t, fetch("gmail/fetch-previewtext-peek-text-alternative", first)[0].Section(first))
	assert.Equal(t, "ks_c_5601-1987", fetch("gmail/fetch-korean-previewtext-bodystructure", imap.FetchBodyStructure)[0].BodyStructure.Param("charset"))
	for _, name := range []string{"gmail/fetch-nil-bodystructure", "gmail/fetch-quoted-string-bodystructure"} {
		assert.Len(t, fetch(name, imap.FetchBodyStructure)[0].BodyStructure.Children, 2)
	}
	part := imap.Section{Part: []int{1}, Specifier: "TEXT", Count: 512}
	assert.Nil(t, fetch("gmail/fetch-nil", part)[0].Section(part))
	assert.Equal(t, "This is the message body as a quoted-string.", string(fetch("gmail/fetch-quoted-string", part)[0].Section(part)))
	header := imap.Section{Specifier: "HEADER"}
	for _, name := range []string{"gmail/fetch-all-headers", "gmail/fetch-invalid-headers"} {
		got := fetch(name, header, imap.FetchFlags)
		assert.Len(t, got, 6)
		assert.NotEmpty(t, got[5].Section(header))
	}
	assert.Len(t, fetch("gmail/expunge-during-fetch", imap.FetchEnvelope), 5)
	gmailShortLiteral(v)
	v.logout()
	gmailObjects(v)
}

// gmailShortLiteral: the literal of a header is three bytes shorter than the header. The readable part is returned with an
// error, and the connection stays usable.
func gmailShortLiteral(v *recordedTalk) {
	v.c.Events()
	v.next("UID FETCH", "gmail/headers.1+unsolicited-info")
	m, err := v.c.FetchOne(v.ctx, 1, imap.Section{Specifier: "HEADER"}, imap.FetchFlags, imap.FetchGmailLabels)
	_, ok := errors.AsType[*imap.ProtocolError](err)
	assert.True(v.t, ok, "%v", err)
	assert.Equal(v.t, []imap.Flag{imap.FlagSeen, imap.FlagDeleted}, m.Flags)
	assert.Equal(v.t, []string{"Trash"}, m.Gmail.Labels)
	assert.Len(v.t, m.Section(imap.Section{Specifier: "HEADER"}), 515)
	v.noop()
}

func gmailObjects(v *recordedTalk) {
	t, ctx := v.t, v.ctx
	v.gmail("gmail/authenticate+create-special-use")
	v.next("SELECT", "gmail/select-inbox")
	_, err := v.c.Select(ctx, "INBOX", nil)
	v.ok(err)
	v.next("UID FETCH", "gmail/fetch-objectid")
	got, err := imap.Collect(v.c.Fetch(ctx, imap.UIDRange(1, 4), imap.FetchEmailID, imap.FetchThreadID))
	v.ok(err)
	require.Len(t, got, 4)
	assert.Equal(t, "M6d99ac3275bb4e", got[0].EmailID)
	assert.Empty(t, got[3].ThreadID)
	v.logout()
	v.gmail("gmail/authenticate+savedate")
	v.next("SELECT", "gmail/select-inbox")
	_, err = v.c.Select(ctx, "INBOX", nil)
	v.ok(err)
	v.next("UID FETCH", "gmail/fetch-savedate")
	got, err = imap.Collect(v.c.Fetch(ctx, imap.UIDRange(1, 4), imap.FetchSaveDate))
	v.ok(err)
	require.Len(t, got, 4)
	assert.True(t, got[0].SaveDate.Equal(time.Date(2023, 9, 12, 17, 39, 1, 0, time.UTC)))
	assert.True(t, got[3].SaveDate.IsZero())
	v.logout()
	v.gmail("gmail/authenticate+annotate")
	assert.True(t, v.c.Caps().Has("ANNOTATE-EXPERIMENT-1"))
	v.logout()
}

// gmailLogin: LOGIN, a refusal with a URL for the browser, and LOGINDISABLED.
func gmailLogin(v *recordedTalk) {
	t, ctx := v.t, v.ctx
	v.dial("gmail/greeting")
	v.next("CAPABILITY", "gmail/capability+login")
	v.next("LOGIN", "gmail/authenticate+webalert")
	err := v.c.Login(ctx, "username", "password")
	e, ok := errors.AsType[*imap.Error](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, imap.Code("ALERT"), e.Code)
	assert.Equal(t, imap.NotAuthenticated, v.c.State())
	args, ok := v.c.LastData("WEBALERT")
	assert.True(t, ok)
	assert.Contains(t, args, "https://accounts.google.com/")
	v.next("LOGIN", "gmail/authenticate")
	v.ok(v.c.Login(ctx, "username", "password"))
	v.logout()
	v.dial("gmail/greeting")
	v.next("CAPABILITY", "gmail/capability+logindisabled")
	assert.ErrorIs(t, v.c.Login(ctx, "username", "password"), imap.ErrInsecure)
	v.logout()
}

// exchangeSession: capabilities change at login, and MOVE is answered with a code without "* OK".
func exchangeSession(v *recordedTalk) {
	v.dial("exchange/greeting")
	assert.True(v.t, strings.HasPrefix(v.c.Greeting(), "The Microsoft Exchange IMAP4 service is ready. [TQBX"))
	v.next("CAPABILITY", "exchange/capability-preauth")
	v.next("LOGIN", "exchange/capability-postauth")
	v.ok(v.c.Login(v.ctx, "username", "password"))
	assert.True(v.t, v.c.Caps().Has("MOVE"))
	v.next("SELECT", "gmail/select-inbox")
	_, err := v.c.Select(v.ctx, "INBOX", nil)
	v.ok(err)
	v.next("UID MOVE", "exchange/issue115")
	moved, err := v.c.Move(v.ctx, imap.UIDs(31), "Archive")
	v.ok(err)
	assert.Equal(v.t, &imap.CopyResult{UIDValidity: 55, Source: imap.UIDs(31), Dest: imap.UIDs(6)}, moved)
	v.noop()
	v.logout()
}

func exchange2003(v *recordedTalk) {
	v.dial("exchange/greeting-2003")
	assert.Equal(v.t, "Microsoft Exchange Server 2003 IMAP4rev1 server version (6.5.7638.1) ready", v.c.Greeting())
	v.noop()
}

func exchange2007(v *recordedTalk) {
	v.dial("exchange/greeting-2007")
	assert.Equal(v.t, "Microsoft Exchange Server 2007 IMAP4 service is ready", v.c.Greeting())
	v.noop()
}

func courierSession(v *recordedTalk) {
	v.dial("courier/greeting")
	assert.True(v.t, v.c.Caps().Has("STARTTLS"))
	v.next("LOGIN", "")
	v.next("CAPABILITY", "courier/capability")
	v.ok(v.c.Login(v.ctx, "username", "password"))
	assert.True(v.t, v.c.Caps().Has("ACL2=UNION"))
	assert.False(v.t, v.c.Caps().Has("STARTTLS"))
	v.logout()
}

func cyrusSession(v *recordedTalk) {
	v.dial("cyrus/greeting")
	assert.True(v.t, v.c.Caps().Has("SASL-IR"))
	v.next("CAPABILITY", "cyrus/capability")
	_, err := v.c.Capability(v.ctx)
	v.ok(err)
	v.next("AUTHENTICATE", "cyrus/authenticate")
	v.ok(v.c.LoginPlain(v.ctx, "username", "password"))
	assert.True(v.t, v.c.Caps().Has("SORT=MODSEQ"))
	assert.False(v.t, v.c.Caps().Has("STARTTLS"))
	v.logout()
}

// icloudSession: ENABLE is acknowledged only by its OK.
func icloudSession(v *recordedTalk) {
	t, ctx := v.t, v.ctx
	v.dial("icloud/greeting")
	assert.Equal(t, "(2428B47-26126cfe23cd) p00-iscream-f9f7bf749-qjr87", v.c.Greeting())
	v.next("AUTHENTICATE", "icloud/authenticate-plain")
	v.next("CAPABILITY", "icloud/capability")
	v.ok(v.c.LoginPlain(ctx, "username", "password"))
	assert.True(t, v.c.Caps().Has("X-APPLE-REMOTE-LINKS"))
	v.next("NAMESPACE", "icloud/namespace")
	_, err := v.c.Namespace(ctx)
	v.ok(err)
	v.next("LIST", "icloud/list-inbox")
	list, err := v.c.List(ctx, "", "INBOX", nil)
	v.ok(err)
	assert.True(t, list[0].Has(imap.AttrNoInferiors))
	v.next("ENABLE", "icloud/enable-qresync")
	on, err := v.c.Enable(ctx, "QRESYNC")
	v.ok(err)
	assert.Empty(t, on)
	v.logout()
}

func lowercaseSession(v *recordedTalk) {
	t, ctx := v.t, v.ctx
	v.dial("lowercase/greeting")
	v.next("CAPABILITY", "lowercase/capability")
	caps, err := v.c.Capability(ctx)
	v.ok(err)
	assert.True(t, caps.Has("SPECIAL-USE"))
	v.next("LOGIN", "lowercase/authenticate")
	v.next("CAPABILITY", "lowercase/capability")
	v.ok(v.c.Login(ctx, "username", "password"))
	v.next("LIST", "lowercase/list")
	uses, err := v.c.SpecialUse(ctx)
	v.ok(err)
	assert.Equal(t, map[imap.MailboxAttr]string{imap.AttrTrash: "Trash"}, uses)
	v.logout()
}

func uwSession(v *recordedTalk) {
	v.dial("uw/greeting")
	assert.Equal(v.t, imap.NotAuthenticated, v.c.State())
	assert.True(v.t, v.c.Caps().Has("AUTH=LOGIN"))
	v.logout()
}

func uwPreauth(v *recordedTalk) {
	v.dial("uw/preauth-greeting")
	assert.Equal(v.t, imap.Authenticated, v.c.State())
	assert.True(v.t, v.c.Caps().Has("THREAD=REFERENCES"))
	v.selectMailbox("INBOX", "gmail/select-inbox")
	v.logout()
}

func aclSession(v *recordedTalk) {
	t, ctx := v.t, v.ctx
	v.dial("gmail/greeting")
	v.next("CAPABILITY", "acl/capability")
	v.next("AUTHENTICATE", "acl/authenticate")
	v.ok(v.c.LoginPlain(ctx, "username", "password"))
	v.next("GETACL", "acl/getacl")
	entries, err := v.c.GetACL(ctx, "INBOX")
	v.ok(err)
	assert.Equal(t, []imap.ACLEntry{{Identifier: "Fred", Rights: "rwipslxetad"}, {Identifier: "Chris", Rights: "lrswi"}}, entries)
	v.next("LISTRIGHTS", "acl/listrights")
	required, optional, err := v.c.ListRights(ctx, "INBOX", "anyone")
	v.ok(err)
	assert.Empty(t, required)
	assert.Len(t, optional, 23)
	v.next("MYRIGHTS", "acl/myrights")
	rights, err := v.c.MyRights(ctx, "INBOX")
	v.ok(err)
	assert.Equal(t, "rwiptsldaex", rights)
	v.logout()
}

func metadataSession(v *recordedTalk) {
	t, ctx := v.t, v.ctx
	v.dial("gmail/greeting")
	v.next("CAPABILITY", "metadata/capability")
	v.next("AUTHENTICATE", "metadata/authenticate")
	v.ok(v.c.LoginPlain(ctx, "username", "password"))
	for _, mailbox := range []string{"", "inbox-"} {
		name := map[string]string{"": "", "inbox-": "INBOX"}[mailbox]
		for answer, want := range map[string]int{"getmetadata": 1, "getmetadata-multi": 2, "getmetadata-options": 1} {
			v.next("GETMETADATA", "metadata/"+mailbox+answer)
			got, err := v.c.GetMetadata(ctx, name, "/private/comment", "/shared/comment")
			v.ok(err)
			assert.Len(t, got, want)
			assert.True(t, strings.HasPrefix(string(got["/private/comment"]), "this is a "))
		}
		for answer, args := range map[string]string{"maxsize": "MAXSIZE 10", "noprivate": "NOPRIVATE", "toomany": "TOOMANY"} {
			v.next("SETMETADATA", "metadata/"+mailbox+"setmetadata-"+answer)
			err := v.c.SetMetadata(ctx, name, map[string][]byte{"/private/comment": []byte("x")})
			e, ok := errors.AsType[*imap.Error](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, imap.Code("METADATA"), e.Code)
			assert.Equal(t, args, e.Args)
		}
	}
	v.logout()
}
