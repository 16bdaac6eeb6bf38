package imap

// extensions is what the library knows beyond the core of the protocol: which responses, FETCH items and response codes
// there are, and what reads them. A new extension adds its lines here, and its types, method and parser in the file of
// its concept.
var extensions = table{
	untagged: map[string]untaggedEntry{
		"CAPABILITY": {live: true, handle: capabilityData},
		"ENABLED":    {live: true, handle: enabledData},
		"EXISTS":     {live: true, handle: liveData},
		"RECENT":     {live: true, handle: liveData},
		"EXPUNGE":    {live: true, handle: liveData},
		"FLAGS":      {live: true, handle: liveData},
		"VANISHED":   {live: true, handle: liveData},
		"FETCH":      {handle: fetchEvent},
		"UIDFETCH":   {handle: fetchEvent},
		"LIST":       {handle: listEvent},
		"STATUS":     {handle: statusEvent},
		"METADATA":   {handle: metadataEvent},
	},
	codes: map[string]func(*engine, *status) Event{
		"ALERT":          alertCode,
		"CAPABILITY":     capabilityCode,
		"UIDVALIDITY":    liveCode,
		"UIDNEXT":        liveCode,
		"PERMANENTFLAGS": liveCode,
		"HIGHESTMODSEQ":  liveCode,
		"NOMODSEQ":       liveCode,
		"READ-ONLY":      liveCode,
		"READ-WRITE":     liveCode,
	},
	fetch: makeLookup(map[string]fetchEntry{
		"UID":           {itemUID, parseUID},
		"FLAGS":         {itemFlags, parseFlags},
		"ENVELOPE":      {itemEnvelope, parseEnvelope},
		"INTERNALDATE":  {itemDate, parseDate},
		"RFC822.SIZE":   {itemSize, parseSize},
		"BODYSTRUCTURE": {itemStructure, parseBodyStructure},
		"BODY":          {itemStructure, parseBodyStructure},
		"MODSEQ":        {itemModSeq, parseModSeq},
		"PREVIEW":       {itemPreview, parsePreview},
		"EMAILID":       {itemEmailID, parseEmailID},
		"THREADID":      {itemThreadID, parseThreadID},
		"SAVEDATE":      {itemSaveDate, parseSaveDate},
		"X-GM-MSGID":    {itemGmail, parseGmailMsgID},
		"X-GM-THRID":    {itemGmail, parseGmailThreadID},
		"X-GM-LABELS":   {itemGmail, parseGmailLabels},
	}),
}
