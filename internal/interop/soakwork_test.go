package interop_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-imaplib/imap"
)

// status requests the number of messages, and the list of mailboxes.
func (w *soaker) status(ctx context.Context) error {
	box := w.box
	if w.open == box { // STATUS is not meant for the selected mailbox
		box = w.other()
	}
	st, err := w.c.Status(ctx, box, imap.StatusMessages)
	if err != nil {
		return err
	}
	if want := len(w.uids(box)); int(*st.Messages) != want {
		return fmt.Errorf("%d messages instead of %d", *st.Messages, want)
	}
	entries, err := w.c.List(ctx, "", "*", nil)
	if err == nil && (!listed(entries, w.box) || !listed(entries, w.other())) {
		err = fmt.Errorf("not in the list of %d mailboxes", len(entries))
	}
	return err
}

// pipeline requests each message separately, without waiting.
func (w *soaker) pipeline(ctx context.Context) error {
	if err := w.visit(ctx, w.box); err != nil {
		return err
	}
	uids := w.uids(w.box)
	got := make([]*imap.Message, len(uids))
	p := w.c.Pipeline()
	for i, uid := range uids {
		p.Go(func(c *imap.Client) (err error) {
			got[i], err = c.FetchOne(ctx, uid, imap.FetchEnvelope, imap.FetchSize)
			return err
		})
	}
	if err := p.Wait(); err != nil {
		return err
	}
	for i, m := range got {
		if m == nil || m.UID != uids[i] {
			return fmt.Errorf("UID %d did not come", uids[i])
		}
		if err := w.same(w.box, m); err != nil {
			return err
		}
	}
	return nil
}

// nested runs commands in the body of a loop, and leaves some loops early.
func (w *soaker) nested(ctx context.Context) error {
	if err := w.visit(ctx, w.box); err != nil {
		return err
	}
	stop := w.rng.IntN(2 * soakMost)
	for m, err := range w.c.Fetch(ctx, imap.UIDRange(1, 0), imap.FetchEnvelope, imap.Section{}) {
		if err != nil {
			return err
		}
		if err := w.same(w.box, m); err != nil {
			return err
		}
		if stop--; stop < 0 {
			break
		}
		if w.rng.IntN(3) > 0 {
			continue
		}
		again, err := w.c.FetchOne(ctx, m.UID, imap.FetchSize, imap.FetchFlags)
		if err != nil {
			return err
		}
		if again == nil {
			return fmt.Errorf("UID %d is gone", m.UID)
		}
		if err := w.same(w.box, again); err != nil {
			return err
		}
	}
	return nil
}

// cancel ends calls that change nothing, at any moment. The next answer still has to be right.
func (w *soaker) cancel(ctx context.Context) error {
	if err := w.visit(ctx, w.box); err != nil {
		return err
	}
	for range 3 {
		short, cancel := context.WithTimeout(ctx, time.Duration(w.rng.IntN(3000))*time.Microsecond)
		_, err := imap.Collect(w.c.Fetch(short, imap.UIDRange(1, 0), imap.FetchFlags, imap.Section{}))
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if err != nil {
			w.counts.cancelled.Add(1)
		}
		if w.c.State() == imap.LoggedOut { // a write was cut: the state shows it
			w.c = nil
			return nil
		}
		if err := w.search(ctx); err != nil {
			return err
		}
	}
	return w.fetched(ctx, w.box, w.uids(w.box), imap.UIDRange(1, 0), imap.FetchFlags)
}

// together adds a message to the mailbox that both clients of a user share, checks all expected messages, and removes old
// ones of its own.
func (w *soaker) together(ctx context.Context) error {
	subject, text := w.text()
	if _, err := w.c.Append(ctx, "both", imap.LiteralString(text), nil); err != nil {
		return err
	}
	w.counts.appended.Add(1)
	id := strings.ReplaceAll(subject, " ", ".") + "@"
	w.shared.add(id)
	w.mine = append(w.mine, id)
	if err := w.visit(ctx, "both"); err != nil {
		return err
	}
	if err := w.c.Noop(ctx); err != nil {
		return err
	}
	for _, id := range w.mine {
		res, err := w.c.Search(ctx, imap.Where().Header("Message-ID", id), nil)
		if err != nil {
			return err
		}
		if res.Count != 1 {
			return fmt.Errorf("%d messages are %s", res.Count, id)
		}
		w.counts.verified.Add(1)
	}
	if len(w.mine) < 5 {
		return nil
	}
	old := w.mine[0]
	w.mine = w.mine[1:]
	w.shared.remove(old)
	res, err := w.c.Search(ctx, imap.Where().Header("Message-ID", old), nil)
	if err != nil {
		return err
	}
	if _, err := w.c.Store(ctx, res.UIDs, imap.AddFlags(imap.FlagDeleted), nil); err != nil {
		return err
	}
	_, err = w.c.UIDExpunge(ctx, res.UIDs)
	return err
}

// idle waits for a moment, and fetches what the other client of the user added.
func (w *soaker) idle(ctx context.Context) error {
	if err := w.visit(ctx, "both"); err != nil {
		return err
	}
	before := w.shared.all()
	wait := time.Duration(w.rng.IntN(300)+1) * time.Millisecond
	for _, err := range w.c.Idle(ctx, &imap.IdleOptions{For: wait}) {
		if err != nil {
			return err
		}
	}
	if err := w.c.Noop(ctx); err != nil {
		return err
	}
	after := w.shared.all()
	var have string
	for m, err := range w.c.Fetch(ctx, imap.SeqRange(1, 0), imap.FetchEnvelope) {
		if err != nil {
			return err
		}
		have += m.Envelope.MessageID + " "
	}
	for _, id := range before {
		if slices.Contains(after, id) && slices.Contains(w.shared.all(), id) && !strings.Contains(have, "<"+id) {
			return fmt.Errorf("%s is not among what was fetched", id)
		}
	}
	return nil
}

// reconnect ends the connection, with or without LOGOUT.
func (w *soaker) reconnect(ctx context.Context) error {
	var err error
	if w.rng.IntN(2) == 0 {
		err = w.c.Logout(ctx)
	} else {
		err = w.c.Close()
	}
	w.c = nil
	return err
}
