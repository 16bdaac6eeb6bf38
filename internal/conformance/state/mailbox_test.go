package state_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRefusedNumbersThatMoved: the sequence numbers that were sent decide whether the messages of a call existed. A NO
// about existing messages is an error.
func TestRefusedNumbersThatMoved(t *testing.T) {
	set := imap.SeqRange(4, 5)
	for name, test := range map[string]struct {
		command string
		call    func(c *imap.Client) error
	}{
		"Fetch": {"FETCH 2:3 (UID)", func(c *imap.Client) error {
			_, err := imap.Collect(c.Fetch(testkit.Context(t), set))
			return err
		}},
		"FetchStream": {"FETCH 2:3 (UID)", func(c *imap.Client) error {
			return testkit.Drain(c.FetchStream(testkit.Context(t), set))
		}},
		"Store": {`STORE 2:3 +FLAGS (\Seen)`, func(c *imap.Client) error {
			_, err := c.Store(testkit.Context(t), set, imap.AddFlags(imap.FlagSeen), nil)
			return err
		}},
		"Copy": {"COPY 2:3 x", func(c *imap.Client) error {
			_, err := c.Copy(testkit.Context(t), set, "x")
			return err
		}},
		"Move": {"MOVE 2:3 x", func(c *imap.Client) error {
			_, err := c.Move(testkit.Context(t), set, "x")
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c, arrived, goOn := unfinished(t, "NOOP", "* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n$ OK done", func(h *testkit.Peer) {
				h.Send("%s NO not now", h.Line(test.command))
			})
			testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { return c.Noop(ctx) })
			goOn()
			assert.ErrorContains(t, test.call(c), "not now")
		})
	}
}

// TestStatusWithNotify: data that NOTIFY reports of a mailbox is not the answer to a STATUS of it that requested more.
func TestStatusWithNotify(t *testing.T) {
	const both = `
		C: $ NOTIFY SET (PERSONAL (MessageNew MessageExpunge))
		S: $ OK done
		C: $ STATUS Work (MESSAGES UNSEEN)
	`
	rules := []imap.NotifyRule{{Scope: imap.NotifyPersonal, Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge}}}
	for name, script := range map[string]string{
		"before": `
			S: * STATUS Work (MESSAGES 7 UIDNEXT 20)
			S: * STATUS Work (MESSAGES 8 UNSEEN 2)
			S: $ OK done`,
		"behind": `
			S: * STATUS Work (MESSAGES 8 UNSEEN 2)
			S: * STATUS Work (MESSAGES 9 UIDNEXT 20)
			S: $ OK done`,
		"alone": `
			S: * STATUS Work (MESSAGES 8)
			S: $ OK done`,
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.Offering(t, "NOTIFY", both+script)
			require.NoError(t, c.Notify(testkit.Context(t), rules, nil))
			st, err := c.Status(testkit.Context(t), "Work", imap.StatusMessages, imap.StatusUnseen)
			require.NoError(t, err)
			want := &imap.Status{Mailbox: "Work", Messages: testkit.Ptr(uint32(8)), Unseen: testkit.Ptr(uint32(2))}
			if name == "alone" {
				want.Unseen = nil
			}
			assert.Equal(t, want, st)
			assert.Len(t, c.Events(), 1)
		})
	}
}

// TestNotifySelectedNumbers: while NOTIFY reports removed messages at once, a sequence number may be that of another message
// when the server reads the command, so that nothing with numbers is sent.
func TestNotifySelectedNumbers(t *testing.T) {
	ctx, seqs := testkit.Context(t), imap.Seqs(3)
	both := []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge}
	selected := []imap.NotifyRule{{Scope: imap.NotifySelected, Events: both}}
	const notify = "C: $ SELECT INBOX\nS: * 5 EXISTS\nS: $ OK done\nC: $ NOTIFY SET (SELECTED (MessageNew MessageExpunge))\nS: $ OK done\n"
	for name, begin := range map[string]func(c *imap.Client) error{
		"Notify": func(c *imap.Client) error { return c.Notify(ctx, selected, nil) },
		"Do": func(c *imap.Client) error {
			return testkit.ErrOf(c.Do(ctx, "NOTIFY", imap.Atom("SET"), imap.Atom("(SELECTED (MessageNew MessageExpunge))")))
		},
	} {
		c := testkit.Offering(t, "NOTIFY CONVERT REPLACE MOVE SORT", notify+testkit.OnlyNoop)
		testkit.Open(t, c, "INBOX")
		require.NoError(t, begin(c), name)
		for call, err := range map[string]error{
			"Fetch":      testkit.ErrOf(imap.Collect(c.Fetch(ctx, seqs))),
			"Store":      testkit.ErrOf(c.Store(ctx, seqs, imap.AddFlags(imap.FlagSeen), nil)),
			"Copy":       testkit.ErrOf(c.Copy(ctx, seqs, "b")),
			"Move":       testkit.ErrOf(c.Move(ctx, seqs, "b")),
			"SearchSeq":  testkit.ErrOf(c.SearchSeq(ctx, imap.Where(), nil)),
			"Search":     testkit.ErrOf(c.Search(ctx, imap.Where().In(seqs), nil)),
			"Sort":       testkit.ErrOf(c.Sort(ctx, []imap.SortKey{{Name: "DATE"}}, imap.Where().In(seqs))),
			"ReplaceSeq": testkit.ErrOf(c.ReplaceSeq(ctx, 1, "b", imap.LiteralString("x"), nil)),
			"Convert":    testkit.ErrOf(c.Convert(ctx, seqs, imap.ConvertTo{Type: "text/plain"}, imap.ConvertData(1))),
			"Do":         testkit.ErrOf(c.Do(ctx, "STORE", seqs, imap.Atom("+FLAGS"), []any{imap.FlagSeen})),
		} {
			assert.ErrorIs(t, err, imap.ErrUIDOnly, "%s, %s", name, call)
			assert.True(t, imap.SafeToRetry(err), "%s, %s", name, call)
		}
		testkit.RequireNothingSent(t, c)
	}
	for _, after := range []string{"SET (SELECTED-DELAYED (MessageNew MessageExpunge))", "NONE",
		"SET (SELECTED NONE) (INBOXES (MessageNew MessageExpunge))", "SET (MAILBOXES (Selected x) (MessageNew MessageExpunge))"} {
		c := testkit.Offering(t, "NOTIFY", notify+"C: $ NOTIFY "+after+"\nS: $ OK done\nC: $ COPY 3 b\nS: $ OK done\n")
		testkit.Open(t, c, "INBOX")
		require.NoError(t, c.Notify(ctx, selected, nil))
		require.NoError(t, testkit.ErrOf(c.Do(ctx, "NOTIFY", imap.Atom(after))))
		require.NoError(t, testkit.ErrOf(c.Copy(ctx, seqs, "b")))
	}
}

// TestNumbersKeepTheirMeaning: a sequence number in any argument identifies the message that had it when the call was
// made, even if other messages are removed before the command is sent.
func TestNumbersKeepTheirMeaning(t *testing.T) {
	within := imap.Where().In(imap.SeqRange(4, 5))
	for name, test := range map[string]struct {
		command, answer string
		call            func(ctx context.Context, c *imap.Client) error
	}{
		"ReplaceSeq": {"REPLACE 2 INBOX {5+}", "", func(ctx context.Context, c *imap.Client) error {
			_, err := c.ReplaceSeq(ctx, 4, "INBOX", imap.LiteralBytes([]byte("hello")), nil)
			return err
		}},
		"Search": {"UID SEARCH 2:3", "* SEARCH", func(ctx context.Context, c *imap.Client) error {
			_, err := c.Search(ctx, within, nil)
			return err
		}},
		"Search, not": {"UID SEARCH OR 2:3 NOT 2:3", "* SEARCH", func(ctx context.Context, c *imap.Client) error {
			_, err := c.Search(ctx, imap.Where().Or(within, imap.Where().Not(within)), nil)
			return err
		}},
		"Sort": {"UID SORT (ARRIVAL) UTF-8 2:3", "* SORT", func(ctx context.Context, c *imap.Client) error {
			_, err := c.Sort(ctx, []imap.SortKey{{Name: "ARRIVAL"}}, within)
			return err
		}},
		"Thread": {"UID THREAD REFERENCES UTF-8 2:3", "* THREAD", func(ctx context.Context, c *imap.Client) error {
			_, err := c.Thread(ctx, "REFERENCES", within)
			return err
		}},
		"Partial": {"PARTIAL 2 RFC822.TEXT 1 5", `* 2 FETCH (RFC822.TEXT "hello")`, func(ctx context.Context, c *imap.Client) error {
			text, err := c.Partial(ctx, 4, "RFC822.TEXT", 1, 5)
			assert.Equal(t, "hello", string(text))
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			arrived, held := make(chan struct{}), make(chan struct{})
			c := testkit.DialPeerOffering(t, testkit.WireCaps+" REPLACE LITERAL+ SORT THREAD=REFERENCES", nil, func(h *testkit.Peer) {
				tag := h.Line("NOOP")
				close(arrived)
				<-held
				h.Send("* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n%s OK done", tag)
				tag = h.Line(test.command)
				if name == "ReplaceSeq" {
					h.Line("")
				}
				if test.answer != "" {
					h.Send("%s", test.answer)
				}
				h.Send("%s OK done", tag)
			})
			testkit.LeaveUnanswered(t, arrived, c.Noop)
			close(held)
			require.NoError(t, test.call(testkit.Context(t), c))
		})
	}
	t.Run("none is left", func(t *testing.T) {
		c, arrived, goOn := unfinished(t, "NOOP", "* 4 EXPUNGE\r\n$ OK done", nil)
		testkit.LeaveUnanswered(t, arrived, c.Noop)
		goOn()
		_, err := c.Search(testkit.Context(t), imap.Where().In(imap.Seqs(4)), nil)
		assert.True(t, imap.SafeToRetry(err), "%v", err)
	})
	t.Run("not known", func(t *testing.T) {
		c, arrived, goOn := unfinished(t, "NOOP", "* VANISHED 7\r\n$ OK done", nil)
		testkit.LeaveUnanswered(t, arrived, c.Noop)
		goOn()
		_, err := c.Search(testkit.Context(t), within, nil)
		assert.True(t, imap.SafeToRetry(err), "%v", err)
	})
}

// TestStatusNextToARefusedOne: if one of two STATUS of the same mailbox in a pipeline is refused, the other one gets the
// data.
func TestStatusNextToARefusedOne(t *testing.T) {
	c := testkit.DialPeerOffering(t, testkit.WireCaps, nil, func(h *testkit.Peer) {
		first := h.Line("STATUS b (MESSAGES)")
		second := h.Line("STATUS b (MESSAGES)")
		h.Send("* STATUS b (MESSAGES 5)\r\n%s NO not now\r\n%s OK done", first, second)
		h.Drain()
	})
	p := c.Pipeline()
	var got *imap.Status
	var refused, err error
	p.Go(func(c *imap.Client) error {
		_, refused = c.Status(testkit.Context(t), "b", imap.StatusMessages)
		return refused
	})
	p.Go(func(c *imap.Client) error {
		got, err = c.Status(testkit.Context(t), "b", imap.StatusMessages)
		return err
	})
	assert.Error(t, p.Wait())
	assert.ErrorContains(t, refused, "not now")
	require.NoError(t, err)
	assert.Equal(t, &imap.Status{Mailbox: "b", Messages: testkit.Ptr(uint32(5))}, got)
}

// TestOtherMailboxMeanwhile: a call of several commands stops if another caller selects a mailbox between two of them. The
// same UIDs are other messages there.
func TestOtherMailboxMeanwhile(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, c *imap.Client) error{
		"Move": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Move(ctx, imap.UIDs(5), "b")
			return err
		},
		"Store": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Store(ctx, testkit.SparseUIDs(), imap.AddFlags(imap.FlagDeleted), nil)
			return err
		},
		"Copy": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Copy(ctx, testkit.SparseUIDs(), "b")
			return err
		},
		"UIDExpunge": func(ctx context.Context, c *imap.Client) error {
			_, err := c.UIDExpunge(ctx, testkit.SparseUIDs())
			return err
		},
		"Fetch": func(ctx context.Context, c *imap.Client) error {
			return testkit.Drain(c.Fetch(ctx, testkit.SparseUIDs(), imap.FetchFlags))
		},
		"Search": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Search(ctx, imap.Where().In(testkit.SparseUIDs()), nil)
			return err
		},
		"Sync": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Sync(ctx, "a", imap.SyncState{UIDValidity: 7, UIDs: imap.UIDRange(1, 3)}, nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testkit.DialPeerOffering(t, "IMAP4rev1 UIDPLUS", nil, func(h *testkit.Peer) {
					tag := h.Line("")
					time.Sleep(time.Minute)
					h.Send("* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n%s OK %sdone", tag, map[string]string{"Move": "[COPYUID 1 5 9] "}[name])
					h.Send("* 9 EXISTS\r\n* OK [UIDVALIDITY 8] ok\r\n%s OK done", h.Line("SELECT other"))
					h.Send("%s OK done", h.Line("NOOP"))
					h.Send("%s OK done", h.Line("SELECT other"))
					h.Send("%s OK done", h.Line("NOOP"))
				})
				result := make(chan error, 1)
				go func() { result <- call(t.Context(), c) }()
				synctest.Wait()
				_, err := c.Select(t.Context(), "other", nil)
				require.NoError(t, err)
				err = <-result
				require.ErrorContains(t, err, "another mailbox")
				assert.False(t, imap.SafeToRetry(err), "it would run in the other mailbox: %v", err)
				require.NoError(t, c.Noop(t.Context()))
				assert.Equal(t, "other", c.Mailbox().Name)
				_, err = c.Select(t.Context(), "other", nil)
				require.NoError(t, err)
				require.NoError(t, c.Noop(t.Context()))
			})
		})
	}
}

// TestSameMailboxMeanwhile: a mailbox that is selected again is the same, as long as its UIDs are valid.
func TestSameMailboxMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeerOffering(t, "IMAP4rev1 UIDPLUS", nil, func(h *testkit.Peer) {
			copied := h.Line("UID COPY 5 b")
			time.Sleep(time.Minute)
			h.Send("%s OK [COPYUID 1 5 9] done", copied)
			h.Send("* 5 EXISTS\r\n%s OK done", h.Line("SELECT INBOX"))
			h.Send("%s OK done", h.Line(`UID STORE 5 +FLAGS.SILENT (\Deleted)`))
			h.Send("* 1 EXPUNGE\r\n%s OK done", h.Line("UID EXPUNGE 5"))
		})
		result := make(chan error, 1)
		go func() { _, err := c.Move(t.Context(), imap.UIDs(5), "b"); result <- err }()
		synctest.Wait()
		_, err := c.Select(t.Context(), "INBOX", nil)
		require.NoError(t, err)
		require.NoError(t, <-result)
	})
}

// TestSelectIgnoresOtherChanges: changes of a mailbox while another is being selected are events, not part of the answer to a
// SELECT that did not request changes, whether or not the server reports that the other mailbox is closed.
func TestSelectIgnoresOtherChanges(t *testing.T) {
	for name, closed := range map[string]string{"CLOSED": "* OK [CLOSED] it is", "not CLOSED": "* 0 RECENT"} {
		t.Run(name, func(t *testing.T) {
			c := testkit.Selected(t, `
				C: $ SELECT b
				S: * 2 FETCH (FLAGS (\Seen))
				S: * VANISHED 7
				S: `+closed+`
				S: * 3 EXISTS
				S: * OK [UIDVALIDITY 8] ok
				S: $ OK [READ-WRITE] done
			`)
			mb, err := c.Select(testkit.Context(t), "b", nil)
			require.NoError(t, err)
			assert.Empty(t, mb.Changed)
			assert.Empty(t, mb.Vanished)
			assert.EqualValues(t, 3, mb.Exists)
			assert.Equal(t, []string{"FetchEvent", "VanishedEvent"}, testkit.EventKinds(c))
			assert.EqualValues(t, 3, c.Mailbox().Exists)
		})
	}
}

// TestUnselectFallback: without UNSELECT a mailbox that does not exist is examined.
func TestUnselectFallback(t *testing.T) {
	c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1] hi", `
		C: $ SELECT a
		S: $ OK
		C: $ EXAMINE no-such-mailbox-3b7c1e90
		S: $ NO no such mailbox
	`)
	_, err := c.Select(t.Context(), "a", nil)
	require.NoError(t, err)
	require.NoError(t, c.Unselect(t.Context()))
	assert.Equal(t, imap.Authenticated, c.State())
}

// TestNumbersOfAMailboxOpenedAgain: the sequence numbers of a call that waits behind a SELECT are those of the mailbox that was
// open when the call began, not of the new one, even if that has the same name: messages may be gone.
func TestNumbersOfAMailboxOpenedAgain(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, c *imap.Client) error{
		"Store": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Store(ctx, imap.Seqs(2), imap.AddFlags(imap.FlagDeleted), nil))
		},
		"Search": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Search(ctx, imap.Where().In(imap.Seqs(2)), nil))
		},
		"Move": func(ctx context.Context, c *imap.Client) error { return testkit.ErrOf(c.Move(ctx, imap.Seqs(2), "x")) },
	} {
		for _, mailbox := range []string{"INBOX", "Other"} {
			t.Run(name+" "+mailbox, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					held := make(chan struct{})
					c := testkit.DialPeerOffering(t, "IMAP4rev1 MOVE", nil, func(h *testkit.Peer) {
						tag := h.Line("NOOP")
						<-held
						h.Send("%s OK done", tag)
						tag = h.Line("SELECT " + mailbox)
						h.Send("* 4 EXISTS\r\n%s OK [READ-WRITE] selected", tag)
						assert.Empty(t, h.Line(""), "%s", h.Last)
					})
					ctx := t.Context()
					go c.Noop(ctx)
					synctest.Wait()
					go c.Select(ctx, mailbox, nil)
					synctest.Wait()
					done := make(chan error, 1)
					go func() { done <- call(ctx, c) }()
					synctest.Wait()
					close(held)
					assert.ErrorContains(t, <-done, "another mailbox")
					c.Close()
				})
			})
		}
	}
}

// TestMailboxWhenTheCallBegan: a call that waits behind the SELECT of another goroutine is meant for the mailbox that was open
// when it began: if that is not open any more, nothing is sent. The same mailbox may be opened again.
func TestMailboxWhenTheCallBegan(t *testing.T) {
	five := imap.UIDs(5)
	pipelined := func(ctx context.Context, c *imap.Client) error {
		p := c.Pipeline()
		p.Go(func(c *imap.Client) error { return testkit.ErrOf(c.UIDExpunge(ctx, five)) })
		return p.Wait()
	}
	for name, call := range map[string]func(ctx context.Context, c *imap.Client) error{
		"Pipeline":     pipelined,
		"UIDExpunge":   func(ctx context.Context, c *imap.Client) error { return testkit.ErrOf(c.UIDExpunge(ctx, five)) },
		"Expunge":      func(ctx context.Context, c *imap.Client) error { return testkit.ErrOf(c.Expunge(ctx)) },
		"CloseMailbox": func(ctx context.Context, c *imap.Client) error { return c.CloseMailbox(ctx) },
		"Store": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Store(ctx, five, imap.AddFlags(imap.FlagDeleted), nil))
		},
		"Move": func(ctx context.Context, c *imap.Client) error { return testkit.ErrOf(c.Move(ctx, five, "x")) },
		"Fetch": func(ctx context.Context, c *imap.Client) error {
			return testkit.Drain(c.Fetch(ctx, five, imap.FetchFlags))
		},
		"Search": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Search(ctx, imap.Where(), nil))
		},
		"Do": func(ctx context.Context, c *imap.Client) error { return testkit.ErrOf(c.Do(ctx, "UID EXPUNGE", five)) },
	} {
		for answer, moved := range map[string]bool{
			"Other: * 4 EXISTS": true, "Other: * OK [CLOSED] it is": true, "INBOX: * OK [CLOSED] it is": false, "INBOX: * 4 EXISTS": false,
			"INBOX: * OK [UIDVALIDITY 8] new": true,
		} {
			t.Run(name+" "+answer, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					begun, held, sent := make(chan struct{}), make(chan struct{}), false
					mailbox, data, _ := strings.Cut(answer, ": ")
					c := testkit.DialPeerOffering(t, "IMAP4rev1 UIDPLUS MOVE", nil, func(h *testkit.Peer) {
						tag := h.Line("SELECT " + mailbox)
						h.Send("%s", data)
						close(begun)
						<-held
						h.Send("%s OK [READ-WRITE] selected", tag)
						for tag := h.Line(""); tag != ""; tag = h.Line("") {
							sent = sent || h.Last != "NOOP"
							h.Send("%s OK done", tag)
						}
					})
					selected, called := make(chan error, 1), make(chan error, 1)
					go func() { selected <- testkit.ErrOf(c.Select(t.Context(), mailbox, nil)) }()
					<-begun
					synctest.Wait()
					go func() { called <- call(t.Context(), c) }()
					synctest.Wait()
					close(held)
					require.NoError(t, <-selected)
					err := <-called
					if moved {
						require.ErrorContains(t, err, "another mailbox was selected")
						assert.False(t, imap.SafeToRetry(err), "it would run in the other mailbox")
					} else {
						require.NoError(t, err)
					}
					require.NoError(t, c.Noop(t.Context()))
					synctest.Wait()
					assert.Equal(t, !moved, sent)
				})
			})
		}
	}
}

// TestUnreadChanges: a change since the stored state that cannot be parsed makes an error, because a program that stored the new
// state would never learn of it.
func TestUnreadChanges(t *testing.T) {
	const enable = "C: $ ENABLE QRESYNC\nS: * ENABLED QRESYNC\nS: $ OK done\n"
	for name, row := range map[string]string{
		"vanished": "* VANISHED (EARLIER) 1:x",
		"fetch":    `* 2 FETCH (UID 12 FLAGS (\Seen MODSEQ (12))`,
	} {
		t.Run("Select, "+name, func(t *testing.T) {
			c := testkit.Offering(t, "ENABLE CONDSTORE QRESYNC", enable+`
				C: $ SELECT other (QRESYNC (7 10))
				S: * 2 EXISTS
				S: * OK [UIDVALIDITY 7] ok
				S: * OK [HIGHESTMODSEQ 20] ok
				S: `+row+`
				S: $ OK [READ-WRITE] done
			`)
			mb, err := c.Select(testkit.Context(t), "other", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 7, ModSeq: 10}})
			bad, _ := errors.AsType[*imap.ProtocolError](err)
			assert.NotNil(t, bad, "%v", err)
			assert.EqualValues(t, 2, mb.Exists)
			assert.Equal(t, imap.Selected, c.State())
		})
	}
	t.Run("FetchChanges", func(t *testing.T) {
		c := testkit.Offering(t, "ENABLE CONDSTORE QRESYNC", enable+`
			C: $ SELECT INBOX
			S: * 2 EXISTS
			S: $ OK done
			C: $ UID FETCH 1:9 (UID FLAGS) (CHANGEDSINCE 5 VANISHED)
			S: * VANISHED (EARLIER) 3
			S: * VANISHED (EARLIER) 4,x
			S: $ OK done
		`)
		require.NoError(t, testkit.ErrOf(c.Enable(testkit.Context(t), "QRESYNC")))
		testkit.Open(t, c, "INBOX")
		changes, err := c.FetchChanges(testkit.Context(t), imap.UIDRange(1, 9), 5, imap.FetchFlags)
		bad, _ := errors.AsType[*imap.ProtocolError](err)
		assert.NotNil(t, bad, "%v", err)
		assert.Equal(t, "3", changes.Vanished.String())
	})
}

// TestStatusUnread: numbers that were sent and cannot be parsed are not those that the server did not send.
func TestStatusUnread(t *testing.T) {
	const command = "C: $ STATUS x (MESSAGES UNSEEN)\nS: * STATUS x (MESSAGES 5 UNSEEN 3\n"
	items := []imap.StatusItem{imap.StatusMessages, imap.StatusUnseen}
	c := testkit.Offering(t, "", command+"S: $ OK done\n"+command+"S: * STATUS x (MESSAGES 5 UNSEEN 3)\nS: $ OK done\n"+command+"S: $ OK done\n")
	bad := func(err error) {
		_, ok := errors.AsType[*imap.ProtocolError](err)
		assert.True(t, ok, "%v", err)
	}
	bad(testkit.ErrOf(c.Status(testkit.Context(t), "x", items...)))
	st, err := c.Status(testkit.Context(t), "x", items...)
	require.NoError(t, err)
	assert.EqualValues(t, 5, *st.Messages)
	p := c.Pipeline()
	p.Status(testkit.Context(t), "x", items...)
	bad(p.Wait())
}

// TestExpungeUnread: removals that cannot be parsed are missing in the result, which has to be known.
func TestExpungeUnread(t *testing.T) {
	for command, call := range map[string]func(c *imap.Client) (*imap.ExpungeResult, error){
		"EXPUNGE": func(c *imap.Client) (*imap.ExpungeResult, error) { return c.Expunge(testkit.Context(t)) },
		"UID EXPUNGE 1:9": func(c *imap.Client) (*imap.ExpungeResult, error) {
			return c.UIDExpunge(testkit.Context(t), imap.UIDRange(1, 9))
		},
	} {
		c := testkit.Offering(t, "UIDPLUS", "C: $ SELECT INBOX\nS: * 5 EXISTS\nS: $ OK done\nC: $ "+command+"\nS: * VANISHED 2\nS: * VANISHED 3,x\nS: $ OK done\n")
		testkit.Open(t, c, "INBOX")
		res, err := call(c)
		_, ok := errors.AsType[*imap.ProtocolError](err)
		assert.True(t, ok, "%s: %v", command, err)
		assert.Equal(t, "2", res.UIDs.String())
	}
}

// TestExpungeGoesOn: removals of one part of a set that cannot be parsed do not keep the other parts from being removed.
func TestExpungeGoesOn(t *testing.T) {
	var uids imap.UIDSet
	for i := imap.UID(1); i < 4000; i++ {
		uids = append(uids, imap.Range[imap.UID]{Start: 2000000 + 2*i, Stop: 2000000 + 2*i})
	}
	commands := 0
	c := testkit.DialPeerOffering(t, "IMAP4rev1 UIDPLUS", nil, func(h *testkit.Peer) {
		for tag := h.Line(""); tag != ""; tag = h.Line("") {
			if commands++; commands == 1 {
				h.Send("* VANISHED 3,x")
			}
			h.Send("%s OK done", tag)
		}
	})
	_, err := c.UIDExpunge(testkit.Context(t), uids)
	_, ok := errors.AsType[*imap.ProtocolError](err)
	assert.True(t, ok, "%v", err)
	require.NoError(t, c.Close())
	assert.Greater(t, commands, 1)
}

// TestListWithUnreadStatus: a STATUS that cannot be parsed does not cost the mailboxes of a List that requests it for each.
func TestListWithUnreadStatus(t *testing.T) {
	c := testkit.DialPeerOffering(t, "IMAP4rev1", nil, func(h *testkit.Peer) {
		h.Send("* LIST () \"/\" a\r\n* LIST () \"/\" b\r\n%s OK done", h.Line(""))
		h.Send("* STATUS a (MESSAGES 5\r\n%s OK done", h.Line("STATUS a (MESSAGES)"))
		h.Send("* STATUS b (MESSAGES 3)\r\n%s OK done", h.Line("STATUS b (MESSAGES)"))
	})
	all, err := c.List(testkit.Context(t), "", "*", &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages}})
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Nil(t, all[0].Status)
	assert.EqualValues(t, 3, *all[1].Status.Messages)
	assert.Len(t, c.Events(), 1)
}
