package main

import (
	"testing"

	"github.com/go-imaplib/imap/examples/internal/exampletest"
	"github.com/stretchr/testify/require"
)

func TestSample(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"there":         {nil, "1 of 7 messages moved from INBOX to Archive\nUIDs 1 are 1 there\n"},
		"to be made":    {[]string{"-from", "grace", "-to", "Später"}, "2 of 7 messages moved from INBOX to Später\nUIDs 5:6 are 1:2 there\n"},
		"nothing found": {[]string{"-from", "nobody"}, "0 of 7 messages moved from INBOX to Archive\n"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, exampletest.Output(t, run, tt.args...))
		})
	}
}
