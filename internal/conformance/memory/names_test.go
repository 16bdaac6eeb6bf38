package memory

import (
	"context"
	"crypto/tls"
	"errors"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// player is a client of a server in memory.
type player struct {
	t   *testing.T
	ctx context.Context
	c   *imap.Client
	srv *imaptest.Server
	box *imaptest.Mailbox
}

// play is how one capability is played: what else has to be offered, the calls, and their result on a server without it.
type play struct {
	more    []string // of imaptest.MoreCaps and AloneCaps
	opts    imaptest.Options
	without []string // the names to leave out, where that is not the name alone
	login   bool     // the play logs in by itself
	does    func(p *player) error
	// lacks is the result without it: refused (errors.ErrUnsupported, nothing sent), or a fallback.
	lacks fate
}

type fate int

const (
	refused fate = iota
	otherwise
	either // what is offered is nothing that a call needs
)

const mail = "Subject: Lunch\r\nFrom: Ada <ada@example.org>\r\nTo: bob@example.org\r\nDate: Mon, 7 Feb 1994 21:52:25 -0800\r\n" +
	"MIME-Version: 1.0\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>On =46riday?</p>\r\n"

// newPlayer is a client that is logged in, with a mailbox of three messages selected, unless the play logs in.
func newPlayer(t *testing.T, x *play, offered bool, names ...string) *player {
	opts := x.opts
	if offered {
		opts.More = slices.Concat(x.more, keepMore(names))
	} else {
		opts.More = slices.DeleteFunc(slices.Clone(x.more), func(n string) bool { return slices.Contains(names, n) })
		opts.NoCaps, opts.MessageLimit, opts.SaveLimit = slices.Concat(opts.NoCaps, names), 0, 0
	}
	if !x.login {
		opts.PreAuth = "user"
	}
	opts.GreetingCaps = true
	srv := imaptest.New(t, &opts)
	p := &player{t: t, ctx: testkit.Context(t), srv: srv, box: srv.User("user").Mailbox("INBOX")}
	for i := range 3 {
		p.box.Append([]byte(mail), []string{`\Seen`}[:i%2], time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC))
	}
	srv.User("user").Mailbox("Archive/2020")
	srv.User("user").SetSpecialUse("Sent", `\Sent`)
	if x.login {
		return p
	}
	p.dial(nil)
	return p
}

// keepMore returns those names that the server offers only by option.
func keepMore(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		return !slices.Contains(imaptest.MoreCaps, n) && !slices.Contains(imaptest.AloneCaps, n)
	})
}

func (p *player) dial(opts *imap.Options) {
	c, err := imap.NewClient(p.ctx, p.srv.Dial(), opts)
	require.NoError(p.t, err)
	p.t.Cleanup(func() { c.Close() })
	p.c = c
}

func (p *player) open() {
	_, err := p.c.Select(p.ctx, "INBOX", nil)
	require.NoError(p.t, err)
}

func (p *player) fetch(items ...imap.FetchItem) (*imap.Message, error) {
	p.open()
	return p.c.FetchOne(p.ctx, 1, items...)
}

func (p *player) search(q imap.Query, opts *imap.SearchOptions) (*imap.SearchResult, error) {
	p.open()
	return p.c.Search(p.ctx, q, opts)
}

// expect returns an error if a condition does not hold and the call before succeeded.
func expect(err error, ok bool, what string) error {
	if err == nil && !ok {
		return errors.New("not so: " + what)
	}
	return err
}

// first returns the error of the first step of a loop.
func first[T any](seq iter.Seq2[T, error]) error {
	for _, err := range seq {
		return err
	}
	return errors.New("the loop yielded nothing")
}

// TestEveryNameIsPlayed plays each capability of the documentation on the in-memory server that offers it, and on one that
// does not: there the call is refused before anything is sent, or uses a fallback.
func TestEveryNameIsPlayed(t *testing.T) {
	for _, name := range documentedNames(t) {
		x, ok := plays[name]
		if !assert.True(t, ok, "%s is not played", name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			without := x.without
			if without == nil {
				without = []string{strings.ToUpper(name)}
			}
			require.NoError(t, x.does(newPlayer(t, &x, true, without...)))
			err := x.does(newPlayer(t, &x, false, without...))
			switch x.lacks {
			case refused:
				missing, ok := errors.AsType[*imap.CapabilityError](err)
				require.True(t, ok, "without it: %v", err)
				require.ErrorIs(t, err, errors.ErrUnsupported)
				assert.True(t, imap.SafeToRetry(err))
				assert.NotEmpty(t, missing.Name)
			case otherwise:
				require.NoError(t, err, "without it")
			}
		})
	}
}

// TestNamesOffered counts the names that the in-memory server offers by option.
func TestNamesOffered(t *testing.T) {
	names := documentedNames(t)
	offered := 0
	for _, name := range names {
		x, ok := plays[name]
		if !ok {
			continue
		}
		p := newPlayer(t, &x, true, append([]string{strings.ToUpper(name)}, x.without...)...)
		if x.login {
			p.dial(nil)
		}
		caps, err := p.c.Capability(p.ctx)
		require.NoError(t, err)
		has := slices.ContainsFunc(slices.Collect(caps.All()), func(c string) bool {
			return strings.EqualFold(c, name) || strings.HasPrefix(strings.ToUpper(c), strings.TrimSuffix(strings.ToUpper(name), "=")+"=") ||
				strings.HasSuffix(name, "-") && strings.HasPrefix(strings.ToUpper(c), name)
		})
		if tlsOnly := name == "STARTTLS" || name == "LOGINDISABLED"; has || tlsOnly {
			offered++
		} else {
			t.Errorf("%s is not offered: %v", name, slices.Collect(caps.All()))
		}
	}
	t.Logf("%d of %d names", offered, len(names))
	assert.GreaterOrEqual(t, offered, 80)
}

// documentedNames reads the first column of docs/extensions.md, of the rows that name something to call: the others have
// the reason in their last column.
func documentedNames(t *testing.T) []string {
	text, err := os.ReadFile("docs/extensions.md")
	require.NoError(t, err)
	var names []string
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, " | ")
		if strings.HasPrefix(line, "| `") && (cells[2] != "" || plays[strings.Trim(cells[0], "| `")].does != nil) {
			names = append(names, strings.Trim(cells[0], "| `"))
		}
	}
	require.Greater(t, len(names), 80)
	return names
}

// tlsConfig trusts the server.
func (p *player) tlsConfig() *tls.Config { return p.srv.ClientTLS() }
