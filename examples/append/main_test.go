package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSample(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-flags", `\Seen $Work`}, &out))
	require.Equal(t, "sample: 4611 octets, UID 8 in INBOX\n", out.String())
}

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "message.eml")
	require.NoError(t, os.WriteFile(name, []byte("Subject: hi\r\n\r\nhello\r\n"), 0o600))
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{name}, &out))
	require.Equal(t, name+": 22 octets, UID 8 in INBOX\n", out.String())
	require.ErrorContains(t, run(t.Context(), []string{"-mailbox", "Nowhere", name}, &out), "does not exist")
	require.ErrorIs(t, run(t.Context(), []string{name + ".no"}, &out), os.ErrNotExist)
}
