package imap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Lists end where no server has so many: one more is an error, as many are not.
func TestListedBounds(t *testing.T) {
	numbered := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, parse := range map[string]func(n int) error{
		"entries of METADATA": func(n int) error {
			return (&metadata{limit: 1 << 30}).takeEntries(responseOf([]byte("(" + numbered(n, `/a%d "x" `) + ")")))
		},
		"rights": func(n int) error {
			_, _, err := responseOf([]byte("a b r" + numbered(n, " %d"))).listRights()
			return err
		},
		"annotations": func(n int) error {
			return parseAnnotations(parserFor([]byte("("+numbered(n, `/a%d (value "x") `)+")")), &Message{})
		},
	} {
		require.NoError(t, parse(maxListed), name)
		require.ErrorContains(t, parse(maxListed+1), "more", name)
	}
}

// An annotation without its parts is refused before anything is sent.
func TestEmptyAnnotations(t *testing.T) {
	fails := func(encode func(*encoder)) error {
		e := &encoder{caps: parseCaps("ANNOTATE-EXPERIMENT-1", extensions.implied), capsKnown: true, table: extensions}
		encode(e)
		return e.err
	}
	for _, item := range []FetchItem{FetchAnnotations(nil, "value"), FetchAnnotations([]string{"/a"})} {
		require.ErrorContains(t, fails(item.(fetchArg).encode), "no entry or no attribute")
	}
	require.NoError(t, fails(FetchAnnotations([]string{"/a"}, "value").(fetchArg).encode))
	a := Annotation{Entry: "/a"}
	require.ErrorContains(t, fails(a.encode), "without a value")
	a.Values = map[string][]byte{"value.priv": nil}
	require.NoError(t, fails(a.encode))
}

// METADATA without values is news, not an answer.
func TestMetadataNewsIsNoAnswer(t *testing.T) {
	m := &metadata{limit: 1 << 20}
	for text, want := range map[string]claim{"a /shared/x /shared/y": notMine, `a (/shared/x "v")`: mine} {
		r := responseOf([]byte(text))
		r.name = "METADATA"
		got, err := m.take(r)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
}
