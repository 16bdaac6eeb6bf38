package programs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
	script "github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

// TestWatchBodySelects: the loop body selects another mailbox in each change. It finds each change with the watched one
// selected, and changes are not missed, also if it selects that again itself.
func TestWatchBodySelects(t *testing.T) {
	bubble(t, func(t *testing.T, srv *imaptest.Server) {
		srv.Create("Other", "")
		there := 3
		for _, back := range []bool{false, true} {
			var got []string
			for ch, err := range imap.Watch(t.Context(), dialer(srv), "INBOX", imap.SyncState{}, nil) {
				require.NoError(t, err)
				require.Equal(t, "INBOX", ch.Client.Mailbox().Name)
				if ch.Kind != imap.ChangeNew {
					continue
				}
				if got = append(got, ch.Message.Envelope.Subject); len(got) == there+2 {
					break
				}
				_, err = ch.Client.Select(t.Context(), "Other", nil)
				require.NoError(t, err)
				if len(got) == there {
					srv.Deliver("INBOX", imaptest.Message{Subject: fmt.Sprint("message 4 ", back)})
					srv.Deliver("INBOX", imaptest.Message{Subject: fmt.Sprint("message 5 ", back)})
				}
				if back {
					_, err = ch.Client.Select(t.Context(), "INBOX", nil)
					require.NoError(t, err)
				}
			}
			there += 2
			require.Len(t, got, there, back)
		}
	})
}

// dialPeer returns a function for Watch that connects to a server of two messages, which answers a command with the lines of
// news, its own and OK.
func dialPeer(caps string, news func(command string) string) func(context.Context) (*imap.Client, error) {
	serve := func(conn io.ReadWriteCloser) {
		defer conn.Close()
		fmt.Fprintf(conn, "* PREAUTH [CAPABILITY IMAP4rev1 %s] ready\r\n", caps)
		in := bufio.NewReader(conn)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			tag, command, _ := strings.Cut(strings.TrimSpace(line), " ")
			answer := ""
			switch {
			case strings.HasPrefix(command, "SELECT"):
				answer = "* 2 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n"
			case strings.HasPrefix(command, "UID SEARCH"):
				answer = "* SEARCH 1 2\r\n"
			case strings.HasPrefix(command, "UID FETCH"):
				for i := 1; i <= 2; i++ {
					if set := strings.Fields(command)[2]; set == "1:2" || set == fmt.Sprint(i) {
						answer += fmt.Sprintf("* %[1]d FETCH (UID %[1]d FLAGS () BODY[] \"text\")\r\n", i)
					}
				}
			case command == "IDLE":
				answer = "+ idling\r\n"
			}
			fmt.Fprint(conn, answer+news(command))
			if command == "IDLE" {
				in.ReadString('\n')
			}
			fmt.Fprintf(conn, "%s OK done\r\n", tag)
		}
	}
	return func(ctx context.Context) (*imap.Client, error) {
		near, far := script.Pipe()
		go serve(far)
		return imap.NewClient(ctx, near, nil)
	}
}

// TestWatchBodyGivesUp: the loop body selects another mailbox, or closes the watched one, but gives up before the server has
// done it. Watch selects its own again, and neither ends nor waits for news of the other.
func TestWatchBodyGivesUp(t *testing.T) {
	for _, command := range []string{"SELECT Other", "UNSELECT", "CLOSE"} {
		for _, last := range []imap.UID{1, 2} { // the change in whose body that happens
			synctest.Test(t, func(t *testing.T) {
				selects := 0
				dial := dialPeer("IDLE UNSELECT", func(got string) string {
					switch got {
					case "SELECT INBOX":
						selects++
					case command:
						time.Sleep(time.Second)
					}
					return ""
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				var got []string
				opts := &imap.WatchOptions{
					Fetch:   []imap.FetchItem{imap.FetchFlags, imap.Section{}}, // one FETCH for each message
					OnError: func(err error, _ time.Duration) { t.Errorf("%s: %v", command, err) },
				}
				for ch, err := range imap.Watch(ctx, dial, "INBOX", imap.SyncState{}, opts) {
					if ch == nil {
						require.ErrorIs(t, err, context.DeadlineExceeded)
						break
					}
					if ch.Kind == imap.ChangeNew {
						got = append(got, changeLine(ch))
					}
					if ch.Kind != imap.ChangeNew || ch.Message.UID != last {
						continue
					}
					short, stop := context.WithTimeout(ctx, 100*time.Millisecond)
					switch command {
					case "UNSELECT":
						err = ch.Client.Unselect(short)
					case "CLOSE":
						err = ch.Client.CloseMailbox(short)
					default:
						_, err = ch.Client.Select(short, "Other", nil)
					}
					stop()
					require.ErrorIs(t, err, context.DeadlineExceeded)
				}
				require.Equal(t, []string{"new 1", "new 2"}, got)
				require.Greater(t, selects, 1, command)
			})
		}
	}
}

// TestWatchBodyRemoves: a message that the loop body removes is reported as gone, like one that another client removes.
func TestWatchBodyRemoves(t *testing.T) {
	for name, remove := range map[string]func(context.Context, *imap.Client, imap.UIDSet) error{
		"UIDExpunge": func(ctx context.Context, c *imap.Client, uids imap.UIDSet) error {
			_, err := c.Store(ctx, uids, imap.AddFlags(imap.FlagDeleted), nil)
			require.NoError(t, err)
			return testkit.ErrOf(c.UIDExpunge(ctx, uids))
		},
		"Move": func(ctx context.Context, c *imap.Client, uids imap.UIDSet) error {
			return testkit.ErrOf(c.Move(ctx, uids, "Other"))
		},
		"Expunge": func(ctx context.Context, c *imap.Client, uids imap.UIDSet) error {
			_, err := c.Store(ctx, uids, imap.AddFlags(imap.FlagDeleted), nil)
			require.NoError(t, err)
			return testkit.ErrOf(c.Expunge(ctx))
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, srv *imaptest.Server) {
				srv.Create("Other", "")
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				var got []string
				for ch, err := range imap.Watch(ctx, dialer(srv), "INBOX", imap.SyncState{}, nil) {
					if ch == nil {
						require.ErrorIs(t, err, context.DeadlineExceeded)
						break
					}
					require.NoError(t, err)
					if ch.Kind == imap.ChangeFlags {
						continue
					}
					if got = append(got, changeLine(ch)); len(got) == 1 || len(got) == 3 {
						require.NoError(t, remove(ctx, ch.Client, imap.UIDs(ch.Message.UID)))
					}
				}
				require.Equal(t, []string{"new 1", "new 2", "new 3", "gone 1,3"}, got)
			})
		})
	}
}

// watchScripts watches a mailbox on one connection after another, each of which plays a script, and returns the first n
// changes in one line each, with their errors.
func watchScripts(t *testing.T, state imap.SyncState, items []imap.FetchItem, n int, scripts ...string) []string {
	t.Helper()
	dial := func(ctx context.Context) (*imap.Client, error) {
		if len(scripts) == 0 {
			return nil, fmt.Errorf("there are no more connections: %w", errors.ErrUnsupported)
		}
		greeting := "S: * PREAUTH [CAPABILITY IMAP4rev1] ready\n"
		if strings.Contains(scripts[0], "PREAUTH") {
			greeting = "" // the script has one
		}
		conn := script.DialScript(t, greeting+scripts[0])
		scripts = scripts[1:]
		return imap.NewClient(ctx, conn, &imap.Options{AllowInsecureAuth: true})
	}
	var got []string
	for ch, err := range imap.Watch(t.Context(), dial, "INBOX", state, &imap.WatchOptions{Fetch: items}) {
		require.NotNil(t, ch, "%v", err)
		line := changeLine(ch)
		if ch.Kind == imap.ChangeNew {
			line += fmt.Sprintf(" %v %d", ch.Message.Flags, ch.Message.Size)
		}
		if err != nil {
			line += " with an error"
		}
		if got = append(got, line); len(got) == n {
			break
		}
	}
	return got
}

const opened = `
	C: $ SELECT INBOX
	S: * 2 EXISTS
	S: * OK [UIDVALIDITY 1] ok
	S: $ OK done
`

var flagsAndSize = []imap.FetchItem{imap.FetchFlags, imap.FetchSize}

// TestWatchNewsIsNoAnswer: an unsolicited response about a new message, within a FETCH that is refused or whose connection is
// lost, is not that message.
func TestWatchNewsIsNoAnswer(t *testing.T) {
	begin := opened + `
		C: $ UID SEARCH ALL
		S: * SEARCH 1 2
		S: $ OK done
		C: $ UID FETCH 1:2 (UID FLAGS RFC822.SIZE)
		S: * 1 FETCH (UID 1 FLAGS () RFC822.SIZE 10)
		S: * 2 FETCH (UID 2 FLAGS (\Seen))
	`
	alone := `
		C: $ UID FETCH 2 (UID FLAGS RFC822.SIZE)
		S: * 2 FETCH (UID 2 FLAGS (\Seen) RFC822.SIZE 20)
		S: $ OK done
		CLOSE
	`
	t.Run("refused", func(t *testing.T) {
		got := watchScripts(t, imap.SyncState{}, flagsAndSize, 2, begin+"S: $ NO [SERVERBUG] cannot\n"+alone)
		require.Equal(t, []string{"new 1 [] 10", `new 2 [\Seen] 20`}, got)
	})
	t.Run("refused for good", func(t *testing.T) {
		got := watchScripts(t, imap.SyncState{}, flagsAndSize, 2, begin+`
			S: $ NO [SERVERBUG] cannot
			C: $ UID FETCH 2 (UID FLAGS RFC822.SIZE)
			S: * 2 FETCH (UID 2 FLAGS (\Seen))
			S: $ NO [SERVERBUG] cannot
			C: $ UID SEARCH UID 2
			S: * SEARCH 2
			S: $ OK done
			CLOSE
		`)
		require.Equal(t, []string{"new 1 [] 10", `new 2 [\Seen] 0 with an error`}, got)
	})
	t.Run("other items", func(t *testing.T) {
		for _, item := range []imap.FetchAttr{imap.FetchGmailMsgID, imap.FetchEmailID, imap.FetchModSeq} {
			value := map[imap.FetchAttr]string{imap.FetchGmailMsgID: "11", imap.FetchEmailID: "(M11)", imap.FetchModSeq: "(11)"}[item]
			got := watchScripts(t, imap.SyncState{}, []imap.FetchItem{imap.FetchFlags, item}, 2, fmt.Sprintf(`
				S: * PREAUTH [CAPABILITY IMAP4rev1 X-GM-EXT-1 OBJECTID CONDSTORE] ready
				C: $ SELECT INBOX (CONDSTORE)
				S: * 2 EXISTS
				S: * OK [UIDVALIDITY 1] ok
				S: $ OK done
				C: $ UID SEARCH ALL
				S: * SEARCH 1 2
				S: $ OK done
				C: $ UID FETCH 1:2 (UID FLAGS %[1]s)
				S: * 1 FETCH (UID 1 FLAGS () %[1]s %[2]s)
				S: * 2 FETCH (UID 2 FLAGS (\Seen))
				S: $ NO [SERVERBUG] cannot
				C: $ UID FETCH 2 (UID FLAGS %[1]s)
				S: * 2 FETCH (UID 2 FLAGS (later) %[1]s %[2]s)
				S: $ OK done
				CLOSE
			`, item, value))
			require.Equal(t, []string{"new 1 [] 0", "new 2 [later] 0"}, got)
		}
	})
	t.Run("lost", func(t *testing.T) {
		got := watchScripts(t, imap.SyncState{}, flagsAndSize, 2, begin+"CLOSE\n", opened+`
			C: $ UID FETCH 1:* (UID FLAGS)
			S: * 1 FETCH (UID 1 FLAGS ())
			S: * 2 FETCH (UID 2 FLAGS (\Seen))
			S: $ OK done
		`+alone)
		require.Equal(t, []string{"new 1 [] 10", `new 2 [\Seen] 20`}, got)
	})
}

// TestWatchOlderNews: responses that came before the data of a FETCH or SELECT are not delivered after it.
func TestWatchOlderNews(t *testing.T) {
	t.Run("before the FETCH of a new message", func(t *testing.T) {
		got := watchScripts(t, imap.SyncState{}, flagsAndSize, 3, opened+`
			C: $ UID SEARCH ALL
			S: * 2 FETCH (UID 2 FLAGS ())
			S: * SEARCH 1 2
			S: $ OK done
			C: $ UID FETCH 1:2 (UID FLAGS RFC822.SIZE)
			S: * 1 FETCH (UID 1 FLAGS () RFC822.SIZE 10)
			S: * 2 FETCH (UID 2 FLAGS (\Seen) RFC822.SIZE 20)
			S: * 1 FETCH (UID 1 FLAGS (\Answered))
			S: $ OK done
			STALL
		`)
		require.Equal(t, []string{"new 1 [] 10", `new 2 [\Seen] 20`, `flags 1 [\Answered]`}, got)
	})
	t.Run("before another SELECT", func(t *testing.T) {
		got := watchScripts(t, imap.SyncState{UIDValidity: 1, UIDs: imap.UIDs(1, 2)}, flagsAndSize, 5, opened+`
			C: $ UID FETCH 1:* (UID FLAGS)
			S: * 1 FETCH (UID 1 FLAGS ())
			S: * 2 FETCH (UID 2 FLAGS ())
			S: * 1 FETCH (FLAGS (\Seen))
			S: $ OK done
			C: $ SELECT INBOX
			S: * 2 FETCH (FLAGS (a) UID 2)
			S: * 2 EXISTS
			S: * OK [UIDVALIDITY 1] ok
			S: $ OK done
			C: $ UID FETCH 1:* (UID FLAGS)
			S: * 1 FETCH (UID 1 FLAGS (\Seen))
			S: * 2 FETCH (UID 2 FLAGS (b))
			S: * 2 FETCH (UID 2 FLAGS (c))
			S: $ OK done
			STALL
		`)
		require.Equal(t, []string{"flags 1 []", "flags 2 []", `flags 1 [\Seen]`, "flags 2 [b]", "flags 2 [c]"}, got)
	})
}

// TestWatchArrivalsDuringSync: messages that arrive while Sync fetches are delivered, also if the flags of a later one came in the
// answer, so that it counts as listed.
func TestWatchArrivalsDuringSync(t *testing.T) {
	got := watchScripts(t, imap.SyncState{UIDValidity: 1, UIDs: imap.UIDs(1, 2)}, flagsAndSize, 4, opened+`
		C: $ UID FETCH 1:* (UID FLAGS)
		S: * 1 FETCH (UID 1 FLAGS ())
		S: * 4 EXISTS
		S: * 4 FETCH (UID 4 FLAGS ())
		S: * 2 FETCH (UID 2 FLAGS ())
		S: $ OK done
		C: $ UID FETCH 4 (UID FLAGS RFC822.SIZE)
		S: * 4 FETCH (UID 4 FLAGS () RFC822.SIZE 40)
		S: $ OK done
		C: $ UID SEARCH UID 3:*
		S: * SEARCH 3 4
		S: $ OK done
		C: $ UID FETCH 3 (UID FLAGS RFC822.SIZE)
		S: * 3 FETCH (UID 3 FLAGS () RFC822.SIZE 30)
		S: $ OK done
		STALL
	`)
	require.Equal(t, []string{"new 4 [] 40", "flags 1 []", "flags 2 []", "new 3 [] 30"}, got)
}

// TestWatchUnreadAfterNews: a message whose data cannot be parsed is delivered with the error, also if unsolicited responses about
// it and many others came before.
func TestWatchUnreadAfterNews(t *testing.T) {
	const messages = 18
	text := fmt.Sprintf(`
		C: $ SELECT INBOX
		S: * %d EXISTS
		S: * OK [UIDVALIDITY 1] ok
		S: $ OK done
		C: $ UID SEARCH ALL
		S: * SEARCH`, messages)
	var want []string
	for uid := 1; uid <= messages; uid++ {
		text += fmt.Sprint(" ", uid)
	}
	text += fmt.Sprintf(`
		S: $ OK done
		C: $ UID FETCH 1:%d (UID FLAGS RFC822.SIZE)
	`, messages)
	for uid := 1; uid < messages; uid++ {
		text += fmt.Sprintf("S: * %d FETCH (FLAGS () UID %d)\n", uid, uid)
	}
	text += "S: * 1 FETCH (UID 1 FLAGS ((a RFC822.SIZE 10)\n"
	want = append(want, "new 1 [] 0 with an error")
	for uid := 2; uid <= messages; uid++ {
		text += fmt.Sprintf("S: * %d FETCH (UID %d FLAGS () RFC822.SIZE 10)\n", uid, uid)
		want = append(want, fmt.Sprintf("new %d [] 10", uid))
	}
	got := watchScripts(t, imap.SyncState{}, flagsAndSize, messages, text+"S: $ OK done\nSTALL\n")
	require.Equal(t, want, got)
}

// TestWatchRemovedDuringFetch: a message that is removed during its FETCH is not delivered, also if an unsolicited response
// named it, whatever items are requested, and whenever the server reports the removal. One that the server sends only in part
// is fetched once more, and then delivered with what there is.
func TestWatchRemovedDuringFetch(t *testing.T) {
	const date = `INTERNALDATE "17-Jul-1996 02:44:25 -0700" `
	for _, test := range []struct {
		name, wire, more string
		items            []imap.FetchItem
	}{
		{"names", "RFC822.SIZE", "", flagsAndSize},
		{"lower case", "RFC822.SIZE", "", []imap.FetchItem{imap.FetchFlags, imap.FetchAttr("rfc822.size")}},
		{"macro", "INTERNALDATE RFC822.SIZE", date, []imap.FetchItem{imap.FetchAttr("FAST")}},
	} {
		for name, expunge := range map[string]string{"at once": "S: * 2 EXPUNGE", "later": ""} {
			t.Run(test.name+", "+name, func(t *testing.T) {
				three := 2
				if expunge == "" {
					three = 3
				}
				got := watchScripts(t, imap.SyncState{}, test.items, 3, fmt.Sprintf(`
					C: $ SELECT INBOX
					S: * 4 EXISTS
					S: * OK [UIDVALIDITY 1] ok
					S: $ OK done
					C: $ UID SEARCH ALL
					S: * SEARCH 1 2 3 4
					S: $ OK done
					C: $ UID FETCH 1:4 (UID FLAGS %[1]s)
					S: * 2 FETCH (UID 2 FLAGS (\Deleted))
					S: * 1 FETCH (UID 1 FLAGS () %[2]sRFC822.SIZE 10)
					%[3]s
					S: * %[4]d FETCH (UID 3 FLAGS (b))
					S: * %[5]d FETCH (UID 4 FLAGS (c))
					S: $ OK done
					C: $ UID SEARCH UID 2:4
					S: * SEARCH 3 4
					S: $ OK done
					C: $ UID FETCH 3:4 (UID FLAGS %[1]s)
					S: * %[4]d FETCH (UID 3 FLAGS (b))
					S: * %[5]d FETCH (UID 4 FLAGS (c) %[2]sRFC822.SIZE 40)
					S: $ OK done
					C: $ UID SEARCH UID 3
					S: * SEARCH 3
					S: $ OK done
					STALL
				`, test.wire, test.more, expunge, three, three+1))
				require.Equal(t, []string{"new 1 [] 10", "new 4 [c] 40", "new 3 [b] 0"}, got)
			})
		}
	}
}

// TestWatchBinarySizes: a message that lacks one of several sizes of parts is incomplete.
func TestWatchBinarySizes(t *testing.T) {
	items := []imap.FetchItem{imap.FetchFlags, imap.FetchBinarySize(1), imap.FetchBinarySize(2)}
	got := watchScripts(t, imap.SyncState{}, items, 2, "S: * PREAUTH [CAPABILITY IMAP4rev1 BINARY] ready\n"+opened+`
		C: $ UID SEARCH ALL
		S: * SEARCH 1 2
		S: $ OK done
		C: $ UID FETCH 1:2 (UID FLAGS BINARY.SIZE[1] BINARY.SIZE[2])
		S: * 1 FETCH (UID 1 FLAGS () BINARY.SIZE[1] 5)
		S: * 2 FETCH (UID 2 FLAGS () BINARY.SIZE[1] 5 BINARY.SIZE[2] 6)
		S: $ OK done
		C: $ UID SEARCH UID 1
		S: * SEARCH 1
		S: $ OK done
		C: $ UID FETCH 1 (UID FLAGS BINARY.SIZE[1] BINARY.SIZE[2])
		S: * 1 FETCH (UID 1 FLAGS (b) BINARY.SIZE[1] 5 BINARY.SIZE[2] 6)
		S: $ OK done
		STALL
	`)
	require.Equal(t, []string{"new 2 [] 0", "new 1 [b] 0"}, got)
}

// TestWatchItemNeverSent: a server that never sends an item is not asked twice for each message.
func TestWatchItemNeverSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetches := 0
		dial := dialPeer("IDLE SAVEDATE", func(command string) string {
			if strings.HasPrefix(command, "UID FETCH") {
				fetches++
			}
			return ""
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		n := 0
		opts := &imap.WatchOptions{Fetch: []imap.FetchItem{imap.FetchFlags, imap.FetchSaveDate, imap.Section{}}}
		for ch, err := range imap.Watch(ctx, dial, "INBOX", imap.SyncState{}, opts) {
			if ch != nil {
				require.NoError(t, err)
				n++
			}
		}
		require.Equal(t, 2, n)
		require.Equal(t, 3, fetches, "twice for the first, once for the second")
	})
}

// TestSyncOlderNews: an event that came before the flags that Sync fetched does not follow them.
func TestSyncOlderNews(t *testing.T) {
	c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1 CONDSTORE] ready", `
		C: $ SELECT INBOX (CONDSTORE)
		S: * 2 EXISTS
		S: * OK [UIDVALIDITY 1] ok
		S: * OK [HIGHESTMODSEQ 12] ok
		S: $ OK done
		C: $ UID SEARCH ALL
		S: * 2 FETCH (UID 2 FLAGS (a) MODSEQ (13))
		S: * SEARCH 1 2
		S: $ OK done
		C: $ UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 11)
		S: * 2 FETCH (UID 2 FLAGS (b) MODSEQ (14))
		S: * 1 FETCH (UID 1 FLAGS (c) MODSEQ (12))
		S: * 1 FETCH (UID 1 FLAGS (d) MODSEQ (15))
		S: $ OK done
	`)
	res, err := c.Sync(t.Context(), "INBOX", imap.SyncState{UIDValidity: 1, HighestModSeq: 11, UIDs: imap.UIDs(1, 2)}, nil)
	require.NoError(t, err)
	require.Len(t, res.Changed, 2)
	events := c.Events()
	require.Len(t, events, 1)
	require.Equal(t, []imap.Flag{"d"}, events[0].(*imap.FetchEvent).Message.Flags)
}

// TestWatchTriesAfterReset: connections that were lost before a change of UIDVALIDITY are no attempts to fetch the message that
// has the same UID after it.
func TestWatchTriesAfterReset(t *testing.T) {
	script := func(validity int, end string) string {
		return fmt.Sprintf(`
			C: $ SELECT INBOX
			S: * 1 EXISTS
			S: * OK [UIDVALIDITY %d] ok
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 5
			S: $ OK done
			C: $ UID FETCH 5 (UID FLAGS RFC822.SIZE)
			%s
			CLOSE
		`, validity, end)
	}
	lost := script(1, "")
	got := watchScripts(t, imap.SyncState{UIDValidity: 1}, flagsAndSize, 2, lost, lost, lost, lost, script(2, ""), script(2, `
			S: * 1 FETCH (UID 5 FLAGS () RFC822.SIZE 50)
			S: $ OK done
	`))
	require.Equal(t, []string{"reset", "new 5 [] 50"}, got)
}
