package model

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-imaplib/imap"
)

// An operation is a kind of call.
type operation struct {
	run   func(*run, *rng)
	sends []string // the commands that it may send
}

// operations are all operations, by name. The map is filled in init because it is needed for parsing plans.
var operations map[string]*operation

func init() {
	fetches := []string{"FETCH", "UID FETCH", "NOOP", "STATUS", "SEARCH", "UID SEARCH"}
	moves := []string{"MOVE", "UID MOVE", "COPY", "UID COPY", "UID FETCH", "FETCH", "UID SEARCH", "SEARCH", "UID STORE", "STORE", "UID EXPUNGE"}
	asks := []string{"FETCH", "UID FETCH", "SEARCH", "UID SEARCH"}
	selects := []string{"SELECT", "EXAMINE", "ENABLE"}
	operations = map[string]*operation{
		"select":    {(*run).selectBox, selects},
		"doselect":  {(*run).doSelect, selects},
		"do":        {(*run).do, []string{"UID STORE", "UID FETCH", "UID EXPUNGE", "CLOSE"}},
		"unselect":  {(*run).unselect, []string{"UNSELECT", "EXAMINE"}},
		"close":     {(*run).closeMailbox, []string{"CLOSE"}},
		"noop":      {(*run).noop, []string{"NOOP"}},
		"fetch":     {(*run).fetch, fetches},
		"stream":    {(*run).stream, fetches},
		"fetchmany": {(*run).fetchMany, fetches},
		"store":     {(*run).store, append([]string{"STORE", "UID STORE"}, asks...)},
		"copy":      {(*run).copy, append([]string{"COPY", "UID COPY"}, asks...)},
		"move":      {(*run).move, moves},
		"movesaved": {(*run).moveSaved, moves},
		"expunge":   {(*run).expunge, []string{"EXPUNGE"}},
		"purge":     {(*run).uidExpunge, append([]string{"UID EXPUNGE"}, asks...)},
		"search":    {(*run).search, asks},
		"append":    {(*run).append, []string{"APPEND"}},
		"status":    {(*run).status, []string{"STATUS"}},
		"list":      {(*run).list, []string{"LIST"}},
		"queue":     {run: (*run).queue},
		"rivals":    {run: (*run).rivals},
		"pipeline":  {(*run).pipeline, []string{"STATUS", "NOOP", "UID FETCH"}},
		"both":      {(*run).both, []string{"STATUS", "UID SEARCH"}},
		"idle":      {(*run).idle, []string{"IDLE", "NOOP"}},
		"sync":      {(*run).sync, append([]string{"UID SEARCH", "SEARCH", "UID FETCH"}, selects...)},
		"enable":    {(*run).enable, []string{"ENABLE"}},
		"scram":     {(*run).scram, []string{"AUTHENTICATE", "UNAUTHENTICATE"}},
		"login":     {(*run).login, []string{"LOGIN"}},
		"starttls":  {(*run).startTLS, []string{"STARTTLS"}},
		"unauth":    {(*run).unauthenticate, []string{"UNAUTHENTICATE"}},
		"compress":  {(*run).compress, []string{"COMPRESS"}},
		"notify":    {(*run).notify, []string{"NOTIFY"}},
		"sort":      {(*run).sort, []string{"SORT", "UID SORT"}},
		"thread":    {(*run).thread, []string{"THREAD", "UID THREAD"}},
		"replace":   {(*run).replace, []string{"REPLACE", "UID REPLACE"}},
		"catenate":  {(*run).catenate, []string{"APPEND"}},
		"acl":       {(*run).acl, []string{"GETACL", "SETACL"}},
		"quota":     {(*run).quota, []string{"GETQUOTAROOT"}},
		"metadata":  {(*run).metadata, []string{"GETMETADATA", "SETMETADATA"}},
		"subscribe": {(*run).subscribe, []string{"NOTIFY"}},
		"boxdata":   {(*run).boxData, []string{"ENABLE"}},
		"logout":    {(*run).logout, nil},
	}
}

// operationNames are their names; important operations occur more than once.
func operationNames() []string {
	list := slices.Sorted(maps.Keys(operations))
	return append(list, "select", "select", "select", "fetch", "fetch", "stream", "stream", "move", "sync", "sync", "sync", "scram", "noop", "queue", "queue", "rivals", "boxdata", "boxdata")
}

// name draws a mailbox, usually the one that the plan prefers.
func (x *run) name(r *rng) string {
	name := pick(r, names)
	if x.box != "" && x.step.of(lastFault).one(2) {
		return x.box
	}
	return name
}

// ---- sets

// set draws a set, by UID or by number.
func (x *run) set(r *rng) imap.NumSet {
	n := x.plan.Messages + 2
	if r.one(3) {
		lo := imap.SeqNum(1 + r.n(n))
		set := imap.SeqRange(lo, lo+imap.SeqNum(r.n(4)))
		if mb := x.client.Mailbox(); mb != nil && mb.Exists > 0 {
			lo = imap.SeqNum(1 + r.n(int(mb.Exists)))
			set = imap.SeqRange(lo, min(lo+imap.SeqNum(r.n(4)), imap.SeqNum(mb.Exists)))
			if r.one(5) {
				set = imap.SeqRange(lo, 0)
			}
		}
		x.tell(func(c *call) { c.nameSet(set.String(), false, nil) })
		return set
	}
	set := x.uids(r)
	x.tell(func(c *call) { c.nameSet(set.String(), true, nil) })
	return set
}

func (x *run) uids(r *rng) imap.UIDSet {
	lo := imap.UID(1 + r.n(x.plan.Messages+2))
	switch r.n(5) {
	case 0:
		return imap.UIDRange(1, 1000)
	case 1:
		return imap.UIDRange(lo, 0)
	case 2:
		return imap.UIDs(lo, lo+2, lo+3)
	}
	return imap.UIDRange(lo, lo+imap.UID(r.n(5)))
}

// ---- mailboxes

func (x *run) selectBox(r *rng) {
	opts := &imap.SelectOptions{ReadOnly: r.one(5)}
	if r.one(4) && x.srv.has("CONDSTORE") {
		opts.CondStore = true
	}
	if r.one(6) && x.srv.has("QRESYNC") && x.srv.has("ENABLE") {
		opts.QResync = &imap.QResync{UIDValidity: 100, ModSeq: 1 + uint64(r.n(12))}
	}
	name := x.name(r)
	mb, err := x.client.Select(x.ctx, name, opts)
	rec := x.only("SELECT", "EXAMINE")
	x.judge(err, rec)
	if err != nil || rec == nil {
		return
	}
	x.sameMailbox(mb, name, rec)
}

// sameMailbox compares the mailbox of a Select with what the server sent.
func (x *run) sameMailbox(mb *imap.Mailbox, name string, rec *record) {
	got := map[string]uint64{"EXISTS": uint64(mb.Exists), "RECENT": uint64(mb.Recent), "UIDVALIDITY": uint64(mb.UIDValidity),
		"UIDNEXT": uint64(mb.UIDNext), "HIGHESTMODSEQ": mb.HighestModSeq}
	for item, n := range got {
		if rec.numbers[item] != n {
			x.srv.fail("state", "Select of %s: %s is %d, and %d was said", name, item, n, rec.numbers[item])
		}
	}
	if mb.Name != name {
		x.srv.fail("state", "Select of %s returns the name %q", name, mb.Name)
	}
	if x.client.Enabled("CONDSTORE") && !x.srv.condstore {
		x.srv.fail("state", "CONDSTORE is enabled, which no call asked for")
	}
}

func (x *run) doSelect(r *rng) {
	name := x.name(r)
	x.tell(func(c *call) { c.raw = true })
	resp, err := x.client.Do(x.ctx, "SELECT", name)
	x.judge(err, x.only("SELECT"))
	if err != nil {
		return
	}
	for _, u := range resp.Untagged {
		x.srv.heard(string(u.Rest))
	}
}

// do sends a raw command that needs a mailbox.
func (x *run) do(r *rng) {
	var err error
	switch r.n(4) {
	case 0:
		x.tell(func(c *call) { c.flags = true; c.nameSet("1:*", true, nil) })
		_, err = x.client.Do(x.ctx, "UID STORE", imap.UIDRange(1, 0), imap.Atom("+FLAGS.SILENT"), []any{imap.FlagFlagged})
	case 1:
		_, err = x.client.Do(x.ctx, "UID FETCH", imap.UIDRange(1, 0), imap.Atom("FLAGS"))
	case 2:
		x.tell(func(c *call) { c.deleted = true })
		_, err = x.client.Do(x.ctx, "UID EXPUNGE", imap.UIDRange(1, 0))
	default:
		x.tell(func(c *call) { c.deleted = true })
		_, err = x.client.Do(x.ctx, "CLOSE")
	}
	x.tell(func(c *call) { c.left = true }) // unsolicited data and alerts are in its result
	x.note(err)
}

func (x *run) unselect(*rng) {
	err := x.client.Unselect(x.ctx)
	x.judge(err, x.only("UNSELECT"))
	if x.only("EXAMINE") != nil && x.srv.has("UNSELECT") {
		x.srv.fail("state", "Unselect sends EXAMINE to a server that has UNSELECT")
	}
}

func (x *run) closeMailbox(*rng) {
	x.tell(func(c *call) { c.deleted = true })
	x.judge(x.client.CloseMailbox(x.ctx), x.only("CLOSE"))
}

func (x *run) noop(*rng) { x.judge(x.client.Noop(x.ctx), x.only("NOOP")) }

func (x *run) logout(*rng) {
	err := x.client.Logout(x.ctx)
	x.note(err)
	if rec := x.only("LOGOUT"); rec != nil && rec.done && err != nil && x.ctx.Err() == nil {
		x.srv.fail("words", "Logout was answered by BYE and fails: %v", err)
	}
	x.dead = true
}

func (x *run) enable(*rng) {
	_, err := x.client.Enable(x.ctx, "CONDSTORE")
	x.judge(err, x.only("ENABLE"))
}

func (x *run) status(r *rng) {
	name := x.name(r)
	st, err := x.client.Status(x.ctx, name)
	rec := x.only("STATUS")
	x.judge(err, rec)
	if err == nil && rec != nil {
		x.sameStatus(st, rec)
	}
}

func (x *run) sameStatus(st *imap.Status, rec *record) {
	got := map[string]*uint32{"MESSAGES": st.Messages, "UIDNEXT": st.UIDNext, "UNSEEN": st.Unseen, "UIDVALIDITY": st.UIDValidity}
	for name, n := range got {
		if want, ok := rec.numbers[name]; ok && (n == nil || uint64(*n) != want && !x.srv.wasNotified(st.Mailbox, name, uint64(*n))) {
			x.srv.fail("result", "%s STATUS: %s is %v, and %d was said", rec.tag, name, pointed(n), want)
		}
	}
}

func pointed(n *uint32) string {
	if n == nil {
		return "missing"
	}
	return fmt.Sprint(*n)
}

func (x *run) list(*rng) {
	list, err := x.client.List(x.ctx, "", "*", nil)
	x.judge(err, x.only("LIST"))
	if err != nil {
		return
	}
	list = slices.DeleteFunc(list, func(e imap.ListEntry) bool { return x.srv.created[e.Name] }) // NOTIFY's cannot be distinguished
	if len(list) != len(names) {
		x.srv.fail("result", "List returns %d mailboxes of %d", len(list), len(names))
	}
}

// ---- messages

func (x *run) store(r *rng) {
	x.tell(func(c *call) { c.flags = true })
	set := x.set(r)
	flag := pick(r, []imap.Flag{imap.FlagSeen, imap.FlagDeleted, imap.FlagFlagged})
	op := pick(r, []func(...imap.Flag) imap.StoreOp{imap.AddFlags, imap.RemoveFlags})
	flags := []imap.Flag{flag}
	if r.one(6) {
		flags = append(flags, `\Recent`)
	}
	_, err := x.client.Store(x.ctx, set, op(flags...), &imap.StoreOptions{Silent: r.one(2)})
	x.judge(err, x.only("STORE", "UID STORE"))
}

func (x *run) copy(r *rng) {
	x.tell(func(c *call) { c.copies = true })
	res, err := x.client.Copy(x.ctx, x.set(r), x.name(r))
	rec := x.only("COPY", "UID COPY")
	x.judge(err, rec)
	x.copied(res, err, rec)
}

// copied compares the UIDs of a result with COPYUID.
func (x *run) copied(res *imap.CopyResult, err error, rec *record) {
	if err != nil || rec == nil || res == nil {
		return
	}
	var source, dest []uint32
	for _, r := range x.srv.records[x.srv.call.first:] {
		if r.name == rec.name {
			source, dest = append(source, r.source...), append(dest, r.dest...)
		}
	}
	if got, want := slices.Collect(res.Source.All()), source; !slices.Equal(uint32s(got), want) {
		x.srv.fail("result", "%s: Source is %v, and %v was said", rec.name, got, want)
	}
	if got, want := slices.Collect(res.Dest.All()), dest; !slices.Equal(uint32s(got), want) {
		x.srv.fail("result", "%s: Dest is %v, and %v was said", rec.name, got, want)
	}
}

func uint32s[N imap.UID | imap.SeqNum](list []N) []uint32 {
	var out []uint32
	for _, n := range list {
		out = append(out, uint32(n))
	}
	return out
}

func (x *run) move(r *rng) { x.moveSet(x.set(r), x.name(r)) }

func (x *run) moveSet(set imap.NumSet, to string) {
	c := x.srv.call
	x.tell(func(c *call) { c.copies, c.moves = true, true })
	res, err := x.client.Move(x.ctx, set, to)
	rec := x.only("MOVE", "UID MOVE")
	if rec == nil {
		x.note(err)
		rec = x.only("COPY", "UID COPY")
	} else {
		x.judge(err, rec)
	}
	x.copied(res, err, rec)
	if err == nil && x.only("UID EXPUNGE") != nil {
		for m := range c.copied {
			if !m.gone && m.box.name == c.believed {
				x.srv.log("-- %s was copied and stays", m)
			}
		}
	}
}

func (x *run) moveSaved(r *rng) {
	if !x.srv.has("SEARCHRES") || !x.srv.has("ESEARCH") {
		return
	}
	x.tell(func(c *call) { c.names = append(slices.Clone(c.names), "UID SEARCH") })
	_, err := x.client.Search(x.ctx, pick(r, []imap.Query{imap.Where(), imap.Where().Unseen()}), &imap.SearchOptions{Save: true})
	x.note(err)
	if err != nil || x.only("UID SEARCH") == nil {
		return
	}
	x.tell(func(c *call) { c.nameSet("$", true, x.srv.saved) })
	x.moveSet(imap.SavedResult, x.name(r))
}

func (x *run) expunge(*rng) {
	x.tell(func(c *call) { c.deleted = true })
	res, err := x.client.Expunge(x.ctx)
	rec := x.only("EXPUNGE")
	x.judge(err, rec)
	x.expunged(res, err, rec)
}

func (x *run) uidExpunge(r *rng) {
	x.tell(func(c *call) { c.deletes = true })
	uids := x.uids(r)
	x.tell(func(c *call) { c.nameSet(uids.String(), true, nil) })
	res, err := x.client.UIDExpunge(x.ctx, uids)
	rec := x.only("UID EXPUNGE")
	x.judge(err, rec)
	_ = res
}

func (x *run) expunged(res *imap.ExpungeResult, err error, rec *record) {
	if err != nil || rec == nil {
		return
	}
	got := uint32s(res.SeqNums)
	for _, n := range rec.expunged {
		if !slices.Contains(got, n) {
			x.srv.fail("result", "EXPUNGE said %v, and the result is %v", rec.expunged, got)
			return
		}
	}
}

func (x *run) search(r *rng) {
	q := pick(r, []imap.Query{imap.Where(), imap.Where().Unseen(), imap.Where().Deleted()})
	if r.one(4) {
		q = imap.Where().In(x.set(r))
	}
	if r.one(2) {
		res, err := x.client.SearchSeq(x.ctx, q, nil)
		rec := x.only("SEARCH")
		x.judge(err, rec)
		if err == nil && rec != nil {
			x.found(uint32s(slices.Collect(res.Seqs.All())), rec)
		}
		return
	}
	res, err := x.client.Search(x.ctx, q, nil)
	rec := x.only("UID SEARCH")
	x.judge(err, rec)
	if err == nil && rec != nil {
		x.found(uint32s(slices.Collect(res.UIDs.All())), rec)
	}
}

func (x *run) found(got []uint32, rec *record) {
	var want []uint32
	for _, r := range x.srv.records[x.srv.call.first:] {
		if r.name == rec.name {
			want = append(want, r.nums...)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, slices.Compact(want)) {
		x.srv.fail("result", "%s said %v, and the result is %v", rec.name, want, got)
	}
}

// ---- APPEND

var errReader = errors.New("the reader broke")

func (x *run) append(r *rng) {
	var msgs []imap.AppendMessage
	wrong := false
	n := 1
	if x.srv.has("MULTIAPPEND") && r.one(2) {
		n = 2 + r.n(2)
	}
	for i := range n {
		body := fmt.Sprintf("Subject: appended %d\r\n\r\n%s", i, strings.Repeat("line\r\n", r.n(4)))
		x.tell(func(c *call) { c.bodies = append(c.bodies, body) })
		lit := imap.LiteralBytes([]byte(body))
		if r.one(2) {
			lit = imap.Literal{R: io.MultiReader(strings.NewReader(body)), Size: int64(len(body))}
		}
		if x.step.chance(Literal, 2) {
			wrong = true
			switch x.step.of(Literal).n(3) {
			case 0:
				lit.R = strings.NewReader(body[:len(body)-1-x.step.of(Literal).n(len(body)-2)])
			case 1:
				lit.R, wrong = strings.NewReader(body+"\r\nX1 UID STORE 1:* +FLAGS (\\Deleted)\r\n"), false
			default:
				lit.R = io.MultiReader(strings.NewReader(body[:len(body)/2]), failingReader{})
			}
		}
		msgs = append(msgs, imap.AppendMessage{Message: lit})
	}
	to := x.name(r)
	var err error
	if n == 1 {
		_, err = x.client.Append(x.ctx, to, msgs[0].Message, nil)
	} else {
		_, err = x.client.MultiAppend(x.ctx, to, msgs)
	}
	x.judgeAppend(err, wrong)
}

func (x *run) judgeAppend(err error, wrong bool) {
	rec := x.only("APPEND")
	x.note(err)
	if wrong && err == nil {
		x.srv.fail("append", "a reader gave too little, and Append succeeds")
	}
	if rec != nil && rec.done && rec.status == "NO" && err == nil {
		x.srv.fail("words", "APPEND was answered NO (%s) and succeeds", rec.text)
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errReader }

// ---- simultaneous calls, and waiting

func (x *run) pipeline(r *rng) {
	x.link.serial = false
	name := x.name(r)
	type result struct {
		st  *imap.Status
		err error
	}
	results := make([]result, 2+r.n(2))
	p := x.client.Pipeline()
	for i := range results {
		p.Go(func(c *imap.Client) error {
			st, err := c.Status(x.ctx, name)
			results[i] = result{st, err}
			return err
		})
	}
	err := p.Wait()
	x.rest()
	x.note(err)
	if x.ctx.Err() != nil {
		return
	}
	records := x.srv.records[x.srv.call.first:]
	records = slices.DeleteFunc(slices.Clone(records), func(r *record) bool { return r.name != "STATUS" })
	for i, rec := range records {
		if i < len(results) && rec.done {
			res := results[i]
			x.judge(res.err, rec)
			if res.err == nil {
				x.sameStatus(res.st, rec)
			}
		}
	}
}

// both makes two calls in two goroutines.
func (x *run) both(r *rng) {
	x.link.serial = false
	name := x.name(r)
	var st *imap.Status
	var found *imap.SearchResult
	var err1, err2 error
	var wg sync.WaitGroup
	wg.Go(func() { st, err1 = x.client.Status(x.ctx, name) })
	wg.Go(func() { found, err2 = x.client.Search(x.ctx, imap.Where(), nil) })
	wg.Wait()
	if rec := x.only("STATUS"); rec != nil && rec.done {
		x.judge(err1, rec)
		if err1 == nil {
			x.sameStatus(st, rec)
		}
	} else {
		x.note(err1)
	}
	rec := x.only("UID SEARCH")
	x.judge(err2, rec)
	if err2 == nil && rec != nil {
		x.found(uint32s(slices.Collect(found.UIDs.All())), rec)
	}
}

func (x *run) idle(r *rng) {
	opts := &imap.IdleOptions{For: time.Duration(1+r.n(5)) * time.Second}
	limit := r.n(4)
	for ev, err := range x.client.Idle(x.ctx, opts) {
		if err != nil {
			x.note(err)
			break
		}
		x.event(ev)
		if limit--; limit <= 0 && x.step.chance(Leave, 1) {
			x.tell(func(c *call) { c.left = true })
			break
		}
	}
}

func (x *run) scram(r *rng) {
	if x.srv.loggedIn {
		if !x.srv.has("UNAUTHENTICATE") {
			return
		}
		if err := x.client.Unauthenticate(x.ctx); err != nil {
			x.note(err)
			return
		}
		x.rest()
		x.events, x.srv.expected, x.lost = nil, nil, false // they belonged to the former user
	}
	err := x.client.Authenticate(x.ctx, imap.SCRAMSHA256(user, password))
	x.rest()
	x.note(err)
	if err == nil && !x.srv.loggedIn {
		x.srv.fail("trust", "Authenticate succeeds at a server that proved nothing")
	}
	x.tell(func(c *call) { c.names = append(slices.Clone(c.names), "NOOP", "STATUS") })
	if err != nil && r.one(2) {
		x.note(x.client.Noop(context.Background()))
		_, err := x.client.Status(context.Background(), "INBOX")
		x.note(err)
	}
	x.rest()
	if !x.srv.loggedIn && x.client.State() == imap.Authenticated {
		x.srv.fail("trust", "the state is authenticated at a server that proved nothing")
	}
}

// readAll reads a body in pieces of any size.
func readAll(r *rng, body io.Reader) ([]byte, error) {
	if r.one(2) {
		return io.ReadAll(body)
	}
	var b bytes.Buffer
	_, err := io.CopyBuffer(struct{ io.Writer }{&b}, struct{ io.Reader }{body}, make([]byte, 1+r.n(7)))
	return b.Bytes(), err
}
