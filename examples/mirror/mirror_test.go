package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { realserver.Main(m) }

func TestSample(t *testing.T) {
	var out bytes.Buffer
	dir := t.TempDir()
	require.NoError(t, run(t.Context(), []string{"-dir", dir}, &out))
	assert.Equal(t, "INBOX: 7 messages, 7 new, 0 gone, 0 looked at again\n", out.String())
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.eml"))
	require.NoError(t, err)
	assert.Len(t, files, 7)
}

// changes is how many random changes the mirror has to follow on each server.
const changes = 1000

// TestMirror changes a mailbox at random with one client, on servers with QRESYNC, with CONDSTORE and with neither, while a
// mirror follows on connections that are cut at random, is stopped and started, and sees the mailbox deleted and created
// again. At the end the mirror equals the mailbox.
func TestMirror(t *testing.T) {
	for _, name := range []string{"dovecot", "cyrus", "courier"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := realserver.Get(t, name)
			user, password, err := s.NewUser()
			require.NoError(t, err)
			testMirror(t, s.Prefix+"Mirrored", s.Addr, user, password, changes)
		})
	}
	for name, opts := range map[string]*imaptest.Options{
		"QRESYNC":            nil,
		"CONDSTORE":          {NoCaps: []string{"QRESYNC"}},
		"neither":            {NoCaps: []string{"CONDSTORE"}},
		"bodies before UIDs": {Style: imaptest.Style{BodyFirst: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, err := imaptest.New(t, opts).Listen()
			require.NoError(t, err)
			testMirror(t, "Mirrored", addr, "user", "password", changes)
		})
	}
}

// TestLeftOut: a message that the server sends without its body, or not at all, is not in the index, so that the next run
// asks for it again.
func TestLeftOut(t *testing.T) {
	m, err := openMirror(t.TempDir(), "INBOX")
	require.NoError(t, err)
	m.connect = func(ctx context.Context) (*imap.Client, func(), error) {
		c, err := imap.NewClient(ctx, imaptest.DialScript(t, `
			S: * PREAUTH [CAPABILITY IMAP4rev1] ready
			C: $ EXAMINE INBOX
			S: * 3 EXISTS
			S: * OK [UIDVALIDITY 7] ok
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 1 2 3
			S: $ OK done
			C: $ UID FETCH 1:3 (UID FLAGS BODY.PEEK[])
			S: * 1 FETCH (BODY[] {3}
			S: one FLAGS () UID 1)
			S: * 2 FETCH (UID 2 FLAGS ())
			S: $ OK done
		`), nil)
		return c, func() { c.Close() }, err
	}
	require.NoError(t, m.once(t.Context()))
	assert.Equal(t, "1", m.index.State.UIDs.String())
	assert.Len(t, m.index.Flags, 1)
}

// scripted returns a mirror whose connections play scripts, one each.
func scripted(t *testing.T, dir string, scripts ...string) *mirror {
	t.Helper()
	m, err := openMirror(dir, "INBOX")
	require.NoError(t, err)
	m.connect = func(ctx context.Context) (*imap.Client, func(), error) {
		script := "\nS: * PREAUTH [CAPABILITY IMAP4rev1] ready\nC: $ EXAMINE INBOX\n" + scripts[0]
		scripts = scripts[1:]
		c, err := imap.NewClient(ctx, imaptest.DialScript(t, script), nil)
		return c, func() { c.Close() }, err
	}
	return m
}

// selected is the answer to EXAMINE and UID SEARCH.
func selected(exists int, uids string) string {
	return fmt.Sprintf("S: * %d EXISTS\nS: * OK [UIDVALIDITY 7] ok\nS: $ OK done\nC: $ UID SEARCH ALL\nS: * SEARCH %s\nS: $ OK done\n", exists, uids)
}

// TestUnreadable: a message whose flags cannot be parsed does not keep the others from the mirror.
func TestUnreadable(t *testing.T) {
	m := scripted(t, t.TempDir(), selected(3, "1 2 3")+`
		C: $ UID FETCH 1:3 (UID FLAGS BODY.PEEK[])
		S: * 1 FETCH (UID 1 FLAGS () BODY[] {3}
		S: one)
		S: * 2 FETCH (UID 2 FLAGS (\Seen (a)) BODY[] {3}
		S: two)
		S: * 3 FETCH (UID 3 FLAGS () BODY[] {5}
		S: three)
		S: $ OK done
	`, `
		S: * 3 EXISTS
		S: * OK [UIDVALIDITY 7] ok
		S: $ OK done
		C: $ UID FETCH 1:* (UID FLAGS)
		S: * 1 FETCH (UID 1 FLAGS (\Seen (a)))
		S: * 2 FETCH (UID 2 FLAGS (\Seen))
		S: * 3 FETCH (UID 3 FLAGS (\Seen))
		S: $ OK done
		C: $ UID SEARCH ALL
		S: * SEARCH 1 2 3
		S: $ OK done
		C: $ UID FETCH 1 (UID FLAGS)
		S: * 1 FETCH (UID 1 FLAGS (\Seen (a)))
		S: $ OK done
		C: $ UID SEARCH UID 1
		S: * SEARCH 1
		S: $ OK done
		C: $ UID FETCH 2 (UID FLAGS BODY.PEEK[])
		S: * 2 FETCH (UID 2 FLAGS (\Seen) BODY[] {3}
		S: two)
		S: $ OK done
	`)
	require.NoError(t, m.once(t.Context()))
	assert.Equal(t, "1,3", m.index.State.UIDs.String())
	require.NoError(t, m.once(t.Context()))
	assert.Equal(t, "1:3", m.index.State.UIDs.String())
	assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.index.Flags[3])
}

// TestGoneMeanwhile loses the connection after a message was downloaded, which is removed before the next.
func TestGoneMeanwhile(t *testing.T) {
	m := scripted(t, t.TempDir(), selected(2, "1 2")+`
		C: $ UID FETCH 1:2 (UID FLAGS BODY.PEEK[])
		S: * 1 FETCH (UID 1 FLAGS () BODY[] {3}
		S: one)
		S: * BYE shutdown
	`, selected(1, "2")+`
		C: $ UID FETCH 2 (UID FLAGS BODY.PEEK[])
		S: * 1 FETCH (UID 2 FLAGS () BODY[] {3}
		S: two)
		S: $ OK done
	`)
	require.Error(t, m.once(t.Context()))
	require.NoError(t, m.once(t.Context()))
	assert.Equal(t, "2", m.index.State.UIDs.String())
	assert.NoFileExists(t, messageFile(m.folder(7), 1))
}

// TestOtherFiles: nothing is removed that the mirror did not make.
func TestOtherFiles(t *testing.T) {
	dir := t.TempDir()
	own := filepath.Join(dir, "2026")
	require.NoError(t, os.Mkdir(own, 0o700))
	_, err := openMirror(dir, "INBOX")
	require.ErrorContains(t, err, "not empty")
	assert.DirExists(t, own)

	dir = t.TempDir()
	m := scripted(t, dir, selected(1, "1")+`
		C: $ UID FETCH 1 (UID FLAGS BODY.PEEK[])
		S: * 1 FETCH (UID 1 FLAGS () BODY[] {3}
		S: one)
		S: $ OK done
	`)
	_, err = openMirror(dir, "INBOX")
	require.NoError(t, err, "of an interrupted first run")
	mine := filepath.Join(dir, "letter.txt")
	require.NoError(t, os.WriteFile(mine, []byte("Dear Ada"), 0o600))
	require.NoError(t, m.once(t.Context()))
	assert.FileExists(t, mine)
	assert.FileExists(t, messageFile(m.folder(7), 1))
	_, err = openMirror(dir, "Sent")
	require.ErrorContains(t, err, "INBOX")
}

func testMirror(t *testing.T, mailbox, addr, user, password string, changes int) {
	login := func(ctx context.Context, addr string) (*imap.Client, error) {
		c, err := imap.DialInsecure(ctx, addr, nil)
		if err != nil {
			return nil, err
		}
		if err := c.Login(ctx, user, password); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
	writer, err := login(t.Context(), addr)
	require.NoError(t, err)
	defer writer.Close()
	r := rand.New(rand.NewPCG(uint64(len(addr)), 1))
	require.NoError(t, writer.Create(t.Context(), mailbox, nil))
	w := &changer{Client: writer, r: r, mailbox: mailbox}
	w.open(t)

	dir := t.TempDir()
	cut := cuttingProxy(t, addr)
	sessions := 0
	start := func() (stop func()) {
		m, err := openMirror(dir, mailbox)
		require.NoError(t, err)
		m.poll = 100 * time.Millisecond
		m.connect = func(ctx context.Context) (*imap.Client, func(), error) {
			sessions++
			c, err := login(ctx, cut)
			return c, func() {
				if c != nil {
					c.Close()
				}
			}, err
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			assert.NoError(t, m.follow(ctx))
		}()
		return func() { cancel(); <-done }
	}
	stop := start()
	for i := range changes {
		w.change(t)
		switch i {
		case changes / 4: // a restart, with changes while it is down
			stop()
			for range 20 {
				w.change(t)
			}
			stop = start()
		case changes / 2:
			w.makeAnew(t)
		}
	}
	stop()

	m, err := openMirror(dir, mailbox)
	require.NoError(t, err)
	m.connect = func(ctx context.Context) (*imap.Client, func(), error) {
		c, err := login(ctx, addr)
		return c, func() { c.Close() }, err
	}
	require.NoError(t, m.once(t.Context()))
	compare(t, w, m)
	t.Logf("%d changes followed on %d connections, %d messages at the end", changes, sessions, len(m.index.Flags))
}

// compare compares the mirror with the mailbox.
func compare(t *testing.T, w *changer, m *mirror) {
	t.Helper()
	there := map[imap.UID][]imap.Flag{}
	for msg, err := range w.Fetch(t.Context(), imap.SeqRange(1, 0), imap.FetchFlags, imap.Section{}) {
		require.NoError(t, err)
		there[msg.UID] = sortedFlags(msg.Flags)
		file, err := os.ReadFile(messageFile(m.folder(m.index.State.UIDValidity), msg.UID))
		require.NoError(t, err)
		assert.Equal(t, string(msg.Section(imap.Section{})), string(file))
	}
	held := map[imap.UID][]imap.Flag{}
	for uid, flags := range m.index.Flags {
		held[uid] = sortedFlags(flags)
	}
	assert.Equal(t, there, held)
	files, err := filepath.Glob(filepath.Join(m.dir, "*", "*.eml"))
	require.NoError(t, err)
	assert.Equal(t, len(there), len(files))
}

// sortedFlags returns flags in order and without \Recent, which belongs to a session.
func sortedFlags(flags []imap.Flag) []imap.Flag {
	out := slices.DeleteFunc(slices.Clone(flags), func(f imap.Flag) bool { return f == imap.FlagRecent })
	slices.Sort(out)
	return out
}

// changer is a client that changes a mailbox at random.
type changer struct {
	*imap.Client
	r       *rand.Rand
	mailbox string
	uids    map[imap.UID]bool
	made    int
}

func (w *changer) open(t *testing.T) {
	t.Helper()
	w.uids = map[imap.UID]bool{}
	_, err := w.Select(t.Context(), w.mailbox, nil)
	require.NoError(t, err)
}

// makeAnew deletes the mailbox and creates another of the same name.
func (w *changer) makeAnew(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, w.Unselect(ctx))
	require.NoError(t, w.Delete(ctx, w.mailbox))
	if w.Caps().Has("UIDPLUS") { // UIDVALIDITY is a time on some servers: another second, another mailbox
		time.Sleep(1100 * time.Millisecond)
	}
	require.NoError(t, w.Create(ctx, w.mailbox, nil))
	w.open(t)
}

// change makes one change.
func (w *changer) change(t *testing.T) {
	t.Helper()
	uids := slices.Sorted(maps.Keys(w.uids))
	switch n := w.r.IntN(10); {
	case n < 4 || len(uids) == 0:
		w.add(t)
	case n < 8:
		op := []func(...imap.Flag) imap.StoreOp{imap.AddFlags, imap.RemoveFlags, imap.SetFlags}[w.r.IntN(3)]
		flag := []imap.Flag{imap.FlagSeen, imap.FlagFlagged, imap.FlagAnswered}[w.r.IntN(3)]
		_, err := w.Store(t.Context(), imap.UIDs(uids[w.r.IntN(len(uids))]), op(flag), &imap.StoreOptions{Silent: true})
		require.NoError(t, err)
	default:
		gone := imap.UIDs(uids[w.r.IntN(len(uids))])
		_, err := w.Store(t.Context(), gone, imap.AddFlags(imap.FlagDeleted), &imap.StoreOptions{Silent: true})
		require.NoError(t, err)
		_, err = w.UIDExpunge(t.Context(), gone)
		require.NoError(t, err)
		delete(w.uids, gone[0].Start)
	}
}

func (w *changer) add(t *testing.T) {
	t.Helper()
	w.made++
	text := fmt.Sprintf("Subject: message %d\r\n\r\n%s\r\n", w.made, strings.Repeat("x", w.r.IntN(3000)))
	added, err := w.Append(t.Context(), w.mailbox, imap.LiteralString(text), nil)
	require.NoError(t, err)
	require.NotZero(t, added.UID)
	w.uids[added.UID] = true
}

// cuttingProxy passes connections on to addr and cuts each after a random number of bytes from the server.
func cuttingProxy(t *testing.T, addr string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	r := rand.New(rand.NewPCG(5, 6))
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			after := int64(1000 + r.IntN(20_000))
			go carry(near, addr, after)
		}
	}()
	return l.Addr().String()
}

func carry(near net.Conn, addr string, after int64) {
	defer near.Close()
	far, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	go func() {
		io.Copy(far, near)
		far.Close()
	}()
	io.CopyN(near, far, after)
	far.Close()
}
