package extensions_test

import (
	"maps"
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

// uses has, for each capability, calls that use it: TestExtensionsLive makes them on the in-memory server and on each real
// server that offers it. The client is logged in; at.Again makes another of the same user.
var uses = map[string]func(t *testing.T, c *imap.Client, at testkit.Place){
	"ACL":                   useACL,
	"ACL2=UNION":            useACL2Union,
	"ANNOTATE-EXPERIMENT-1": useAnnotate,
	"ANNOTATEMORE":          useAnnotateMore,
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
	"DIGEST=SHA1":           useDigest,
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
	"LOGINDISABLED":         useLoginDisabled,
	"MAILBOX-REFERRALS":     useMailboxReferrals,
	"METADATA":              useMetadata,
	"METADATA-SERVER":       useMetadata,
	"MOVE":                  useMove,
	"MULTIAPPEND":           useMultiAppend,
	"MULTISEARCH":           useMultiSearch,
	"NAMESPACE":             useNamespace,
	"NOTIFY":                useNotify,
	"NO_ATOMIC_RENAME":      useRename,
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
	"UNAUTHENTICATE":        useUnauthenticate,
	"UNSELECT":              useUnselect,
	"URL-PARTIAL":           useURLPartial,
	"URLAUTH":               useURLAuth,
	"URLAUTH=BINARY":        useURLAuthBinary,
	"UTF8=ACCEPT":           useUTF8,
	"UTF8=ONLY":             useUTF8Only,
	"WITHIN":                useWithin,
	"X-CREATEDMODSEQ":       useCreatedModSeq,
	"X-QUOTA=":              useDraftQuota,
	"X-UNAUTHENTICATE":      useUnauthenticate,
	"XAPPLEPUSHSERVICE":     useApplePush,
	"XLIST":                 useXList,
	"XMOVE":                 useXMove,
}

// row is the row of a capability in docs/extensions.md.
type row struct{ gives, live string }

// liveOn reads from docs/extensions.md which real servers have each capability.
func liveOn(t *testing.T) map[string]row {
	t.Helper()
	text, err := os.ReadFile("docs/extensions.md")
	require.NoError(t, err)
	rows := make(map[string]row)
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| `") && len(cells) >= 5 {
			rows[strings.ToUpper(strings.Trim(cells[0], "| `"))] = row{cells[2], cells[4]}
		}
	}
	return rows
}

// TestExtensionsLive uses every extension on every available server that offers it.
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
	for _, server := range realserver.Names() {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			extensionsOn(t, realserver.Get(t, server), documented)
		})
	}
}

// extensionsOn runs the tests of the extensions that a real server offers, and compares them with the documentation.
func extensionsOn(t *testing.T, s *realserver.Server, documented map[string]row) {
	said := announced(t, s)
	for _, one := range said {
		for capability := range one.caps.All() {
			known := slices.ContainsFunc(slices.Collect(maps.Keys(documented)), func(name string) bool { return names(name, capability) })
			assert.True(t, known, "%s announces %s, which docs/extensions.md does not have", s.Name, capability)
		}
	}
	for name, row := range documented {
		i := slices.IndexFunc(said, func(one announcement) bool { return offers(one.caps, name) })
		if s.Name != "mox" && i >= 0 != strings.Contains(row.live, s.Name) {
			t.Errorf("docs/extensions.md: %s on %s: offered is %v", name, s.Name, i >= 0)
		}
		run := uses[name]
		if i < 0 || run == nil && row.gives == "" {
			continue
		}
		if !assert.NotNil(t, run, "no live test of %s", name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel() // much of it is waiting for the server
			c, at := said[i].login(t, s)
			run(t, c, at)
		})
	}
}

// included has the extensions that a capability includes without naming them.
var included = map[string][]string{
	"IMAP4REV2": {"ENABLE", "SASL-IR", "LITERAL-", "IDLE", "NAMESPACE", "UNSELECT", "STATUS=SIZE", "CHILDREN", "LIST-EXTENDED",
		"LIST-STATUS", "SPECIAL-USE", "ESEARCH", "SEARCHRES", "UIDPLUS", "MOVE", "BINARY"},
	"I18NLEVEL=2":      {"I18NLEVEL=1"},
	"X-UNAUTHENTICATE": {"UNAUTHENTICATE"},
	"METADATA":         {"METADATA-SERVER"},
	"QRESYNC":          {"CONDSTORE"},
	"UTF8=ONLY":        {"UTF8=ACCEPT"},
}

// withValue are the names in docs/extensions.md that are prefixes of capabilities.
var withValue = map[string]string{
	"APPENDLIMIT": "APPENDLIMIT=", "AUTH=": "AUTH=", "IMAPSIEVE=": "IMAPSIEVE=", "MESSAGELIMIT": "MESSAGELIMIT=",
	"QUOTA=RES-": "QUOTA=RES-", "RIGHTS=": "RIGHTS=", "SAVELIMIT": "SAVELIMIT=", "THREAD=": "THREAD=", "X-QUOTA=": "X-QUOTA=",
}

// names reports whether a row of docs/extensions.md is about a capability.
func names(row, capability string) bool {
	prefix, ok := withValue[row]
	return capability == row || ok && strings.HasPrefix(capability, prefix)
}

// offers reports whether a server offers the extension of a row in docs/extensions.md.
func offers(caps imap.Caps, row string) bool {
	for capability := range caps.All() {
		if names(row, capability) || slices.Contains(included[capability], row) {
			return true
		}
	}
	return false
}
