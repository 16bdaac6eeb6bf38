package sasl_test

import (
	"encoding/base64"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/sasl"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

// The example of RFC 2831 section 4 on the wire: the name in the answer is the dialled one. Invalid answers of the server
// end the login.
func TestDigestMD5OnTheWire(t *testing.T) {
	line := base64.StdEncoding.EncodeToString
	start := "S: * OK [CAPABILITY IMAP4rev1 AUTH=CRAM-MD5 AUTH=DIGEST-MD5] PMDF\nC: $ AUTHENTICATE DIGEST-MD5\nS: + " +
		line([]byte(sasl.ExampleChallenge)) + "\nC: " + line([]byte(sasl.ExampleResponse)) + "\n"
	for name, c := range map[string]struct{ rest, failure string }{
		"RFC":           {"S: + " + line([]byte(sasl.ExampleAnswer)) + "\nC:\nS: $ OK [CAPABILITY IMAP4rev1] in\n", ""},
		"wrong proof":   {"S: + " + line([]byte("rspauth=00")) + "\nC: *\nS: $ BAD cancelled\n", "does not know the password"},
		"no proof":      {"S: $ OK [CAPABILITY IMAP4rev1] in\n", "has not proved"},
		"refused":       {"S: $ NO no\n", "NO no"},
		"one challenge": {"S: + " + line([]byte(sasl.ExampleChallenge)) + "\nC: *\nS: $ BAD cancelled\n", "rspauth"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := &imap.Options{Dialer: testkit.OneConn{Conn: imaptest.DialScript(t, start+c.rest)}}
			client, err := imap.DialInsecure(t.Context(), "elwood.innosoft.com", opts)
			require.NoError(t, err)
			defer client.Close()
			m := sasl.DigestExample()
			if err = client.Authenticate(t.Context(), m); c.failure == "" {
				require.NoError(t, err)
				require.Equal(t, imap.Authenticated, client.State())
			} else {
				require.ErrorContains(t, err, c.failure)
				require.NotEqual(t, imap.Authenticated, client.State())
			}
		})
	}
}
