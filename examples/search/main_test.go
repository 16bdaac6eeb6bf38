package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/exampletest"
	"github.com/stretchr/testify/require"
)

func TestSample(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"text": {[]string{"-text", "protokoll"}, `1 messages match
     2  2026-02-03  Protokoll der Sitzung im März
`},
		"several conditions": {[]string{"-from", "grace", "-unseen", "-since", "2026-02-06"}, `2 messages match
     6  2026-02-07  Fwd: Invoice 2026-017
     5  2026-02-06  Photos 📷 from the café
`},
		"no hit": {[]string{"-before", "1999-12-31"}, "0 messages match\n"},
		"most": {[]string{"-most", "1"}, `7 messages match
     7  2026-02-08  您的验证码是 483920
`},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, exampletest.Output(t, run, tt.args...))
		})
	}
}

// TestMessageWithoutDate: the time at which the server received the message is shown.
func TestMessageWithoutDate(t *testing.T) {
	var out bytes.Buffer
	printMessage(&out, &imap.Message{UID: 7, Envelope: &imap.Envelope{Subject: "undated"}, InternalDate: time.Date(2026, 2, 3, 4, 5, 0, 0, time.UTC)})
	require.Contains(t, out.String(), "2026-02-03")
}
