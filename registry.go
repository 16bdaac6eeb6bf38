package imap

import (
	"strings"
)

// line is the entry of one extension: its name, its additions to the protocol, and the exported names that support it. An
// extension that needs only a method, a SEARCH key or a modifier has only the first fields.
type line struct {
	name        string   // the capability
	prefix      string   // capabilities with this prefix announce it: "APPENDLIMIT="
	in          []string // capabilities that include it
	rfc         string   // the numbers of the RFCs
	exports     string   // the exported names, in the form of go doc
	transcripts string   // below testdata/transcripts
	leftOut     string   // the parts that are not supported, and why

	untagged map[string]untaggedEntry
	fetch    map[string]fetchEntry
	status   map[StatusItem]statusEntry
	codes    map[string]codeEntry
}

// base is the name of the line for what every server supports: its items and codes need no capability.
const base = "IMAP4REV1"

// table holds the lines in a form for look-ups. The constructor passes it down.
type table struct {
	untagged map[string]untaggedEntry
	fetch    lookup[fetchEntry]
	status   map[StatusItem]statusEntry
	codes    map[string]codeEntry
	includes map[string][]string // the extensions that a capability includes
	prefixes map[string]string   // the extension that capabilities with this prefix announce
}

// untaggedEntry handles an unsolicited response. It runs with engine.mu held and returns the event to be queued, or nil. A
// live entry updates the selected mailbox, and runs even if a command claimed the response.
type untaggedEntry struct {
	live   bool
	handle func(e *engine, r *response) (Event, error)
}

// fetchEntry parses the value of a FETCH item into a message. An item without a bit is assigned one.
type fetchEntry struct {
	bit   itemMask
	parse func(p *parser, m *Message) error
	needs []string // capabilities, one of which is required; default that of the line

	section bool // parse also parses the brackets after the name
}

// statusEntry parses the value of a STATUS item.
type statusEntry struct {
	parse func(p *parser, st *Status) error
	needs []string // as in fetchEntry
}

// codeEntry handles a response code that no command took.
type codeEntry struct {
	mailbox func(m *Mailbox, args string) // updates the mailbox that is being selected
	always  bool                          // mailbox also applies to the selected mailbox at any time
	event   func(e *engine, s *status) Event
}

// newTable makes the table of the lines.
func newTable(lines []line) *table {
	t := &table{
		untagged: make(map[string]untaggedEntry),
		status:   make(map[StatusItem]statusEntry), codes: make(map[string]codeEntry),
		includes: make(map[string][]string), prefixes: make(map[string]string),
	}
	items := make(map[string]fetchEntry)
	next := itemFirstFree
	for _, l := range lines {
		needs := []string{l.name}
		if l.name == base {
			needs = nil
		}
		for name, entry := range l.fetch {
			if entry.bit == 0 {
				entry.bit, next = next, next<<1
			}
			entry.needs = orNeeds(entry.needs, needs)
			items[name] = entry
		}
		for name, entry := range l.status {
			entry.needs = orNeeds(entry.needs, needs)
			t.status[name] = entry
		}
		t.enter(l)
	}
	t.fetch = makeLookup(items)
	return t
}

func orNeeds(own, line []string) []string {
	if own != nil {
		return own
	}
	return line
}

// enter copies the fields of a line that have the same form in the table.
func (t *table) enter(l line) {
	for name, entry := range l.untagged {
		t.untagged[name] = entry
	}
	for name, entry := range l.codes {
		t.codes[name] = entry
	}
	for _, outer := range l.in {
		t.includes[outer] = append(t.includes[outer], l.name)
	}
	if l.prefix != "" {
		t.prefixes[l.prefix] = l.name
	}
}

// implied returns the extensions that a capability includes.
func (t *table) implied(name string) []string {
	names := t.includes[name]
	if i := strings.IndexAny(name, "=-"); i >= 0 {
		for prefix, offered := range t.prefixes {
			if strings.HasPrefix(name, prefix) {
				names = append(names[:len(names):len(names)], offered)
			}
		}
	}
	return names
}

// code applies a response code that no command took, and returns the event for it.
func (e *engine) code(s *status) Event {
	entry := e.table.codes[string(s.code)]
	if entry.always && e.mailbox != nil {
		entry.mailbox(e.mailbox, s.args)
	}
	if entry.event == nil {
		return nil
	}
	return entry.event(e, s)
}

// registry lists all extensions, one line each. A new extension adds its line here, and its types, methods and parsers in
// the file of its concept. docs/extensions.md shows the lines to users.
var registry = []line{
	{
		name: base, rfc: "3501, 9051", exports: "DialTLS, NewClient, Client.Login, Client.Select, Client.Fetch, Client.Store, Client.Logout",
		transcripts: "base/session.txt",
		untagged: map[string]untaggedEntry{
			"CAPABILITY": {live: true, handle: capabilityData},
			"EXISTS":     {live: true, handle: liveData},
			"RECENT":     {live: true, handle: liveData},
			"EXPUNGE":    {live: true, handle: liveData},
			"FLAGS":      {live: true, handle: liveData},
			"FETCH":      {handle: fetchEvent},
			"LIST":       {handle: listEvent},
			"STATUS":     {handle: statusEvent},
		},
		codes: map[string]codeEntry{
			"ALERT":          {event: alertCode},
			"CAPABILITY":     {event: capabilityCode},
			"UIDVALIDITY":    {mailbox: uidValidityCode, always: true},
			"UIDNEXT":        {mailbox: uidNextCode, always: true},
			"UNSEEN":         {mailbox: unseenCode},
			"PERMANENTFLAGS": {mailbox: permanentFlagsCode, always: true},
			"READ-ONLY":      {mailbox: readOnlyCode, event: becameReadOnly},
			"READ-WRITE":     {mailbox: readWriteCode, always: true},
		},
		fetch: map[string]fetchEntry{
			"UID":           {bit: itemUID, parse: parseUID},
			"FLAGS":         {bit: itemFlags, parse: parseFlags},
			"ENVELOPE":      {bit: itemEnvelope, parse: parseEnvelope},
			"INTERNALDATE":  {bit: itemDate, parse: parseDate},
			"RFC822.SIZE":   {bit: itemSize, parse: parseSize},
			"BODYSTRUCTURE": {bit: itemStructure, parse: parseBodyStructure},
			"BODY":          {bit: itemStructure, parse: parseBodyStructure},
		},
		status: map[StatusItem]statusEntry{
			StatusMessages:    statusNumber32(func(st *Status) **uint32 { return &st.Messages }),
			StatusRecent:      statusNumber32(func(st *Status) **uint32 { return &st.Recent }),
			StatusUIDNext:     statusNumber32(func(st *Status) **uint32 { return &st.UIDNext }),
			StatusUIDValidity: statusNumber32(func(st *Status) **uint32 { return &st.UIDValidity }),
			StatusUnseen:      statusNumber32(func(st *Status) **uint32 { return &st.Unseen }),
		},
	},
	{name: "IMAP4REV2", rfc: "9051", exports: "Options.Enable, Client.Enable, Client.Select, Client.Search", transcripts: "base/rev2.txt"},

	{
		name: "ENABLE", in: rev2, rfc: "5161", exports: "Client.Enable, Client.Enabled", transcripts: "enable/enable.txt",
		untagged: map[string]untaggedEntry{"ENABLED": {live: true, handle: enabledData}},
	},
	{name: "UTF8=ONLY", rfc: "9755, 6855", exports: "Client.Enable, CodeCannot", transcripts: "utf8/only.txt"},
	{name: "UTF8=ACCEPT", in: []string{"UTF8=ONLY"}, rfc: "6855, 9755", exports: "Client.Enable, AppendOptions.UTF8", transcripts: "utf8/accept.txt"},
	{
		name: "INPROGRESS", rfc: "9585", exports: "ProgressEvent, ProgressData", transcripts: "progress/progress.txt",
		codes: map[string]codeEntry{"INPROGRESS": {event: progressCode}},
	},
	{
		name: "NOTIFY", rfc: "5465", transcripts: "notify/notify.txt",
		exports: "Client.Notify, NotifyRule, NotifyOptions, StatusEvent, ListEvent, MetadataEvent, NotifyOverflowEvent",
		codes:   map[string]codeEntry{"NOTIFICATIONOVERFLOW": {event: overflowCode}},
	},
	{name: "STARTTLS", rfc: "9051, 3501", exports: "DialStartTLS, Client.StartTLS", transcripts: "auth/starttls-refused.txt"},
	{name: "LOGINDISABLED", rfc: "9051, 3501", exports: "ErrInsecure, Client.Login", transcripts: "auth/logindisabled.txt"},
	{name: "AUTH=", prefix: "AUTH=", rfc: "9051, 3501", exports: "Client.Authenticate, Client.AuthenticatePassword, Mechanism, BoundMechanism, FinalMechanism, Channel", transcripts: "auth/sasl-ir.txt, auth/logindisabled.txt"},
	{
		name: "LOGIN-REFERRALS", rfc: "2221", exports: "CodeReferral, ReferralData, ReferralEvent, URL", transcripts: "referral/login.txt",
		codes: map[string]codeEntry{"REFERRAL": {event: referralCode}},
	},
	{name: "MAILBOX-REFERRALS", rfc: "2193", exports: "Client.RemoteList, Client.RemoteLsub, CodeReferral, ReferralData", transcripts: "referral/mailbox.txt"},
	{name: "LANGUAGE", rfc: "5255", exports: "Client.Languages, Client.SetLanguage, NamespaceEntry.Translation", transcripts: "i18n/language.txt"},
	{name: "JMAPACCESS", rfc: "9698", exports: "Client.JMAPAccess", transcripts: "jmap/jmapaccess.txt"},
	{name: "XAPPLEPUSHSERVICE", exports: "Client.ApplePush, ApplePushOptions", transcripts: "push/apple.txt"},
	{name: "SASL-IR", in: rev2, rfc: "4959", exports: "Client.Authenticate", transcripts: "auth/sasl-ir.txt"},
	{name: "UNAUTHENTICATE", in: []string{"X-UNAUTHENTICATE"}, rfc: "8437", exports: "Client.Unauthenticate", transcripts: "auth/unauthenticate.txt"},
	{name: "COMPRESS=DEFLATE", rfc: "4978", exports: "Client.Compress", transcripts: "compress/deflate.txt, compress/refused.txt"},
	{name: "LITERAL+", rfc: "7888", exports: "Client.Append", transcripts: "append/literal-plus.txt"},
	{name: "LITERAL-", in: rev2, rfc: "7888", exports: "Client.Append", transcripts: "append/literal-minus.txt"},
	{name: "ID", rfc: "2971", exports: "Client.ID", transcripts: "id/id.txt"},
	{name: "IDLE", in: rev2, rfc: "2177", exports: "Client.Idle, Client.IdleBursts", transcripts: "idle/idle.txt"},

	{name: "NAMESPACE", in: rev2, rfc: "2342", exports: "Client.Namespace", transcripts: "mailbox/namespace.txt"},
	{name: "UNSELECT", in: rev2, rfc: "3691", exports: "Client.Unselect", transcripts: "mailbox/unselect.txt, mailbox/unselect-without.txt"},
	{name: "CREATE-SPECIAL-USE", rfc: "6154", exports: "CreateOptions.SpecialUse", transcripts: "mailbox/create-special-use.txt"},
	{
		name: "STATUS=SIZE", in: rev2, rfc: "8438", exports: "StatusSize, Status.Size", transcripts: "mailbox/status-size.txt",
		status: map[StatusItem]statusEntry{StatusSize: statusNumber(func(st *Status) **uint64 { return &st.Size })},
	},
	{name: "MULTIAPPEND", rfc: "3502", exports: "Client.MultiAppend, AppendMessage", transcripts: "append/multi.txt"},
	{name: "CATENATE", rfc: "4469", exports: "Client.Catenate, AppendOptions.Parts, CatenateText, CatenateURL, MessageURL", transcripts: "append/catenate.txt"},
	{name: "URLAUTH", rfc: "4467", exports: "Client.AuthorizeURLs, Client.FetchURLs, Client.ResetURLKeys, URL, URLContent, URLMechData", transcripts: "urlauth/urlauth.txt"},
	{name: "URLAUTH=BINARY", rfc: "5524", exports: "Client.FetchURLs, URLRequest, URLContent.Structure", transcripts: "urlauth/urlauth.txt"},
	{name: "URL-PARTIAL", rfc: "5550", exports: "URLPartial, MessageURL", transcripts: "append/url-partial.txt"},
	{name: "REPLACE", rfc: "8508", exports: "Client.Replace, Client.ReplaceSeq", transcripts: "append/replace.txt"},
	{
		name: "APPENDLIMIT", prefix: "APPENDLIMIT=", rfc: "7889", transcripts: "append/limit.txt, append/limit-each.txt",
		exports: "Client.AppendLimit, ErrTooBig, StatusAppendLimit, Status.AppendLimit",
		status:  map[StatusItem]statusEntry{StatusAppendLimit: statusNumber(func(st *Status) **uint64 { return &st.AppendLimit })},
	},
	{
		name: "QUOTA=RES-", prefix: "QUOTA=RES-", rfc: "9208", transcripts: "quota/status-deleted.txt, quota/resources.txt",
		exports: "Caps.QuotaResources, QuotaStorage, QuotaMessage, QuotaMailbox, QuotaAnnotationStorage, StatusDeleted, Status.Deleted, StatusDeletedStorage, Status.DeletedStorage",
		status: map[StatusItem]statusEntry{
			StatusDeleted:        {statusNumber32(func(st *Status) **uint32 { return &st.Deleted }).parse, []string{"QUOTA=RES-MESSAGE", "IMAP4REV2"}},
			StatusDeletedStorage: {statusNumber(func(st *Status) **uint64 { return &st.DeletedStorage }).parse, []string{"QUOTA=RES-STORAGE"}},
		},
	},

	{name: "ACL", rfc: "4314", exports: "Client.GetACL, Client.SetACL, Client.DeleteACL, Client.ListRights, Client.MyRights", transcripts: "acl/acl.txt"},
	{name: "ACL2=UNION", leftOut: "nothing on the wire: RFC 4314 section 2 leaves it to the server how the rights of several identifiers go together; Courier adds them up"},
	{name: "RIGHTS=", prefix: "RIGHTS=", rfc: "4314", exports: "Client.MyRights, Client.ListRights", transcripts: "acl/acl.txt"},
	{name: "QUOTA", rfc: "9208, 2087", exports: "Client.GetQuota, Client.GetQuotaRoot, Quota", transcripts: "quota/quota.txt"},
	{name: "QUOTASET", rfc: "9208", exports: "Client.SetQuota", transcripts: "quota/quota.txt"},
	{
		name: "METADATA", rfc: "5464", exports: "Client.GetMetadata, Client.SetMetadata, MetadataEvent", transcripts: "metadata/metadata.txt",
		untagged: map[string]untaggedEntry{"METADATA": {handle: metadataEvent}},
	},
	{name: "IMAPSIEVE=", prefix: "IMAPSIEVE=", rfc: "6785", exports: "Caps.SieveURL, Client.SetSieveScript, Client.GetSieveScript, EntrySieveScript", transcripts: "metadata/sieve.txt"},
	{name: "METADATA-SERVER", in: []string{"METADATA"}, rfc: "5464", exports: "Client.GetMetadata, Client.SetMetadata", transcripts: "metadata/metadata.txt"},
	{
		name: "ANNOTATE-EXPERIMENT-1", rfc: "5257", transcripts: "annotate/annotate.txt",
		exports: "SelectOptions.Annotate, FetchAnnotations, Message.Annotations, StoreAnnotations, AppendOptions.Annotations, Query.Annotation, SortKey.Entry, " +
			"Mailbox.Annotations, MailboxAnnotations, Annotation",
		fetch: map[string]fetchEntry{"ANNOTATION": {parse: parseAnnotations}},
		codes: map[string]codeEntry{"ANNOTATIONS": {mailbox: annotationsCode}},
	},
	{name: "ANNOTATEMORE", exports: "Client.GetAnnotation, Client.SetAnnotation", transcripts: "annotate/legacy.txt"},

	{name: "CHILDREN", in: rev2, rfc: "3348", exports: "AttrHasChildren, AttrHasNoChildren", transcripts: "list/children.txt"},
	{
		name: "LIST-EXTENDED", in: rev2, rfc: "5258", transcripts: "list/extended.txt, list/selection.txt, list/without.txt",
		exports: "ListOptions.Subscribed, ListOptions.Remote, ListOptions.RecursiveMatch, ListOptions.Patterns, ListOptions.ReturnSubscribed, ListEntry.ChildInfo, ListEntry.OldName",
	},
	{name: "LIST-STATUS", in: rev2, rfc: "5819", exports: "ListOptions.ReturnStatus, ListEntry.Status", transcripts: "list/status.txt, list/status-without.txt"},
	{name: "LIST-MYRIGHTS", rfc: "8440", exports: "ListOptions.ReturnMyRights, ListEntry.MyRights", transcripts: "list/details.txt, list/without.txt"},
	{name: "LIST-METADATA", rfc: "9590", exports: "ListOptions.ReturnMetadata, ListEntry.Metadata", transcripts: "list/details.txt, list/without.txt"},
	{
		name: "SPECIAL-USE", in: rev2, rfc: "6154, 8457, 9979", transcripts: "list/special-use.txt, metadata/special-use.txt",
		exports: "Client.SpecialUse, ListOptions.SpecialUse, Client.SetSpecialUse, Client.GetSpecialUse, AttrSnoozed",
	},
	{name: "XLIST", exports: "Client.SpecialUse", transcripts: "list/xlist.txt"},

	{name: "ESEARCH", in: rev2, rfc: "4731", exports: "SearchOptions, SearchResult", transcripts: "search/esearch.txt"},
	{name: "SEARCHRES", in: rev2, rfc: "5182", exports: "SearchOptions.Save, SavedResult", transcripts: "search/searchres.txt"},
	{name: "PARTIAL", rfc: "9394", exports: "SearchOptions.PartialFrom, SearchOptions.PartialTo, FetchPartial", transcripts: "search/partial.txt, fetch/partial.txt"},
	{name: "WITHIN", rfc: "5032", exports: "Query.Younger, Query.Older", transcripts: "search/within.txt"},
	{name: "SEARCH=FUZZY", rfc: "6203", exports: "Query.Fuzzy, SearchOptions.Relevancy, SearchResult.Relevancy", transcripts: "search/fuzzy.txt, search/relevancy.txt"},

	{name: "SORT", rfc: "5256", exports: "Client.Sort, Client.SortSeq, SortKey", transcripts: "sort/sort.txt, sort/badcharset.txt"},
	{name: "SORT=DISPLAY", rfc: "5957", exports: "SortKey.Name", transcripts: "sort/sort.txt"},
	{
		name: "ESORT", rfc: "5267", transcripts: "sort/extended.txt, sort/extended-without.txt",
		exports: "Client.SortExtended, Client.SortSeqExtended, SortResult",
	},
	{
		name: "CONTEXT=SEARCH", rfc: "5267", transcripts: "search/context.txt, context/search.txt",
		exports:  "SearchOptions.PartialFrom, SearchOptions.PartialTo, Client.SearchUpdates, SearchUpdate, ContextEvent, ContextChange",
		untagged: map[string]untaggedEntry{"ESEARCH": {handle: contextEvent}},
		codes:    map[string]codeEntry{"NOUPDATE": {event: noUpdateCode}},
	},
	{name: "CONTEXT=SORT", rfc: "5267", exports: "Client.SortExtended, Client.SortSeqExtended, Client.SortUpdates", transcripts: "sort/extended.txt, context/sort.txt"},
	{name: "MULTISEARCH", rfc: "7377", exports: "Client.SearchMailboxes, MailboxScope, SearchSubtreeOne, MailboxResult", transcripts: "multisearch/multisearch.txt"},
	{name: "FILTERS", rfc: "5466", exports: "Query.Filter, Client.Filters, Client.SetFilter, Client.RemoveFilter, Filter", transcripts: "filter/filters.txt"},
	{name: "I18NLEVEL=1", in: []string{"I18NLEVEL=2"}, rfc: "5255", leftOut: "nothing on the wire: the server compares text by i;unicode-casemap"},
	{name: "I18NLEVEL=2", rfc: "5255", exports: "Client.Comparator, Comparators", transcripts: "i18n/language.txt"},
	{name: "SORT=MODSEQ", exports: "SortKey", transcripts: "sort/vendor.txt"},
	{name: "SORT=UID", exports: "SortKey", transcripts: "sort/vendor.txt"},
	{name: "THREAD=REFS", exports: "Client.Thread, Client.ThreadSeq", transcripts: "thread/refs.txt"},
	{name: "THREAD=", prefix: "THREAD=", rfc: "5256", exports: "Client.Thread, Client.ThreadSeq, ThreadNode", transcripts: "thread/thread.txt"},

	{name: "UIDPLUS", in: rev2, rfc: "4315", exports: "Client.UIDExpunge, AppendResult, CopyResult", transcripts: "store/uidplus.txt"},
	{name: "XMOVE", exports: "Client.Move", transcripts: "store/xmove.txt"},
	{name: "X-UNAUTHENTICATE", exports: "Client.Unauthenticate", transcripts: "auth/x-unauthenticate.txt"},
	{name: "XYMHIGHESTMODSEQ", exports: "StatusHighestModSeq, Mailbox.HighestModSeq", transcripts: "sync/yahoo.txt"},
	{name: "MOVE", in: rev2, rfc: "6851", exports: "Client.Move", transcripts: "store/move.txt, store/move-without.txt"},
	{
		name: "CONDSTORE", in: []string{"QRESYNC"}, rfc: "7162", transcripts: "sync/condstore.txt",
		exports: "SelectOptions.CondStore, Mailbox.HighestModSeq, FetchModSeq, FetchChangedSince, Message.ModSeq, StoreOptions.UnchangedSince, Query.ModSeq, Query.ModSeqEntry, StatusHighestModSeq",
		fetch:   map[string]fetchEntry{"MODSEQ": {bit: itemModSeq, parse: parseModSeq}},
		status: map[StatusItem]statusEntry{
			StatusHighestModSeq: {statusNumber(func(st *Status) **uint64 { return &st.HighestModSeq }).parse, []string{"CONDSTORE", "XYMHIGHESTMODSEQ"}},
		},
		codes: map[string]codeEntry{
			"HIGHESTMODSEQ": {mailbox: highestModSeqCode, always: true},
			"NOMODSEQ":      {mailbox: noModSeqCode, always: true},
		},
	},
	{
		name: "QRESYNC", rfc: "7162", exports: "Client.Sync, SelectOptions.QResync, QResync, Mailbox.Vanished, Mailbox.Changed, VanishedEvent, Client.FetchChanges", transcripts: "sync/qresync.txt",
		untagged: map[string]untaggedEntry{"VANISHED": {live: true, handle: liveData}},
	},
	{name: "MESSAGELIMIT", prefix: "MESSAGELIMIT=", rfc: "9738", exports: "PartialError, Options.StopAtLimit", transcripts: "fetch/messagelimit.txt"},
	{name: "SAVELIMIT", prefix: "SAVELIMIT=", rfc: "9738", exports: "Client.MultiAppend", transcripts: "append/savelimit.txt"},
	{name: "UIDBATCHES", rfc: "10022", exports: "Client.UIDBatches, Client.Batches", transcripts: "search/uidbatches.txt"},
	{
		name: "UIDONLY", rfc: "9586", exports: "Client.Enable, ErrUIDOnly", transcripts: "sync/uidonly.txt",
		untagged: map[string]untaggedEntry{"UIDFETCH": {handle: fetchEvent}},
	},

	{
		name: "BINARY", in: rev2, rfc: "3516", exports: "Section.Binary, FetchBinarySize, Message.BinarySize, AppendOptions.Binary",
		transcripts: "fetch/binary.txt, append/binary.txt",
		fetch:       map[string]fetchEntry{"BINARY.SIZE": {parse: parseBinarySize, section: true}},
	},
	{
		name: "PREVIEW", rfc: "8970", exports: "FetchPreview, FetchPreviewLazy, Message.Preview, Message.PreviewPending", transcripts: "fetch/preview.txt",
		fetch: map[string]fetchEntry{"PREVIEW": {bit: itemPreview, parse: parsePreview}},
	},
	{name: "PREVIEW=FUZZY", exports: "FetchPreviewFuzzy", transcripts: "fetch/preview-fuzzy.txt"},
	{
		name: "SNIPPET=FUZZY", exports: "FetchPreviewFuzzy", transcripts: "fetch/snippet.txt",
		fetch: map[string]fetchEntry{"SNIPPET": {parse: parsePreview}},
	},
	{
		name: "CONVERT", rfc: "5259", transcripts: "convert/convert.txt",
		exports: "Client.Convert, Client.Conversions, Conversion, ConvertTo, ConvertItem, ConvertData, ConvertRange, ConvertSize, ConvertStructure, " +
			"ConvertTypes, ConvertHeader, ConvertMIME, Converted, ConvertedPart, ConvertError",
	},
	{
		name: "SAVEDATE", rfc: "8514", exports: "FetchSaveDate, Message.SaveDate, Query.SavedSince, Query.SavedBefore, Query.SavedOn, Query.SaveDateSupported", transcripts: "fetch/savedate.txt",
		fetch: map[string]fetchEntry{"SAVEDATE": {bit: itemSaveDate, parse: parseSaveDate}},
	},
	{
		name: "OBJECTID", rfc: "8474", transcripts: "fetch/objectid.txt",
		exports: "Mailbox.MailboxID, StatusMailboxID, Status.MailboxID, FetchEmailID, FetchThreadID, Message.EmailID, Message.ThreadID, Client.CreateMailbox, Query.EmailID, Query.ThreadID",
		fetch: map[string]fetchEntry{
			"EMAILID":  {bit: itemEmailID, parse: parseEmailID},
			"THREADID": {bit: itemThreadID, parse: parseThreadID},
		},
		status: map[StatusItem]statusEntry{StatusMailboxID: {parse: parseMailboxID}},
		codes:  map[string]codeEntry{"MAILBOXID": {mailbox: mailboxIDCode}},
	},
	{
		name: "OBJECTID+", rfc: "", transcripts: "fetch/objectid-plus.txt",
		exports: "SelectOptions.ObjectID, Mailbox.AccountID, StatusObjectID, Status.AccountID, FetchObjectID, CreateResult",
		fetch:   map[string]fetchEntry{"OBJECTID": {parse: parseObjectIDs}},
		status:  map[StatusItem]statusEntry{StatusObjectID: {parse: parseStatusObjectIDs}},
		codes:   map[string]codeEntry{"OBJECTID": {mailbox: objectIDCode}},
	},
	{
		name: gmailCap, transcripts: "fetch/gmail.txt, store/gmail-labels.txt, search/gmail.txt",
		exports: "FetchGmailMsgID, FetchGmailThreadID, FetchGmailLabels, Message.Gmail, GmailData, AddLabels, RemoveLabels, SetLabels, " +
			"Query.GmailRaw, Query.GmailMsgID, Query.GmailThreadID, Query.GmailLabel",
		fetch: map[string]fetchEntry{
			"X-GM-MSGID":  {parse: parseGmailMsgID},
			"X-GM-THRID":  {parse: parseGmailThreadID},
			"X-GM-LABELS": {parse: parseGmailLabels},
		},
	},

	// Names that servers announce and that require nothing of a client.
	{name: "UTF8=ALL", rfc: "5738", leftOut: "RFC 6855 makes it obsolete"},
	{name: "UTF8=APPEND", rfc: "5738", leftOut: "RFC 6855 makes it obsolete"},
	{name: "UTF8=USER", rfc: "5738", leftOut: "RFC 6855 makes it obsolete"},
	{name: "IMAP4", rfc: "1730", leftOut: "RFC 2060 replaces it by IMAP4rev1, which servers announce in addition; of what it alone has there is Client.Partial"},
	{name: "LISTEXT", leftOut: "the name of LIST-EXTENDED in drafts of it; RFC 5258 replaces them"},
	{name: "LIST-SUBSCRIBED", leftOut: "part of LISTEXT in drafts of LIST-EXTENDED; RFC 5258 replaces them"},
	{name: "SCAN", leftOut: "in no RFC: IMAP2bis's LIST of mailboxes with a text in them, at which Cyrus 3.6 ends the connection; Client.SearchMailboxes finds the messages"},
	{name: "NO_ATOMIC_RENAME", leftOut: "nothing on the wire: Cyrus renames mailbox by mailbox what is below another"},
	{name: "DIGEST=SHA1", leftOut: "in no RFC: Cyrus's FETCH item for its replicas; Client.Do sends it"},
	{name: "X-CREATEDMODSEQ", leftOut: "in no RFC: Cyrus's FETCH item for its JMAP server; Client.Do sends it"},
	{name: "X-QUOTA=", prefix: "X-QUOTA=", leftOut: "the name of QUOTA=RES- in drafts of RFC 9208; Client.GetQuota has the resources by name"},
	{name: "X-REPLICATION", leftOut: "in no RFC: Cyrus's own commands for its replicas"},
	{name: "X-SIEVE-MAILBOX", leftOut: "in no RFC: Cyrus's own, for its administrators"},
	{name: "XCONVERSATIONS", leftOut: "in no RFC: Cyrus's commands of before JMAP; Client.Thread and FetchThreadID have conversations"},
	{name: "CLIENTACCESSRULES", leftOut: "Exchange Online's, for its own parts: it publishes no command of it"},
	{name: "CLIENTNETWORKPRESENCELOCATION", leftOut: "Exchange Online's, for its own parts: it publishes no command of it"},
	{name: "BACKENDAUTHENTICATE", leftOut: "Exchange Online's, for its own parts: it publishes no command of it"},
	{name: "XYZZY", leftOut: "Gmail's, a command that does nothing"},
	{name: "X-MSG-EXT", leftOut: "Yahoo's: it publishes no description"},
	{name: "XAPPLELITERAL", leftOut: "iCloud's: Apple publishes no description"},
	{name: "X-APPLE-REMOTE-LINKS", leftOut: "iCloud's: Apple publishes no description"},
	{name: "XUM1", leftOut: "iCloud's: Apple publishes no description"},
}

// rev2 is the value of line.in for extensions that IMAP4rev2 includes (RFC 9051 appendix E).
var rev2 = []string{"IMAP4REV2"}

var extensions = newTable(registry)
