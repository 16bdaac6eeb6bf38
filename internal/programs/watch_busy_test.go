package programs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWatchBusy: a server that refuses every FETCH for a while, because it is busy or limits the account, costs no message.
func TestWatchBusy(t *testing.T) {
	for _, reply := range []string{
		"BAD Request is throttled. Suggested Backoff Time: 299968 milliseconds",  // Exchange Online
		"NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)", // Gmail
		"NO [UNAVAILABLE] Temporary failure", "NO [INUSE] Mailbox is locked", "BYE [UNAVAILABLE] Going down",
		"BAD User is authenticated but not connected.",
	} {
		t.Run(reply, func(t *testing.T) {
			bubble(t, func(t *testing.T, srv *imaptest.Server) {
				remove := srv.Inject(imaptest.Fault{Command: "FETCH", Times: -1, Reply: reply})
				w := watch(t, srv, imap.SyncState{}, imap.WatchOptions{MaxWait: 10 * time.Second})
				time.Sleep(4 * time.Minute)
				remove()
				for i := range 3 {
					require.Equal(t, fmt.Sprint("new ", i+1), w.next())
					require.NoError(t, w.err)
					require.NotNil(t, w.last.Message.Envelope)
				}
				errs, _ := w.troubles()
				require.NotEmpty(t, errs)
			})
		})
	}
}

// TestWatchBusyForever has a server that never becomes less busy: it may mean the message.
func TestWatchBusyForever(t *testing.T) {
	for reply, patience := range map[string]time.Duration{
		"NO [UNAVAILABLE] Temporary failure": 5 * time.Minute,
		"NO [LIMIT] Too many parts":          48 * time.Hour,
	} {
		bubble(t, func(t *testing.T, srv *imaptest.Server) {
			srv.Inject(imaptest.Fault{Command: "FETCH", Times: -1, Reply: reply})
			w := watch(t, srv, imap.SyncState{}, imap.WatchOptions{})
			start := time.Now()
			for i := range 3 {
				require.Equal(t, fmt.Sprint("new ", i+1), w.next())
				require.Contains(t, w.err.Error(), reply)
			}
			require.Greater(t, time.Since(start), patience)
			require.Less(t, time.Since(start), patience+10*time.Minute)
		})
	}
}

// TestWatchThrottledAndBusy: a server that limited the client for long, and is then busy, is given time for that as well.
func TestWatchThrottledAndBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t, nil)
		srv.Deliver("INBOX", imaptest.Message{})
		limits := srv.Inject(imaptest.Fault{Command: "FETCH", Times: -1, Reply: "NO [OVERQUOTA] Account exceeded command or bandwidth limits."})
		w := watch(t, srv, imap.SyncState{}, imap.WatchOptions{MaxWait: time.Minute})
		time.Sleep(time.Hour)
		limits()
		busy := srv.Inject(imaptest.Fault{Command: "FETCH", Times: -1, Reply: "NO [UNAVAILABLE] Temporary failure"})
		time.Sleep(4 * time.Minute)
		busy()
		require.Equal(t, "new 1", w.next())
		require.NoError(t, w.err)
	})
}

// TestWatchBusyAgain: the time that a busy server is given begins anew when all messages were delivered.
func TestWatchBusyAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t, nil)
		busy := imaptest.Fault{Command: "FETCH", Times: -1, Reply: "NO [UNAVAILABLE] Temporary failure"}
		remove := srv.Inject(busy)
		srv.Deliver("INBOX", imaptest.Message{})
		w := watch(t, srv, imap.SyncState{}, imap.WatchOptions{})
		require.Equal(t, "new 1", w.next())
		require.Error(t, w.err)
		remove()
		time.Sleep(time.Second) // for the next IDLE: a Sync would fail itself
		busy.Times = 1
		srv.Inject(busy)
		srv.Deliver("INBOX", imaptest.Message{})
		require.Equal(t, "new 2", w.next())
		require.NoError(t, w.err)
	})
}

// TestWatchBusyForOne has a server that refuses to return message 2 as busy, and returns the others, one of which arrives each
// minute.
func TestWatchBusyForOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		serve := func(conn net.Conn) {
			defer conn.Close()
			fmt.Fprint(conn, "* PREAUTH [CAPABILITY IMAP4rev1] ready\r\n")
			for in := bufio.NewScanner(conn); in.Scan(); {
				n := imap.UID(3 + time.Since(start)/time.Minute)
				f := strings.Fields(in.Text() + " - - -")
				status := "OK"
				switch f[1] + " " + f[2] {
				case "SELECT INBOX":
					fmt.Fprintf(conn, "* %d EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT %d] ok\r\n", n, n+1)
				case "UID SEARCH":
					fmt.Fprint(conn, "* SEARCH")
					for uid := range n {
						fmt.Fprint(conn, " ", uid+1)
					}
					fmt.Fprint(conn, "\r\n")
				case "UID FETCH":
					set, err := imap.ParseUIDSet(f[3])
					assert.NoError(t, err)
					for uid := imap.UID(1); uid <= n; uid++ {
						switch {
						case !set.Contains(uid):
						case uid == 2 && strings.Contains(in.Text(), "HEADER"):
							status = "NO [UNAVAILABLE]"
						default:
							fmt.Fprintf(conn, "* %d FETCH (UID %d FLAGS () BODY[HEADER] {1}\r\nx)\r\n", uid, uid)
						}
					}
				}
				fmt.Fprintf(conn, "%s %s done\r\n", f[0], status)
			}
		}
		dial := func(ctx context.Context) (*imap.Client, error) {
			near, far := net.Pipe()
			go serve(far)
			return imap.NewClient(ctx, near, &imap.Options{AllowInsecureAuth: true})
		}
		w := watchWith(t, dial, imap.SyncState{}, imap.WatchOptions{Fetch: []imap.FetchItem{imap.Section{Specifier: "HEADER"}}})
		for w.next() != "new 2" {
			require.Less(t, time.Since(start), time.Hour)
		}
		require.Equal(t, imap.CodeUnavailable, imap.CodeOf(w.err))
	})
}

// badRows watches a mailbox with messages 1 and 2, of which the program holds the first, on a server that sends the given rows for
// FETCH of each.
func badRows(t *testing.T, row func(uid imap.UID) string) *watching {
	serve := func(conn net.Conn) {
		defer conn.Close()
		fmt.Fprint(conn, "* PREAUTH [CAPABILITY IMAP4rev1] ready\r\n")
		for in := bufio.NewScanner(conn); in.Scan(); {
			f := strings.Fields(in.Text() + " - - -")
			switch f[1] + " " + f[2] {
			case "SELECT INBOX":
				fmt.Fprint(conn, "* 3 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n")
			case "UID SEARCH":
				fmt.Fprint(conn, "* SEARCH 1 2 3\r\n")
			case "UID FETCH":
				set, err := imap.ParseUIDSet(f[3])
				assert.NoError(t, err)
				for uid := range imap.UIDRange(1, 3).All() {
					if set.Contains(uid) {
						fmt.Fprintf(conn, "* %d FETCH (%s)\r\n", uid, row(uid))
					}
				}
			}
			fmt.Fprintf(conn, "%s OK done\r\n", f[0])
		}
	}
	dial := func(ctx context.Context) (*imap.Client, error) {
		near, far := net.Pipe()
		go serve(far)
		return imap.NewClient(ctx, near, &imap.Options{AllowInsecureAuth: true})
	}
	return watchWith(t, dial, imap.SyncState{UIDValidity: 1, UIDs: imap.UIDs(1)}, imap.WatchOptions{Fetch: []imap.FetchItem{imap.FetchFlags}})
}

// TestWatchUnreadFlags: flags that cannot be parsed are an error of their message, and keep no other message back.
func TestWatchUnreadFlags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := badRows(t, func(uid imap.UID) string {
			if uid == 1 {
				return `FLAGS (a"b UID 1`
			}
			return fmt.Sprintf("UID %d FLAGS ()", uid)
		})
		require.Equal(t, "new 2", w.next())
		require.NoError(t, w.err)
		require.Equal(t, "new 3", w.next())
		require.Equal(t, "flags 1 []", w.next())
		require.True(t, errors.As(w.err, new(*imap.UnreadError)), "%v", w.err)
	})
}

// TestWatchHiddenUID: a new message whose UID cannot be parsed is delivered all the same.
func TestWatchHiddenUID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := badRows(t, func(uid imap.UID) string {
			if uid == 2 {
				return "FOO (( UID 2 X 5"
			}
			return fmt.Sprintf("UID %d FLAGS ()", uid)
		})
		require.Equal(t, "new 3", w.next())
		require.NoError(t, w.err)
		require.Equal(t, "new 2", w.next())
		require.True(t, errors.As(w.err, new(*imap.ProtocolError)), "%v", w.err)
		require.Equal(t, "flags 1 []", w.next())
	})
}

// TestWatchEventsTaken: a loop body that takes the events of the connection, which it may use, hides no change from Watch.
func TestWatchEventsTaken(t *testing.T) {
	for name, take := range map[string]func(*imap.Client){
		"Events": func(c *imap.Client) {
			c.Noop(context.Background())
			c.Events()
		},
		"Idle": func(c *imap.Client) {
			for range c.Idle(context.Background(), &imap.IdleOptions{For: time.Second}) {
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := imaptest.NewServer(t, nil)
				srv.Deliver("INBOX", imaptest.Message{})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				var got []string
				for ch, err := range imap.Watch(ctx, dialer(srv), "INBOX", imap.SyncState{}, nil) {
					require.NoError(t, err)
					if got = append(got, changeLine(ch)); len(got) == 2 {
						break
					}
					srv.Deliver("INBOX", imaptest.Message{})
					take(ch.Client)
				}
				require.Equal(t, []string{"new 1", "new 2"}, got)
			})
		})
	}
}

// emptyNews are responses that change nothing, with the mailbox of dialPeer.
var emptyNews = map[string]string{
	"EXISTS":              "* 2 EXISTS\r\n* 0 RECENT\r\n",
	"OK":                  "* OK Still here\r\n",
	"FETCH":               "* 1 FETCH (UID 1 FLAGS ())\r\n",
	"FETCH without UID":   "* 1 FETCH (FLAGS ())\r\n",
	"FETCH of no message": "* 1 FETCH (UID 99 FLAGS ())\r\n",
	"all of them":         "* 2 EXISTS\r\n* OK Still here\r\n* 1 FETCH (UID 1 FLAGS ())\r\n* 1 FETCH (FLAGS ())\r\n",
}

// TestWatchEmptyNews: a server that sends what changes nothing whenever IDLE begins, with each NOOP, or with each answer, is
// not asked again and again. A new message is delivered at once nevertheless.
func TestWatchEmptyNews(t *testing.T) {
	for name, news := range emptyNews {
		for _, with := range []string{"IDLE", "NOOP", ""} {
			t.Run(name+" with "+with, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					caps := "IDLE"
					if with == "NOOP" {
						caps = ""
					}
					var sent []time.Time // IDLE and NOOP
					var arrival, delivery time.Time
					commands := 0
					dial := dialPeer(caps, func(command string) string {
						commands++
						isWait := command == "IDLE" || command == "NOOP"
						if isWait {
							sent = append(sent, time.Now())
						}
						more := ""
						switch {
						case isWait && len(sent) == 4:
							arrival = time.Now()
							more = "* 3 EXISTS\r\n"
						case arrival.IsZero():
						case command == "SELECT INBOX":
							more = "* 3 EXISTS\r\n"
						case strings.HasPrefix(command, "UID SEARCH"):
							more = "* SEARCH 3\r\n"
						case strings.HasPrefix(command, "UID FETCH 3 "):
							more = "* 3 FETCH (UID 3 FLAGS ())\r\n"
						}
						if strings.HasPrefix(command, with) && command != "SELECT INBOX" && arrival.IsZero() {
							more = news + more
						}
						return more
					})
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
					defer cancel()
					opts := &imap.WatchOptions{Fetch: []imap.FetchItem{imap.FetchFlags}, Refresh: 2 * time.Minute}
					for ch := range imap.Watch(ctx, dial, "INBOX", imap.SyncState{}, opts) {
						if ch != nil && ch.Kind == imap.ChangeNew && ch.Message.UID == 3 {
							delivery = time.Now()
						}
					}
					require.NotZero(t, arrival)
					require.Equal(t, arrival, delivery, "delayed by %v", delivery.Sub(arrival))
					require.Less(t, commands, 60)
					for i := range sent[1:] {
						require.False(t, caps == "" && sent[i+1].Sub(sent[i]) < time.Minute, "%v", sent)
					}
				})
			})
		}
	}
}
