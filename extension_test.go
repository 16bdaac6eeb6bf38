package imap_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

const transcriptDir = "testdata/transcripts"

// transcripts is what a client does in each script below transcriptDir, by path.
var transcripts = map[string]func(t *testing.T, c *imap.Client){}

// transcript says what a client does while the server plays a script: with
//
//	var _ = transcript("store/move.txt", func(t *testing.T, c *imap.Client) { … })
//
// beside the other tests of the concept, TestTranscripts runs it. The script makes sure that the client sends just what it
// says; calls checks what becomes of the answers.
func transcript(path string, calls func(t *testing.T, c *imap.Client)) struct{} {
	if transcripts[path] != nil {
		panic("two clients for the transcript " + path)
	}
	transcripts[path] = calls
	return struct{}{}
}

// TestTranscripts runs each script of testdata/transcripts, at once and octet by octet.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(transcriptDir), "*", "*.txt"))
	require.NoError(t, err)
	seen := make(map[string]bool)
	for _, file := range files {
		path := filepath.ToSlash(file)[len(transcriptDir)+1:]
		seen[path] = true
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		calls := transcripts[path]
		if calls == nil {
			t.Errorf("no client for the transcript %s", path)
			continue
		}
		for _, split := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s/%d", path, split), func(t *testing.T) {
				calls(t, testkit.FollowSplit(t, &imap.Options{AllowInsecureAuth: true}, string(text), split))
			})
		}
	}
	for path := range transcripts {
		if !seen[path] {
			t.Errorf("the transcript %s does not exist", path)
		}
	}
}

// loginAs connects to a real server and logs in.
func loginAs(t *testing.T, s *realserver.Server, user, password string) *imap.Client {
	t.Helper()
	c, err := imap.DialInsecure(testkit.Context(t), s.Addr, nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.Login(testkit.Context(t), user, password))
	return c
}
