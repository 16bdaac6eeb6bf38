package extensions_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// uses has, for each capability, calls that use it: TestExtensionsLive makes them on the server in memory and on each real
// server that offers it. The client is logged in; at.Again makes another of the same user.
var uses = map[string]func(t *testing.T, c *imap.Client, at testkit.Place){
	"ACL":                   useACL,
	"ACL2=UNION":            useACL2Union,
	"ANNOTATE-EXPERIMENT-1": useAnnotate,
	"APPENDLIMIT":           useAppendLimit,
	"AUTH=":                 useAuthenticate,
	"BINARY":                useBinary,
	"CATENATE":              useCatenate,
	"CHILDREN":              useChildren,
	"COMPRESS=DEFLATE":      useCompress,
	"CONDSTORE":             useCondStore,
	"CONTEXT=SEARCH":        useContextSearch,
	"CONTEXT=SORT":          useExtendedSort,
	"CONVERT":               useConvert,
	"CREATE-SPECIAL-USE":    useCreateSpecialUse,
	"ENABLE":                useEnable,
	"ESEARCH":               useExtendedSearch,
	"ESORT":                 useExtendedSort,
	"FILTERS":               useFilters,
	"I18NLEVEL=1":           useI18NLevel1,
	"I18NLEVEL=2":           useI18NLevel2,
	"ID":                    useID,
	"IDLE":                  useIdle,
	"IMAP4REV1":             useIMAP4rev1,
	"IMAPSIEVE=":            useSieve,
	"JMAPACCESS":            useJMAPAccess,
	"LANGUAGE":              useLanguage,
	"LIST-EXTENDED":         useListExtended,
	"LIST-METADATA":         useListMetadata,
	"LIST-MYRIGHTS":         useListMyrights,
	"LIST-STATUS":           useListStatus,
	"LITERAL+":              useLiterals,
	"LITERAL-":              useLiterals,
	"LOGIN-REFERRALS":       useLoginReferrals,
	"LOGINDISABLED":         useStartTLS,
	"MAILBOX-REFERRALS":     useMailboxReferrals,
	"METADATA":              useMetadata,
	"METADATA-SERVER":       useMetadata,
	"MOVE":                  useMove,
	"MULTIAPPEND":           useMultiAppend,
	"MULTISEARCH":           useMultiSearch,
	"NAMESPACE":             useNamespace,
	"NOTIFY":                useNotify,
	"OBJECTID":              useObjectID,
	"OBJECTID+":             useObjectIDPlus,
	"PARTIAL":               useExtendedSearch,
	"PREVIEW":               usePreview,
	"PREVIEW=FUZZY":         usePreviewFuzzy,
	"QRESYNC":               useQResync,
	"QUOTA":                 useQuota,
	"REPLACE":               useReplace,
	"RIGHTS=":               useACL,
	"SASL-IR":               useInitialResponse,
	"SAVEDATE":              useSaveDate,
	"SEARCH=FUZZY":          useSearchFuzzy,
	"SEARCHRES":             useExtendedSearch,
	"SNIPPET=FUZZY":         useSnippetFuzzy,
	"SORT":                  useSort,
	"SORT=DISPLAY":          useSort,
	"SORT=MODSEQ":           useSortModSeq,
	"SORT=UID":              useSortUID,
	"SPECIAL-USE":           useSpecialUse,
	"STARTTLS":              useStartTLS,
	"STATUS=SIZE":           useStatusSize,
	"THREAD=":               useThread,
	"THREAD=REFS":           useThreadRefs,
	"UIDPLUS":               useUIDPlus,
	"UNSELECT":              useUnselect,
	"URL-PARTIAL":           useURLPartial,
	"URLAUTH":               useURLAuth,
	"URLAUTH=BINARY":        useURLAuthBinary,
	"UTF8=ACCEPT":           useUTF8,
	"UTF8=ONLY":             useUTF8Only,
	"WITHIN":                useWithin,
	"XAPPLEPUSHSERVICE":     useApplePush,
	"XLIST":                 useSpecialUse,
	"XMOVE":                 useXMove,
}

// liveOn reads from docs/extensions.md which real servers are said to have each capability.
func liveOn(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("docs/extensions.md")
	require.NoError(t, err)
	rows := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| `") && len(cells) >= 5 {
			rows[strings.ToUpper(strings.Trim(cells[0], "| `"))] = cells[4]
		}
	}
	return rows
}

// TestExtensionsLive uses every extension on every server at hand that offers it.
func TestExtensionsLive(t *testing.T) {
	documented := liveOn(t)
	for name := range uses {
		assert.Contains(t, documented, name, "a live test of what docs/extensions.md does not have")
	}
	t.Run("imaptest", func(t *testing.T) {
		c, _ := testkit.InMemory(t)
		for name := range documented {
			if run := uses[name]; run != nil && offers(c.Caps(), name) {
				t.Run(name, func(t *testing.T) {
					c, at := testkit.InMemory(t)
					run(t, c, at)
				})
			}
		}
	})
	for _, server := range []string{"dovecot", "cyrus", "courier"} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			extensionsOn(t, realserver.Get(t, server), documented)
		})
	}
}

// extensionsOn runs the tests of what a real server offers, and compares that with the documentation.
func extensionsOn(t *testing.T, s *realserver.Server, documented map[string]string) {
	c, _ := testkit.OnServer(t, s)
	caps, err := c.Capability(testkit.Context(t))
	require.NoError(t, err)
	for name, servers := range documented {
		offered := offers(caps, name)
		if offered != strings.Contains(servers, s.Name) {
			t.Errorf("docs/extensions.md: %s on %s: offered is %v", name, s.Name, offered)
		}
		if !offered {
			continue
		}
		run := uses[name]
		if !assert.NotNil(t, run, "no live test of %s", name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel() // much of it is waiting for the server
			c, at := testkit.OnServer(t, s)
			run(t, c, at)
		})
	}
}

// included has the extensions that a server offers with a capability without naming them.
var included = map[string][]string{
	"IMAP4REV2": {"ENABLE", "SASL-IR", "LITERAL-", "IDLE", "NAMESPACE", "UNSELECT", "STATUS=SIZE", "CHILDREN", "LIST-EXTENDED",
		"LIST-STATUS", "SPECIAL-USE", "ESEARCH", "SEARCHRES", "UIDPLUS", "MOVE", "BINARY"},
	"I18NLEVEL=2": {"I18NLEVEL=1"},
	"METADATA":    {"METADATA-SERVER"},
	"QRESYNC":     {"CONDSTORE"},
	"UTF8=ONLY":   {"UTF8=ACCEPT"},
}

// withValue are the names in docs/extensions.md that a capability begins with.
var withValue = map[string]string{
	"APPENDLIMIT": "APPENDLIMIT=", "AUTH=": "AUTH=", "IMAPSIEVE=": "IMAPSIEVE=", "MESSAGELIMIT": "MESSAGELIMIT=",
	"QUOTA=RES-": "QUOTA=RES-", "RIGHTS=": "RIGHTS=", "SAVELIMIT": "SAVELIMIT=", "THREAD=": "THREAD=",
}

// offers reports whether a server offers what a row of docs/extensions.md names.
func offers(caps imap.Caps, name string) bool {
	for capability := range caps.All() {
		prefix, ok := withValue[name]
		if capability == name || ok && strings.HasPrefix(capability, prefix) || slices.Contains(included[capability], name) {
			return true
		}
	}
	return false
}
