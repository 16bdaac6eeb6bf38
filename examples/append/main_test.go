package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-imaplib/imap/examples/internal/exampletest"
	"github.com/stretchr/testify/require"
)

func TestSample(t *testing.T) {
	require.Equal(t, "sample: 4611 octets, UID 8 in INBOX\n", exampletest.Output(t, run, "-flags", `\Seen $Work`))
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
