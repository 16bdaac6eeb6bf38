package faults_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
)

// maxHostile is the most memory that a server may make a client with default limits hold.
const maxHostile = 128 << 20

// longLine is a line just below MaxLine.
func longLine(start, again string) func([]byte, int64) int {
	whole := (16<<20 - 200) / len(again)
	return forever(start, again, int64(len(start)+whole*len(again)))
}

// differentWords is a line of as many different words as fit.
func differentWords(start string) func([]byte, int64) int {
	text := []byte(start)
	for i := 0; len(text) < 16<<20-200; i++ {
		text = fmt.Appendf(text, " x%d", i)
	}
	return saying(string(text))
}

// largeRows are n rows with a body of a given size, none with all that was requested.
func largeRows(size, n int) func([]byte, int64) int {
	row := fmt.Sprintf("* 1 FETCH (UID 1 BODY[] {%d}\r\n%s)\r\n", size, strings.Repeat("x", size))
	return forever("", row, int64(n*len(row)))
}

// hostileServers are servers that send without end, or as much as the limits allow, each to the call that keeps most of it.
var hostileServers = map[string]struct {
	call string // of keepers
	fill func() func([]byte, int64) int
}{
	"a line without end":    {"NOOP", func() func([]byte, int64) int { return forever("* OK ", "x", 1<<62) }},
	"a number without end":  {"SEARCH", func() func([]byte, int64) int { return forever("* SEARCH ", "1", 1<<62) }},
	"3,000,000 parentheses": {"FETCH", func() func([]byte, int64) int { return forever("* 1 FETCH (BODYSTRUCTURE ", "(", 3_000_000) }},
	"a million responses":   {"NOOP", func() func([]byte, int64) int { return forever("", "* 9 EXISTS\r\n", 12_000_000) }},
	"numbers": {"SEARCH", func() func([]byte, int64) int {
		return forever("", "* SEARCH "+strings.Repeat("1 3 ", 1<<18)+"\r\n", 32<<20)
	}},
	"ranges":               {"SEARCH", func() func([]byte, int64) int { return longLine(`* ESEARCH (TAG "A2") UID ALL 1`, ",3,5") }},
	"ranges of everything": {"SEARCH", func() func([]byte, int64) int { return longLine(`* ESEARCH (TAG "A2") UID ALL 1`, ",1:4294967295") }},
	"what vanished":        {"NOOP", func() func([]byte, int64) int { return longLine("* VANISHED 1", ",3,1") }},
	"what vanished, again": {"NOOP", func() func([]byte, int64) int {
		return forever("", "* VANISHED 1"+strings.Repeat(",3,1", 1<<19)+"\r\n", 64<<20)
	}},
	"expunged":      {"EXPUNGE", func() func([]byte, int64) int { return forever("", "* 1 EXPUNGE\r\n", 80<<20) }},
	"expunged UIDs": {"EXPUNGE", func() func([]byte, int64) int { return longLine("* VANISHED 1", ",3,1") }},
	"what nobody knows": {"NOOP", func() func([]byte, int64) int {
		return forever("", "* XYZZY "+strings.Repeat("z", 500_000)+"\r\n", 80<<20)
	}},
	"what nobody knows, kept": {"Do", func() func([]byte, int64) int {
		return forever("", "* XYZZY "+strings.Repeat("z", 500_000)+"\r\n", 80<<20)
	}},
	"small responses, kept":   {"Do", func() func([]byte, int64) int { return forever("", "* X\r\n", 80<<20) }},
	"names":                   {"LIST", func() func([]byte, int64) int { return names(80 << 20) }},
	"attributes of a mailbox": {"LIST", func() func([]byte, int64) int { return longLine("* LIST (", `\a `) }},
	"a suspended loop": {"FETCH suspended", func() func([]byte, int64) int {
		return numbered("* %[1]d FETCH (UID %[1]d FLAGS (a b c d e f g h i j k l m n o p q r s t u v w x y z))\r\n", 32<<20)
	}},
	"rows with bodies":    {"Do", func() func([]byte, int64) int { return largeRows(1_000_000, 200) }},
	"rows that stay open": {"FETCH", func() func([]byte, int64) int { return largeRows(30_000_000, 12) }},
	"rows of a STORE": {"STORE", func() func([]byte, int64) int {
		return forever("", "* 1 FETCH (UID 1 FLAGS (a b c d e f g h i j k l m n o p))\r\n", 8<<20)
	}},
	"rows for a STORE of all": {"STORE of all", func() func([]byte, int64) int { return forever("", "* 1 FETCH (UID 1 FLAGS (x))\r\n", 8<<20) }},
	"changes of a SELECT": {"SELECT with QRESYNC", func() func([]byte, int64) int {
		return forever("* ENABLED QRESYNC\r\n", "* 1 FETCH (UID 1 FLAGS (a))\r\n", 20<<20)
	}},
	"what vanished, selecting": {"SELECT with QRESYNC", func() func([]byte, int64) int { return longLine("* ENABLED QRESYNC\r\n* VANISHED (EARLIER) 1", ",3,1") }},
	"flags":                    {"NOOP", func() func([]byte, int64) int { return longLine("* FLAGS (", "a ") }},
	"flags of a message":       {"FETCH suspended", func() func([]byte, int64) int { return longLine("* 1 FETCH (UID 1 FLAGS (", "a ") }},
	"addresses": {"FETCH", func() func([]byte, int64) int {
		return longLine("* 1 FETCH (UID 1 FLAGS () ENVELOPE (NIL NIL (", `(NIL NIL "a" "b")`)
	}},
	"empty addresses": {"FETCH", func() func([]byte, int64) int {
		return longLine("* 1 FETCH (UID 1 FLAGS () ENVELOPE (NIL NIL (", `(NIL NIL NIL NIL)`)
	}},
	"body parts": {"BODYSTRUCTURE", func() func([]byte, int64) int {
		return longLine("* 1 FETCH (UID 1 BODYSTRUCTURE (", `("a" "b" NIL NIL NIL "c" 1)`)
	}},
	"parameters of a part": {"BODYSTRUCTURE", func() func([]byte, int64) int { return longLine(`* 1 FETCH (UID 1 BODYSTRUCTURE ("a" "b" (`, `"" "" `) }},
	"threads":              {"THREAD", func() func([]byte, int64) int { return longLine("* THREAD ", "(1)(2)") }},
	"a sorted list": {"SORT", func() func([]byte, int64) int {
		return forever("", "* SORT"+strings.Repeat(" 1 2", 1<<20)+"\r\n", 80<<20)
	}},
	"an ACL":               {"GETACL", func() func([]byte, int64) int { return longLine("* ACL a", " b l") }},
	"rights":               {"LISTRIGHTS", func() func([]byte, int64) int { return longLine("* LISTRIGHTS a b l", " r s") }},
	"namespaces":           {"NAMESPACE", func() func([]byte, int64) int { return longLine("* NAMESPACE (", `("" NIL)`) }},
	"quotas":               {"GETQUOTAROOT", func() func([]byte, int64) int { return longLine("* QUOTAROOT a", " b c") }},
	"resources of a quota": {"GETQUOTAROOT", func() func([]byte, int64) int { return longLine("* QUOTA a (", "a 1 2 ") }},
	"metadata": {"GETMETADATA", func() func([]byte, int64) int {
		return forever("", "* METADATA a (/a "+strings.Repeat(`"" /b `, 1<<20)+`"")`+"\r\n", 80<<20)
	}},
	"capabilities":           {"CAPABILITY", func() func([]byte, int64) int { return longLine("* CAPABILITY IMAP4rev1", " a b") }},
	"different capabilities": {"CAPABILITY", func() func([]byte, int64) int { return differentWords("* CAPABILITY IMAP4rev1") }},
	"what is enabled":        {"NOOP", func() func([]byte, int64) int { return differentWords("* ENABLED") }},
	"a code":                 {"NOOP", func() func([]byte, int64) int { return longLine("* OK [", "x") }},
	"flags of a code":        {"SELECT", func() func([]byte, int64) int { return longLine("* OK [PERMANENTFLAGS (", "a ") }},
	"copied UIDs":            {"COPY", func() func([]byte, int64) int { return longLine("* OK [COPYUID 1 1", ",3,1") }},
}

func init() {
	for name, call := range map[string]func(ctx context.Context, c *imap.Client) error{
		"STORE of all": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Store(ctx, imap.UIDRange(1, 0), imap.AddFlags("x"), nil)
			return err
		},
		"SELECT with QRESYNC": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Select(ctx, "INBOX", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 1, ModSeq: 1}})
			return err
		},
		"BODYSTRUCTURE": func(ctx context.Context, c *imap.Client) error {
			return testkit.Drain(c.Fetch(ctx, imap.UIDs(1), imap.FetchBodyStructure))
		},
		"THREAD": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Thread(ctx, "REFERENCES", imap.Where())
			return err
		},
		"SORT": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Sort(ctx, testkit.SizeFirst, imap.Where())
			return err
		},
		"GETACL":       func(ctx context.Context, c *imap.Client) error { _, err := c.GetACL(ctx, "a"); return err },
		"LISTRIGHTS":   func(ctx context.Context, c *imap.Client) error { _, _, err := c.ListRights(ctx, "a", "b"); return err },
		"NAMESPACE":    func(ctx context.Context, c *imap.Client) error { _, err := c.Namespace(ctx); return err },
		"GETQUOTAROOT": func(ctx context.Context, c *imap.Client) error { _, err := c.GetQuotaRoot(ctx, "a"); return err },
		"GETMETADATA":  func(ctx context.Context, c *imap.Client) error { _, err := c.GetMetadata(ctx, "a", "/a"); return err },
		"CAPABILITY":   func(ctx context.Context, c *imap.Client) error { _, err := c.Capability(ctx); return err },
		"COPY":         func(ctx context.Context, c *imap.Client) error { _, err := c.Copy(ctx, imap.UIDs(1), "a"); return err },
	} {
		hostileKeepers[name] = call
	}
}

// hostileKeepers are calls that keep what arrives, in addition to keepers.
var hostileKeepers = map[string]func(context.Context, *imap.Client) error{}

// TestHostileMemory: whatever a server sends, a client with default limits holds less than 128 MiB. With -v it prints how
// much it was.
func TestHostileMemory(t *testing.T) {
	var table []string
	for name, server := range hostileServers {
		t.Run(name, func(t *testing.T) {
			call := keepers[server.call]
			if call == nil {
				call = hostileKeepers[server.call]
			}
			c, f := flooded(t, nil, server.fill())
			var err error
			peak := within(t, f, maxHostile, 64, func() { err = call(t.Context(), c) })
			table = append(table, fmt.Sprintf("%6.1f MiB  %-26s %-20s %.60v", float64(peak)/(1<<20), name, server.call, err))
		})
	}
	slices.Sort(table)
	slices.Reverse(table)
	t.Logf("most memory held, for what the server sends to which command, and its end:\n%s", strings.Join(table, "\n"))
}
