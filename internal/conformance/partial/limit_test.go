package partial_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// twin is one of two servers with the same mailboxes, of which one processes only a few messages at once.
type twin struct {
	c    *imap.Client
	a, b *imaptest.Mailbox
	last imap.UID
	pick *rand.Rand // the same numbers for both
}

// newTwin makes a server with messages whose UIDs have gaps.
func newTwin(t *testing.T, seed uint64, opts imaptest.Options, copts *imap.Options) *twin {
	opts.PreAuth, opts.More = "user", []string{"MULTISEARCH"}
	srv := imaptest.New(t, &opts)
	w := &twin{a: srv.User("user").Mailbox("INBOX"), b: srv.User("user").Mailbox("b"), pick: rand.New(rand.NewPCG(seed, 5))}
	fill := rand.New(rand.NewPCG(seed, 7))
	for i := range 25 {
		var flags []string
		for _, f := range []string{`\Seen`, `\Deleted`, `\Flagged`} {
			if fill.IntN(3) == 0 {
				flags = append(flags, f)
			}
		}
		text := fmt.Sprintf("Subject: s%d\r\nFrom: p%d@x\r\n\r\n%s", i%5, i%7, make([]byte, 0))
		w.a.Append(fmt.Appendf([]byte(text), "%0*d", 1+fill.IntN(40), i), flags, time.Date(2020, 1, 1+fill.IntN(28), 0, 0, 0, 0, time.UTC))
	}
	for range 8 {
		w.a.Expunge(uint32(1 + fill.IntN(25)))
	}
	for range 5 {
		w.a.SetFlags(uint32(1+fill.IntN(25)), `\Draft`)
	}
	list := w.a.Messages()
	w.last = imap.UID(list[len(list)-1].UID)
	c, err := imap.NewClient(testkit.Context(t), srv.Dial(), copts)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	w.c = c
	return w
}

// uidSet and numbers name messages in various ways.
func (w *twin) uidSet() imap.UIDSet {
	any := func() imap.UID { return imap.UID(1 + w.pick.IntN(int(w.last)+2)) }
	switch w.pick.IntN(4) {
	case 0:
		return imap.UIDRange(1, 0)
	case 1:
		return imap.UIDs(any(), any(), any(), any(), 0)
	}
	from, to := any(), any()
	return imap.UIDRange(min(from, to), max(from, to))
}

func (w *twin) set() imap.NumSet {
	if w.pick.IntN(3) > 0 {
		return w.uidSet()
	}
	n := int(w.c.Mailbox().Exists)
	from, to := imap.SeqNum(1+w.pick.IntN(n)), imap.SeqNum(1+w.pick.IntN(n))
	return imap.SeqRange(min(from, to), max(from, to))
}

func (w *twin) query() imap.Query {
	return []imap.Query{
		imap.Where(), imap.Where().Unseen(), imap.Where().Flagged(), imap.Where().Not(imap.Where().Deleted()),
		imap.Where().In(w.uidSet()), imap.Where().Or(imap.Where().Seen(), imap.Where().Flagged()), imap.Where().Subject("s3"), imap.Where().Subject("none"),
	}[w.pick.IntN(8)]
}

// rowsByUID are messages in the order of their UIDs.
func rowsByUID(list []*imap.Message, err error) (any, error) {
	rows := map[imap.UID]string{}
	for _, m := range list {
		rows[m.UID] += fmt.Sprint(testkit.SortedFlags(m.Flags), m.Size, m.Envelope, m.Preview, len(m.Sections))
	}
	return rows, err
}

// pairs returns which message became which.
func pairs(w *twin, res *imap.CopyResult, err error) (any, error) {
	var sources []imap.UID
	if res != nil {
		sources = slices.Sorted(res.Source.All())
	}
	texts := []string{}
	for _, m := range w.b.Messages() {
		texts = append(texts, string(m.Raw))
	}
	slices.Sort(texts)
	return []any{sources, texts, testkit.FlagsByUID(w.a)}, err
}

// twinCalls are all calls about several messages.
var twinCalls = map[string]func(ctx context.Context, w *twin) (any, error){
	"Search": func(ctx context.Context, w *twin) (any, error) {
		o := &imap.SearchOptions{All: w.pick.IntN(2) == 0, Count: w.pick.IntN(2) == 0, Min: w.pick.IntN(2) == 0, Max: w.pick.IntN(2) == 0}
		q, search := w.query(), w.c.Search
		if w.pick.IntN(2) == 0 {
			search = w.c.SearchSeq
		}
		res, err := search(ctx, q, o)
		if all := !o.Count && !o.Min && !o.Max; res != nil && !all {
			only := map[bool]uint32{true: math.MaxUint32}
			res.Count, res.Min, res.Max = res.Count&only[o.Count], res.Min&only[o.Min], res.Max&only[o.Max]
		}
		return res, err
	},
	"Search, some": func(ctx context.Context, w *twin) (any, error) {
		o := &imap.SearchOptions{First: 1 + w.pick.IntN(9)}
		if w.pick.IntN(2) == 0 {
			o = &imap.SearchOptions{Last: o.First}
		}
		res, err := w.c.Search(ctx, w.query(), o)
		if res != nil {
			res.Min, res.Max = 0, 0 // of all, or of some, as the server counts
		}
		return res, err
	},
	"Search, a part": func(ctx context.Context, w *twin) (any, error) {
		from := 1 + w.pick.IntN(5)
		o := &imap.SearchOptions{PartialFrom: from, PartialTo: from + w.pick.IntN(5)}
		if w.pick.IntN(2) == 0 {
			o.PartialFrom, o.PartialTo = -o.PartialFrom, -o.PartialTo
		}
		return w.c.Search(ctx, w.query(), o)
	},
	"Fetch of what was saved": func(ctx context.Context, w *twin) (any, error) {
		if _, err := w.c.Search(ctx, w.query(), &imap.SearchOptions{Save: true}); err != nil {
			return nil, err
		}
		return rowsByUID(imap.Collect(w.c.Fetch(ctx, imap.SavedResult, imap.FetchFlags)))
	},
	"Fetch": func(ctx context.Context, w *twin) (any, error) {
		return rowsByUID(imap.Collect(w.c.Fetch(ctx, w.set(), imap.FetchFlags, imap.FetchSize)))
	},
	"Fetch of a part": func(ctx context.Context, w *twin) (any, error) {
		from := 1 + w.pick.IntN(5)
		return rowsByUID(imap.Collect(w.c.Fetch(ctx, w.uidSet(), imap.FetchFlags, imap.FetchPartial(from, from+w.pick.IntN(6)))))
	},
	"FetchStream": func(ctx context.Context, w *twin) (any, error) {
		rows := map[imap.UID]int{}
		for m, err := range w.c.FetchStream(ctx, w.set(), imap.Section{}) {
			if err != nil {
				return rows, err
			}
			for b, err := range m.Bodies() {
				if err != nil {
					return rows, err
				}
				rows[m.UID] += int(b.Size)
			}
		}
		return rows, nil
	},
	"Previews": func(ctx context.Context, w *twin) (any, error) {
		return rowsByUID(imap.Collect(w.c.Previews(ctx, w.set())))
	},
	"FetchChanges": func(ctx context.Context, w *twin) (any, error) {
		res, err := w.c.FetchChanges(ctx, w.uidSet(), uint64(20+w.pick.IntN(20)), imap.FetchFlags)
		if res == nil {
			return nil, err
		}
		rows, _ := rowsByUID(res.Messages, nil)
		return []any{rows, fmt.Sprint(res.Vanished)}, err
	},
	"Store": func(ctx context.Context, w *twin) (any, error) {
		o := &imap.StoreOptions{}
		if w.pick.IntN(2) == 0 {
			o.UnchangedSince = uint64(20 + w.pick.IntN(20))
		}
		set := w.set()
		_, byUID := set.(imap.UIDSet)
		res, err := w.c.Store(ctx, set, imap.AddFlags(imap.FlagAnswered), o)
		if !byUID {
			return testkit.FlagsByUID(w.a), err
		}
		return []any{fmt.Sprint(imap.UIDs(slices.Sorted(res.ModifiedUID.All())...)), testkit.FlagsByUID(w.a)}, err
	},
	"Copy": func(ctx context.Context, w *twin) (any, error) {
		res, err := w.c.Copy(ctx, w.set(), "b")
		return pairs(w, res, err)
	},
	"Move": func(ctx context.Context, w *twin) (any, error) {
		res, err := w.c.Move(ctx, w.set(), "b")
		return pairs(w, res, err)
	},
	"Expunge": func(ctx context.Context, w *twin) (any, error) {
		res, err := w.c.Expunge(ctx)
		return []any{len(res.SeqNums) + int(res.UIDs.Len()), testkit.FlagsByUID(w.a)}, err
	},
	"UIDExpunge": func(ctx context.Context, w *twin) (any, error) {
		_, err := w.c.UIDExpunge(ctx, w.uidSet())
		return testkit.FlagsByUID(w.a), err
	},
	"CloseMailbox": func(ctx context.Context, w *twin) (any, error) {
		err := w.c.CloseMailbox(ctx)
		return testkit.FlagsByUID(w.a), err
	},
	"MultiAppend": func(ctx context.Context, w *twin) (any, error) {
		var list []imap.AppendMessage
		for i := range 1 + w.pick.IntN(9) {
			list = append(list, imap.AppendMessage{Message: imap.LiteralString(fmt.Sprint("new ", i))})
		}
		res, err := w.c.MultiAppend(ctx, "b", list)
		return []any{len(res), testkit.FlagsByUID(w.b)}, err
	},
	"Sort": func(ctx context.Context, w *twin) (any, error) {
		keys := []imap.SortKey{{Name: "SUBJECT"}, {Name: "SIZE", Reverse: true}}
		q := w.query()
		switch w.pick.IntN(3) {
		case 0:
			return w.c.SortSeq(ctx, keys, q)
		case 1:
			return w.c.SortExtended(ctx, keys, q, &imap.SearchOptions{Count: true, Min: true, Max: true, All: true})
		}
		return w.c.Sort(ctx, keys, q)
	},
	"Thread": func(ctx context.Context, w *twin) (any, error) {
		return w.c.Thread(ctx, "ORDEREDSUBJECT", w.query())
	},
	"SearchMailboxes": func(ctx context.Context, w *twin) (any, error) {
		res, err := w.c.SearchMailboxes(ctx, []imap.MailboxScope{{Scope: imap.NotifyPersonal}}, w.query(), nil)
		for i := range res {
			res[i].UIDValidity = 0
		}
		return res, err
	},
	"Sync": func(ctx context.Context, w *twin) (any, error) {
		state := imap.SyncState{}
		if w.pick.IntN(2) == 0 {
			held := w.uidSet()
			if i := len(held) - 1; held[i].Stop == 0 {
				held = imap.UIDs(1, 2, 3, 5, 8, 13)
			}
			state = imap.SyncState{UIDValidity: w.c.Mailbox().UIDValidity, UIDs: held, HighestModSeq: uint64(w.pick.IntN(2) * 28)}
		}
		res, err := w.c.Sync(ctx, "INBOX", state, nil)
		if err != nil {
			return nil, err
		}
		rows, _ := rowsByUID(res.Changed, nil)
		return []any{fmt.Sprint(res.New, res.Vanished, res.State.UIDs), rows}, nil
	},
	"Status": func(ctx context.Context, w *twin) (any, error) {
		st, err := w.c.Status(ctx, "INBOX", imap.StatusMessages, imap.StatusUnseen, imap.StatusDeleted, imap.StatusSize)
		if st != nil {
			st.UIDValidity = nil
		}
		return st, err
	},
	"Batches": func(ctx context.Context, w *twin) (any, error) {
		var all imap.UIDSet
		for b, err := range w.c.Batches(ctx, w.uidSet(), 3) {
			if err != nil {
				return nil, err
			}
			for m, err := range w.c.Fetch(ctx, b.UIDs) {
				if err != nil {
					return nil, err
				}
				all = append(all, imap.UIDs(m.UID)...)
			}
		}
		return slices.Sorted(all.All()), nil
	},
}

// TestPartsThatCannotBeJoined: a partial result is returned with an error, and never taken for the whole.
func TestPartsThatCannotBeJoined(t *testing.T) {
	const part = "S: $ OK [MESSAGELIMIT 2 18] a part\n"
	subject := []imap.SortKey{{Name: "SUBJECT"}}
	for name, test := range map[string]struct {
		script string
		call   func(ctx context.Context, c *imap.Client) (any, error)
		want   any
		stop   string // PartialError, "" for none
	}{
		"Sort": {"C: $ UID SORT (SUBJECT) UTF-8 ALL\nS: * SORT 19 18\n" + part,
			func(ctx context.Context, c *imap.Client) (any, error) { return c.Sort(ctx, subject, imap.Where()) }, []imap.UID{19, 18}, "2 18 "},
		"SortExtended": {"C: $ UID SORT RETURN (ALL) (SUBJECT) UTF-8 ALL\nS: * ESEARCH (TAG \"$\") UID ALL 19,18\n" + part,
			func(ctx context.Context, c *imap.Client) (any, error) {
				res, err := c.SortExtended(ctx, subject, imap.Where(), nil)
				return res.Nums, err
			}, []imap.UID{19, 18}, "2 18 "},
		"Thread": {"C: $ UID THREAD REFERENCES UTF-8 ALL\nS: * THREAD (18 19)\n" + part,
			func(ctx context.Context, c *imap.Client) (any, error) {
				threads, err := c.Thread(ctx, "REFERENCES", imap.Where())
				return len(threads), err
			}, 1, "2 18 "},
		"SearchMailboxes": {"C: $ ESEARCH IN (PERSONAL) RETURN (ALL) ALL\nS: * ESEARCH (TAG \"$\" MAILBOX a UIDVALIDITY 7) UID ALL 18:19\n" + part,
			func(ctx context.Context, c *imap.Client) (any, error) {
				res, err := c.SearchMailboxes(ctx, []imap.MailboxScope{{Scope: imap.NotifyPersonal}}, imap.Where(), nil)
				return len(res), err
			}, 1, "2 18 "},
		"SearchUpdates": {"C: $ UID SEARCH RETURN (ALL UPDATE) ALL\nS: * ESEARCH (TAG \"$\") UID ALL 18:19\n" + part + "C: $ CANCELUPDATE \"A3\"\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) (_ any, err error) {
				for _, e := range c.SearchUpdates(ctx, imap.Where(), nil) {
					err = e
				}
				return nil, err
			}, nil, "2 18 "},
		"UIDExpunge of a star": {"C: $ UID EXPUNGE 3,*\nS: * 9 EXPUNGE\nS: $ NO [MESSAGELIMIT 1] a part\n",
			func(ctx context.Context, c *imap.Client) (any, error) {
				res, err := c.UIDExpunge(ctx, imap.UIDs(3, 0))
				return res.SeqNums, err
			}, []imap.SeqNum{9}, "1 0 "},
		"CloseMailbox": {"C: $ CLOSE\n" + part,
			func(ctx context.Context, c *imap.Client) (any, error) {
				err := c.CloseMailbox(ctx)
				return c.State(), err
			}, imap.Authenticated, "2 18 "},
		"Select with QRESYNC": {"C: $ ENABLE QRESYNC\nS: * ENABLED QRESYNC\nS: $ OK done\nC: $ SELECT b (QRESYNC (7 3))\n" +
			"S: * 9 EXISTS\nS: * OK [UIDVALIDITY 7] ok\nS: * OK [HIGHESTMODSEQ 9] ok\nS: * 9 FETCH (UID 19 FLAGS () MODSEQ (9))\n" + part,
			func(ctx context.Context, c *imap.Client) (any, error) {
				if _, err := c.Enable(ctx, "QRESYNC"); err != nil {
					return nil, err
				}
				box, err := c.Select(ctx, "b", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 7, ModSeq: 3}})
				return len(box.Changed), err
			}, 1, "2 18 "},
		"MultiAppend": {"C: $ APPEND b {1+}\nC+: x\nC:  {1+}\nC+: y\\r\\n\n" + part,
			func(ctx context.Context, c *imap.Client) (any, error) {
				_, err := c.MultiAppend(ctx, "b", []imap.AppendMessage{{Message: imap.LiteralString("x")}, {Message: imap.LiteralString("y")}})
				return nil, err
			}, nil, "2 18 "},
		"Append": {"C: $ APPEND b {1+}\nC+: x\\r\\n\n" + part,
			func(ctx context.Context, c *imap.Client) (any, error) {
				return c.Append(ctx, "b", imap.LiteralString("x"), nil)
			}, &imap.AppendResult{}, ""},
		"Search, some": {"C: $ UID SEARCH RETURN (COUNT PARTIAL -1:-3) ALL\nS: * ESEARCH (TAG \"$\") UID COUNT 2 PARTIAL (-1:-3 18:19)\n" + part +
			"C: $ UID SEARCH RETURN (COUNT ALL) ALL\nS: * ESEARCH (TAG \"$\") UID COUNT 2 ALL 18:19\n" + part +
			"C: $ UID SEARCH RETURN (COUNT ALL) UID 1:17\nS: * ESEARCH (TAG \"$\") UID COUNT 1 ALL 3\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) (any, error) {
				res, err := c.Search(ctx, imap.Where(), &imap.SearchOptions{Last: 3})
				return []any{res.UIDs, res.Count}, err
			}, []any{imap.UIDs(3, 18, 19), uint32(3)}, ""},
		"SearchSeq, ends": {"C: $ SEARCH RETURN (MIN) ALL\nS: * ESEARCH (TAG \"$\") MIN 8\n" + part + "C: $ SEARCH RETURN (MIN ALL) ALL\nS: * ESEARCH (TAG \"$\") MIN 8 ALL 8:9\n" + part +
			"C: $ SEARCH RETURN (MIN ALL) UID 1:17\nS: * ESEARCH (TAG \"$\") MIN 2 ALL 2\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) (any, error) {
				res, err := c.SearchSeq(ctx, imap.Where(), &imap.SearchOptions{Min: true})
				return []any{res.Seqs, res.Min}, err
			}, []any{imap.SeqSet(nil), uint32(2)}, ""},
		"Convert": {"C: $ UID CONVERT 5:19 (NIL) BINARY[1]\nS: * 9 CONVERTED (TAG \"$\") (UID 19 BINARY[1] \"x\")\n" + part +
			"C: $ UID CONVERT 5:17 (NIL) BINARY[1]\nS: * 1 CONVERTED (TAG \"$\") (UID 5 BINARY[1] \"y\")\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) (any, error) {
				res, err := c.Convert(ctx, imap.UIDRange(5, 19), imap.ConvertTo{}, imap.ConvertData(1))
				return len(res), err
			}, 2, ""},
		"Convert, MAXCONVERTMESSAGES": {"C: $ UID CONVERT 5:19 (NIL) BINARY[1]\nS: $ NO [MAXCONVERTMESSAGES 2] too many\n" +
			"C: $ UID SEARCH RETURN (ALL) UID 5:19\nS: * ESEARCH (TAG \"$\") UID ALL 5,7,19\nS: $ OK done\n" +
			"C: $ UID CONVERT 7,19 (NIL) BINARY[1]\nS: * 9 CONVERTED (TAG \"$\") (UID 19 BINARY[1] \"x\")\nS: $ OK done\n" +
			"C: $ UID CONVERT 5 (NIL) BINARY[1]\nS: * 1 CONVERTED (TAG \"$\") (UID 5 BINARY[1] \"y\")\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) (any, error) {
				res, err := c.Convert(ctx, imap.UIDRange(5, 19), imap.ConvertTo{}, imap.ConvertData(1))
				return len(res), err
			}, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.Offering(t, "ESEARCH SORT ESORT THREAD=REFERENCES MULTISEARCH CONTEXT=SEARCH CONDSTORE QRESYNC ENABLE UIDPLUS MULTIAPPEND LITERAL+ PARTIAL CONVERT",
				"C: $ SELECT INBOX\nS: * 9 EXISTS\nS: $ OK [READ-WRITE] done\nC: $ NOOP\nS: $ OK done\n"+test.script+testkit.OnlyNoop)
			testkit.Open(t, c, "INBOX")
			require.NoError(t, c.Noop(testkit.Context(t)))
			got, err := test.call(testkit.Context(t), c)
			assert.Equal(t, test.want, got)
			if test.stop == "" {
				require.NoError(t, err)
			} else {
				assert.Equal(t, test.stop, partialOf(t, err))
			}
			testkit.RequireNothingSent(t, c)
		})
	}
}

// TestLocalSortOfParts: with LocalSort all messages are sorted by the client if the server sorts only a part.
func TestLocalSortOfParts(t *testing.T) {
	const rest = "C: $ UID SEARCH ALL\nS: * SEARCH 2 18 19\nS: $ OK done\n" +
		"C: $ UID FETCH 2,18:19 (UID ENVELOPE INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (References)])\n" +
		"S: * 1 FETCH (UID 2 RFC822.SIZE 7)\nS: * 2 FETCH (UID 18 RFC822.SIZE 9)\nS: * 3 FETCH (UID 19 RFC822.SIZE 3)\nS: $ OK done\n"
	size := []imap.SortKey{{Name: "SIZE"}}
	for _, answer := range []string{"S: * SORT 19 18\nS: $ OK [MESSAGELIMIT 2 18] a part\n", "S: $ NO [MESSAGELIMIT 2] too many\n"} {
		c := testkit.FollowWith(t, &imap.Options{LocalSort: true}, "S: * PREAUTH [CAPABILITY IMAP4rev1 SORT THREAD=ORDEREDSUBJECT] hi\n"+
			"C: $ SELECT INBOX\nS: * 3 EXISTS\nS: $ OK done\nC: $ UID SORT (SIZE) UTF-8 ALL\n"+answer+rest+
			"C: $ UID SORT (SIZE) UTF-8 ALL\n"+answer+rest+"C: $ UID THREAD ORDEREDSUBJECT UTF-8 ALL\n"+strings.Replace(answer, "* SORT 19 18", "* THREAD (18)(19)", 1)+rest)
		testkit.Open(t, c, "INBOX")
		uids, err := c.Sort(testkit.Context(t), size, imap.Where())
		require.NoError(t, err)
		assert.Equal(t, []imap.UID{19, 2, 18}, uids)
		res, err := c.SortExtended(testkit.Context(t), size, imap.Where(), &imap.SearchOptions{Max: true})
		require.NoError(t, err)
		assert.EqualValues(t, 18, res.Max)
		threads, err := c.Thread(testkit.Context(t), "ORDEREDSUBJECT", imap.Where())
		require.NoError(t, err)
		assert.Len(t, threads, 1)
	}
}

// TestNumbersThatMoveWhileTheyAreCollected: sequence numbers that need several commands are collected again if messages are
// removed meanwhile, and refused if that does not end.
func TestNumbersThatMoveWhileTheyAreCollected(t *testing.T) {
	const items = " (UID ENVELOPE INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (References)])\n"
	const goes = "C: $ SEARCH ALL\nS: * SEARCH 1 2 3\nS: $ OK done\nC: $ FETCH 1:3" + items +
		"S: * 1 FETCH (UID 2 RFC822.SIZE 7)\nS: * 2 FETCH (UID 18 RFC822.SIZE 9)\nS: * 3 FETCH (UID 19 RFC822.SIZE 3)\nS: * 1 EXPUNGE\nS: * 3 EXISTS\nS: $ OK done\n"
	const head = "S: * PREAUTH [CAPABILITY IMAP4rev1] hi\nC: $ SELECT INBOX\nS: * 3 EXISTS\nS: $ OK done\n"
	size := []imap.SortKey{{Name: "SIZE"}}
	c := testkit.FollowWith(t, &imap.Options{LocalSort: true}, head+goes+"C: $ SEARCH ALL\nS: * SEARCH 1 2\nS: $ OK done\nC: $ FETCH 1:2"+items+
		"S: * 1 FETCH (UID 18 RFC822.SIZE 9)\nS: * 2 FETCH (UID 19 RFC822.SIZE 3)\nS: $ OK done\n")
	testkit.Open(t, c, "INBOX")
	nums, err := c.SortSeq(testkit.Context(t), size, imap.Where())
	require.NoError(t, err)
	assert.Equal(t, []imap.SeqNum{2, 1}, nums)
	c = testkit.FollowWith(t, &imap.Options{LocalSort: true}, head+strings.Repeat(goes, 5)+testkit.OnlyNoop)
	testkit.Open(t, c, "INBOX")
	_, err = c.ThreadSeq(testkit.Context(t), "REFERENCES", imap.Where())
	require.ErrorContains(t, err, "sequence numbers")
	testkit.RequireNothingSent(t, c)
}

// TestLocalSortOfMessagesInParts: messages whose sizes arrive first, and the rest after those of many others, are sorted
// once each.
func TestLocalSortOfMessagesInParts(t *testing.T) {
	const most = 20
	sizes, rest, uids := "", "", ""
	for i := range most {
		sizes += fmt.Sprintf("S: * %d FETCH (UID %d RFC822.SIZE %d)\n", i+1, i+1, most-i)
		rest += fmt.Sprintf("S: * %d FETCH (UID %d ENVELOPE NIL INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" BODY[HEADER.FIELDS (References)] \"\")\n", i+1, i+1)
		uids += fmt.Sprintf(" %d", i+1)
	}
	c := testkit.FollowWith(t, &imap.Options{LocalSort: true}, fmt.Sprintf("S: * PREAUTH [CAPABILITY IMAP4rev1] hi\nC: $ SELECT INBOX\nS: * %d EXISTS\nS: $ OK done\n", most)+
		"C: $ UID SEARCH ALL\nS: * SEARCH"+uids+"\nS: $ OK done\n"+
		"C: $ UID FETCH 1:20 (UID ENVELOPE INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (References)])\n"+sizes+rest+"S: $ OK done\n")
	testkit.Open(t, c, "INBOX")
	got, err := c.Sort(testkit.Context(t), []imap.SortKey{{Name: "SIZE"}}, imap.Where())
	require.NoError(t, err)
	require.Len(t, got, most)
	assert.EqualValues(t, most, got[0])
	assert.EqualValues(t, 1, got[most-1])
}

// TestNumbersOfAPartFromBelow: if a server reports the UIDs of a part of the numbers, and not from the highest down, the
// remaining ones are unknown, and nothing is done.
func TestNumbersOfAPartFromBelow(t *testing.T) {
	c := testkit.Offering(t, "UIDPLUS MESSAGELIMIT=2", "C: $ SELECT INBOX\nS: * 4 EXISTS\nS: $ OK done\n"+
		"C: $ FETCH 1:4 (UID)\nS: * 1 FETCH (UID 10)\nS: * 2 FETCH (UID 20)\nS: $ OK [MESSAGELIMIT 2 20] a part\n"+testkit.OnlyNoop)
	testkit.Open(t, c, "INBOX")
	_, err := c.Copy(testkit.Context(t), imap.SeqRange(1, 4), "b")
	require.ErrorContains(t, err, "did not send the UIDs of all messages")
	testkit.RequireNothingSent(t, c)
}

// TestNoAnswerIsIncomplete runs each call on a server that processes a few messages at once and on one that processes any
// number. The results are equal, or the call reports that its result is partial: an incomplete answer without an error is
// never returned. If the server reports down to which UID it went, only calls whose parts cannot be joined may stop there.
func TestNoAnswerIsIncomplete(t *testing.T) {
	rounds := uint64(60)
	if n, err := strconv.ParseUint(os.Getenv("IMAP_ROUNDS"), 10, 64); err == nil {
		rounds = n
	}
	mayStop := map[string]bool{"Search, a part": true, "Fetch of a part": true, "Fetch of what was saved": true}
	for _, name := range slices.Sorted(maps.Keys(twinCalls)) {
		call := twinCalls[name]
		t.Run(name, func(t *testing.T) {
			stopped := 0
			for seed := range rounds {
				r := rand.New(rand.NewPCG(seed, 3))
				opts := imaptest.Options{}
				for _, c := range []string{"ESEARCH", "CONDSTORE", "PARTIAL", "MOVE", "UIDBATCHES", "ESORT", "PREVIEW"} {
					if r.IntN(4) == 0 && name != "FetchChanges" && !(c == "CONDSTORE" && name == "Store") &&
						!(name == "Search, a part" || name == "Fetch of what was saved" || name == "Fetch of a part" || name == "SearchMailboxes") {
						opts.NoCaps = append(opts.NoCaps, c)
					}
				}
				few := opts
				few.MessageLimit, few.SaveLimit = 1+r.IntN(6), 1+r.IntN(4)
				few.Style.LimitByNo, few.Style.LimitNoUID = r.IntN(3) == 0, r.IntN(5) == 0
				qresync := r.IntN(2) == 0 || name == "FetchChanges"
				run := func(o imaptest.Options) (any, error) {
					w := newTwin(t, seed, o, &imap.Options{LocalSort: true})
					if qresync && !slices.Contains(o.NoCaps, "CONDSTORE") {
						_, err := w.c.Enable(testkit.Context(t), "QRESYNC")
						require.NoError(t, err)
					}
					testkit.Open(t, w.c, "INBOX")
					return call(testkit.Context(t), w)
				}
				want, err := run(opts)
				require.NoError(t, err, "seed %d", seed)
				got, err := run(few)
				if err == nil {
					require.Equal(t, want, got, "seed %d, limit %d", seed, few.MessageLimit)
					continue
				}
				stopped++
				_, partial := errors.AsType[*imap.PartialError](err)
				refused := imap.CodeOf(err) == imap.CodeMessageLimit
				assert.True(t, partial || refused, "seed %d: %v", seed, err)
				assert.True(t, mayStop[name] || few.Style.LimitNoUID, "seed %d, limit %d, style %+v: %v", seed, few.MessageLimit, few.Style, err)
			}
			t.Logf("%d of %d said that they are a part", stopped, rounds)
		})
	}
}

// TestBatches: each message is in exactly one batch, however the set is named and the server is asked.
func TestBatches(t *testing.T) {
	for _, without := range [][]string{nil, {"UIDBATCHES"}, {"UIDBATCHES", "ESEARCH"}} {
		for _, least := range []int{0, 100} {
			srv := imaptest.New(t, &imaptest.Options{NoCaps: without, PreAuth: "user", LeastBatch: least, MessageLimit: 7})
			box := srv.User("user").Mailbox("INBOX")
			for range 50 {
				box.Append([]byte("Subject: x\r\n\r\n"), nil, time.Now())
			}
			for uid := uint32(3); uid < 50; uid += 5 {
				box.Expunge(uid)
			}
			c, err := imap.NewClient(testkit.Context(t), srv.Dial(), nil)
			require.NoError(t, err)
			testkit.Open(t, c, "INBOX")
			for _, set := range []imap.NumSet{imap.UIDRange(1, 0), imap.SeqRange(1, 0), imap.SeqRange(1, 40), imap.UIDRange(1, 99)} {
				seen, batches := map[imap.UID]bool{}, 0
				for b, err := range c.Batches(testkit.Context(t), set, 9) {
					require.NoError(t, err)
					assert.EqualValues(t, len(seen), b.Done)
					assert.EqualValues(t, 40, b.Total)
					list, err := imap.Collect(c.Fetch(testkit.Context(t), b.UIDs))
					require.NoError(t, err)
					assert.LessOrEqual(t, len(list), 9)
					for _, m := range list {
						assert.False(t, seen[m.UID])
						seen[m.UID] = true
					}
					batches++
				}
				assert.Len(t, seen, 40, "%v", set)
				assert.Equal(t, 5, batches)
			}
			c.Close()
		}
	}
}

func TestStorable(t *testing.T) {
	all := []imap.Flag{imap.FlagSeen, imap.FlagRecent, imap.FlagDraft, "$Work", `\Own`}
	for name, test := range map[string]struct{ permanent, want []imap.Flag }{
		"not said":    {nil, []imap.Flag{imap.FlagSeen, imap.FlagDraft, "$Work", `\Own`}},
		"none":        {[]imap.Flag{}, nil},
		"some":        {[]imap.Flag{`\SEEN`, "$work"}, []imap.Flag{imap.FlagSeen, "$Work"}},
		"any keyword": {[]imap.Flag{imap.FlagSeen, `\*`}, []imap.Flag{imap.FlagSeen, "$Work"}},
	} {
		assert.Equal(t, test.want, (&imap.Mailbox{PermanentFlags: test.permanent}).Storable(all), name)
	}
}

// TestUIDOnlyRefusesNumbers: under UIDONLY, calls by sequence number fail before anything is sent.
func TestUIDOnlyRefusesNumbers(t *testing.T) {
	c := testkit.Offering(t, "ENABLE UIDONLY MOVE SORT ESORT THREAD=REFS REPLACE CONVERT QRESYNC", `
		C: $ ENABLE UIDONLY QRESYNC
		S: * ENABLED UIDONLY QRESYNC
		S: $ OK done
		C: $ SELECT INBOX
		S: * 3 EXISTS
		S: $ OK done
	`+testkit.OnlyNoop)
	ctx := testkit.Context(t)
	_, err := c.Enable(ctx, "UIDONLY", "QRESYNC")
	require.NoError(t, err)
	testkit.Open(t, c, "INBOX")
	seqs := imap.SeqRange(1, 3)
	for name, err := range map[string]error{
		"Fetch":           testkit.ErrOf(imap.Collect(c.Fetch(ctx, seqs))),
		"Store":           testkit.ErrOf(c.Store(ctx, seqs, imap.AddFlags(imap.FlagSeen), nil)),
		"Copy":            testkit.ErrOf(c.Copy(ctx, seqs, "b")),
		"Move":            testkit.ErrOf(c.Move(ctx, seqs, "b")),
		"SearchSeq":       testkit.ErrOf(c.SearchSeq(ctx, imap.Where(), nil)),
		"Search":          testkit.ErrOf(c.Search(ctx, imap.Where().Not(imap.Where().In(seqs)), nil)),
		"SortSeq":         testkit.ErrOf(c.SortSeq(ctx, []imap.SortKey{{Name: "DATE"}}, imap.Where())),
		"ReplaceSeq":      testkit.ErrOf(c.ReplaceSeq(ctx, 1, "b", imap.LiteralString("x"), nil)),
		"ThreadSeq":       testkit.ErrOf(c.ThreadSeq(ctx, "REFS", imap.Where())),
		"Sort":            testkit.ErrOf(c.Sort(ctx, []imap.SortKey{{Name: "DATE"}}, imap.Where().In(seqs))),
		"SortSeqExtended": testkit.ErrOf(c.SortSeqExtended(ctx, []imap.SortKey{{Name: "DATE"}}, imap.Where(), nil)),
		"Convert":         testkit.ErrOf(c.Convert(ctx, seqs, imap.ConvertTo{Type: "text/plain"}, imap.ConvertData(1))),
		"QResync": testkit.ErrOf(c.Select(ctx, "b", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 7, ModSeq: 1, KnownUIDs: imap.UIDs(1, 2),
			MatchSeqs: imap.Seqs(1), MatchUIDs: imap.UIDs(1)}})),
	} {
		assert.ErrorIs(t, err, imap.ErrUIDOnly, name)
		assert.True(t, imap.SafeToRetry(err), name)
	}
	testkit.RequireNothingSent(t, c)
}
