package interop_test

import (
	"crypto/tls"
	"net"
	"strings"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/require"
)

// dialer is the row of a function that connects over one transport.
func dialer(name, transport string) row {
	return row{method: name, run: func(e *env) cell {
		if e.transport != transport {
			return apart
		}
		c := e.login()
		require.NoError(e, c.Noop(e.ctx()))
		_, secure := c.TLSState()
		require.Equal(e, transport == startTLS || transport == implicit, secure)
		return works
	}}
}

var connectionRows = []row{
	dialer("DialInsecure", plain),
	dialer("DialStartTLS", startTLS),
	dialer("DialTLS", implicit),
	dialer("DialStream", stream),
	{method: "NewClient", run: func(e *env) cell {
		switch e.transport {
		case plain, implicit:
		default:
			return apart
		}
		var conn net.Conn
		conn, err := net.Dial("tcp", e.target.addr)
		if e.transport == implicit {
			conn, err = tls.Dial("tcp", e.target.tlsAddr, e.target.clientTLS())
		}
		require.NoError(e, err)
		c, err := imap.NewClient(e.ctx(), conn, nil)
		require.NoError(e, err)
		defer c.Close()
		require.NoError(e, c.Login(e.ctx(), e.user, e.password))
		return works
	}},
	{method: "Close", run: func(e *env) cell {
		c := e.login()
		require.NoError(e, c.Close())
		require.NoError(e, c.Close())
		require.ErrorIs(e, c.Noop(e.ctx()), imap.ErrClosed)
		return works
	}},
	{method: "State", run: func(e *env) cell {
		c := e.dial()
		if e.transport != stream {
			require.Equal(e, imap.NotAuthenticated, c.State())
			require.NoError(e, c.Login(e.ctx(), e.user, e.password))
		}
		require.Equal(e, imap.Authenticated, c.State())
		_, err := c.Select(e.ctx(), "INBOX", nil)
		require.NoError(e, err)
		require.Equal(e, imap.Selected, c.State())
		require.NoError(e, c.Logout(e.ctx()))
		require.Equal(e, imap.LoggedOut, c.State())
		return works
	}},
	{method: "Err", run: func(e *env) cell {
		c := e.login()
		require.NoError(e, c.Err())
		require.NoError(e, c.Logout(e.ctx()))
		require.ErrorIs(e, c.Err(), imap.ErrClosed)
		return works
	}},
	{method: "Bye", run: func(e *env) cell {
		c := e.login()
		require.Nil(e, c.Bye())
		require.NoError(e, c.Logout(e.ctx()))
		require.NotNil(e, c.Bye())
		require.NotEmpty(e, c.Bye().Text)
		return works
	}},
	{method: "Greeting", run: func(e *env) cell {
		require.NotEmpty(e, e.client().Greeting())
		require.NotContains(e, e.client().Greeting(), "[CAPABILITY")
		return works
	}},
	{method: "Caps", run: func(e *env) cell {
		c := e.client()
		require.NoError(e, c.Noop(e.ctx()))
		if c.Caps().Has("IMAP4rev1") {
			return works
		}
		// Capabilities have not been requested yet: a greeting need not contain them.
		require.Equal(e, stream, e.transport)
		_, err := c.Capability(e.ctx())
		require.NoError(e, err)
		require.True(e, c.Caps().Has("imap4REV1"))
		return works
	}},
	{method: "Capability", run: func(e *env) cell {
		caps, err := e.client().Capability(e.ctx())
		require.NoError(e, err)
		require.True(e, caps.Has("IMAP4rev1"))
		for name := range caps.All() {
			require.True(e, caps.Has(strings.ToLower(name)))
		}
		return works
	}},
	{method: "TLSState", run: func(e *env) cell {
		state, ok := e.client().TLSState()
		if e.transport == plain || e.transport == stream {
			require.False(e, ok)
			return works
		}
		require.True(e, ok)
		require.True(e, state.HandshakeComplete)
		require.NotEmpty(e, state.VerifiedChains)
		return works
	}},
	{method: "NetConn", run: func(e *env) cell {
		if e.transport == stream {
			require.Nil(e, e.client().NetConn())
			return works
		}
		require.IsType(e, &countingConn{}, e.client().NetConn())
		return works
	}},
	{method: "StartTLS", run: func(e *env) cell {
		switch e.transport {
		case stream:
			c := e.dial()
			return e.refusesState(func() error { return c.StartTLS(e.ctx(), nil) })
		case plain:
			c := e.dial()
			require.NoError(e, c.StartTLS(e.ctx(), nil))
			_, ok := c.TLSState()
			require.True(e, ok)
			require.NoError(e, c.Login(e.ctx(), e.user, e.password))
			return works
		}
		c := e.dial()
		require.ErrorContains(e, c.StartTLS(e.ctx(), nil), "already uses TLS")
		require.NoError(e, c.Noop(e.ctx()))
		return apart
	}},
	{method: "Noop", run: func(e *env) cell {
		require.NoError(e, e.client().Noop(e.ctx()))
		return works
	}},
	{method: "Logout", run: func(e *env) cell {
		c := e.login()
		require.NoError(e, c.Logout(e.ctx()))
		require.ErrorIs(e, c.Noop(e.ctx()), imap.ErrClosed)
		return works
	}},
	{method: "ID", run: func(e *env) cell {
		c := e.client()
		fields := map[string]string{"name": `interop "test"`, "version": "1"}
		if !e.offers("ID") {
			return e.unsupported(func() error { _, err := c.ID(e.ctx(), fields); return err })
		}
		id, err := c.ID(e.ctx(), fields)
		require.NoError(e, err)
		require.NotEmpty(e, id["name"])
		_, err = c.ID(e.ctx(), nil)
		require.NoError(e, err)
		return works
	}},
	{method: "Enable", run: func(e *env) cell {
		c := e.login()
		e.client()
		if !e.offers("ENABLE") {
			return e.unsupported(func() error { _, err := c.Enable(e.ctx(), "CONDSTORE"); return err })
		}
		for _, name := range []string{"CONDSTORE", "UTF8=ACCEPT"} {
			if !e.offers(name) {
				continue
			}
			on, err := c.Enable(e.ctx(), name)
			require.NoError(e, err)
			require.Contains(e, on, name)
		}
		on, err := c.Enable(e.ctx(), "X-NO-SUCH-THING")
		require.NoError(e, err)
		require.NotContains(e, on, "X-NO-SUCH-THING")
		return works
	}},
	{method: "Enabled", run: func(e *env) cell {
		c := e.login()
		e.client()
		require.False(e, c.Enabled("CONDSTORE"))
		if !e.offers("CONDSTORE") {
			return works
		}
		_, err := c.Enable(e.ctx(), "CONDSTORE")
		require.NoError(e, err)
		require.True(e, c.Enabled("condstore"))
		require.False(e, c.Enabled("X-NO-SUCH-THING"))
		return works
	}},
	{method: "Compress", run: func(e *env) cell {
		c := e.login()
		e.client()
		if !e.offers("COMPRESS=DEFLATE") {
			return e.unsupported(func() error { return c.Compress(e.ctx()) })
		}
		require.NoError(e, c.Compress(e.ctx()))
		big := note("compressed") + strings.Repeat("0123456789abcdef\r\n", 5000)
		_, err := c.Append(e.ctx(), "INBOX", imap.LiteralString(big), nil)
		require.NoError(e, err)
		mb, err := c.Select(e.ctx(), "INBOX", nil)
		require.NoError(e, err)
		last := imap.SeqNum(mb.Exists)
		got, err := imap.Collect(c.Fetch(e.ctx(), imap.Seqs(last), imap.Section{}))
		require.NoError(e, err)
		require.Len(e, got, 1)
		require.Equal(e, big, string(got[0].Section(imap.Section{})))
		require.Error(e, c.Compress(e.ctx()))
		return works
	}},
	{method: "Do", run: func(e *env) cell {
		c := e.client()
		resp, err := c.Do(e.ctx(), "STATUS", "INBOX", []any{imap.Atom("MESSAGES"), imap.Atom("UIDNEXT")})
		require.NoError(e, err)
		require.NotEmpty(e, resp.Untagged)
		require.Equal(e, "STATUS", resp.Untagged[0].Name)
		require.Contains(e, strings.ToUpper(string(resp.Untagged[0].Rest)), "MESSAGES")
		_, err = c.Do(e.ctx(), "X-NO-SUCH-COMMAND")
		e.unknownTo(err)
		require.NoError(e, c.Noop(e.ctx()))
		return works
	}},
	{method: "LastData", run: func(e *env) cell {
		e.open(note("one"))
		c := e.client()
		said, ok := c.LastData("EXISTS")
		require.True(e, ok)
		require.Equal(e, "1", said)
		_, ok = c.LastData("UIDVALIDITY")
		require.True(e, ok)
		_, ok = c.LastData("X-NOTHING")
		require.False(e, ok)
		return works
	}},
}
