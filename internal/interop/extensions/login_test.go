package extensions_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// announcement is what a server announces on one kind of connection, and a login that uses it, or the usual one if it is
// announced before the login.
type announcement struct {
	caps  imap.Caps
	login func(t *testing.T, s *realserver.Server) (*imap.Client, testkit.Place)
}

// announced requests the capabilities of a server on each kind of connection: they differ before and after TLS and the
// login, for administrators, and by its configuration.
func announced(t *testing.T, s *realserver.Server) (list []announcement) {
	t.Helper()
	add := func(c *imap.Client, login func(t *testing.T, s *realserver.Server) (*imap.Client, testkit.Place)) {
		caps, err := c.Capability(testkit.Context(t))
		require.NoError(t, err)
		list = append(list, announcement{caps, login})
	}
	c, _ := testkit.OnServer(t, s)
	add(c, testkit.OnServer)
	if master, _ := s.MasterUser(); s.Name == "cyrus" {
		c, _ = asAdmin(t, s)
		require.NotEmpty(t, master)
		add(c, asAdmin)
	}
	if s.StrictAddr != "" {
		c, _ = onStrict(t, s)
		add(c, onStrict)
		add(testkit.Connect(t, s.StrictAddr, nil), onStrict)
	}
	add(testkit.Connect(t, s.Addr, nil), testkit.OnServer)
	c, err := imap.DialTLS(testkit.Context(t), s.TLSAddr, &imap.Options{TLSConfig: s.ClientTLS()})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	add(c, testkit.OnServer)
	return list
}

// onStrict is testkit.OnServer for the listener whose settings exclude the usual ones.
func onStrict(t *testing.T, s *realserver.Server) (*imap.Client, testkit.Place) {
	t.Helper()
	user, password, err := s.NewUser()
	require.NoError(t, err)
	return testkit.PlaceOf(t, s, s.StrictAddr, user, password)
}

// asAdmin is testkit.OnServer as the administrator.
func asAdmin(t *testing.T, s *realserver.Server) (*imap.Client, testkit.Place) {
	t.Helper()
	user, password := s.MasterUser()
	return testkit.PlaceOf(t, s, s.Addr, user, password)
}

func useStartTLS(t *testing.T, _ *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	s := at.Server
	for _, addr := range []string{s.Addr, s.StrictAddr} {
		if addr == "" {
			continue
		}
		c := testkit.Connect(t, addr, nil)
		caps, err := c.Capability(ctx)
		require.NoError(t, err)
		require.True(t, caps.Has("STARTTLS"))
		require.NoError(t, c.StartTLS(ctx, s.ClientTLS()))
		_, secure := c.TLSState()
		assert.True(t, secure)
		caps, err = c.Capability(ctx)
		require.NoError(t, err)
		assert.False(t, caps.Has("STARTTLS"), "it is on")
		require.NoError(t, c.Login(ctx, at.User, at.Password))
		assert.Error(t, c.StartTLS(ctx, s.ClientTLS()), "it is too late")
		require.NoError(t, c.Noop(ctx), "and nothing was sent")

		c, err = imap.DialStartTLS(ctx, addr, &imap.Options{TLSConfig: s.ClientTLS()})
		require.NoError(t, err)
		require.NoError(t, c.Login(ctx, at.User, at.Password))
		require.NoError(t, c.Logout(ctx))

		c = testkit.Connect(t, addr, nil)
		require.Error(t, c.StartTLS(ctx, nil), "a certificate of nobody known")
		assert.Equal(t, imap.LoggedOut, c.State())
	}
}

func useLoginDisabled(t *testing.T, _ *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	s := at.Server
	c := testkit.Connect(t, s.StrictAddr, &imap.Options{AllowInsecureAuth: true})
	caps, err := c.Capability(ctx)
	require.NoError(t, err)
	require.True(t, caps.Has("LOGINDISABLED"))
	err = c.Login(ctx, at.User, at.Password)
	require.ErrorIs(t, err, imap.ErrInsecure)
	assert.True(t, imap.SafeToRetry(err), "nothing was sent")
	require.NoError(t, c.StartTLS(ctx, s.ClientTLS()))
	caps, err = c.Capability(ctx)
	require.NoError(t, err)
	assert.False(t, caps.Has("LOGINDISABLED"))
	require.NoError(t, c.Login(ctx, at.User, at.Password))
}

// overTLS connects with TLS, without logging in.
func overTLS(t *testing.T, s *realserver.Server, opts imap.Options) *imap.Client {
	t.Helper()
	opts.TLSConfig = s.ClientTLS()
	c, err := imap.DialTLS(testkit.Context(t), s.TLSAddr, &opts)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// TestSASL of internal/interop has each mechanism on each server, with right and wrong credentials.
func useAuthenticate(t *testing.T, _ *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	c := overTLS(t, at.Server, imap.Options{})
	require.Error(t, c.AuthenticatePassword(ctx, at.User, "not "+at.Password))
	require.Equal(t, imap.NotAuthenticated, c.State())
	require.NoError(t, c.AuthenticatePassword(ctx, at.User, at.Password))
	require.NoError(t, c.Noop(ctx))
	c = overTLS(t, at.Server, imap.Options{})
	require.NoError(t, c.Authenticate(ctx, imap.Plain("", at.User, at.Password)))
	testkit.Open(t, c, "INBOX")
}

// SASL-IR sends the initial response with the command; only the number of round trips shows the difference.
func useInitialResponse(t *testing.T, _ *imap.Client, at testkit.Place) {
	if at.Server == nil {
		return // it is played there by TestEveryNameIsPlayed
	}
	ctx := testkit.Context(t)
	for without, rounds := range map[string]int{"": 1, "SASL-IR": 2} {
		var log bytes.Buffer
		opts := imap.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
		if without != "" {
			opts.DisabledCaps = []string{without}
		}
		c := overTLS(t, at.Server, opts)
		_, err := c.Capability(ctx)
		require.NoError(t, err)
		log.Reset()
		require.NoError(t, c.Authenticate(ctx, imap.Plain("", at.User, at.Password)))
		first, _, _ := strings.Cut(log.String(), "\n")
		assert.Equal(t, rounds == 1, strings.Contains(first, "PLAIN [redacted]"), log.String())
		assert.Equal(t, rounds == 2, strings.Contains(log.String(), `"+ `) || strings.Contains(log.String(), `"+"`), log.String())
		require.NoError(t, c.Noop(ctx))
	}
}

func useLoginReferrals(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	assert.Empty(t, c.Events(), "this server has the user itself")
	if at.Server == nil {
		return
	}
	user, password := at.Server.MovedUser()
	for _, login := range []func(c *imap.Client) error{
		func(c *imap.Client) error { return c.Login(ctx, user, password) },
		func(c *imap.Client) error { return c.Authenticate(ctx, imap.Plain("", user, password)) },
	} {
		c := overTLS(t, at.Server, imap.Options{})
		err := login(c)
		assert.Equal(t, imap.CodeReferral, imap.CodeOf(err), "%v", err)
		to, ok := imap.CodeDataOf[imap.ReferralData](err)
		require.True(t, ok, "%v", err)
		require.Len(t, to.URLs, 1)
		assert.Equal(t, realserver.MovedTo, to.URLs[0].Host)
		assert.Equal(t, user, to.URLs[0].User)
		assert.Equal(t, imap.NotAuthenticated, c.State(), "nothing is followed by itself")
		require.NoError(t, c.Login(ctx, at.User, at.Password))
	}
}

func useXList(t *testing.T, _ *imap.Client, at testkit.Place) {
	useSpecialUse(t, at.With(t, &imap.Options{DisabledCaps: []string{"SPECIAL-USE"}}), at)
}

// useSpecialUse finds the mailboxes that each real server has for a use.
func useSpecialUse(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	uses, err := c.SpecialUse(ctx)
	require.NoError(t, err)
	if at.Server == nil {
		for use, name := range uses {
			assert.NotEmpty(t, name, use)
		}
		return
	}
	names := map[imap.MailboxAttr]string{imap.AttrArchive: "Archive", imap.AttrDrafts: "Drafts", imap.AttrJunk: "Junk", imap.AttrSent: "Sent", imap.AttrTrash: "Trash"}
	for use, name := range names {
		assert.Equal(t, at.Prefix+name, uses[use], use)
	}
	if !offers(c.Caps(), "SPECIAL-USE") {
		return
	}
	list, err := c.List(ctx, "", "*", &imap.ListOptions{SpecialUse: true})
	require.NoError(t, err)
	assert.Len(t, list, len(names), "those alone")
	for _, e := range list {
		for use, name := range names {
			assert.Equal(t, e.Name == at.Prefix+name, e.Has(use), "%s %s", e.Name, use)
		}
	}
}

// XMOVE does what MOVE does.
func useXMove(t *testing.T, _ *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	c := at.With(t, &imap.Options{DisabledCaps: []string{"MOVE"}})
	testkit.Deliver(t, c, testkit.Small, testkit.Small, testkit.Small)
	require.NoError(t, c.Create(ctx, at.Prefix+"moved", nil))
	res, err := c.Move(ctx, imap.UIDs(1, 3), at.Prefix+"moved")
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1, 3), res.Source)
	assert.EqualValues(t, 2, res.Dest.Len())
	assert.EqualValues(t, 1, c.Mailbox().Exists)
	_, err = c.Move(ctx, imap.Seqs(1), at.Prefix+"moved")
	require.NoError(t, err)
	st, err := c.Status(ctx, at.Prefix+"moved", imap.StatusMessages)
	require.NoError(t, err)
	assert.EqualValues(t, 3, *st.Messages)
	assert.Zero(t, c.Mailbox().Exists)
}

func useUnauthenticate(t *testing.T, _ *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	user, password := "user", "password"
	if at.Server != nil {
		var err error
		user, password, err = at.Server.NewUser()
		require.NoError(t, err)
	}
	c := at.With(t, &imap.Options{AllowInsecureAuth: true})
	require.NoError(t, c.Unauthenticate(ctx))
	assert.Equal(t, imap.NotAuthenticated, c.State())
	require.NoError(t, c.Login(ctx, user, password))
	testkit.Open(t, c, "INBOX")
}

func useAnnotateMore(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	require.NoError(t, c.SetAnnotation(ctx, "INBOX", "/comment", map[string]string{"value.priv": "mine"}))
	got, err := c.GetAnnotation(ctx, "INBOX", "/comment", "value.priv")
	require.NoError(t, err)
	require.Len(t, got.Untagged, 1)
	assert.Equal(t, "ANNOTATION", got.Untagged[0].Name)
	assert.Contains(t, string(got.Untagged[0].Rest), "mine")
}

// Names that require nothing from a client, and what a raw command does with them.

func useDigest(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Deliver(t, c, testkit.Small)
	sum := sha1.Sum([]byte(testkit.Small))
	res, err := c.Do(testkit.Context(t), "UID FETCH", imap.UIDs(1), imap.Atom("DIGEST.SHA1"))
	require.NoError(t, err)
	require.Len(t, res.Untagged, 1)
	assert.Contains(t, string(res.Untagged[0].Rest), hex.EncodeToString(sum[:]))
}

func useCreatedModSeq(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Deliver(t, c, testkit.Small)
	res, err := c.Do(testkit.Context(t), "UID FETCH", imap.UIDs(1), imap.Atom("CREATEDMODSEQ"))
	require.NoError(t, err)
	require.Len(t, res.Untagged, 1)
	assert.Contains(t, string(res.Untagged[0].Rest), "CREATEDMODSEQ (")
}

func useDraftQuota(t *testing.T, c *imap.Client, at testkit.Place) {
	roots, err := c.GetQuotaRoot(testkit.Context(t), "INBOX")
	require.NoError(t, err)
	require.NotEmpty(t, roots)
	_, ok := roots[0].Resource(imap.QuotaStorage)
	assert.True(t, ok)
}

func useRename(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	for _, name := range []string{"a", "a/b", "a/b/c"} {
		require.NoError(t, c.Create(ctx, name, nil))
	}
	require.NoError(t, c.Rename(ctx, "a", "z"))
	list, err := c.List(ctx, "", "z*", nil)
	require.NoError(t, err)
	assert.Len(t, list, 3)
	_, err = c.Select(ctx, "a/b", nil)
	_, refused := errors.AsType[*imap.Error](err)
	assert.True(t, refused, "%v", err)
}
