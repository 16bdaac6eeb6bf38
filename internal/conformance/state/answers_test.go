package state_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestUntaggedOldestFirst: the first of two answers belongs to the older of two equal commands.
func TestUntaggedOldestFirst(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID SEARCH SEEN
		C: $ UID SEARCH DRAFT
		S: * SEARCH 1
		S: $2 OK
		S: * SEARCH 2
		S: $3 OK
	`)
	ctx := testkit.Context(t)
	var seen, draft *imap.SearchResult
	p := c.Pipeline()
	p.Go(func(c *imap.Client) (err error) { seen, err = c.Search(ctx, imap.Where().Seen(), nil); return err })
	p.Go(func(c *imap.Client) (err error) { draft, err = c.Search(ctx, imap.Where().Draft(), nil); return err })
	require.NoError(t, p.Wait())
	assert.Equal(t, imap.UIDs(1), seen.UIDs)
	assert.Equal(t, imap.UIDs(2), draft.UIDs)
}

// TestFetchMerged: data of one message in several responses is one message.
func TestFetchMerged(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 7:9 (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER] BODY.PEEK[TEXT])
		S: * 1 FETCH (UID 7 FLAGS (\Seen))
		S: * 2 FETCH (UID 8 RFC822.SIZE 88)
		S: * 1 FETCH (UID 7 RFC822.SIZE 77)
		S: * 2 FETCH (BODY[TEXT] "eight" BODY[HEADER] "8")
		S: * 3 FETCH (UID 9 RFC822.SIZE 99 BODY[HEADER] "9" FLAGS () BODY[TEXT] "nine")
		S: * 1 FETCH (UID 7 BODY[HEADER] {1}
		S: 7 BODY[TEXT] "seven")
		S: * 2 FETCH (UID 8 FLAGS (\Draft))
		S: $ OK done
	`)
	header, text := imap.Section{Specifier: "HEADER"}, imap.Section{Specifier: "TEXT"}
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(7, 9), imap.FetchFlags, imap.FetchSize, header, text))
	require.NoError(t, err)
	require.Len(t, got, 3)
	for _, m := range got {
		assert.EqualValues(t, 11*m.UID, m.Size)
		assert.Equal(t, fmt.Sprint(m.UID), string(m.Section(header)))
		assert.Equal(t, map[imap.UID]string{7: "seven", 8: "eight", 9: "nine"}[m.UID], string(m.Section(text)))
		assert.NotNil(t, m.Flags)
	}
	assert.Empty(t, c.Events())
}

// TestFetchUnsolicited: unsolicited data of messages is an event, wherever it arrives, and the answer is complete.
func TestFetchUnsolicited(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 7:8 (UID ENVELOPE)
		S: * 1 FETCH (FLAGS (\Seen))
		S: * 1 FETCH (UID 7 FLAGS (\Deleted))
		S: * 1 FETCH (UID 7 ENVELOPE (NIL "seven" NIL NIL NIL NIL NIL NIL NIL NIL))
		S: * 2 FETCH (UID 8 FLAGS () MODSEQ (5))
		S: * 5 FETCH (UID 20 ENVELOPE (NIL "twenty" NIL NIL NIL NIL NIL NIL NIL NIL))
		S: * 9 EXISTS
		S: * 2 FETCH (UID 8 ENVELOPE (NIL "eight" NIL NIL NIL NIL NIL NIL NIL NIL))
		S: * 2 FETCH (UID 8 FLAGS (\Draft))
		S: $ OK done
	`)
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(7, 8), imap.FetchEnvelope))
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, "seven", got[0].Envelope.Subject)
	assert.Equal(t, "eight", got[1].Envelope.Subject)
	assert.Equal(t, []string{"FetchEvent", "FetchEvent", "FetchEvent", "FetchEvent", "ExistsEvent", "FetchEvent"}, testkit.EventKinds(c))
	assert.EqualValues(t, 9, c.Mailbox().Exists)
}

// TestFetchUnsolicitedFlags: flags that change while they are fetched, reported with or without the UID, do not split a
// message in two or lose one.
func TestFetchUnsolicitedFlags(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 7:8 (UID FLAGS RFC822.SIZE)
		S: * 1 FETCH (FLAGS (\Seen))
		S: * 1 FETCH (UID 7 FLAGS (\Seen \Deleted) RFC822.SIZE 70)
		S: * 4 FETCH (FLAGS (\Answered))
		S: * 2 FETCH (UID 8 RFC822.SIZE 80 FLAGS ())
		S: $ OK done
	`)
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(7, 8), imap.FetchFlags, imap.FetchSize))
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, []imap.Flag{imap.FlagSeen, imap.FlagDeleted}, got[0].Flags)
	assert.EqualValues(t, 80, got[1].Size)
	assert.Empty(t, got[1].Flags)
	assert.Equal(t, []string{"FetchEvent"}, testkit.EventKinds(c), "message 4")
}

// TestFetchOpenRange: for n:* a message below n is the answer only if it is the last one.
func TestFetchOpenRange(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 300:* (UID FLAGS)
		S: * 2 FETCH (UID 20 FLAGS (\Seen))
		S: * 5 FETCH (UID 50 FLAGS ())
		S: $ OK done
	`)
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(300, 0), imap.FetchFlags))
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.EqualValues(t, 50, got[0].UID)
	assert.Equal(t, []string{"FetchEvent"}, testkit.EventKinds(c))
}

// TestExpungeWhileFetching: while messages are fetched by UID others may be removed; a message in several responses is
// still merged.
func TestExpungeWhileFetching(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 7:9 (UID FLAGS RFC822.SIZE)
		S: * 3 FETCH (UID 7 FLAGS (\Seen))
		S: * 4 FETCH (UID 8 RFC822.SIZE 80)
		S: * 1 EXPUNGE
		S: * 2 FETCH (RFC822.SIZE 70)
		S: * 1 EXPUNGE
		S: * 2 FETCH (UID 8 FLAGS ())
		S: * 3 FETCH (UID 9 FLAGS (\Draft) RFC822.SIZE 90)
		S: $ OK done
	`)
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(7, 9), imap.FetchFlags, imap.FetchSize))
	require.NoError(t, err)
	require.Len(t, got, 3)
	for _, m := range got {
		assert.EqualValues(t, 10*m.UID, m.Size)
	}
	assert.EqualValues(t, 3, c.Mailbox().Exists)
	assert.Equal(t, []string{"ExpungeEvent", "ExpungeEvent"}, testkit.EventKinds(c))
}

// TestNewsInOrder: data of a message that may have been requested, and was not, is an event before what follows it: before
// newer data of the message, and before its number becomes that of another one.
func TestNewsInOrder(t *testing.T) {
	for name, test := range map[string]struct {
		rows string
		want []string
	}{
		"removed":  {"S: * 3 EXPUNGE", []string{`3 0 [\Seen]`, "gone 3"}},
		"vanished": {"S: * VANISHED 99", []string{`3 0 [\Seen]`, "gone 99"}},
		"with a UID": {`S: * 3 FETCH (UID 99 FLAGS ())
			S: * 1 EXPUNGE`, []string{`3 0 [\Seen]`, "3 99 []", "gone 1"}},
		"without a UID": {`S: * 3 FETCH (FLAGS (\Draft))
			S: * 3 FETCH (UID 99 FLAGS ())`, []string{`3 0 [\Seen]`, `3 0 [\Draft]`, "3 99 []"}},
	} {
		for way, fetch := range map[string]func(c *imap.Client) error{
			"Fetch": func(c *imap.Client) error {
				return testkit.Drain(c.Fetch(testkit.Context(t), imap.UIDRange(10, 20), imap.FetchFlags))
			},
			"FetchStream": func(c *imap.Client) error {
				return testkit.Drain(c.FetchStream(testkit.Context(t), imap.UIDRange(10, 20), imap.FetchFlags))
			},
			"Store": func(c *imap.Client) error {
				_, err := c.Store(testkit.Context(t), imap.UIDRange(10, 20), imap.AddFlags(imap.FlagSeen), nil)
				return err
			},
		} {
			t.Run(way+", "+name, func(t *testing.T) {
				command := "UID FETCH 10:20 (UID FLAGS)"
				if way == "Store" {
					command = "UID STORE 10:20 +FLAGS (\\Seen)"
				}
				c := testkit.Selected(t, "C: $ "+command+"\nS: * 3 FETCH (FLAGS (\\Seen))\n"+test.rows+"\nS: * 4 FETCH (UID 15 FLAGS ())\nS: $ OK done\n")
				require.NoError(t, fetch(c))
				var news []string
				for _, ev := range c.Events() {
					switch ev := ev.(type) {
					case *imap.FetchEvent:
						news = append(news, fmt.Sprint(ev.Message.SeqNum, ev.Message.UID, ev.Message.Flags))
					case *imap.ExpungeEvent:
						news = append(news, fmt.Sprint("gone ", ev.SeqNum))
					case *imap.VanishedEvent:
						news = append(news, fmt.Sprint("gone ", ev.UIDs))
					}
				}
				assert.Equal(t, test.want, news)
			})
		}
	}
}

// TestStoreUnsolicited: a STORE takes the flags of its own messages; a change of others is an event.
func TestStoreUnsolicited(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID STORE 7 +FLAGS (\Seen)
		S: * 2 FETCH (UID 8 FLAGS (\Deleted))
		S: * 3 FETCH (FLAGS (\Draft))
		S: * 1 FETCH (UID 7 FLAGS (\Seen))
		S: $ OK done
	`)
	res, err := c.Store(testkit.Context(t), imap.UIDs(7), imap.AddFlags(imap.FlagSeen), nil)
	require.NoError(t, err)
	require.Len(t, res.Messages, 1)
	assert.EqualValues(t, 7, res.Messages[0].UID)
	assert.Len(t, testkit.EventKinds(c), 2)
}

// TestStoreRowsAreBounded: a STORE keeps no more rows than its messages can have.
func TestStoreRowsAreBounded(t *testing.T) {
	const rows = 200
	c := testkit.Selected(t, `
		C: $ UID STORE 1:2 FLAGS (x)
		`+strings.Repeat(`S: * 1 FETCH (UID 1 FLAGS (x))
		`, rows)+`S: $ OK done
	`)
	res, err := c.Store(testkit.Context(t), imap.UIDRange(1, 2), imap.SetFlags("x"), nil)
	require.NoError(t, err)
	assert.Len(t, res.Messages, 1)
	assert.Empty(t, testkit.EventKinds(c))
}

// TestUntaggedDispatch: data of other mailboxes, names, alerts and unknown responses arrive during commands that
// expect similar data.
func TestUntaggedDispatch(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ STATUS a (MESSAGES)
		S: * STATUS a (MESSAGES 1)
		S: * STATUS other (MESSAGES 9)
		S: * LIST () "/" a
		S: $ OK
		C: $ NOOP
		S: * STATUS a (MESSAGES 2)
		S: * SEARCH 1 2
		S: * LIST (\NonExistent) "/" gone
		S: * XYZZY {4}
		S: abcd more
		S: * OK [ALERT] look
		S: * NO disk nearly full
		S: $ OK
		C: $ UID SEARCH ALL
		S: * 7 EXISTS
		S: * FLAGS (\Seen $new)
		S: * SEARCH 3
		S: $ OK
		C: $ EXPUNGE
		S: * 1 EXPUNGE
		S: * 3 RECENT
		S: $ OK
	`)
	ctx := testkit.Context(t)
	st, err := c.Status(ctx, "a", imap.StatusMessages)
	require.NoError(t, err)
	assert.EqualValues(t, 1, *st.Messages)
	events := c.Events()
	require.Len(t, events, 2)
	assert.Equal(t, "other", events[0].(*imap.StatusEvent).Status.Mailbox)
	assert.Equal(t, "a", events[1].(*imap.ListEvent).Entry.Name)
	require.NoError(t, c.Noop(ctx))
	events = c.Events()
	require.Len(t, events, 6)
	assert.EqualValues(t, 2, *events[0].(*imap.StatusEvent).Status.Messages)
	assert.Equal(t, "* SEARCH 1 2", string(events[1].(*imap.UnknownEvent).Raw))
	assert.True(t, events[2].(*imap.ListEvent).Entry.Has(imap.AttrNonExistent))
	assert.Equal(t, "* XYZZY {4}\r\nabcd more", string(events[3].(*imap.UnknownEvent).Raw))
	assert.Equal(t, "look", events[4].(*imap.AlertEvent).Text)
	assert.Contains(t, string(events[5].(*imap.UnknownEvent).Raw), "disk nearly full")
	found, err := c.Search(ctx, imap.Where(), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(3), found.UIDs)
	assert.Equal(t, []string{"ExistsEvent", "FlagsEvent"}, testkit.EventKinds(c))
	assert.EqualValues(t, 7, c.Mailbox().Exists)
	gone, err := c.Expunge(ctx)
	require.NoError(t, err)
	assert.Equal(t, []imap.SeqNum{1}, gone.SeqNums)
	assert.Equal(t, []string{"RecentEvent"}, testkit.EventKinds(c))
	assert.EqualValues(t, 6, c.Mailbox().Exists)
}

// TestEventsAreBounded: the number of queued events is limited; a DroppedEvent reports that some were dropped.
func TestEventsAreBounded(t *testing.T) {
	for name, line := range map[string]string{
		"many":    "* 9 EXISTS",
		"large":   "* XYZZY " + strings.Repeat("x", 100<<10),
		"lists":   `* LIST () "/" ` + strings.Repeat("x", 100<<10),
		"alerts":  "* OK [ALERT] " + strings.Repeat("x", 100<<10),
		"flags":   "* FLAGS (" + strings.Repeat("$abcdefgh ", 10<<10) + ")",
		"status":  "* STATUS " + strings.Repeat("x", 100<<10) + " (MESSAGES 1)",
		"rows":    `* 1 FETCH (ENVELOPE (NIL "` + strings.Repeat("x", 100<<10) + `" NIL NIL NIL NIL NIL NIL NIL NIL))`,
		"literal": "* 1 FETCH (FLAGS (a) PREVIEW {102400}\r\n" + strings.Repeat("x", 100<<10) + ")",
	} {
		t.Run(name, func(t *testing.T) {
			rounds := max(20_000*10/len(line), 100)
			if name == "many" {
				rounds = 20_000
			}
			c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
				tag := h.Line("NOOP")
				for range rounds {
					h.Put("%s\r\n", line)
				}
				h.Send("%s OK done", tag)
				h.OK()
			})
			require.NoError(t, c.Noop(testkit.Context(t)))
			events := c.Events()
			require.NotEmpty(t, events)
			assert.IsType(t, &imap.DroppedEvent{}, events[0])
			assert.LessOrEqual(t, len(events), 4097)
			assert.Less(t, len(events)*len(line), 5<<20)
			assert.NotContains(t, testkit.EventKinds(c), "DroppedEvent")
		})
	}
}

// TestEventsYieldToResults: events and results that wait for a loop share one limit, and events are dropped first.
func TestEventsYieldToResults(t *testing.T) {
	news := strings.Repeat("* XYZZY "+strings.Repeat("x", 100<<10)+"\r\n", 60)
	var rows strings.Builder
	for i := range 60 {
		fmt.Fprintf(&rows, "* %d FETCH (UID %d BODY[] {102400}\r\n%s)\r\n", i+2, i+2, strings.Repeat("x", 100<<10))
	}
	for name, text := range map[string]string{"events first": news + rows.String(), "results first": rows.String() + news} {
		t.Run(name, func(t *testing.T) {
			c := testkit.DialPeer(t, &imap.Options{MaxBuffered: 8 << 20}, func(h *testkit.Peer) {
				fetch := h.Line("UID FETCH 1:100 (UID BODY.PEEK[])")
				h.Send("* 1 FETCH (UID 1 BODY[] {2}\r\nhi)")
				h.Send("%s%s OK done", text, fetch)
				h.OK()
			})
			n := 0
			for _, err := range c.Fetch(testkit.Context(t), imap.UIDRange(1, 100), imap.Section{}) {
				require.NoError(t, err)
				if n++; n == 1 {
					require.NoError(t, c.Noop(testkit.Context(t)))
				}
			}
			assert.Equal(t, 61, n)
			events := c.Events()
			require.NotEmpty(t, events)
			assert.IsType(t, &imap.DroppedEvent{}, events[0])
			assert.Less(t, len(events), 60)
		})
	}
}

// TestFetchSplitInterleaved: many messages, each in two responses that are far apart.
func TestFetchSplitInterleaved(t *testing.T) {
	const n = 12
	var script strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&script, "S: * %d FETCH (UID %d FLAGS ())\n", i, 100+i)
	}
	for i := n; i > 0; i-- {
		fmt.Fprintf(&script, "S: * %d FETCH (UID %d INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")\n", i, 100+i)
	}
	c := testkit.Selected(t, "\nC: $ UID FETCH 101:112 (UID FLAGS INTERNALDATE)\n"+script.String()+"S: $ OK done\n")
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(101, 100+n), imap.FetchFlags, imap.FetchInternalDate))
	require.NoError(t, err)
	require.Len(t, got, n)
	for _, m := range got {
		assert.True(t, m.InternalDate.Equal(time.Date(1996, 7, 17, 9, 44, 25, 0, time.UTC)))
		assert.NotNil(t, m.Flags)
	}
}

// TestAnswersBeforeTags: two equal commands, whose answers arrive before both of their tagged responses, get one each.
func TestAnswersBeforeTags(t *testing.T) {
	ctx := t.Context()
	for name, test := range map[string]struct {
		lines [2]string
		datas string
		call  func(c *imap.Client, i int) (any, error)
		want  [2]any
	}{
		"STATUS": {[2]string{"STATUS b (MESSAGES)", "STATUS b (UNSEEN)"}, "* STATUS b (MESSAGES 1)\r\n* STATUS b (UNSEEN 2)", callStatus, [2]any{1, 2}},
		"STATUS the other way round": {[2]string{"STATUS b (MESSAGES)", "STATUS b (UNSEEN)"},
			"* STATUS b (UNSEEN 2)\r\n* STATUS b (MESSAGES 1)", callStatus, [2]any{1, 2}},
		"SEARCH": {[2]string{"UID SEARCH SEEN", "UID SEARCH UNSEEN"}, "* SEARCH 1\r\n* SEARCH 2", func(c *imap.Client, i int) (any, error) {
			res, err := c.Search(ctx, []imap.Query{imap.Where().Seen(), imap.Where().Unseen()}[i], nil)
			return res.UIDs.String(), err
		}, [2]any{"1", "2"}},
		"MYRIGHTS": {[2]string{"MYRIGHTS a", "MYRIGHTS b"}, "* MYRIGHTS a lr\r\n* MYRIGHTS b lrs", func(c *imap.Client, i int) (any, error) {
			return c.MyRights(ctx, []string{"a", "b"}[i])
		}, [2]any{"lr", "lrs"}},
		"MYRIGHTS the other way round": {[2]string{"MYRIGHTS a", "MYRIGHTS b"}, "* MYRIGHTS b lrs\r\n* MYRIGHTS a lr", func(c *imap.Client, i int) (any, error) {
			return c.MyRights(ctx, []string{"a", "b"}[i])
		}, [2]any{"lr", "lrs"}},
		"GETACL the other way round": {[2]string{"GETACL a", "GETACL b"}, "* ACL b bob lr\r\n* ACL a ada lrs", func(c *imap.Client, i int) (any, error) {
			return joined(c.GetACL(ctx, []string{"a", "b"}[i]))
		}, [2]any{"[{ada lrs}]", "[{bob lr}]"}},
		"LISTRIGHTS the other way round": {[2]string{"LISTRIGHTS a ada", "LISTRIGHTS a bob"}, "* LISTRIGHTS a bob lr\r\n* LISTRIGHTS a ada lrs", func(c *imap.Client, i int) (any, error) {
			required, _, err := c.ListRights(ctx, "a", []string{"ada", "bob"}[i])
			return required, err
		}, [2]any{"lrs", "lr"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.DialPeerOffering(t, "IMAP4rev1 ACL QUOTA", nil, func(h *testkit.Peer) {
				one, two := h.Line(test.lines[0]), h.Line(test.lines[1])
				h.Send("%s\r\n%s OK x\r\n%s OK x", test.datas, one, two)
			})
			var got [2]any
			p := c.Pipeline()
			for i := range 2 {
				p.Go(func(c *imap.Client) (err error) { got[i], err = test.call(c, i); return err })
			}
			require.NoError(t, p.Wait())
			assert.Equal(t, test.want, got)
		})
	}
	t.Run("LIST waits", func(t *testing.T) {
		c := testkit.DialPeerOffering(t, "IMAP4rev1", nil, func(h *testkit.Peer) {
			for _, name := range []string{"a", "b"} {
				tag := h.Line(`LIST "" ` + name)
				h.Send("* LIST () NIL %s\r\n%s OK x", name, tag)
			}
		})
		var got [2]string
		p := c.Pipeline()
		for i, name := range []string{"a", "b"} {
			p.Go(func(c *imap.Client) error {
				list, err := c.List(ctx, "", name, nil)
				for _, e := range list {
					got[i] += e.Name
				}
				return err
			})
		}
		require.NoError(t, p.Wait())
		assert.Equal(t, [2]string{"a", "b"}, got)
	})
}

// TestAnswerBeforeRefusal: of two equal commands the first is refused. A single answer is that of the second, even if it came
// before the refusal; of two answers, the second one is.
func TestAnswerBeforeRefusal(t *testing.T) {
	ctx := t.Context()
	for name, test := range map[string]struct {
		line string
		call func(c *imap.Client) (any, error)
		data [2]string // its answers, with the values 1 and 2
		want [2]string
	}{
		"MYRIGHTS": {"MYRIGHTS a", func(c *imap.Client) (any, error) { return c.MyRights(ctx, "a") }, [2]string{"MYRIGHTS a lr", "MYRIGHTS a lrs"}, [2]string{"lr", "lrs"}},
		"GETACL": {"GETACL a", func(c *imap.Client) (any, error) { return joined(c.GetACL(ctx, "a")) }, [2]string{"ACL a ada lr", "ACL a ada lrs"},
			[2]string{"[{ada lr}]", "[{ada lrs}]"}},
		"SEARCH": {"UID SEARCH SEEN", func(c *imap.Client) (any, error) {
			res, err := c.Search(ctx, imap.Where().Seen(), nil)
			if err != nil {
				return nil, err
			}
			return res.UIDs.String(), nil
		}, [2]string{"SEARCH 1", "SEARCH 2"}, [2]string{"1", "2"}},
		"SORT": {"UID SORT (ARRIVAL) UTF-8 SEEN", func(c *imap.Client) (any, error) {
			return joined(c.Sort(ctx, []imap.SortKey{{Name: "ARRIVAL"}}, imap.Where().Seen()))
		}, [2]string{"SORT 1", "SORT 2"}, [2]string{"[1]", "[2]"}},
	} {
		for answers := range 3 {
			t.Run(fmt.Sprint(name, " ", answers), func(t *testing.T) {
				c := testkit.DialPeerOffering(t, "IMAP4rev1 ACL SORT", nil, func(h *testkit.Peer) {
					one, two := h.Line(test.line), h.Line(test.line)
					if answers > 0 {
						h.Send("* %s", test.data[0])
					}
					h.Send("%s NO not now", one)
					if answers > 1 {
						h.Send("* %s", test.data[1])
					}
					h.Send("%s OK x", two)
				})
				var got [2]any
				var errs [2]error
				p := c.Pipeline()
				for i := range 2 {
					p.Go(func(c *imap.Client) error { got[i], errs[i] = test.call(c); return nil })
				}
				require.NoError(t, p.Wait())
				require.Error(t, errs[0])
				require.NoError(t, errs[1])
				if answers > 0 {
					assert.Equal(t, test.want[answers-1], got[1])
				} else {
					assert.NotContains(t, test.want, got[1])
				}
			})
		}
	}
}

// TestPartBeforeLimit: a search that is refused because of MESSAGELIMIT returns a part of its messages. They are not those of the
// next search, which has none.
func TestPartBeforeLimit(t *testing.T) {
	ctx := t.Context()
	c := testkit.DialPeerOffering(t, "IMAP4rev1", &imap.Options{StopAtLimit: true}, func(h *testkit.Peer) {
		one, two := h.Line("UID SEARCH SEEN"), h.Line("UID SEARCH DRAFT")
		h.Send("* SEARCH 5")
		h.Send("%s NO [MESSAGELIMIT 1 5] not all", one)
		h.Send("%s OK x", two)
	})
	var seen, draft *imap.SearchResult
	var limited, err error
	p := c.Pipeline()
	p.Go(func(c *imap.Client) error { seen, limited = c.Search(ctx, imap.Where().Seen(), nil); return nil })
	p.Go(func(c *imap.Client) error { draft, err = c.Search(ctx, imap.Where().Draft(), nil); return nil })
	require.NoError(t, p.Wait())
	require.ErrorAs(t, limited, new(*imap.PartialError))
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(5), seen.UIDs)
	assert.Empty(t, draft.UIDs)
}

func joined[T any](v T, err error) (any, error) { return fmt.Sprint(v), err }

// TestAnswersThatWouldMix: the answers to these commands do not tell which of two commands they are for, so the second is sent
// when the first is answered.
func TestAnswersThatWouldMix(t *testing.T) {
	ctx, comment := context.Background(), imap.EntrySharedComment
	urls := []string{"imap://ada@h/a/;uid=1;urlauth=user+ada:internal:91354a", "imap://ada@h/b/;uid=1;urlauth=user+ada:internal:5f920"}
	plain := []*imap.URL{{User: "ada", Host: "h", Mailbox: "a", UID: 1, Access: "anonymous"}, {User: "ada", Host: "h", Mailbox: "b", UID: 1, Access: "anonymous"}}
	counts := &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages}}
	for name, calls := range map[string][2]func(c *imap.Client) (any, error){
		"GETMETADATA": {
			func(c *imap.Client) (any, error) { return joined(c.GetMetadata(ctx, "a", comment)) },
			func(c *imap.Client) (any, error) { return joined(c.GetMetadata(ctx, "b", comment)) },
		},
		"URLFETCH": {
			func(c *imap.Client) (any, error) { return joined(c.FetchURLs(ctx, imap.URLRequest{URL: urls[0]})) },
			func(c *imap.Client) (any, error) { return joined(c.FetchURLs(ctx, imap.URLRequest{URL: urls[1]})) },
		},
		"GENURLAUTH": {
			func(c *imap.Client) (any, error) { return joined(c.AuthorizeURLs(ctx, "INTERNAL", plain[0])) },
			func(c *imap.Client) (any, error) { return joined(c.AuthorizeURLs(ctx, "INTERNAL", plain[1])) },
		},
		"LIST-STATUS": {
			func(c *imap.Client) (any, error) { return joined(c.List(ctx, "", "a", counts)) },
			func(c *imap.Client) (any, error) { return joined(c.Status(ctx, "b", imap.StatusMessages)) },
		},
		"STATUS": {
			func(c *imap.Client) (any, error) { return joined(c.Status(ctx, "b", imap.StatusMessages)) },
			func(c *imap.Client) (any, error) { return joined(c.List(ctx, "", "a", counts)) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testkit.DialPeerOffering(t, "IMAP4rev1 METADATA URLAUTH LIST-EXTENDED LIST-STATUS", nil, func(h *testkit.Peer) { h.Barriers([]bool{true}) })
				p := c.Pipeline()
				for _, call := range calls {
					p.Go(func(c *imap.Client) error { _, err := call(c); return err })
				}
				p.Wait()
			})
		})
	}
}

func callStatus(c *imap.Client, i int) (any, error) {
	st, err := c.Status(context.Background(), "b", []imap.StatusItem{imap.StatusMessages, imap.StatusUnseen}[i])
	if err != nil {
		return nil, err
	}
	if n := []*uint32{st.Messages, st.Unseen}[i]; n != nil {
		return int(*n), nil
	}
	return nil, errors.New("the answer of the other")
}

// hiddenUID is a row with a value that cannot be parsed, whose UID cannot be found behind it.
const hiddenUID = "* 2 FETCH (FOO (( UID 2 X 5)"

// TestHiddenUID: a message whose UID cannot be parsed is an error, and not the message "*", none, or one that does not exist.
func TestHiddenUID(t *testing.T) {
	const none = "C: $ UID SEARCH ALL\nS: $ OK\n"
	for name, test := range map[string]struct {
		script string
		call   func(context.Context, *imap.Client) error
	}{
		"Move": {testkit.Answering("FETCH 1:* (UID)", "* 1 FETCH (UID 1)", hiddenUID, "* 3 FETCH (UID 3)", "* 4 FETCH (UID 4)", "* 5 FETCH (UID 5)"),
			func(ctx context.Context, c *imap.Client) error {
				return testkit.ErrOf(c.Move(ctx, imap.SeqRange(1, 0), "Other"))
			}},
		"FetchOne": {testkit.Answering("UID FETCH 2 (UID FLAGS)", hiddenUID), func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.FetchOne(ctx, 2, imap.FetchFlags))
		}},
		"Sync": {testkit.Answering("SELECT INBOX", "* 2 EXISTS", "* OK [UIDVALIDITY 7] ok") + none + none + none +
			testkit.Answering("UID FETCH 1:* (UID)", "* 1 FETCH (UID 1)", hiddenUID, "* 3 EXISTS", "* 3 FETCH (UID 3)"),
			func(ctx context.Context, c *imap.Client) error {
				return testkit.ErrOf(c.Sync(ctx, "INBOX", imap.SyncState{}, nil))
			}},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.OfferingSelected(t, "UIDPLUS", test.script+testkit.OnlyNoop)
			err := test.call(testkit.Context(t), c)
			assert.True(t, errors.As(err, new(*imap.ProtocolError)), "%v", err)
			testkit.RequireNothingSent(t, c)
		})
	}
}

// lastWords are what ends a connection behind complete rows.
var lastWords = map[string]string{
	"long line":    `* 3 FETCH (UID 3 FLAGS (` + strings.Repeat("a", 300) + `))\r\n* 4 EXISTS\r\n`,
	"long literal": `* 3 FETCH (UID 3 FLAGS () BODY[] {9999999}\r\nx`,
	"half a row":   `* 3 FETCH (UID 3 FL`,
	"end":          ``,
	"BYE":          `* BYE gone\r\n`,
	"half a BYE":   `* BYE go`,
	"unknown tags": `A2 OK done\r\nA9 OK done\r\n`,
}

// streamed is the command of a FetchStream.
const streamed = "UID FETCH 1:3 (UID MODSEQ)"

// rowCalls are calls that yield or return rows as they arrive, with their commands.
var rowCalls = map[string]func(ctx context.Context, c *imap.Client, got *[]imap.UID) error{
	"FETCH 1:3 (UID FLAGS)": func(ctx context.Context, c *imap.Client, got *[]imap.UID) error {
		return eachUID(c.Fetch(ctx, imap.SeqRange(1, 3), imap.FetchFlags), got)
	},
	"UID FETCH 1:3 (UID FLAGS)": func(ctx context.Context, c *imap.Client, got *[]imap.UID) error {
		p := c.Pipeline()
		p.Go(func(c *imap.Client) error { return eachUID(c.Fetch(ctx, imap.UIDRange(1, 3), imap.FetchFlags), got) })
		return p.Wait()
	},
	streamed: func(ctx context.Context, c *imap.Client, got *[]imap.UID) error {
		for m, err := range c.FetchStream(ctx, imap.UIDRange(1, 3), imap.FetchModSeq) {
			if err != nil {
				return err
			}
			*got = append(*got, m.UID)
		}
		return nil
	},
	"UID FETCH 1:3 (UID FLAGS) (CHANGEDSINCE 1 VANISHED)": func(ctx context.Context, c *imap.Client, got *[]imap.UID) error {
		changes, err := c.FetchChanges(ctx, imap.UIDRange(1, 3), 1, imap.FetchFlags)
		for _, m := range changes.Messages {
			*got = append(*got, m.UID)
		}
		return err
	},
	"STORE 1:3 +FLAGS (x)": func(ctx context.Context, c *imap.Client, got *[]imap.UID) error {
		res, err := c.Store(ctx, imap.SeqRange(1, 3), imap.AddFlags("x"), nil)
		for _, m := range res.Messages {
			*got = append(*got, m.UID)
		}
		return err
	},
	"IDLE": func(ctx context.Context, c *imap.Client, got *[]imap.UID) error {
		for ev, err := range c.Idle(ctx, nil) {
			if err != nil {
				return err
			}
			*got = append(*got, ev.(*imap.FetchEvent).Message.UID)
		}
		return nil
	},
}

func eachUID(messages iter.Seq2[*imap.Message, error], got *[]imap.UID) error {
	for m, err := range messages {
		if err != nil {
			return err
		}
		*got = append(*got, m.UID)
	}
	return nil
}

// TestRowsBeforeTheEnd: rows that are complete when the connection ends are not lost, and the error is the same, however the
// bytes arrive.
func TestRowsBeforeTheEnd(t *testing.T) {
	for command, call := range rowCalls {
		for end, words := range lastWords {
			if command == streamed && end == "long literal" {
				continue // it is no reason to end the connection
			}
			var first string
			for _, split := range []int{1, 7, 0} {
				rows := `* 1 FETCH (UID 1 FLAGS () MODSEQ (5))\r\n* 2 FETCH (UID 2 FLAGS () MODSEQ (5))\r\n`
				if command == "IDLE" {
					rows = `+ idling\r\n` + rows
				}
				c := testkit.FollowSplit(t, &imap.Options{MaxLine: 200, MaxLiteral: 1000}, `
					S: * PREAUTH [CAPABILITY IMAP4rev1 ENABLE CONDSTORE QRESYNC IDLE] hello
					C: $ ENABLE QRESYNC
					S: * ENABLED QRESYNC
					S: $ OK
					C: $ SELECT INBOX
					S: * 3 EXISTS
					S: $ OK done
					C: $ `+command+`
					S+: `+rows+words+`
					CLOSE
				`, split)
				ctx := testkit.Context(t)
				require.NoError(t, testkit.ErrOf(c.Enable(ctx, "QRESYNC")))
				require.NoError(t, testkit.ErrOf(c.Select(ctx, "INBOX", nil)))
				var got []imap.UID
				err := call(ctx, c, &got)
				require.Error(t, err)
				require.ErrorIs(t, c.Err(), imap.ErrClosed, "%s, %s, pieces of %d: %v", command, end, split, err)
				assert.Equal(t, []imap.UID{1, 2}, got, "%s, %s, pieces of %d: %v", command, end, split, err)
				if first == "" {
					first = err.Error()
				}
				assert.Equal(t, first, err.Error(), "%s, %s, pieces of %d", command, end, split)
			}
		}
	}
}

// TestDataBesideAnnotation: GETANNOTATION and SETANNOTATION take only ANNOTATION. All else is an event or the data of another call.
func TestDataBesideAnnotation(t *testing.T) {
	c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
		h.Send("* 2 FETCH (FLAGS (\\Seen) UID 12)\r\n* NO disk nearly full\r\n* STATUS other (MESSAGES 3)\r\n%s OK done", h.Line(""))
		first, second := h.Line(""), h.Line("")
		h.Send("* STATUS x (MESSAGES 3)\r\n%s OK done\r\n* ANNOTATION x 1 2\r\n%s OK done", second, first)
		h.Drain()
	})
	require.NoError(t, c.SetAnnotation(t.Context(), "INBOX", "/comment", map[string]string{"value.priv": "x"}))
	require.Len(t, c.Events(), 3)
	p := c.Pipeline()
	var got *imap.Response
	p.Go(func(c *imap.Client) (err error) {
		got, err = c.GetAnnotation(t.Context(), "INBOX", "/comment", "value")
		return err
	})
	st := p.Status(t.Context(), "x", imap.StatusMessages)
	require.NoError(t, p.Wait())
	status, err := st.Result()
	require.NoError(t, err)
	assert.Equal(t, testkit.Ptr(uint32(3)), status.Messages)
	require.Len(t, got.Untagged, 1)
	assert.Equal(t, "ANNOTATION", got.Untagged[0].Name)
}
