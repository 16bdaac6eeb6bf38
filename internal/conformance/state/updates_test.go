package state_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSearchUpdatesDropped: the search is repeated after events were dropped, because they may include changes of the
// result.
func TestSearchUpdatesDropped(t *testing.T) {
	conn := imaptest.DialScript(t, `S: * PREAUTH [CAPABILITY IMAP4rev1 ESEARCH CONTEXT=SEARCH IDLE] hi
C: $ SELECT INBOX
S: * 3 EXISTS
S: $ OK [READ-WRITE] done
C: A2 UID SEARCH RETURN (ALL UPDATE) ALL
S: * ESEARCH (TAG "A2") UID ALL 1:2
S: A2 OK done
C: $ IDLE
S: + idling
S: * 4 EXISTS
C: DONE
S: $ OK done
C: $ NOOP
S: * ESEARCH (TAG "A2") UID ADDTO (0 3)
S: * ESEARCH (TAG "A2") UID REMOVEFROM (0 2)
`+strings.Repeat("S: * 4 FETCH (FLAGS ())\n", 5000)+`S: $ OK done
C: $ CANCELUPDATE "A2"
S: $ OK done
C: A6 UID SEARCH RETURN (ALL UPDATE) ALL
S: * ESEARCH (TAG "A6") UID ALL 1,3
S: A6 OK done
C: $ IDLE
S: + idling
S: * ESEARCH (TAG "A6") UID ADDTO (0 9)
C: DONE
S: $ OK done
C: $ CANCELUPDATE "A6"
S: $ OK done
`)
	c, err := imap.NewClient(testkit.Context(t), conn, nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	ctx := testkit.Context(t)
	testkit.Open(t, c, "INBOX")
	var steps []*imap.SearchUpdate
	dropped := false
	for up, err := range c.SearchUpdates(ctx, imap.Where(), nil) {
		require.NoError(t, err)
		switch ev := up.Event.(type) {
		case nil:
			steps = append(steps, up)
		case *imap.ExistsEvent:
			if ev.Count == 4 {
				require.NoError(t, c.Noop(ctx))
			}
		case *imap.DroppedEvent:
			dropped = true
		}
		if len(steps) == 3 {
			break
		}
	}
	assert.True(t, dropped)
	assert.Equal(t, []*imap.SearchUpdate{
		{UIDs: []imap.UID{1, 2}, Added: []imap.UID{1, 2}},
		{UIDs: []imap.UID{1, 3}, Added: []imap.UID{3}, Removed: []imap.UID{2}},
		{UIDs: []imap.UID{1, 3, 9}, Added: []imap.UID{9}},
	}, steps)
}

const updatesGreeting = `S: * PREAUTH [CAPABILITY IMAP4rev1 ESEARCH CONTEXT=SEARCH IDLE] hi
C: $ SELECT INBOX
S: * 3 EXISTS
S: $ OK [READ-WRITE] done
`

var overflow = strings.Repeat("S: * 3 FETCH (FLAGS ())\n", 5000)

func updatesClient(t *testing.T, script string) *imap.Client {
	conn := imaptest.DialScript(t, updatesGreeting+script)
	c, err := imap.NewClient(testkit.Context(t), conn, nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	testkit.Open(t, c, "INBOX")
	return c
}

// TestSearchUpdatesOldTag: changes and the refusal of the search that was repeated are of no search of another caller.
func TestSearchUpdatesOldTag(t *testing.T) {
	c := updatesClient(t, `C: A2 UID SEARCH RETURN (ALL UPDATE) ALL
S: * ESEARCH (TAG "A2") UID ALL 1:2
S: A2 OK done
C: $ NOOP
`+overflow+`S: * ESEARCH (TAG "A2") UID ADDTO (0 3)
S: * NO [NOUPDATE "A2"] too many
S: $ OK done
C: $ CANCELUPDATE "A2"
S: * ESEARCH (TAG "A2") UID REMOVEFROM (0 2)
S: $ OK done
C: A5 UID SEARCH RETURN (ALL UPDATE) ALL
S: * ESEARCH (TAG "A5") UID ALL 1,3
S: A5 OK done
C: $ IDLE
S: + idling
S: * ESEARCH (TAG "A5") UID ADDTO (0 9)
C: DONE
S: $ OK done
C: $ CANCELUPDATE "A5"
S: $ OK done
`)
	ctx := testkit.Context(t)
	steps := 0
	for up, err := range c.SearchUpdates(ctx, imap.Where(), nil) {
		require.NoError(t, err)
		if ev, ok := up.Event.(*imap.ContextEvent); ok {
			t.Errorf("an event of its own search: %+v", ev)
		}
		if up.Event != nil {
			continue
		}
		if steps++; steps == 1 {
			require.NoError(t, c.Noop(ctx))
		}
		if steps == 3 {
			assert.Equal(t, []imap.UID{1, 3, 9}, up.UIDs)
			break
		}
	}
	assert.Equal(t, 3, steps)
}

// TestSearchUpdatesFor: IdleOptions.For ends the loop also where each search is followed by dropped events, and an iterator
// that is used again has all of it again.
func TestSearchUpdatesFor(t *testing.T) { synctest.Test(t, searchUpdatesFor) }

func searchUpdatesFor(t *testing.T) {
	repeat := func(tag string) string {
		return `C: ` + tag + ` UID SEARCH RETURN (ALL UPDATE) ALL
S: * ESEARCH (TAG "` + tag + `") UID ALL 1:2
` + overflow + `S: ` + tag + ` OK done
`
	}
	c := updatesClient(t, repeat("A2")+"C: $ CANCELUPDATE \"A2\"\nS: $ OK done\n"+repeat("A4")+"C: $ CANCELUPDATE \"A4\"\nS: $ OK done\n"+
		"C: A6 UID SEARCH RETURN (ALL UPDATE) ALL\nS: * ESEARCH (TAG \"A6\") UID ALL 1:2\nS: A6 OK done\n"+
		"C: $ IDLE\nS: + idling\nS: * 3 FETCH (FLAGS (a))\nC: DONE\nS: $ OK done\nC: $ CANCELUPDATE \"A6\"\nS: $ OK done\n")
	ctx := testkit.Context(t)
	seq := c.SearchUpdates(ctx, imap.Where(), &imap.IdleOptions{For: 10 * time.Second})
	steps := 0
	for up, err := range seq {
		require.NoError(t, err)
		if up.Event == nil {
			if steps++; steps == 2 {
				time.Sleep(10 * time.Second)
			}
		}
	}
	assert.Equal(t, 2, steps)
	c.Events()
	news := 0
	for up, err := range seq {
		require.NoError(t, err)
		if ev, ok := up.Event.(*imap.FetchEvent); ok {
			assert.Equal(t, []imap.Flag{"a"}, ev.Message.Flags)
			news++
			break
		}
	}
	assert.Equal(t, 1, news, "the second loop ended at once")
}

// TestSearchUpdatesElsewhere: a search ended with its mailbox: no CANCELUPDATE names it in another one.
func TestSearchUpdatesElsewhere(t *testing.T) {
	const begin = `C: A2 UID SEARCH RETURN (ALL UPDATE) ALL
S: * ESEARCH (TAG "A2") UID ALL 1:2
S: A2 OK done
`
	const elsewhere = "C: $ SELECT other\nS: * 1 EXISTS\nS: $ OK [READ-WRITE] done\n"
	for name, script := range map[string]string{
		"the first step":           begin + elsewhere,
		"events that were dropped": begin + "C: $ NOOP\n" + overflow + "S: $ OK done\n" + elsewhere,
	} {
		t.Run(name, func(t *testing.T) {
			c := updatesClient(t, script+testkit.OnlyNoop)
			ctx := testkit.Context(t)
			var failure error
			for up, err := range c.SearchUpdates(ctx, imap.Where(), nil) {
				if failure = err; err != nil {
					break
				}
				_, dropped := up.Event.(*imap.DroppedEvent)
				if up.Event == nil && name != "the first step" {
					require.NoError(t, c.Noop(ctx))
				} else if up.Event == nil || dropped {
					testkit.Open(t, c, "other")
					if !dropped {
						break
					}
				}
			}
			if name != "the first step" {
				assert.Error(t, failure)
			}
			testkit.RequireNothingSent(t, c)
		})
	}
}

// TestSearchUpdatesElsewhereQuiet: the loop ends when another mailbox is selected, also if nothing happens there.
func TestSearchUpdatesElsewhereQuiet(t *testing.T) {
	for _, caps := range []string{"IDLE", ""} {
		for _, inBody := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				c := testkit.DialPeerOffering(t, "IMAP4rev1 ESEARCH CONTEXT=SEARCH "+caps, nil, func(h *testkit.Peer) {
					for tag := h.Line(""); tag != ""; tag = h.Line("") {
						switch h.Last {
						case "UID SEARCH RETURN (ALL UPDATE) ALL":
							h.Send("* ESEARCH (TAG \"%s\") UID ALL 1:2", tag)
						case "IDLE":
							h.Send("+ idling")
							h.Line("")
						case "SELECT other":
							h.Send("* 0 EXISTS")
						}
						h.Send("%s OK done", tag)
					}
				})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // before IDLE is renewed
				defer cancel()
				steps := 0
				var end error
				for up, err := range c.SearchUpdates(ctx, imap.Where(), nil) {
					if end = err; up == nil {
						break
					}
					steps++
					if inBody {
						testkit.Open(t, c, "other")
					} else {
						time.AfterFunc(5*time.Minute, func() { c.Select(ctx, "other", nil) })
					}
				}
				require.Equal(t, 1, steps)
				require.ErrorContains(t, end, "another mailbox")
			})
		}
	}
}

// TestNotifySections: with NOTIFY a new message may come with sections, in the middle of the answer to a FETCH of others. They are
// not those that the FETCH requested.
func TestNotifySections(t *testing.T) {
	const script = `
		C: $ NOTIFY SET (SELECTED (MessageNew (UID BODY.PEEK[HEADER.FIELDS (From)]) MessageExpunge))
		S: $ OK
		C: $ UID FETCH 1:* (UID BODY.PEEK[])
		S: * 1 FETCH (UID 1 BODY[] {3}
		S+: one)\r\n
		S: * 2 EXISTS
		S: * 2 FETCH (UID 2 BODY[HEADER.FIELDS (FROM)] {9}
		S+: From: x\r\n)\r\n
		S: * 2 FETCH (UID 2 BODY[] {3}
		S+: two)\r\n
		S: $ OK
	`
	for name, bodies := range map[string]func(context.Context, *imap.Client) (all []string){
		"Fetch": func(ctx context.Context, c *imap.Client) (all []string) {
			for m, err := range c.Fetch(ctx, imap.UIDRange(1, 0), imap.Section{}) {
				require.NoError(t, err)
				all = append(all, fmt.Sprintf("%d %s", m.UID, m.Sections[0].Bytes))
			}
			return all
		},
		"FetchStream": func(ctx context.Context, c *imap.Client) (all []string) {
			for m, err := range c.FetchStream(ctx, imap.UIDRange(1, 0), imap.Section{}) {
				require.NoError(t, err)
				for b, err := range m.Bodies() {
					require.NoError(t, err)
					data, err := io.ReadAll(b)
					require.NoError(t, err)
					all = append(all, fmt.Sprintf("%d %s", m.UID, data))
				}
			}
			return all
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.OfferingSelected(t, "NOTIFY", script)
			ctx := testkit.Context(t)
			header := imap.Section{Specifier: "HEADER", Fields: []string{"From"}}
			require.NoError(t, c.Notify(ctx, []imap.NotifyRule{{Scope: imap.NotifySelected, Fetch: []imap.FetchItem{header},
				Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge}}}, nil))
			assert.Equal(t, []string{"1 one", "2 two"}, bodies(ctx, c))
			events := c.Events()
			require.Len(t, events, 2)
			assert.Equal(t, "From: x\r\n", string(events[1].(*imap.FetchEvent).Message.Section(header)))
		})
	}
}

// TestNotifySomeSections: what NOTIFY reports of a new message has some of the sections that a FETCH requests, but not all, or
// not all other items. It is an event, and the answer is complete and has nothing twice, also in two parts.
func TestNotifySomeSections(t *testing.T) {
	header, text := imap.Section{Specifier: "HEADER"}, imap.Section{Specifier: "TEXT"}
	const news = "* 1 FETCH (UID 1 BODY[HEADER] {2}\r\nh\n FLAGS ())"
	for name, test := range map[string]struct {
		items  []imap.FetchItem
		lines  []string
		want   string
		events int
	}{
		"another section":  {[]imap.FetchItem{header, text}, []string{news, "* 1 FETCH (UID 1 BODY[HEADER] {2}\r\nh\n BODY[TEXT] {1}\r\nt)"}, "1 HEADER TEXT;", 1},
		"as many sections": {[]imap.FetchItem{header, text}, []string{"* 1 FETCH (UID 1 BODY[1] {1}\r\nt BODY[HEADER] {2}\r\nh\n)", "* 1 FETCH (UID 1 BODY[HEADER] {2}\r\nh\n BODY[TEXT] {1}\r\nt)"}, "1 HEADER TEXT;", 1},
		"another item":     {[]imap.FetchItem{header, imap.FetchSize}, []string{news, "* 1 FETCH (UID 1 BODY[HEADER] {2}\r\nh\n RFC822.SIZE 3)"}, "1 HEADER;", 1},
		"a change between": {[]imap.FetchItem{header, imap.FetchSize, imap.FetchFlags}, []string{news, "* 1 FETCH (UID 1 FLAGS ())", "* 1 FETCH (UID 1 BODY[HEADER] {2}\r\nh\n FLAGS () RFC822.SIZE 3)"}, "1 HEADER;", 1},
		"all parts between": {[]imap.FetchItem{header, imap.FetchSize, imap.FetchInternalDate}, []string{news, "* 1 FETCH (UID 1 RFC822.SIZE 3)",
			"* 1 FETCH (UID 1 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" BODY[HEADER] {2}\r\nh\n)"}, "1 HEADER;", 1},
		"the answer in parts":            {[]imap.FetchItem{header, text}, []string{"* 1 FETCH (UID 1 BODY[HEADER] {2}\r\nh\n)", "* 1 FETCH (UID 1 BODY[TEXT] {1}\r\nt)"}, "1 HEADER TEXT;", 1},
		"no answer":                      {[]imap.FetchItem{header, text}, []string{news}, "", 1},
		"no section and its items first": {[]imap.FetchItem{imap.FetchFlags}, []string{"* 1 FETCH (UID 1 FLAGS () BODY[HEADER] {2}\r\nh\n)", "* 1 FETCH (UID 1 FLAGS ())"}, "1;", 1},
		"no section requested":           {[]imap.FetchItem{imap.FetchFlags}, []string{news, "* 1 FETCH (UID 1 FLAGS ())"}, "1;", 1},
	} {
		dial := func(t *testing.T) (context.Context, *imap.Client) {
			c := testkit.DialPeerOffering(t, "IMAP4rev1 NOTIFY", nil, func(h *testkit.Peer) {
				h.Send("* 0 EXISTS\r\n%s OK", h.Line("SELECT a"))
				h.Send("%s OK", h.Line("NOTIFY SET (SELECTED (MessageNew (UID BODY.PEEK[HEADER]) MessageExpunge))"))
				h.Send("* 1 EXISTS\r\n%s\r\n%s OK", strings.Join(test.lines, "\r\n"), h.Line(""))
			})
			ctx := testkit.Context(t)
			_, err := c.Select(ctx, "a", nil)
			require.NoError(t, err)
			require.NoError(t, c.Notify(ctx, []imap.NotifyRule{{Scope: imap.NotifySelected, Fetch: []imap.FetchItem{header},
				Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge}}}, nil))
			return ctx, c
		}
		check := func(t *testing.T, c *imap.Client, got string) {
			assert.Equal(t, test.want, got)
			n := 0
			for _, ev := range c.Events() {
				if ev, ok := ev.(*imap.FetchEvent); ok && len(ev.Message.Sections) > 0 {
					n++
				}
			}
			assert.Equal(t, test.events, n)
		}
		t.Run("Fetch, "+name, func(t *testing.T) {
			ctx, c := dial(t)
			got := ""
			for m, err := range c.Fetch(ctx, imap.UIDRange(1, 0), test.items...) {
				require.NoError(t, err)
				got += fmt.Sprint(m.UID)
				for _, s := range m.Sections {
					got += " " + s.Section.Specifier
				}
				got += ";"
			}
			check(t, c, got)
		})
		t.Run("FetchStream, "+name, func(t *testing.T) {
			ctx, c := dial(t)
			got := ""
			for m, err := range c.FetchStream(ctx, imap.UIDRange(1, 0), test.items...) {
				require.NoError(t, err)
				got += fmt.Sprint(m.UID)
				for b, err := range m.Bodies() {
					require.NoError(t, err)
					got += " " + b.Section.Specifier
				}
				got += ";"
			}
			check(t, c, got)
		})
	}
}

// TestNotifyBeforeUnreadableAnswer: a section that NOTIFY has reported does not come twice either if the answer cannot be parsed.
func TestNotifyBeforeUnreadableAnswer(t *testing.T) {
	header, text := imap.Section{Specifier: "HEADER"}, imap.Section{Specifier: "TEXT"}
	c := testkit.DialPeerOffering(t, "IMAP4rev1 NOTIFY", nil, func(h *testkit.Peer) {
		h.Send("%s OK", h.Line("NOTIFY SET (SELECTED (MessageNew (UID BODY.PEEK[HEADER]) MessageExpunge))"))
		tag := h.Line("")
		h.Send("* 6 FETCH (UID 6 BODY[HEADER] {2}\r\nh\n FLAGS ())")
		h.Send("* 6 FETCH (UID 6 BODY[HEADER] {2}\r\nh\n FLAGS ((\\Seen BODY[TEXT] {1}\r\nt)\r\n%s OK", tag)
	})
	ctx := testkit.Context(t)
	require.NoError(t, c.Notify(ctx, []imap.NotifyRule{{Scope: imap.NotifySelected, Fetch: []imap.FetchItem{header},
		Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge}}}, nil))
	n := 0
	for m, err := range c.Fetch(ctx, imap.UIDs(6), header, text, imap.FetchFlags) {
		require.Error(t, err)
		require.Len(t, m.Sections, 1)
		assert.Equal(t, "h\n", string(m.Section(header)))
		n++
	}
	assert.Equal(t, 1, n)
}

// TestSectionsInAnotherOrder: sections of one message, requested by two commands, are assigned to these.
func TestSectionsInAnotherOrder(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 1 (UID BODY.PEEK[1])
		C: $ UID FETCH 1 (UID BODY.PEEK[2])
		S: * 1 FETCH (UID 1 BODY[2] two)
		S: $3 OK
		S: * 1 FETCH (UID 1 BODY[1] one)
		S: $2 OK
	`)
	ctx := testkit.Context(t)
	var got [2]string
	p := c.Pipeline()
	for i := range got {
		p.Go(func(c *imap.Client) error {
			m, err := c.FetchOne(ctx, 1, imap.Section{Part: []int{i + 1}})
			if err == nil {
				got[i] = string(m.Sections[0].Bytes)
			}
			return err
		})
	}
	require.NoError(t, p.Wait())
	assert.Equal(t, [2]string{"one", "two"}, got)
}

// TestNotifyOfMailboxesDuringList: with NOTIFY, a row about a mailbox that was renamed or removed is an event also during a LIST,
// whose result includes it, because that is not certain.
func TestNotifyOfMailboxesDuringList(t *testing.T) {
	c := testkit.Offering(t, "NOTIFY", `
		C: $ NOTIFY SET (PERSONAL (MailboxName))
		S: $ OK
		C: $ LIST "" *
		S: * LIST () "/" Work
		S: * LIST (\NonExistent) "/" Old
		S: * LIST () "/" New ("OLDNAME" (Former))
		S: * LIST () "/" Last
		S: $ OK
	`)
	ctx := testkit.Context(t)
	require.NoError(t, c.Notify(ctx, []imap.NotifyRule{{Scope: imap.NotifyPersonal, Events: []imap.NotifyEvent{imap.NotifyMailboxName}}}, nil))
	entries, err := c.List(ctx, "", "*", nil)
	require.NoError(t, err)
	assert.Len(t, entries, 4)
	assert.Equal(t, []string{"ListEvent", "ListEvent"}, testkit.EventKinds(c))
}

// TestNotifyDuringList: with NOTIFY, numbers of a mailbox other than the requested ones are an event also during a LIST.
func TestNotifyDuringList(t *testing.T) {
	c := testkit.Offering(t, "NOTIFY LIST-EXTENDED LIST-STATUS", `
		C: $ NOTIFY SET (PERSONAL (MessageNew MessageExpunge))
		S: $ OK
		C: $ LIST "" * RETURN (CHILDREN STATUS (MESSAGES UNSEEN))
		S: * LIST () "/" Work
		S: * STATUS Work (MESSAGES 3 UNSEEN 1)
		S: * STATUS Work (MESSAGES 4 UIDNEXT 9)
		S: $ OK
	`)
	ctx := testkit.Context(t)
	rule := imap.NotifyRule{Scope: imap.NotifyPersonal, Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge}}
	require.NoError(t, c.Notify(ctx, []imap.NotifyRule{rule}, nil))
	entries, err := c.List(ctx, "", "*", &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages, imap.StatusUnseen}})
	require.NoError(t, err)
	require.Len(t, entries, 1)
	assert.Equal(t, &imap.Status{Mailbox: "Work", Messages: testkit.Ptr[uint32](3), Unseen: testkit.Ptr[uint32](1)}, entries[0].Status)
	assert.Equal(t, []string{"StatusEvent"}, testkit.EventKinds(c))
}

// TestSearchUpdatesSelectedAgain: the updates have ended when the mailbox is selected again, as when another one is.
func TestSearchUpdatesSelectedAgain(t *testing.T) {
	for _, others := range [][]string{{"other"}, {"INBOX"}, {"other", "INBOX"}} {
		t.Run(strings.Join(others, ","), func(t *testing.T) {
			script := "C: A2 UID SEARCH RETURN (ALL UPDATE) ALL\nS: * ESEARCH (TAG \"A2\") UID ALL 1:2\nS: A2 OK done\n"
			for _, mailbox := range others {
				script += "C: $ SELECT " + mailbox + "\nS: * 2 EXISTS\nS: $ OK done\n"
			}
			c := updatesClient(t, script+"C: $ NOOP\nS: $ OK done\n")
			ctx := testkit.Context(t)
			steps := 0
			for _, err := range c.SearchUpdates(ctx, imap.Where(), nil) {
				if steps++; steps > 1 {
					require.ErrorContains(t, err, "another mailbox")
					continue
				}
				require.NoError(t, err)
				for _, mailbox := range others {
					require.NoError(t, testkit.ErrOf(c.Select(ctx, mailbox, nil)))
				}
			}
			require.Equal(t, 2, steps)
			require.NoError(t, c.Noop(ctx))
		})
	}
}

// TestUpdatesGivenUpBeforePipeline: the cancellation of a search that was given up does not fail with a Select of the pipeline that
// was not sent.
func TestUpdatesGivenUpBeforePipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeerOffering(t, "IMAP4rev1 ESEARCH CONTEXT=SEARCH", nil, func(h *testkit.Peer) {
			tag := h.Line("UID SEARCH RETURN (ALL UPDATE) ALL")
			time.Sleep(time.Second)
			h.Send("* ESEARCH (TAG \"%s\") UID ALL 1:2\r\n%s OK done", tag, tag)
			h.Send("%s OK done", h.Line(`CANCELUPDATE "`+tag+`"`))
			h.Send("%s OK done", h.Line("NOOP"))
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.ErrorIs(t, testkit.Drain(c.SearchUpdates(ctx, imap.Where(), nil)), context.DeadlineExceeded)
		p := c.Pipeline()
		p.Go(func(c *imap.Client) error {
			_, err := c.Select(t.Context(), "a\x00b", nil)
			return testkit.Expect(nil, err != nil, "Select")
		})
		p.Go(func(c *imap.Client) error { return c.Noop(t.Context()) })
		require.NoError(t, p.Wait())
	})
}

// TestLongSectionsOfNotify: a section that NOTIFY reports is in the event as the server sent it, also while IDLE runs or the answer
// to a FETCH that was given up is read.
func TestLongSectionsOfNotify(t *testing.T) {
	const size = 5000
	row := fmt.Sprintf("* 6 EXISTS\r\n* 6 FETCH (UID 6 BODY[HEADER] {%d}\r\n%s)", size, strings.Repeat("x", size))
	rules := []imap.NotifyRule{{Scope: imap.NotifySelected, Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge},
		Fetch: []imap.FetchItem{imap.Section{Specifier: "HEADER"}}}}
	check := func(t *testing.T, events []imap.Event) {
		found := 0
		for _, ev := range events {
			if f, ok := ev.(*imap.FetchEvent); ok {
				found = len(f.Message.Section(imap.Section{Specifier: "HEADER"}))
			}
		}
		assert.Equal(t, size, found, "%v", events)
	}
	t.Run("IDLE", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := testkit.DialPeerOffering(t, "IMAP4rev1 IDLE NOTIFY", nil, func(h *testkit.Peer) {
				h.Send("%s OK done", h.Line(""))
				tag := h.Idle()
				h.Send("%s", row)
				h.Done(tag)
				h.Drain()
			})
			require.NoError(t, c.Notify(t.Context(), rules, nil))
			var events []imap.Event
			for ev, err := range c.Idle(t.Context(), &imap.IdleOptions{For: time.Minute}) {
				require.NoError(t, err)
				if events = append(events, ev); len(events) == 2 {
					break
				}
			}
			check(t, events)
			require.NoError(t, c.Noop(t.Context()))
		})
	})
	t.Run("given up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			arrived := make(chan struct{})
			c := testkit.DialPeerOffering(t, "IMAP4rev1 NOTIFY", nil, func(h *testkit.Peer) {
				h.Send("%s OK done", h.Line(""))
				tag := h.Line("")
				close(arrived)
				time.Sleep(time.Second)
				h.Send("* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n%s\r\n%s OK done", row, tag)
				h.Drain()
			})
			require.NoError(t, c.Notify(t.Context(), rules, nil))
			testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error {
				return testkit.ErrOf(c.FetchOne(ctx, 1, imap.Section{}))
			})
			require.NoError(t, c.Noop(t.Context()))
			check(t, c.Events())
		})
	})
}

// TestSectionWithShorterOne: of a message that was fetched whole and in part, Section returns the bytes that were requested.
func TestSectionWithShorterOne(t *testing.T) {
	whole := strings.Repeat("w", 50)
	lit := func(n int) string { return fmt.Sprintf("{%d}\r\n%s", n, whole[:n]) }
	for answer, asked := range map[string]imap.Section{
		"BODY[] " + lit(50) + " BODY[]<0> " + lit(10):    {},
		"BODY[]<0> " + lit(10) + " BODY[] " + lit(50):    {},
		"BODY[]<0> " + lit(20) + " BODY[]<0> " + lit(10): {Count: 20},
	} {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			h.Send("* 1 FETCH (UID 1 %s)\r\n%s OK done", answer, h.Line(""))
		})
		short := imap.Section{Count: 10}
		m, err := c.FetchOne(t.Context(), 1, asked, short)
		require.NoError(t, err)
		want := 50
		if asked.Count > 0 {
			want = 20
		}
		assert.Len(t, m.Section(asked), want, answer)
		assert.Len(t, m.Section(short), 10, answer)
	}
}

// TestHugeSectionOfNotify: a section that NOTIFY reports and that is longer than MaxLiteral does not end the connection.
func TestHugeSectionOfNotify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeerOffering(t, "IMAP4rev1 IDLE NOTIFY", &imap.Options{MaxLiteral: 10000}, func(h *testkit.Peer) {
			h.Send("%s OK done", h.Line(""))
			tag := h.Idle()
			h.Send("* 6 EXISTS\r\n* 6 FETCH (UID 6 BODY[] {20000}\r\n%s)", strings.Repeat("x", 20000))
			h.Done(tag)
			h.Drain()
		})
		rules := []imap.NotifyRule{{Scope: imap.NotifySelectedDelayed, Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge},
			Fetch: []imap.FetchItem{imap.Section{}}}}
		require.NoError(t, c.Notify(t.Context(), rules, nil))
		for ev, err := range c.Idle(t.Context(), &imap.IdleOptions{For: time.Minute}) {
			require.NoError(t, err)
			if _, ok := ev.(*imap.FetchEvent); ok {
				break
			}
		}
		require.NoError(t, c.Noop(t.Context()))
	})
}
