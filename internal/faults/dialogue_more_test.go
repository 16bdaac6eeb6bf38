package faults_test

import (
	"context"
	"iter"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
)

// rareDialogues are the methods of extensions that few servers have.
var rareDialogues = []dialogue{
	{name: "ApplePush", state: inAccount, script: "CAPS IMAP4rev1 XAPPLEPUSHSERVICE\n" +
		"C: $ XAPPLEPUSHSERVICE aps-version 2 aps-account-id 0715A26B aps-device-token \"2918\" aps-subtopic com.apple.mobilemail mailboxes (INBOX Notes)\n" +
		"S: * XAPPLEPUSHSERVICE aps-version \"2\" aps-topic {5}\nS: x (y)\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.ApplePush(ctx, &imap.ApplePushOptions{AccountID: "0715A26B", DeviceToken: "2918", Subtopic: "com.apple.mobilemail",
				Mailboxes: []string{"INBOX", "Notes"}})
		}},
	{name: "AuthorizeURLs", state: inAccount, script: "CAPS IMAP4rev1 URLAUTH\nC: $ GENURLAUTH \"imap://joe@x/a/;UID=20;URLAUTH=anonymous\" INTERNAL\n" +
		"S: * GENURLAUTH \"imap://joe@x/a/;uid=20;urlauth=anonymous:internal:91354a473744909de610943775f92038\"\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.AuthorizeURLs(ctx, "INTERNAL", &imap.URL{User: "joe", Host: "x", Mailbox: "a", UID: 20, Access: "anonymous"})
		}},
	{name: "FetchURLs", state: inAccount, script: "CAPS IMAP4rev1 URLAUTH\nC: $ URLFETCH \"imap://x/a/;UID=1\" \"imap://x/a/;UID=2\"\n" +
		"S: * URLFETCH \"imap://x/a/;UID=1\" {6}\nS+: a)\\r\\n \\n \"imap://x/a/;UID=2\" NIL\\r\\n\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.FetchURLs(ctx, imap.URLRequest{URL: "imap://x/a/;UID=1"}, imap.URLRequest{URL: "imap://x/a/;UID=2"})
		}},
	{name: "FetchURLs with a structure", state: inAccount, script: "CAPS IMAP4rev1 URLAUTH URLAUTH=BINARY\nC: $ URLFETCH (\"/a/;UID=1\" BINARY BODYPARTSTRUCTURE)\n" +
		"S: * URLFETCH \"/a/;UID=1\" (BODYPARTSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 3 1)) (BINARY ~{3}\nS+: a\\x00b)\\r\\n\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.FetchURLs(ctx, imap.URLRequest{URL: "/a/;UID=1", Binary: true, Structure: true})
		}},
	{name: "ResetURLKeys", state: inAccount, script: "CAPS IMAP4rev1 URLAUTH\nC: $ RESETKEY a XSAMPLE\nS: $ OK [URLMECH INTERNAL XSAMPLE=P34OKhO7VEkCbsiYY8rGEg==] done\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.ResetURLKeys(ctx, "a", "XSAMPLE") })},
	{name: "Comparator", state: inAccount, script: "CAPS IMAP4rev1 I18NLEVEL=2\nC: $ COMPARATOR \"cz;*\" i;basic\nS: * COMPARATOR i;basic (\"i;basic\" \"i;unicode-casemap\")\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Comparator(ctx, "cz;*", "i;basic") }},
	{name: "Languages", state: inAccount, script: "CAPS IMAP4rev1 LANGUAGE\nC: $ LANGUAGE\nS: * LANGUAGE (EN DE i-default)\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Languages(ctx) }},
	{name: "SetLanguage", state: inAccount, script: "CAPS IMAP4rev1 LANGUAGE NAMESPACE\nC: $ LANGUAGE FR-CA DE\nS: * LANGUAGE (DE)\n" +
		"S: * NAMESPACE ((\"\" \"/\")) ((\"Other/\" \"/\" \"TRANSLATION\" (\"Andere/\"))) NIL\nS: $ OK fertig\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.SetLanguage(ctx, "FR-CA", "DE") }},
	{name: "Conversions", state: inAccount, script: "CAPS IMAP4rev1 CONVERT BINARY\nC: $ CONVERSIONS \"image/gif\" \"*\"\n" +
		"S: * CONVERSION \"image/gif\" \"image/jpeg\" (\"pix-y\" \"pix-x\")\nS: * CONVERSION \"image/gif\" \"image/png\"\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Conversions(ctx, "image/gif", "*") }},
	{name: "Convert", script: "CAPS IMAP4rev1 CONVERT BINARY\nC: $ UID CONVERT 20:21 (\"text/plain\" (\"charset\" \"utf-8\")) (BINARY[3] BINARY.SIZE[4])\n" +
		"S: * 2 CONVERTED (TAG \"$\") (UID 20 BINARY[3] {5}\nS+: %)\\x00\\r\\n BINARY.SIZE[4] 3135)\\r\\n\n" +
		"S: * 3 CONVERTED (TAG \"$\") (UID 21 BINARY[3] (ERROR \"Out of memory\" TEMPFAIL 30) BINARY.SIZE[4] 1)\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.Convert(ctx, imap.UIDRange(20, 21), imap.ConvertTo{Type: "text/plain", Params: map[string]string{"charset": "utf-8"}},
				imap.ConvertData(3), imap.ConvertSize(4))
		}},
	{name: "CreateMailbox", state: inAccount, script: "CAPS IMAP4rev1 OBJECTID\nC: $ CREATE a\nS: $ OK [MAILBOXID (F3)] done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.CreateMailbox(ctx, "a", nil) }},
	{name: "FetchChanges", state: inAccount, script: "CAPS IMAP4rev1 ENABLE CONDSTORE QRESYNC\nC: $ ENABLE QRESYNC\nS: * ENABLED QRESYNC\nS: $ OK done\n" +
		"C: $ SELECT a\nS: * 5 EXISTS\nS: $ OK [READ-WRITE] in\nC: $ UID FETCH 300:500 (UID FLAGS) (CHANGEDSINCE 12 VANISHED)\n" +
		"S: * VANISHED (EARLIER) 300:310,405\nS: * 1 FETCH (UID 404 MODSEQ (65) FLAGS (\\Seen))\nS: * VANISHED 420\nS: * 2 FETCH (UID 406 MODSEQ (75) FLAGS ())\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			if _, err := c.Enable(ctx, "QRESYNC"); err != nil {
				return nil, err
			}
			if _, err := c.Select(ctx, "a", nil); err != nil {
				return nil, err
			}
			return c.FetchChanges(ctx, imap.UIDRange(300, 500), 12, imap.FetchFlags)
		}},
	{name: "Filters", state: inAccount, script: "CAPS IMAP4rev1 METADATA FILTERS\nC: $ GETMETADATA (DEPTH infinity) \"\" (/private/filters /shared/filters)\n" +
		"S: * METADATA \"\" (/private/filters/values/c \"SEEN\" /private/filters/values/a {12}\nS: SMALLER 5000 /private/filters/descriptions/a \"few)\")\n" +
		"S: * METADATA \"\" (/shared/filters/values/b \"UNDELETED\" /private/filters/values/d \"ALL\")\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Filters(ctx) }},
	{name: "SetFilter", state: inAccount, script: "CAPS IMAP4rev1 METADATA FILTERS LITERAL+\nC: $ SETMETADATA \"\" (/private/filters/descriptions/a \"of u\" /private/filters/values/a {9+}\n" +
		"C+: FROM \"ü\"\nC: )\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error {
			return c.SetFilter(ctx, imap.Filter{Name: "a", Description: "of u"}, imap.Where().From("ü"))
		})},
	{name: "RemoveFilter", state: inAccount, script: "CAPS IMAP4rev1 METADATA FILTERS\nC: $ SETMETADATA \"\" (/shared/filters/descriptions/a NIL /shared/filters/values/a NIL)\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.RemoveFilter(ctx, "a", true) })},
	{name: "GetSieveScript", state: inAccount, script: "CAPS IMAP4rev1 METADATA IMAPSIEVE=sieve://x\nC: $ GETMETADATA a /shared/imapsieve/script\n" +
		"S: * METADATA a (/shared/imapsieve/script {8}\nS: vacation)\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.GetSieveScript(ctx, "a") }},
	{name: "SetSieveScript", state: inAccount, script: "CAPS IMAP4rev1 METADATA IMAPSIEVE=sieve://x\nC: $ SETMETADATA a (/shared/imapsieve/script \"vacation\")\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.SetSieveScript(ctx, "a", "vacation") })},
	{name: "GetSpecialUse", state: inAccount, script: "CAPS IMAP4rev1 METADATA SPECIAL-USE\nC: $ GETMETADATA a /private/specialuse\n" +
		"S: * METADATA a (/private/specialuse \"\\\\drafts \\\\X-Own\")\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.GetSpecialUse(ctx, "a") }},
	{name: "SetSpecialUse", state: inAccount, script: "CAPS IMAP4rev1 METADATA SPECIAL-USE\nC: $ SETMETADATA a (/private/specialuse \"\\\\Drafts \\\\Important\")\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error {
			return c.SetSpecialUse(ctx, "a", imap.AttrDrafts, imap.AttrImportant)
		})},
	{name: "JMAPAccess", state: inAccount, script: "CAPS IMAP4rev1 OBJECTID JMAPACCESS\nC: $ GETJMAPACCESS\nS: * JMAPACCESS \"https://example.com/.s/[jmap]\"\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.JMAPAccess(ctx) }},
	{name: "RemoteList", state: inAccount, script: "CAPS IMAP4rev1 MAILBOX-REFERRALS\nC: $ RLIST \"\" *\nS: * LIST () \"/\" INBOX\nS: * LIST (\\Remote) \"/\" {3}\nS: a b\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.RemoteList(ctx, "", "*") }},
	{name: "RemoteLsub", state: inAccount, script: "CAPS IMAP4rev1 MAILBOX-REFERRALS\nC: $ RLSUB \"\" *\nS: * LSUB () \"/\" REMOTE\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.RemoteLsub(ctx, "", "*") }},
	{name: "SearchMailboxes", state: inAccount, script: "CAPS IMAP4rev1 ESEARCH MULTISEARCH\nC: $ ESEARCH IN (MAILBOXES (a) SUBTREE (b)) RETURN (ALL) UNSEEN\n" +
		"S: * ESEARCH (TAG \"$\" MAILBOX \"a\" UIDVALIDITY 1) UID ALL 4001,4003\nS: * ESEARCH (TAG \"$\" MAILBOX {3}\nS: b/c UIDVALIDITY 503) UID ALL 3002\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.SearchMailboxes(ctx, []imap.MailboxScope{{Scope: imap.NotifyMailboxes, Mailboxes: []string{"a"}},
				{Scope: imap.NotifySubtree, Mailboxes: []string{"b"}}}, imap.Where().Unseen(), nil)
		}},
	{name: "SearchUpdates", script: "CAPS IMAP4rev1 ESEARCH CONTEXT=SEARCH IDLE\nC: $ UID SEARCH RETURN (ALL UPDATE) DELETED\n" +
		"S: * ESEARCH (TAG \"$\") UID ALL 2734:2735\nS: $ OK done\nC: $ CANCELUPDATE \"A2\"\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return updatesOf(ctx, c, c.SearchUpdates(ctx, imap.Where().Deleted(), nil), 1)
		}},
	{name: "SearchUpdates that waits", script: "CAPS IMAP4rev1 ESEARCH CONTEXT=SEARCH IDLE\nC: $ UID SEARCH RETURN (ALL UPDATE) DELETED\n" +
		"S: * ESEARCH (TAG \"$\") UID ALL 2734:2735\nS: * ESEARCH (TAG \"$\") UID ADDTO (0 2740)\nS: $ OK done\n" +
		"C: $ IDLE\nS: + idling\nS: * ESEARCH (TAG \"A2\") UID ADDTO (0 2741) REMOVEFROM (0 2734)\nC: DONE\nS: $ OK done\n" +
		"C: $ CANCELUPDATE \"A2\"\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return updatesOf(ctx, c, c.SearchUpdates(ctx, imap.Where().Deleted(), nil), 3)
		}},
	{name: "SortUpdates", script: "CAPS IMAP4rev1 SORT ESEARCH ESORT CONTEXT=SORT IDLE\nC: $ UID SORT RETURN (ALL UPDATE) (REVERSE SIZE) UTF-8 UNSEEN\n" +
		"S: * ESEARCH (TAG \"$\") UID ALL 9,3,5\nS: $ OK done\nC: $ CANCELUPDATE \"A2\"\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return updatesOf(ctx, c, c.SortUpdates(ctx, testkit.SizeFirst, imap.Where().Unseen(), nil), 1)
		}},
	{name: "UIDBatches", script: "CAPS IMAP4rev1 UIDBATCHES\nC: $ UIDBATCHES 10 2:3\nS: * UIDBATCHES (TAG \"$\") 37:28,27:18\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.UIDBatches(ctx, 10, 2, 3) }},
	{name: "Batches", script: "CAPS IMAP4rev1 UIDBATCHES\nC: $ UIDBATCHES 3\nS: * UIDBATCHES (TAG \"$\") 9:6,5:1\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			var all []imap.Batch
			for b, err := range c.Batches(ctx, imap.UIDRange(1, 0), 3) {
				if err != nil {
					return all, err
				}
				all = append(all, b)
			}
			return all, nil
		}},
}

// updatesOf takes n steps of a search that the server keeps current and leaves the loop. The result of CANCELUPDATE is
// unknown then; the NOOP after it shows it.
func updatesOf(ctx context.Context, c *imap.Client, seq iter.Seq2[*imap.SearchUpdate, error], n int) (any, error) {
	var steps []*imap.SearchUpdate
	for up, err := range seq {
		if err != nil {
			return steps, err
		}
		if steps = append(steps, up); len(steps) == n {
			break
		}
	}
	return steps, c.Noop(ctx)
}
