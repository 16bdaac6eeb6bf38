package jsonfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state.json")
	got := 7
	require.NoError(t, Load(name, &got))
	require.NoError(t, Load("", &got))
	require.NoError(t, Save("", 8))
	require.Equal(t, 7, got)
	require.NoError(t, Save(name, 1))
	require.NoError(t, Save(name, 2))
	require.NoError(t, Load(name, &got))
	require.Equal(t, 2, got)
	require.NoError(t, os.WriteFile(name, []byte("{"), 0o600))
	require.Error(t, Load(name, &got))
	require.Error(t, Save(name, func() {}))
}
