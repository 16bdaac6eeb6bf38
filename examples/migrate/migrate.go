package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strings"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/account"
	"github.com/go-imaplib/imap/examples/internal/progress"
)

// migration is the migration of one account into another.
type migration struct {
	from, to *imap.Client
	dry      bool
	out      io.Writer
	left     int // messages that the other server refused, or that this one did not send
}

// all migrates all mailboxes, or those that are named.
func (m *migration) all(ctx context.Context, names []string) error {
	list, err := account.Mailboxes(ctx, m.from)
	if err != nil {
		return err
	}
	there, err := account.Mailboxes(ctx, m.to)
	if err != nil {
		return err
	}
	rename, err := m.renaming(ctx)
	if err != nil {
		return err
	}
	m.left = 0
	var failed error
	for _, e := range list {
		if len(names) > 0 && !slices.Contains(names, e.Name) {
			continue
		}
		to := rename(e)
		exists := slices.ContainsFunc(there, func(other imap.ListEntry) bool { return other.Name == to })
		if err := m.mailbox(ctx, e.Name, to, exists); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", e.Name, err))
			if m.over(ctx, err) {
				return failed
			}
		}
	}
	if m.left > 0 {
		failed = errors.Join(failed, fmt.Errorf("%d messages were not copied", m.left))
	}
	return failed
}

// over reports whether no other mailbox can be migrated after an error.
func (m *migration) over(ctx context.Context, err error) bool {
	return ctx.Err() != nil || imap.IsTransient(err) || imap.CodeOf(err) == imap.CodeOverQuota ||
		m.from.State() == imap.LoggedOut || m.to.State() == imap.LoggedOut
}

// renaming returns the names of mailboxes in the other account: sent mail goes to its mailbox for sent mail, and so on;
// others keep their names, in the namespace and with the delimiter of the other server.
func (m *migration) renaming(ctx context.Context) (func(imap.ListEntry) string, error) {
	uses, err := m.from.SpecialUse(ctx)
	if err != nil {
		return nil, err
	}
	usesThere, err := m.to.SpecialUse(ctx)
	if err != nil {
		return nil, err
	}
	special := map[string]string{}
	for use, name := range uses {
		if to, ok := usesThere[use]; ok && special[name] == "" {
			special[name] = to
		}
	}
	prefix, _, err := space(ctx, m.from)
	if err != nil {
		return nil, err
	}
	prefixThere, delimiterThere, err := space(ctx, m.to)
	if err != nil {
		return nil, err
	}
	return func(e imap.ListEntry) string {
		if strings.EqualFold(e.Name, "INBOX") {
			return "INBOX"
		}
		if to, ok := special[e.Name]; ok {
			return to
		}
		levels := []string{strings.TrimPrefix(e.Name, prefix)}
		if e.Delimiter != "" {
			levels = strings.Split(levels[0], e.Delimiter)
		}
		if delimiterThere == "" {
			return prefixThere + strings.Join(levels, "_")
		}
		for i := range levels {
			levels[i] = strings.ReplaceAll(levels[i], delimiterThere, "_")
		}
		return prefixThere + strings.Join(levels, delimiterThere)
	}, nil
}

// space returns the prefix of the user's own mailboxes, and the delimiter of their levels.
func space(ctx context.Context, c *imap.Client) (prefix, delimiter string, err error) {
	if c.Caps().Has("NAMESPACE") {
		spaces, err := c.Namespace(ctx)
		if err != nil {
			return "", "", err
		}
		if len(spaces.Personal) > 0 {
			return spaces.Personal[0].Prefix, spaces.Personal[0].Delimiter, nil
		}
	}
	list, err := c.List(ctx, "", "INBOX", nil)
	if err != nil || len(list) == 0 {
		return "", "", err
	}
	return "", list[0].Delimiter, nil
}

// mailbox migrates one mailbox.
func (m *migration) mailbox(ctx context.Context, from, to string, exists bool) error {
	if _, err := m.from.Examine(ctx, from, nil); err != nil {
		return err
	}
	here, err := identify(ctx, m.from)
	if err != nil {
		return err
	}
	if !exists && !m.dry {
		if err := m.to.Create(ctx, to, nil); err != nil && imap.CodeOf(err) != imap.CodeAlreadyExists {
			return err
		}
		if err := m.to.Subscribe(ctx, to); err != nil { // mail programs show no others
			return err
		}
	}
	var there []identity
	var target *imap.Mailbox
	if exists || !m.dry {
		if target, err = m.to.Select(ctx, to, &imap.SelectOptions{ReadOnly: m.dry}); err != nil {
			return err
		}
		if there, err = identify(ctx, m.to); err != nil {
			return err
		}
	}
	missing := missing(here, there)
	if !m.dry {
		if err := m.copy(ctx, missing, target); err != nil {
			return err
		}
	}
	verb := map[bool]string{false: "copied", true: "to copy"}[m.dry]
	fmt.Fprintf(m.out, "%s to %s: %d messages, %d %s\n", from, to, len(here), missing.Len(), verb)
	return nil
}

// identity identifies a message on both sides.
type identity struct {
	uid  imap.UID
	id   string
	size int64
}

// identify returns the identities of all messages, by their UIDs: the Message-ID, which no server changes, or the fields of
// the header that nearly every message has.
func identify(ctx context.Context, c *imap.Client) ([]identity, error) {
	var list []identity
	before := c.Mailbox().Exists
	fields := imap.Section{Specifier: "HEADER", Fields: []string{"Message-ID", "Date", "From", "To", "Subject"}}
	for m, err := range c.Fetch(ctx, imap.UIDRange(1, 0), imap.FetchSize, imap.FetchEnvelope, fields) {
		if m == nil {
			return nil, err
		}
		header := m.Section(fields)
		id := strings.Join(strings.Fields(string(header)), " ")
		if m.Envelope != nil && m.Envelope.MessageID != "" {
			id = m.Envelope.MessageID
		} else if parsed, err := mail.ReadMessage(bytes.NewReader(header)); err == nil { // the envelope cannot be parsed
			id = cmp.Or(parsed.Header.Get("Message-ID"), id)
		}
		if m.UID != 0 {
			list = append(list, identity{m.UID, id, m.Size})
		}
	}
	if there := min(before, c.Mailbox().Exists); len(list) < int(there) {
		return nil, fmt.Errorf("%s: only %d of %d messages came", c.Mailbox().Name, len(list), there)
	}
	slices.SortFunc(list, func(a, b identity) int { return cmp.Compare(a.uid, b.uid) })
	return list, nil
}

// missing returns the messages that the other side lacks. Duplicates stay duplicates. Of messages with the same identity,
// such as the versions of a draft, those of the same size are the same; others may have been changed by a server.
func missing(here, there []identity) (set imap.UIDSet) {
	count, same := map[string]int{}, map[identity]int{}
	for _, m := range there {
		count[m.id]++
		same[identity{id: m.id, size: m.size}]++
	}
	var others []identity
	for _, m := range here {
		key := identity{id: m.id, size: m.size}
		if same[key]--; same[key] < 0 {
			others = append(others, m)
			continue
		}
		count[m.id]--
	}
	for _, m := range others {
		if count[m.id]--; count[m.id] < 0 {
			set = append(set, imap.UIDs(m.uid)...)
		}
	}
	return set.Union(nil)
}

// copy copies messages from the mailbox selected in one account to that in the other, oldest first, each in constant
// memory.
func (m *migration) copy(ctx context.Context, uids imap.UIDSet, target *imap.Mailbox) error {
	bar := progress.New(target.Name)
	defer bar.Clear()
	sent, total := make(map[imap.UID]bool), uids.Len()
	for msg, err := range m.from.FetchStream(ctx, uids, imap.FetchFlags, imap.FetchInternalDate, imap.Section{}) {
		if msg == nil {
			return err
		}
		if err != nil { // without its flags or its date it is not copied
			sent[msg.UID] = true
			m.left++
			fmt.Fprintf(m.out, "message %d: %v\n", msg.UID, err)
			continue
		}
		for body, err := range msg.Bodies() {
			if err != nil {
				break // if the connection is lost, the loop ends with an error too
			}
			sent[msg.UID] = true
			opts := &imap.AppendOptions{Flags: target.Storable(msg.Flags), InternalDate: msg.InternalDate}
			_, err := m.to.Append(ctx, target.Name, imap.Literal{R: body, Size: body.Size}, opts)
			if isRefusal(err) {
				m.left++
				fmt.Fprintf(m.out, "message %d is refused: %v\n", msg.UID, err)
			} else if err != nil {
				return fmt.Errorf("message %d: %w", msg.UID, err)
			}
		}
		bar.Set(uint64(len(sent)), total)
	}
	for uid := range uids.All() {
		if !sent[uid] {
			m.left++
			fmt.Fprintf(m.out, "message %d did not come\n", uid)
		}
	}
	return nil
}

// isRefusal reports whether a server refuses this message, and may accept the next.
func isRefusal(err error) bool {
	e, ok := errors.AsType[*imap.Error](err)
	return errors.Is(err, imap.ErrTooBig) || ok && e.Status != "BYE" && e.Code != imap.CodeOverQuota && !imap.IsTransient(err)
}
