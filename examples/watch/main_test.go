package main

import (
	"testing"

	"github.com/go-imaplib/imap/examples/internal/exampletest"
	"github.com/stretchr/testify/require"
)

func TestSample(t *testing.T) {
	require.Equal(t, `INBOX: 7 messages, waiting
new message 8 from service@example.cn: 您的验证码是 483920
`, exampletest.Output(t, run))
}

func TestFor(t *testing.T) {
	require.Equal(t, "INBOX: 7 messages, waiting\n", exampletest.Output(t, run, "-for", "10ms"))
}
