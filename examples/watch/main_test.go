package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSample(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out))
	require.Equal(t, `INBOX: 7 messages, waiting
new message 8 from service@example.cn: 您的验证码是 483920
`, out.String())
}

func TestFor(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-for", "10ms"}, &out))
	require.Equal(t, "INBOX: 7 messages, waiting\n", out.String())
}
