package testkit

import (
	"slices"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/stretchr/testify/require"
)

// ApplySync applies a result of Sync to held, the known messages of a mailbox, as a program would.
func ApplySync(t *testing.T, c *imap.Client, res *imap.SyncResult, held map[imap.UID][]imap.Flag) {
	if res.Reset {
		clear(held)
	}
	for uid := range res.Vanished.All() {
		delete(held, uid)
	}
	for _, m := range res.Changed {
		held[m.UID] = m.Flags
	}
	for m, err := range c.Fetch(Context(t), res.New, imap.FetchFlags) {
		require.NoError(t, err)
		held[m.UID] = m.Flags
	}
	for uid, flags := range held {
		held[uid] = SortedFlags(flags)
	}
}

// FlagsByUID returns the flags of each message of a mailbox of the in-memory server.
func FlagsByUID(box *imaptest.Mailbox) map[imap.UID][]imap.Flag {
	there := map[imap.UID][]imap.Flag{}
	for _, m := range box.Messages() {
		var flags []imap.Flag
		for _, f := range m.Flags {
			flags = append(flags, imap.Flag(f))
		}
		there[imap.UID(m.UID)] = SortedFlags(flags)
	}
	return there
}

// SortedFlags returns flags in order, without \Recent, which belongs to a session.
func SortedFlags(flags []imap.Flag) []imap.Flag {
	out := []imap.Flag{}
	for _, f := range flags {
		if f != imap.FlagRecent {
			out = append(out, f)
		}
	}
	slices.Sort(out)
	return out
}
