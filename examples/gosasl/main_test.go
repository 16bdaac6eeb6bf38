package main

import (
	"bytes"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/require"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/sample"
)

func TestLogin(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	require.Equal(t, "*sasl.plainClient: authenticated\n*sasl.loginClient: authenticated\n", out.String())
}

func TestRefused(t *testing.T) {
	addr, stop, err := sample.Serve()
	require.NoError(t, err)
	defer stop()
	err = login(t.Context(), new(bytes.Buffer), addr, sasl.NewPlainClient("", sample.User, "wrong"))
	require.Equal(t, imap.CodeAuthenticationFailed, imap.CodeOf(err))
}
