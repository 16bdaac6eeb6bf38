package state_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// meantCall is a call that is meant for the mailbox in which it begins.
type meantCall func(ctx context.Context, c *imap.Client) error

// TestPartsInPipeline: the later commands of a call do not run in a mailbox that another call selects between two of them.
func TestPartsInPipeline(t *testing.T) {
	for name, test := range map[string]struct {
		call   meantCall
		first  string // the command
		answer string // and the answer after which the call would send another one
	}{
		"Expunge": {
			func(ctx context.Context, c *imap.Client) error { return testkit.ErrOf(c.Expunge(ctx)) },
			"EXPUNGE", "* 1 EXPUNGE\r\n%s OK [MESSAGELIMIT 1 5] done",
		},
		"Move by COPY": {
			func(ctx context.Context, c *imap.Client) error {
				return testkit.ErrOf(c.Move(ctx, imap.UIDRange(5, 0), "target"))
			},
			"UID SEARCH UID 5:*", "* SEARCH 5\r\n%s OK done",
		},
		"Store": {
			func(ctx context.Context, c *imap.Client) error {
				return testkit.ErrOf(c.Store(ctx, imap.UIDRange(1, 9), imap.AddFlags(imap.FlagDeleted), nil))
			},
			`UID STORE 1:9 +FLAGS (\Deleted)`, "%s OK [MESSAGELIMIT 1 5] done",
		},
		"Copy": {
			func(ctx context.Context, c *imap.Client) error {
				return testkit.ErrOf(c.Copy(ctx, imap.UIDRange(1, 9), "target"))
			},
			"UID COPY 1:9 target", "%s OK [MESSAGELIMIT 1 5] done",
		},
		"UIDExpunge": {
			func(ctx context.Context, c *imap.Client) error {
				return testkit.ErrOf(c.UIDExpunge(ctx, imap.UIDRange(1, 9)))
			},
			"UID EXPUNGE 1:9", "%s OK [MESSAGELIMIT 1 5] done",
		},
		"Search": {
			func(ctx context.Context, c *imap.Client) error {
				return testkit.ErrOf(c.Search(ctx, imap.Where(), nil))
			},
			"UID SEARCH ALL", "* SEARCH 9 8\r\n%s OK [MESSAGELIMIT 2 5] done",
		},
		"Search in a character set": {
			func(ctx context.Context, c *imap.Client) error {
				return testkit.ErrOf(c.Search(ctx, imap.Where().Subject("é"), nil))
			},
			"", "%s NO [BADCHARSET (ISO-8859-1)] no",
		},
		"Sort": {
			func(ctx context.Context, c *imap.Client) error {
				return testkit.ErrOf(c.Sort(ctx, testkit.SortBy("DATE"), imap.Where().Subject("é")))
			},
			"", "%s NO [BADCHARSET (ISO-8859-1)] no",
		},
		"SortExtended": {
			func(ctx context.Context, c *imap.Client) error {
				return testkit.ErrOf(c.SortExtended(ctx, testkit.SortBy("DATE"), imap.Where().Subject("é"), nil))
			},
			"", "%s NO [BADCHARSET (ISO-8859-1)] no",
		},
		"Thread": {
			func(ctx context.Context, c *imap.Client) error {
				return testkit.ErrOf(c.Thread(ctx, "REFERENCES", imap.Where().Subject("é")))
			},
			"", "%s NO [BADCHARSET (ISO-8859-1)] no",
		},
		"SearchMailboxes": {
			func(ctx context.Context, c *imap.Client) error {
				return testkit.ErrOf(c.SearchMailboxes(ctx, nil, imap.Where().Subject("é"), nil))
			},
			"", "%s NO [BADCHARSET (ISO-8859-1)] no",
		},
	} {
		t.Run(name, func(t *testing.T) {
			betweenCommands(t, func(h *testkit.Peer) string {
				tag := h.Line(test.first)
				if test.first == "" {
					require.NoError(h.T, testkit.ErrOf(h.In.ReadString('\n'))) // the text was a literal
				}
				return fmt.Sprintf(test.answer, tag)
			}, test.call)
		})
	}
}

// betweenCommands makes a call in a pipeline, and selects another mailbox when its first command is answered and before its
// second is sent. first reads the first command and returns its answer.
func betweenCommands(t *testing.T, first func(h *testkit.Peer) string, call meantCall) {
	synctest.Test(t, func(t *testing.T) {
		arrived := make(chan struct{})
		c := testkit.DialPeerOffering(t, "IMAP4rev1 LITERAL+ UIDPLUS SORT THREAD=REFERENCES MULTISEARCH", nil, func(h *testkit.Peer) {
			status := h.Line("STATUS x (MESSAGES)")
			answer := first(h)
			close(arrived)
			time.Sleep(time.Second)
			h.Send("%s\r\n* STATUS x (MESSAGES 1)\r\n%s OK done", answer, status)
			h.Send("* 9 EXISTS\r\n* OK [UIDVALIDITY 8] ok\r\n%s OK done", h.Line("SELECT other"))
			h.Send("%s OK done", h.Line("NOOP"))
		})
		p := c.Pipeline()
		p.Go(func(c *imap.Client) error { // it reads the answers of both
			return testkit.ErrOf(c.Status(t.Context(), "x", imap.StatusMessages))
		})
		synctest.Wait() // it reads; the ctx of a call that reads itself must not make another call
		var err error
		p.Go(func(view *imap.Client) error {
			err = call(&gap{Context: t.Context(), arrived: arrived, between: func() {
				assert.NoError(t, testkit.ErrOf(c.Select(t.Context(), "other", nil)))
			}}, view)
			return nil
		})
		require.NoError(t, p.Wait())
		require.ErrorContains(t, err, "another mailbox")
		require.NoError(t, c.Noop(t.Context()))
	})
}

// A gap is the ctx of a call that waits while another goroutine reads the answer to its command: it calls between after the
// command has arrived, and before the call goes on.
type gap struct {
	context.Context
	arrived <-chan struct{}
	once    sync.Once
	between func()
}

func (g *gap) Done() <-chan struct{} {
	synctest.Wait()
	select {
	case <-g.arrived:
		g.once.Do(g.between)
	default:
	}
	return g.Context.Done()
}

// TestOtherMailboxBeforeCaps: a call that has to request the capabilities first does not run in a mailbox that another goroutine
// selects meanwhile.
func TestOtherMailboxBeforeCaps(t *testing.T) {
	for name, call := range map[string]meantCall{
		"Move": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Move(ctx, imap.UIDs(5), "target"))
		},
		"Store": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Store(ctx, imap.UIDs(5), imap.AddFlags(imap.FlagDeleted), &imap.StoreOptions{UnchangedSince: 5}))
		},
		"Search": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Search(ctx, imap.Where(), &imap.SearchOptions{Last: 3}))
		},
		"SortExtended": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.SortExtended(ctx, testkit.SortBy("DATE"), imap.Where(), nil))
		},
		"Previews": func(ctx context.Context, c *imap.Client) error {
			return testkit.Drain(c.Previews(ctx, imap.UIDs(5)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testkit.DialPeerGreeting(t, "* PREAUTH ready", func(h *testkit.Peer) {
					h.Send("* 5 EXISTS\r\n%s OK done", h.Line("SELECT INBOX"))
					tag := h.Line("NOOP")
					time.Sleep(time.Second)
					h.Send("%s OK done", tag)
					h.Send("* 9 EXISTS\r\n%s OK done", h.Line("SELECT other"))
					h.Send("* CAPABILITY IMAP4rev1 UIDPLUS MOVE CONDSTORE SORT PARTIAL PREVIEW\r\n%s OK done", h.Line("CAPABILITY"))
					h.Send("%s OK done", h.Line("CHECK"))
				})
				require.NoError(t, testkit.ErrOf(c.Select(t.Context(), "INBOX", nil)))
				results := make(chan error, 2)
				go func() { results <- c.Noop(t.Context()) }()
				synctest.Wait()
				go func() { results <- testkit.ErrOf(c.Select(t.Context(), "other", nil)) }()
				synctest.Wait()
				err := call(t.Context(), c)
				require.ErrorContains(t, err, "another mailbox")
				assert.False(t, imap.SafeToRetry(err), "%v", err)
				require.NoError(t, errors.Join(<-results, <-results))
				require.NoError(t, c.Check(t.Context()))
			})
		})
	}
}

// TestNumbersBeforeCaps: the numbers in a call that has to request the capabilities first are those from its beginning.
func TestNumbersBeforeCaps(t *testing.T) {
	for command, call := range map[string]meantCall{
		"MOVE 2 target": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Move(ctx, imap.Seqs(3), "target"))
		},
		`STORE 2 (UNCHANGEDSINCE 5) +FLAGS (\Deleted)`: func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Store(ctx, imap.Seqs(3), imap.AddFlags(imap.FlagDeleted), &imap.StoreOptions{UnchangedSince: 5}))
		},
	} {
		t.Run(command, func(t *testing.T) {
			c := testkit.DialScript(t, "* PREAUTH ready", `
				C: $ SELECT INBOX
				S: * 5 EXISTS
				S: $ OK done
				C: $ CAPABILITY
				S: * 1 EXPUNGE
				S: * CAPABILITY IMAP4rev1 MOVE CONDSTORE
				S: $ OK done
				C: $ `+command+`
				S: $ OK done
			`)
			require.NoError(t, testkit.ErrOf(c.Select(t.Context(), "INBOX", nil)))
			require.NoError(t, call(t.Context(), c))
		})
	}
}

// TestTextByNumberBeforeCaps: so are those of calls that read.
func TestTextByNumberBeforeCaps(t *testing.T) {
	for command, call := range map[string]meantCall{
		"FETCH 2 (UID BODYSTRUCTURE)": func(ctx context.Context, c *imap.Client) error {
			return testkit.Drain(c.FetchText(ctx, imap.Seqs(3), nil))
		},
		"FETCH 2 (UID BODYSTRUCTURE PREVIEW)": func(ctx context.Context, c *imap.Client) error {
			return testkit.Drain(c.Previews(ctx, imap.Seqs(3)))
		},
		"FETCH 2:4 (UID BODYSTRUCTURE)": func(ctx context.Context, c *imap.Client) error {
			return testkit.Drain(c.FetchText(ctx, imap.SeqRange(3, 9), nil))
		},
		"NOOP": func(ctx context.Context, c *imap.Client) error {
			return errors.Join(testkit.Drain(c.FetchText(ctx, imap.Seqs(1), nil)), c.Noop(ctx))
		},
	} {
		t.Run(command, func(t *testing.T) {
			c := testkit.DialScript(t, "* PREAUTH ready", `
				C: $ SELECT INBOX
				S: * 5 EXISTS
				S: $ OK done
				C: $ CAPABILITY
				S: * 1 EXPUNGE
				S: * CAPABILITY IMAP4rev1 PREVIEW
				S: $ OK done
				C: $ `+command+`
				S: $ OK done
			`)
			require.NoError(t, testkit.ErrOf(c.Select(t.Context(), "INBOX", nil)))
			require.NoError(t, call(t.Context(), c))
		})
	}
}

// TestNumbersBeforeCapsByCopy: so are those of a Move that copies.
func TestNumbersBeforeCapsByCopy(t *testing.T) {
	c := testkit.DialScript(t, "* PREAUTH ready", `
		C: $ SELECT INBOX
		S: * 5 EXISTS
		S: $ OK done
		C: $ CAPABILITY
		S: * 1 EXPUNGE
		S: * CAPABILITY IMAP4rev1 UIDPLUS
		S: $ OK done
		C: $ FETCH 2 (UID)
		S: * 2 FETCH (UID 30)
		S: $ OK done
		C: $ UID COPY 30 target
		S: $ OK done
		C: $ UID STORE 30 +FLAGS.SILENT (\Deleted)
		S: $ OK done
		C: $ UID EXPUNGE 30
		S: * 2 EXPUNGE
		S: $ OK done
	`)
	require.NoError(t, testkit.ErrOf(c.Select(t.Context(), "INBOX", nil)))
	require.NoError(t, testkit.ErrOf(c.Move(t.Context(), imap.Seqs(3), "target")))
}

// TestMailboxBehindStream: what is known of the selected mailbox means nothing to a call that waits for an earlier one, in the
// pipeline of a FetchStream, which selects another.
func TestMailboxBehindStream(t *testing.T) {
	for name, test := range map[string]struct {
		call    meantCall
		command string // sent with "other" open
		answer  string
	}{
		"Move": {
			func(ctx context.Context, c *imap.Client) error {
				return testkit.ErrOf(c.Move(ctx, imap.UIDRange(1, 100), "target"))
			},
			"UID SEARCH UID 1:100", "* SEARCH\r\n%s OK done", // what arrives later must not be deleted
		},
		"Move from a mailbox to read": {
			func(ctx context.Context, c *imap.Client) error {
				if err := testkit.ErrOf(c.Move(ctx, imap.UIDRange(1, 100), "target")); !errors.Is(err, imap.ErrReadOnly) {
					return fmt.Errorf("moved out of a mailbox that is read-only: %w", err)
				}
				return nil
			},
			"UID SEARCH UID 1:100", "* SEARCH 7\r\n* OK [READ-ONLY] changed\r\n%s OK done",
		},
		"Fetch": {
			func(ctx context.Context, c *imap.Client) error {
				return testkit.Drain(c.Fetch(ctx, imap.Seqs(9), imap.FetchFlags))
			},
			"FETCH 9 (UID FLAGS)", "%s OK done",
		},
		"SearchSeq": {
			func(ctx context.Context, c *imap.Client) error {
				return testkit.ErrOf(c.SearchSeq(ctx, imap.Where().In(imap.Seqs(9)), nil))
			},
			"SEARCH 9", "* SEARCH\r\n%s OK done",
		},
		"FetchText": {
			func(ctx context.Context, c *imap.Client) error {
				return testkit.Drain(c.FetchText(ctx, imap.SeqRange(1, 9), nil))
			},
			"FETCH 1:9 (UID BODYSTRUCTURE)", "%s OK done",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testkit.DialPeerOffering(t, "IMAP4rev1 UIDPLUS", nil, func(h *testkit.Peer) {
					h.Send("* 3 EXISTS\r\n* OK [UIDNEXT 1000] ok\r\n%s OK done", h.Line("SELECT full"))
					tag := h.Line("")
					h.Send("* 3 FETCH (UID 3 BODY[] {3}\r\nabc)")
					time.Sleep(time.Second)
					h.Send("* 1 EXPUNGE\r\n%s OK done", tag)
					tag = h.Line("SELECT other")
					time.Sleep(time.Second)
					h.Send("* 9 EXISTS\r\n* OK [UIDNEXT 50] ok\r\n%s OK done", tag)
					h.Send(test.answer, h.Line(test.command))
					h.Send("%s OK done", h.Line("NOOP"))
				})
				require.NoError(t, testkit.ErrOf(c.Select(t.Context(), "full", nil)))
				p := c.Pipeline()
				p.Go(func(c *imap.Client) error {
					for _, err := range c.FetchStream(t.Context(), imap.UIDs(3), imap.Section{}) {
						if err != nil {
							return err
						}
						p.Go(func(c *imap.Client) error { return testkit.ErrOf(c.Select(t.Context(), "other", nil)) })
						p.Go(func(c *imap.Client) error { return test.call(t.Context(), c) })
						time.Sleep(time.Second)
					}
					return nil
				})
				require.NoError(t, p.Wait())
				require.NoError(t, c.Noop(t.Context()))
			})
		})
	}
}

// TestAfterSelectInPipeline: what a call has selected itself is known to its later commands, as without a pipeline: numbers beyond
// the last message are not sent, and UIDs below UIDNEXT are moved without a search.
func TestAfterSelectInPipeline(t *testing.T) {
	c := testkit.Offering(t, "IMAP4rev1 UIDPLUS", `
		C: $ SELECT box
		S: * 3 EXISTS
		S: * OK [UIDNEXT 9] next
		S: $ OK done
		C: $ FETCH 1:3 (UID BODYSTRUCTURE)
		S: $ OK done
		C: $ UID COPY 5 target
		S: $ OK [COPYUID 1 5 7] done
		C: $ UID STORE 5 +FLAGS.SILENT (\Deleted)
		S: $ OK done
		C: $ UID EXPUNGE 5
		S: * 1 EXPUNGE
		S: $ OK done
	`)
	p := c.Pipeline()
	p.Go(func(c *imap.Client) error {
		return errors.Join(
			testkit.ErrOf(c.Select(t.Context(), "box", nil)),
			testkit.Drain(c.FetchText(t.Context(), imap.SeqRange(1, 10), nil)),
			testkit.ErrOf(c.Move(t.Context(), imap.UIDs(5), "target")),
		)
	})
	require.NoError(t, p.Wait())
}

// TestRefusedRawSelect: a raw SELECT that cannot be sent fails what follows it in the pipeline, which is not meant for the mailbox
// that was open before.
func TestRefusedRawSelect(t *testing.T) {
	for name, arg := range map[string]any{
		"select":   imap.Literal{R: strings.NewReader("other"), Size: 5},
		"EXAMINE ": "other",
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.Selected(t, "C: $ NOOP\nS: $ OK done")
			var raw, expunge error
			p := c.Pipeline()
			p.Go(func(c *imap.Client) error { raw = testkit.ErrOf(c.Do(t.Context(), name, arg)); return nil })
			p.Go(func(c *imap.Client) error { expunge = testkit.ErrOf(c.Expunge(t.Context())); return nil })
			require.NoError(t, p.Wait())
			require.Error(t, raw)
			require.ErrorContains(t, expunge, "the SELECT before it")
			require.NoError(t, c.Noop(t.Context()))
		})
	}
}

// dialSlowSelect returns a client whose server answers the first command, then SELECT of a mailbox after a second, and fails the
// test if a command that begins with never is sent there.
func dialSlowSelect(t *testing.T, first, answer, mailbox, never string) *imap.Client {
	return testkit.DialPeerOffering(t, "IMAP4rev1 UIDPLUS UNSELECT", nil, func(h *testkit.Peer) {
		h.Send(answer, h.Line(first))
		tag := h.Line("SELECT " + mailbox)
		time.Sleep(time.Second)
		h.Send("* 9 EXISTS\r\n%s OK done", tag)
		for tag := h.Line(""); tag != ""; tag = h.Line("") {
			if strings.HasPrefix(h.Last, never) {
				t.Errorf("in %s: %s", mailbox, h.Last)
			}
			h.Send("%s OK done", tag)
		}
	})
}

// TestPipelineAndForeignSelect: a call of a pipeline that has selected a mailbox does not run in the one that another goroutine
// selects.
func TestPipelineAndForeignSelect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dialSlowSelect(t, "SELECT a", "* 3 EXISTS\r\n%s OK done", "b", "UID STORE")
		p := c.Pipeline()
		p.Go(func(c *imap.Client) error { return testkit.ErrOf(c.Select(t.Context(), "a", nil)) })
		go func() { c.Select(t.Context(), "b", nil) }()
		synctest.Wait()
		p.Go(func(c *imap.Client) error {
			return testkit.ErrOf(c.Store(t.Context(), imap.UIDs(1), imap.AddFlags(imap.FlagDeleted), nil))
		})
		err := p.Wait()
		require.Error(t, err)
	})
}

// TestTwoPipelinesSelect: the same for the SELECT of another pipeline.
func TestTwoPipelinesSelect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dialSlowSelect(t, "SELECT a", "* 3 EXISTS\r\n%s OK done", "b", "UID EXPUNGE")
		p, q := c.Pipeline(), c.Pipeline()
		p.Go(func(c *imap.Client) error { return testkit.ErrOf(c.Select(t.Context(), "a", nil)) })
		go q.Go(func(c *imap.Client) error { return testkit.ErrOf(c.Select(t.Context(), "b", nil)) })
		synctest.Wait()
		p.Go(func(c *imap.Client) error { return testkit.ErrOf(c.UIDExpunge(t.Context(), imap.UIDs(5))) })
		require.Error(t, p.Wait())
	})
}

// TestCallBegunWithoutMailbox: a call that began while no mailbox was selected does not run in one that another goroutine selects.
func TestCallBegunWithoutMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dialSlowSelect(t, "UNSELECT", "%s OK done", "other", "UID EXPUNGE")
		require.NoError(t, c.Unselect(t.Context()))
		go c.Select(t.Context(), "other", nil)
		synctest.Wait()
		_, err := c.UIDExpunge(t.Context(), imap.UIDs(5))
		require.Error(t, err)
	})
}

// TestCallBegunAfterRefusedSelect: the same after a SELECT that was refused.
func TestCallBegunAfterRefusedSelect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dialSlowSelect(t, "SELECT none", "%s NO [NONEXISTENT] no", "other", "UID STORE")
		require.Error(t, testkit.ErrOf(c.Select(t.Context(), "none", nil)))
		go c.Select(t.Context(), "other", nil)
		synctest.Wait()
		_, err := c.Store(t.Context(), imap.UIDs(5), imap.AddFlags(imap.FlagDeleted), nil)
		require.Error(t, err)
	})
}

// slowSelects answers each command after a second, SELECT with a mailbox of three messages, and fails the test if a UID EXPUNGE is sent.
func slowSelects(t *testing.T) func(h *testkit.Peer) {
	return func(h *testkit.Peer) {
		for tag := h.Line(""); tag != ""; tag = h.Line("") {
			time.Sleep(time.Second)
			if strings.HasPrefix(h.Last, "UID EXPUNGE") {
				t.Errorf("sent: %s", h.Last)
			}
			if strings.HasPrefix(h.Last, "SELECT") {
				h.Send("* 3 EXISTS")
			}
			h.Send("%s OK done", tag)
		}
	}
}

// TestForeignSelectBehindOwn: a call of a pipeline that begins while a SELECT of the pipeline is in flight does not run in the mailbox
// that another goroutine selects behind it.
func TestForeignSelectBehindOwn(t *testing.T) {
	for name, first := range map[string]func(ctx context.Context, c *imap.Client) error{
		"selected": func(ctx context.Context, c *imap.Client) error {
			if err := c.Noop(ctx); err != nil { // Go returns when it is queued
				return err
			}
			return testkit.ErrOf(c.Select(ctx, "a", nil))
		},
		"given up": func(ctx context.Context, c *imap.Client) error {
			short, cancel := context.WithTimeout(ctx, time.Second/2)
			defer cancel()
			return testkit.ErrOf(c.Select(short, "a", nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testkit.DialPeerOffering(t, "IMAP4rev1 UIDPLUS UNSELECT", nil, slowSelects(t))
				p := c.Pipeline()
				p.Go(func(c *imap.Client) error { return first(t.Context(), c) })
				if name == "selected" {
					time.Sleep(1500 * time.Millisecond) // SELECT a is in flight
				}
				go c.Select(t.Context(), "b", nil)
				synctest.Wait()
				var err error
				p.Go(func(c *imap.Client) error { err = testkit.ErrOf(c.UIDExpunge(t.Context(), imap.UIDs(5))); return nil })
				p.Wait()
				require.Error(t, err)
			})
		})
	}
}

// TestForeignSelectBehindStream: the same for calls in the loop of a FetchStream.
func TestForeignSelectBehindStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeerOffering(t, "IMAP4rev1 UIDPLUS", nil, func(h *testkit.Peer) {
			h.Send("* 3 EXISTS\r\n%s OK done", h.Line("SELECT full"))
			h.Send("* 3 FETCH (UID 3 BODY[] {3}\r\nabc)\r\n%s OK done", h.Line(""))
			slowSelects(t)(h)
		})
		require.NoError(t, testkit.ErrOf(c.Select(t.Context(), "full", nil)))
		p := c.Pipeline()
		p.Go(func(c *imap.Client) error {
			for _, err := range c.FetchStream(t.Context(), imap.UIDs(3), imap.Section{}) {
				if err != nil {
					return err
				}
				p.Go(func(c *imap.Client) error { return testkit.ErrOf(c.Select(t.Context(), "other", nil)) })
				p.Go(func(c *imap.Client) error { return testkit.ErrOf(c.UIDExpunge(t.Context(), imap.UIDs(5))) })
			}
			return nil
		})
		time.Sleep(time.Second / 2) // SELECT other is in flight
		go c.Select(t.Context(), "third", nil)
		require.Error(t, p.Wait())
	})
}

// TestBehindOwnSelect: a call that begins while a SELECT of its pipeline is in flight runs in that mailbox.
func TestBehindOwnSelect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeerOffering(t, "IMAP4rev1", nil, func(h *testkit.Peer) {
			for _, line := range []string{"NOOP", "SELECT a", "UID STORE 5 +FLAGS.SILENT (\\Seen)"} {
				tag := h.Line(line)
				time.Sleep(time.Second)
				h.Send("* 3 EXISTS\r\n%s OK done", tag)
			}
		})
		p := c.Pipeline()
		p.Go(func(c *imap.Client) error {
			if err := c.Noop(t.Context()); err != nil {
				return err
			}
			return testkit.ErrOf(c.Select(t.Context(), "a", nil))
		})
		time.Sleep(1500 * time.Millisecond) // SELECT a is in flight
		p.Go(func(c *imap.Client) error {
			return testkit.ErrOf(c.Store(t.Context(), imap.UIDs(5), imap.AddFlags(imap.FlagSeen), &imap.StoreOptions{Silent: true}))
		})
		require.NoError(t, p.Wait())
	})
}
