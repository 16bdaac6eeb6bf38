package main

import (
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// TestListsFit: the text that each mutation replaces stands once in its file, and its tests are there.
func TestListsFit(t *testing.T) {
	all, err := readAll(filepath.Join(root, "testdata", "mutations"))
	require.NoError(t, err)
	require.NotEmpty(t, all)
	tests, err := testPackages(root)
	require.NoError(t, err)
	for _, m := range all {
		source, err := os.ReadFile(filepath.Join(root, m.file))
		require.NoError(t, err)
		_, err = m.apply(string(source))
		assert.NoError(t, err, "%s", m)
		for _, name := range m.tests {
			_, name = environment(name)
			name, _, _ = strings.Cut(name, "/")
			assert.NotEmpty(t, tests[name], "%s names %s, which is no test", m, name)
		}
	}
}

func TestParse(t *testing.T) {
	got, err := parse("l", "## heading\n\n# one\na.go: TestA, TestB/x y\n-\told\n-\ttext\n+\tnew\n\n# two\nb.go: TestC\n-gone\n")
	require.NoError(t, err)
	assert.Equal(t, []mutation{
		{0, "l", "one", "a.go", []string{"TestA", "TestB/x y"}, "\told\n\ttext", "\tnew"},
		{0, "l", "two", "b.go", []string{"TestC"}, "gone", ""},
	}, got)
	for _, bad := range []string{"# a", "# a\nb\n-c", "# a\nb: c\nd", "# a\nb: c\n+d", "a\nb: c\n-d", "# a\nb: c\n-d\n+d"} {
		_, err := parse("l", bad)
		assert.Error(t, err, "%q", bad)
	}
}

func TestApply(t *testing.T) {
	m := mutation{old: "b", new: "x"}
	got, err := m.apply("abc")
	require.NoError(t, err)
	assert.Equal(t, "axc", got)
	for _, source := range []string{"ac", "abcb"} {
		_, err = m.apply(source)
		assert.Error(t, err)
	}
}

func TestEnvironment(t *testing.T) {
	variables, name := environment("A_B=1 C=x y=z TestA/b c=d")
	assert.Equal(t, []string{"A_B=1", "C=x"}, variables)
	assert.Equal(t, "y=z TestA/b c=d", name)
	variables, name = environment("TestA")
	assert.Empty(t, variables)
	assert.Equal(t, "TestA", name)
}

func TestExactly(t *testing.T) {
	assert.Equal(t, `^TestA$`, exactly("TestA"))
	assert.Equal(t, `^TestA$/^a_b\+$`, exactly("TestA/a b+"))
}

func TestBreakable(t *testing.T) {
	const source = `package imap

const limit = 7

func (streamAddr) String(_ []byte, rest ...int) (int, error) {
	return 1, nil
}

func f[K, V any, N UID]() {
	f()
}
`
	list := []mutation{{number: 1, old: "return 1", new: "return 2"}, {number: 2, old: "1, nil", new: "1, err"}, {number: 3, old: "\tf()", new: ""}, {number: 4, old: "= 7", new: "= 8"}}
	got, rest, err := breakable(source, list)
	require.NoError(t, err)
	assert.Equal(t, list[3:], rest)
	formatted, err := format.Source([]byte(got))
	require.NoError(t, err, "%s", got)
	assert.Equal(t, `package imap

const limit = 7

func (param0 streamAddr) String(param1x0 []byte, rest ...int) (int, error) {
	if mutant == 2 {
		return param0.StringMutant2(param1x0, rest...)
	}

	if mutant == 1 {
		return param0.StringMutant1(param1x0, rest...)
	}

	return 1, nil
}

func f[K, V any, N UID]() {
	if mutant == 3 {
		fMutant3[K, V, N]()
		return
	}

	f()
}

func (param0 streamAddr) StringMutant1(param1x0 []byte, rest ...int) (int, error) {
	return 2, nil
}

func (param0 streamAddr) StringMutant2(param1x0 []byte, rest ...int) (int, error) {
	return 1, err
}

func fMutant3[K, V any, N UID]() {

}
`, string(formatted))
}
