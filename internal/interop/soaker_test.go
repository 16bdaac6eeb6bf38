package interop_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/go-imaplib/imap"
)

// soaker is one client of the soak.
type soaker struct {
	env     *env
	target  *target
	id      int
	counts  *soakCounts
	shared  *soakShared
	rng     *rand.Rand
	c       *imap.Client
	box     string // its own mailbox
	open    string // what is selected, "" for none
	made    int    // messages so far
	mine    []string
	started bool

	messages map[soakUID]*soakMessage // what its mailboxes have to hold
}

// soakMessage is the expected state of a message.
type soakMessage struct {
	subject string
	size    int
	sum     [32]byte
	flags   []imap.Flag
}

// soakMost is the most messages that a mailbox holds.
const soakMost = 20

// soakWork are the operations of a client, each with a weight for its frequency.
var soakWork = []struct {
	weight int
	name   string
	do     func(*soaker, context.Context) error
}{
	{6, "append", (*soaker).append},
	{6, "compare", (*soaker).compare},
	{4, "read", (*soaker).read},
	{3, "stream", (*soaker).stream},
	{4, "store", (*soaker).store},
	{4, "search", (*soaker).search},
	{2, "move", (*soaker).move},
	{2, "remove", (*soaker).remove},
	{2, "status", (*soaker).status},
	{2, "pipeline", (*soaker).pipeline},
	{3, "nested", (*soaker).nested},
	{3, "cancel", (*soaker).cancel},
	{2, "together", (*soaker).together},
	{2, "idle", (*soaker).idle},
	{1, "reconnect", (*soaker).reconnect},
}

// work does mixed work until ctx ends.
func (w *soaker) work(ctx context.Context) error {
	total := 0
	for _, job := range soakWork {
		total += job.weight
	}
	defer func() {
		if w.c != nil {
			w.c.Close()
		}
	}()
	for ctx.Err() == nil {
		n := w.rng.IntN(total)
		i := 0
		for ; n >= soakWork[i].weight; i++ {
			n -= soakWork[i].weight
		}
		if err := w.job(ctx, soakWork[i].do); err != nil {
			return fmt.Errorf("%s: %w", soakWork[i].name, err)
		}
	}
	return nil
}

// job runs one operation. It has a time limit of its own, so that the end of the test does not interrupt it.
func (w *soaker) job(ctx context.Context, do func(*soaker, context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
	defer cancel()
	if w.c == nil {
		if err := w.connect(ctx); err != nil {
			return err
		}
	}
	w.counts.calls.Add(1)
	return do(w, ctx)
}

// connect opens a connection over any transport, sometimes compressed.
func (w *soaker) connect(ctx context.Context) error {
	opts := &imap.Options{TLSConfig: w.target.clientTLS()}
	var err error
	switch w.rng.IntN(8) {
	case 0:
		w.c, err = imap.DialTLS(ctx, w.target.tlsAddr, opts)
	case 1:
		w.c, err = imap.DialStartTLS(ctx, w.target.addr, opts)
	case 2:
		w.c, err = imap.DialStream(ctx, w.target.streamCommand(w.env.user), opts)
	default:
		w.c, err = imap.DialInsecure(ctx, w.target.addr, opts)
	}
	if err != nil {
		return err
	}
	w.counts.connections.Add(1)
	w.open = ""
	if w.c.State() == imap.NotAuthenticated {
		if err := w.c.AuthenticatePassword(ctx, w.env.user, w.env.password); err != nil {
			return err
		}
	}
	if w.rng.IntN(8) == 0 {
		if err := w.c.Compress(ctx); err != nil {
			return err
		}
	}
	if w.started {
		return nil
	}
	w.started = true
	for _, box := range []string{w.box, w.other(), "both"} {
		err := w.c.Create(ctx, box, nil)
		// Two clients of a user create it at the same time: Dovecot may refuse either.
		if err != nil && imap.CodeOf(err) != imap.CodeAlreadyExists {
			return fmt.Errorf("%s: %w", box, err)
		}
		if err != nil && box != "both" {
			w.env.Logf("client %d: %s: %v", w.id, box, err)
		}
	}
	return nil
}

// other is the second mailbox, to which messages are moved.
func (w *soaker) other() string { return w.box + " Ü" }

// visit selects a mailbox.
func (w *soaker) visit(ctx context.Context, box string) error {
	if w.open == box {
		return nil
	}
	mb, err := w.c.Select(ctx, box, nil)
	if err != nil {
		return err
	}
	w.open = box
	if box != "both" && int(mb.Exists) != len(w.uids(box)) {
		return fmt.Errorf("SELECT says %d messages, %d are there", mb.Exists, len(w.uids(box)))
	}
	return nil
}

// uids returns the UIDs that a mailbox has to hold.
func (w *soaker) uids(box string) []imap.UID {
	var uids []imap.UID
	for at := range w.messages {
		if at.box == box {
			uids = append(uids, imap.UID(at.uid))
		}
	}
	slices.Sort(uids)
	return uids
}

func (w *soaker) message(box string, uid imap.UID) *soakMessage {
	return w.messages[soakUID{box, uint32(uid)}]
}

// some returns about half of the messages of a mailbox.
func (w *soaker) some(box string) []imap.UID {
	return slices.DeleteFunc(w.uids(box), func(imap.UID) bool { return w.rng.IntN(2) == 0 })
}

// text makes a message, some of them large.
func (w *soaker) text() (subject, text string) {
	w.made++
	subject = fmt.Sprintf("client%d message%d", w.id, w.made)
	lines := w.rng.IntN(50)
	if w.rng.IntN(20) == 0 {
		lines = 5000
	}
	return subject, note(subject) + strings.Repeat(fmt.Sprintf("%08d abcdefgh\r\n", w.made), lines)
}

var soakFlags = []imap.Flag{imap.FlagSeen, imap.FlagFlagged, imap.FlagAnswered, "$Soak"}

func (w *soaker) flags() []imap.Flag {
	return slices.DeleteFunc(slices.Clone(soakFlags), func(imap.Flag) bool { return w.rng.IntN(2) == 0 })
}

// append adds a message, and removes some if there are many.
func (w *soaker) append(ctx context.Context) error {
	if len(w.uids(w.box)) >= soakMost {
		return w.remove(ctx)
	}
	subject, text := w.text()
	flags := w.flags()
	res, err := w.c.Append(ctx, w.box, imap.LiteralString(text), &imap.AppendOptions{Flags: flags})
	if err != nil {
		return err
	}
	if res.UID == 0 {
		return errors.New("no UID")
	}
	w.messages[soakUID{w.box, uint32(res.UID)}] = &soakMessage{subject, len(text), sha256.Sum256([]byte(text)), flags}
	w.counts.appended.Add(1)
	return nil
}

// same compares what was fetched with the record.
func (w *soaker) same(box string, m *imap.Message) error {
	want := w.message(box, m.UID)
	if want == nil {
		return fmt.Errorf("UID %d of %s is not of ours", m.UID, box)
	}
	if m.Envelope != nil && m.Envelope.Subject != want.subject {
		return fmt.Errorf("UID %d: subject %q instead of %q", m.UID, m.Envelope.Subject, want.subject)
	}
	if m.Size != 0 && m.Size != int64(want.size) {
		return fmt.Errorf("UID %d: size %d instead of %d", m.UID, m.Size, want.size)
	}
	for _, s := range m.Sections {
		if sha256.Sum256(s.Bytes) != want.sum {
			return fmt.Errorf("UID %d: the body is another", m.UID)
		}
	}
	w.counts.verified.Add(1)
	return nil
}

func sameFlags(got, want []imap.Flag) bool {
	got = slices.DeleteFunc(slices.Clone(got), func(f imap.Flag) bool { return f == imap.FlagRecent })
	want = slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	return slices.Equal(got, want)
}

// fetched ranges over a FETCH and expects exactly these messages.
func (w *soaker) fetched(ctx context.Context, box string, want []imap.UID, set imap.NumSet, items ...imap.FetchItem) error {
	var got []imap.UID
	for m, err := range w.c.Fetch(ctx, set, items...) {
		if err != nil {
			return err
		}
		if err := w.same(box, m); err != nil {
			return err
		}
		if slices.Contains(items, imap.FetchItem(imap.FetchFlags)) && !sameFlags(m.Flags, w.message(box, m.UID).flags) {
			return fmt.Errorf("UID %d: flags %v instead of %v", m.UID, m.Flags, w.message(box, m.UID).flags)
		}
		got = append(got, m.UID)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return fmt.Errorf("messages %v instead of %v", got, want)
	}
	return nil
}

// compare fetches and compares all messages of a mailbox.
func (w *soaker) compare(ctx context.Context) error {
	box := w.box
	if w.rng.IntN(2) == 0 {
		box = w.other()
	}
	if err := w.visit(ctx, box); err != nil {
		return err
	}
	if err := w.c.Noop(ctx); err != nil {
		return err
	}
	all := imap.NumSet(imap.UIDRange(1, 0))
	if w.rng.IntN(2) == 0 {
		all = imap.SeqRange(1, 0)
	}
	return w.fetched(ctx, box, w.uids(box), all, imap.FetchFlags, imap.FetchSize, imap.FetchEnvelope, imap.FetchBodyStructure)
}

// read fetches some messages whole.
func (w *soaker) read(ctx context.Context) error {
	if err := w.visit(ctx, w.box); err != nil {
		return err
	}
	uids := w.some(w.box)
	return w.fetched(ctx, w.box, uids, imap.UIDs(uids...), imap.FetchFlags, imap.Section{})
}

// stream reads some bodies from the connection, and leaves others.
func (w *soaker) stream(ctx context.Context) error {
	if err := w.visit(ctx, w.box); err != nil {
		return err
	}
	for m, err := range w.c.FetchStream(ctx, imap.UIDs(w.some(w.box)...), imap.Section{}) {
		if err != nil {
			return err
		}
		if w.rng.IntN(4) == 0 {
			continue
		}
		for b, err := range m.Bodies() {
			if err != nil {
				return err
			}
			sum := sha256.New()
			if _, err := io.Copy(sum, b); err != nil {
				return err
			}
			if want := w.message(w.box, m.UID); want == nil || [32]byte(sum.Sum(nil)) != want.sum {
				return fmt.Errorf("UID %d: the streamed body is another", m.UID)
			}
			w.counts.verified.Add(1)
		}
	}
	return nil
}

// store changes flags.
func (w *soaker) store(ctx context.Context) error {
	if err := w.visit(ctx, w.box); err != nil {
		return err
	}
	uids, flags := w.some(w.box), w.flags()
	res, err := w.c.Store(ctx, imap.UIDs(uids...), imap.SetFlags(flags...), nil)
	if err != nil {
		return err
	}
	for _, uid := range uids {
		w.message(w.box, uid).flags = flags
	}
	for _, m := range res.Messages {
		if !sameFlags(m.Flags, w.message(w.box, m.UID).flags) {
			return fmt.Errorf("UID %d has %v after STORE %v", m.UID, m.Flags, flags)
		}
	}
	return nil
}

// search searches for a flag and for a subject.
func (w *soaker) search(ctx context.Context) error {
	if err := w.visit(ctx, w.box); err != nil {
		return err
	}
	var flagged []imap.UID
	for _, uid := range w.uids(w.box) {
		if slices.Contains(w.message(w.box, uid).flags, imap.FlagFlagged) {
			flagged = append(flagged, uid)
		}
	}
	res, err := w.c.Search(ctx, imap.Where().Flagged(), nil)
	if err != nil {
		return err
	}
	if got := slices.Collect(res.UIDs.All()); !slices.Equal(got, flagged) {
		return fmt.Errorf("flagged are %v instead of %v", got, flagged)
	}
	uids := w.uids(w.box)
	if len(uids) == 0 {
		return nil
	}
	uid := uids[w.rng.IntN(len(uids))]
	q := imap.Where().Header("Message-ID", strings.ReplaceAll(w.message(w.box, uid).subject, " ", ".")+"@")
	res, err = w.c.Search(ctx, q, &imap.SearchOptions{Count: true, Min: true})
	if err == nil && (res.Count != 1 || res.Min != uint32(uid)) {
		err = fmt.Errorf("found %d, UID %d, instead of UID %d", res.Count, res.Min, uid)
	}
	return err
}

// move moves messages to the other mailbox.
func (w *soaker) move(ctx context.Context) error {
	if len(w.uids(w.other())) >= soakMost {
		return w.remove(ctx)
	}
	if err := w.visit(ctx, w.box); err != nil {
		return err
	}
	uids := w.some(w.box)
	if len(uids) == 0 {
		return nil
	}
	res, err := w.c.Move(ctx, imap.UIDs(uids...), w.other())
	if err != nil {
		return err
	}
	source, dest := slices.Collect(res.Source.All()), slices.Collect(res.Dest.All())
	if len(source) != len(uids) || len(dest) != len(uids) {
		return fmt.Errorf("%d moved of %d", len(dest), len(uids))
	}
	for i, uid := range source {
		from := soakUID{w.box, uint32(uid)}
		w.messages[soakUID{w.other(), uint32(dest[i])}] = w.messages[from]
		delete(w.messages, from)
	}
	return nil
}

// remove deletes some messages of a mailbox.
func (w *soaker) remove(ctx context.Context) error {
	box := w.box
	if w.rng.IntN(2) == 0 {
		box = w.other()
	}
	if err := w.visit(ctx, box); err != nil {
		return err
	}
	uids := w.some(box)
	if _, err := w.c.Store(ctx, imap.UIDs(uids...), imap.AddFlags(imap.FlagDeleted), &imap.StoreOptions{Silent: true}); err != nil {
		return err
	}
	res, err := w.c.UIDExpunge(ctx, imap.UIDs(uids...))
	if err != nil {
		return err
	}
	if len(res.SeqNums) != len(uids) {
		return fmt.Errorf("%d removed of %d", len(res.SeqNums), len(uids))
	}
	for _, uid := range uids {
		delete(w.messages, soakUID{box, uint32(uid)})
	}
	return nil
}
