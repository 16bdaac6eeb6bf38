package imap_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var _ = transcript("metadata/metadata.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	values, err := c.GetMetadata(ctx, "INBOX", "/shared/comment")
	require.NoError(t, err)
	assert.Equal(t, map[string][]byte{"/shared/comment": []byte("Shared comment")}, values)

	values, err = c.GetMetadata(ctx, "Entwürfe", "/shared/Comment", "/private/comment", "/shared/vendor/x")
	require.NoError(t, err)
	assert.Equal(t, map[string][]byte{"/shared/Comment": []byte(`a"b`), "/private/comment": nil, "/shared/vendor/x": {0, 1, 0xff}}, values)

	res, err := c.GetMetadataWith(ctx, "", &imap.MetadataOptions{MaxSize: 1024, Depth: imap.DepthInfinity}, "/shared/comment", "/private/filters")
	require.NoError(t, err)
	assert.Equal(t, &imap.MetadataResult{
		Entries:     map[string][]byte{"/shared/comment": nil, "/private/filters/values/small": []byte("SMALLER 5000"), "/private/filters/values/boss": {}},
		LongEntries: 2199,
	}, res)
	for _, opts := range []*imap.MetadataOptions{{Depth: 1}, {MaxSize: 10}} {
		res, err = c.GetMetadataWith(ctx, "INBOX", opts, "/shared/comment")
		require.NoError(t, err)
		assert.Empty(t, res.Entries)
	}

	require.NoError(t, c.SetMetadata(ctx, "INBOX", map[string][]byte{
		"/shared/comment": []byte(`my "comment"`), "/private/comment": nil, "/shared/vendor/x": []byte("\x00\r"),
		"/shared/vendor/y": []byte("a\r\nb"), "/shared/vendor/z": {},
	}))
	err = c.SetMetadata(ctx, "", map[string][]byte{"/private/comment": []byte("x")})
	refused, ok := errors.AsType[*imap.Error](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, imap.CodeMetadata, refused.Code)
	assert.Equal(t, "TOOMANY", refused.Args)
	assert.Equal(t, []imap.Event{&imap.MetadataEvent{Mailbox: "other", Entries: []string{"/shared/comment", "/private/comment"}}}, c.Events())
})

func TestMetadataNotSent(t *testing.T) {
	c, ctx := testkit.Offering(t, "METADATA", testkit.OnlyNoop), testkit.Context(t)
	for _, name := range []string{
		"", "/", "comment", "shared/comment", "/shared//x", "/shared/x/", "/shared/*", "/shared/%", "/shared/ö", "/shared/\r\nA2 LOGOUT", "/shared/\x00", "/shared/\t",
	} {
		_, err := c.GetMetadata(ctx, "INBOX", "/shared/comment", name)
		assert.True(t, imap.SafeToRetry(err), name)
		err = c.SetMetadata(ctx, "INBOX", map[string][]byte{name: nil})
		assert.True(t, imap.SafeToRetry(err), name)
	}
	_, err := c.GetMetadataWith(ctx, "INBOX", &imap.MetadataOptions{Depth: 2}, "/shared/comment")
	assert.True(t, imap.SafeToRetry(err))

	values, err := c.GetMetadata(ctx, "INBOX")
	require.NoError(t, err)
	assert.Empty(t, values)
	require.NoError(t, c.SetMetadata(ctx, "INBOX", nil))
	testkit.RequireNothingSent(t, c)
}

// TestMetadataServerOnly has a server that has metadata of itself alone.
func TestMetadataServerOnly(t *testing.T) {
	c, ctx := testkit.Offering(t, "METADATA-SERVER", `
		C: $ GETMETADATA "" /shared/admin
		S: * METADATA "" (/shared/admin "mailto:a@example.org")
		S: $ OK done
	`+testkit.OnlyNoop), testkit.Context(t)
	values, err := c.GetMetadata(ctx, "", "/shared/admin")
	require.NoError(t, err)
	assert.Equal(t, "mailto:a@example.org", string(values["/shared/admin"]))
	_, err = c.GetMetadata(ctx, "INBOX", "/shared/admin")
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	testkit.RequireNothingSent(t, c)
}

func TestMetadataMalformed(t *testing.T) {
	for _, line := range []string{
		`* METADATA INBOX (/shared/comment)`, `* METADATA INBOX (/shared/comment "x`, `* METADATA INBOX (/shared/comment "x"`,
		`* METADATA INBOX (/shared/comment (x))`, `* METADATA INBOX (` + numbered(1<<16+1) + `)`,
	} {
		c, ctx := testkit.Offering(t, "METADATA", "C: $ GETMETADATA INBOX /shared/comment\nS: "+line+"\nS: $ OK done\n"+testkit.OnlyNoop), testkit.Context(t)
		_, err := c.GetMetadata(ctx, "INBOX", "/shared/comment")
		_, ok := errors.AsType[*imap.ProtocolError](err)
		assert.True(t, ok, "%.40s: %v", line, err)
		testkit.RequireNothingSent(t, c)
	}
}

// TestMetadataBounded has values that together are more than one literal may hold.
func TestMetadataBounded(t *testing.T) {
	row := `S: * METADATA INBOX (/shared/comment "` + strings.Repeat("x", 600) + "\")\n"
	c := testkit.FollowWith(t, &imap.Options{MaxLiteral: 1000}, "S: * PREAUTH [CAPABILITY IMAP4rev1 METADATA] hello\n"+
		"C: $ GETMETADATA INBOX /shared/comment\n"+row+row+"S: $ OK done\n"+testkit.OnlyNoop)
	_, err := c.GetMetadata(testkit.Context(t), "INBOX", "/shared/comment")
	limit, ok := errors.AsType[*imap.LimitError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, &imap.LimitError{Name: "MaxLiteral", Limit: 1000}, limit)
	testkit.RequireNothingSent(t, c)
}

// TestMetadataEvents has changes come unasked, in the form of RFC 5464 and with values.
func TestMetadataEvents(t *testing.T) {
	c, ctx := testkit.Offering(t, "METADATA", `
		C: $ NOOP
		S: * METADATA "" /shared/comment
		S: * METADATA Entw&APw-rfe (/shared/comment "x" /private/y NIL)
		S: * METADATA INBOX
		S: * METADATA INBOX (/shared/comment
		S: * METADATA INBOX`+numbered(1001)+`
		S: $ OK done
	`), testkit.Context(t)
	require.NoError(t, c.Noop(ctx))
	events := c.Events()
	require.Len(t, events, 5)
	assert.Equal(t, []imap.Event{
		&imap.MetadataEvent{Entries: []string{"/shared/comment"}},
		&imap.MetadataEvent{Mailbox: "Entwürfe", Entries: []string{"/shared/comment", "/private/y"}},
		&imap.MetadataEvent{Mailbox: "INBOX"},
		&imap.UnknownEvent{Raw: []byte("* METADATA INBOX (/shared/comment")},
	}, events[:4])
	assert.IsType(t, &imap.UnknownEvent{}, events[4])
}

// numbered returns n different atoms, each behind a blank.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " /x%d", i)
	}
	return b.String()
}

var _ = live("METADATA, METADATA-SERVER", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	if !c.Caps().Has("METADATA") {
		_, err := c.GetMetadata(ctx, "INBOX", "/private/comment")
		require.ErrorIs(t, err, errors.ErrUnsupported)
		return
	}
	require.NoError(t, c.Create(ctx, "Entwürfe", nil))
	long := "a\r\n\"b\"" + strings.Repeat("ö", 2000)
	for _, value := range []string{"hello", "", long} {
		require.NoError(t, c.SetMetadata(ctx, "Entwürfe", map[string][]byte{"/private/comment": []byte(value)}))
		values, err := c.GetMetadata(ctx, "Entwürfe", "/private/comment", "/private/vendor/x/none")
		require.NoError(t, err)
		assert.Equal(t, value, string(values["/private/comment"]))
		assert.Nil(t, values["/private/vendor/x/none"])
	}
	res, err := c.GetMetadataWith(ctx, "Entwürfe", &imap.MetadataOptions{MaxSize: 10}, "/private/comment")
	require.NoError(t, err)
	assert.Empty(t, res.Entries["/private/comment"])
	assert.EqualValues(t, len(long), res.LongEntries)
	res, err = c.GetMetadataWith(ctx, "Entwürfe", &imap.MetadataOptions{Depth: imap.DepthInfinity}, "/private")
	require.NoError(t, err)
	assert.Equal(t, long, string(res.Entries["/private/comment"]))

	require.NoError(t, c.SetMetadata(ctx, "Entwürfe", map[string][]byte{"/private/comment": nil}))
	values, err := c.GetMetadata(ctx, "Entwürfe", "/private/comment")
	require.NoError(t, err)
	assert.Nil(t, values["/private/comment"])

	require.NoError(t, c.SetMetadata(ctx, "", map[string][]byte{"/private/comment": []byte("of the server")}))
	values, err = c.GetMetadata(ctx, "", "/private/comment")
	require.NoError(t, err)
	assert.Equal(t, "of the server", string(values["/private/comment"]))

	// Not all take bytes that are NUL; those that do not say so and go on.
	err = c.SetMetadata(ctx, "INBOX", map[string][]byte{"/private/comment": []byte("a\x00\r\nA9 LOGOUT\r\n")})
	if _, refused := errors.AsType[*imap.Error](err); !refused {
		require.NoError(t, err)
	}
	require.NoError(t, c.Noop(ctx))
	for _, ev := range c.Events() {
		if _, told := ev.(*imap.CodeEvent); !told { // the identifier of the new mailbox
			assert.IsType(t, &imap.ExistsEvent{}, ev)
		}
	}
})
