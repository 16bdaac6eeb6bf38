package transcripts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

// clients has the calls of a client for each script below testdata/transcripts. The script ensures that the client sends
// exactly what it expects; the calls check the results.
var clients = map[string]func(t *testing.T, c *imap.Client){
	"acl/acl.txt":                    playACL,
	"annotate/annotate.txt":          playAnnotate,
	"annotate/legacy.txt":            playAnnotateLegacy,
	"append/binary.txt":              playAppendBinary,
	"append/catenate.txt":            playAppendCatenate,
	"append/limit-each.txt":          playAppendLimitEach,
	"append/limit.txt":               playAppendLimit,
	"append/literal-minus.txt":       playAppendLiteralMinus,
	"append/literal-plus.txt":        playAppendLiteralPlus,
	"append/multi.txt":               playAppendMulti,
	"append/replace.txt":             playAppendReplace,
	"append/savelimit.txt":           playAppendSaveLimit,
	"append/url-partial.txt":         playAppendURLPartial,
	"auth/logindisabled.txt":         playAuthLoginDisabled,
	"auth/sasl-ir.txt":               playAuthSASLInitialResponse,
	"auth/starttls-refused.txt":      playAuthStartTLSRefused,
	"auth/unauthenticate.txt":        playAuthUnauthenticate,
	"auth/x-unauthenticate.txt":      playAuthUnauthenticate,
	"base/rev2.txt":                  playBaseRev2,
	"base/session.txt":               playBaseSession,
	"compress/deflate.txt":           playCompressDeflate,
	"compress/refused.txt":           playCompressRefused,
	"context/search.txt":             playContextSearch,
	"context/sort.txt":               playContextSort,
	"convert/convert.txt":            playConvert,
	"enable/enable.txt":              playEnable,
	"fetch/binary.txt":               playFetchBinary,
	"fetch/gmail.txt":                playFetchGmail,
	"fetch/messagelimit.txt":         playFetchMessageLimit,
	"fetch/objectid-plus.txt":        playFetchObjectIDPlus,
	"fetch/objectid.txt":             playFetchObjectID,
	"fetch/partial.txt":              playFetchPartial,
	"fetch/preview-fuzzy.txt":        playFetchPreviewFuzzy,
	"fetch/preview.txt":              playFetchPreview,
	"fetch/savedate.txt":             playFetchSaveDate,
	"fetch/snippet.txt":              playFetchSnippet,
	"filter/filters.txt":             playFilters,
	"i18n/language.txt":              playI18NLanguage,
	"id/id.txt":                      playID,
	"idle/idle.txt":                  playIdle,
	"jmap/jmapaccess.txt":            playJMAPAccess,
	"list/children.txt":              playListChildren,
	"list/details.txt":               playListDetails,
	"list/extended.txt":              playListExtended,
	"list/selection.txt":             playListSelection,
	"list/special-use.txt":           playListSpecialUse,
	"list/status-without.txt":        listStatus,
	"list/status.txt":                listStatus,
	"list/without.txt":               playListWithout,
	"list/xlist.txt":                 playListXList,
	"mailbox/create-special-use.txt": playMailboxCreateSpecialUse,
	"mailbox/namespace.txt":          playMailboxNamespace,
	"mailbox/status-size.txt":        playMailboxStatusSize,
	"mailbox/unselect-without.txt":   unselect,
	"mailbox/unselect.txt":           unselect,
	"metadata/metadata.txt":          playMetadata,
	"metadata/sieve.txt":             playMetadataSieve,
	"metadata/special-use.txt":       playMetadataSpecialUse,
	"multisearch/multisearch.txt":    playMultiSearch,
	"notify/notify.txt":              playNotify,
	"progress/progress.txt":          playProgress,
	"push/apple.txt":                 playPushApple,
	"quota/quota.txt":                playQuota,
	"quota/resources.txt":            playQuotaResources,
	"quota/status-deleted.txt":       playQuotaStatusDeleted,
	"referral/login.txt":             playReferralLogin,
	"referral/mailbox.txt":           playReferralMailbox,
	"search/context.txt":             playSearchContext,
	"search/esearch.txt":             playSearchESearch,
	"search/fuzzy.txt":               playSearchFuzzy,
	"search/gmail.txt":               playSearchGmail,
	"search/partial.txt":             playSearchPartial,
	"search/relevancy.txt":           playSearchRelevancy,
	"search/searchres.txt":           playSearchRes,
	"search/uidbatches.txt":          playSearchUIDBatches,
	"search/within.txt":              playSearchWithin,
	"sort/badcharset.txt":            playSortBadCharset,
	"sort/extended-without.txt":      playSortExtendedWithout,
	"sort/extended.txt":              playSortExtended,
	"sort/sort.txt":                  playSort,
	"sort/vendor.txt":                playSortVendor,
	"store/gmail-labels.txt":         playStoreGmailLabels,
	"store/move-without.txt":         move,
	"store/move.txt":                 move,
	"store/xmove.txt":                move,
	"sync/yahoo.txt":                 playSyncYahoo,
	"store/uidplus.txt":              playStoreUIDPlus,
	"sync/condstore.txt":             playSyncCondStore,
	"sync/qresync.txt":               playSyncQResync,
	"sync/uidonly.txt":               playSyncUIDOnly,
	"thread/refs.txt":                playThreadRefs,
	"thread/thread.txt":              playThread,
	"urlauth/urlauth.txt":            playURLAuth,
	"utf8/accept.txt":                playUTF8Accept,
	"utf8/only.txt":                  playUTF8Only,
}

const transcriptDir = "testdata/transcripts"

// TestTranscripts plays each script of testdata/transcripts, with whole reads and byte by byte.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(transcriptDir), "*", "*.txt"))
	require.NoError(t, err)
	seen := make(map[string]bool)
	for _, file := range files {
		path := filepath.ToSlash(file)[len(transcriptDir)+1:]
		seen[path] = true
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		calls := clients[path]
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
	for path := range clients {
		if !seen[path] {
			t.Errorf("the transcript %s does not exist", path)
		}
	}
}
