package imaptest

// The states in which a command is allowed.
const (
	stateAny = iota
	stateNotAuth
	stateAuth
	stateSelected
)

// command describes one command.
type command struct {
	run   func(*session, *parser) error
	state int
	needs string // capabilities, one of which has to be enabled
	uid   bool   // may have the UID prefix
	bySeq bool   // no EXPUNGE may be sent while it runs without UID
	locks bool   // run takes the lock of the server by itself
}

var commands = map[string]command{
	"CAPABILITY":     {run: cmdCapability},
	"NOOP":           {run: cmdNoop},
	"LOGOUT":         {run: cmdLogout},
	"ID":             {run: cmdID, needs: "ID"},
	"STARTTLS":       {run: cmdStartTLS, state: stateNotAuth, needs: "STARTTLS"},
	"LOGIN":          {run: cmdLogin, state: stateNotAuth},
	"AUTHENTICATE":   {run: cmdAuthenticate, state: stateNotAuth, locks: true},
	"UNAUTHENTICATE": {run: cmdUnauthenticate, state: stateAuth, needs: "UNAUTHENTICATE X-UNAUTHENTICATE"},
	"PROXYAUTH":      {run: cmdProxyAuth, state: stateAuth},
	"ENABLE":         {run: cmdEnable, state: stateAuth, needs: "ENABLE"},
	"COMPRESS":       {run: cmdCompress, state: stateAuth, needs: "COMPRESS=DEFLATE"},

	"SELECT":      {run: cmdSelect, state: stateAuth},
	"EXAMINE":     {run: cmdExamine, state: stateAuth},
	"CREATE":      {run: cmdCreate, state: stateAuth},
	"DELETE":      {run: cmdDelete, state: stateAuth},
	"RENAME":      {run: cmdRename, state: stateAuth},
	"SUBSCRIBE":   {run: cmdSubscribe, state: stateAuth},
	"UNSUBSCRIBE": {run: cmdUnsubscribe, state: stateAuth},
	"LIST":        {run: cmdList, state: stateAuth},
	"LSUB":        {run: cmdLsub, state: stateAuth},
	"STATUS":      {run: cmdStatus, state: stateAuth},
	"NAMESPACE":   {run: cmdNamespace, state: stateAuth, needs: "NAMESPACE"},
	"APPEND":      {run: cmdAppend, state: stateAuth},
	"IDLE":        {run: cmdIdle, state: stateAuth, needs: "IDLE", locks: true},

	"CHECK":      {run: cmdNoop, state: stateSelected},
	"CLOSE":      {run: cmdClose, state: stateSelected},
	"UNSELECT":   {run: cmdUnselect, state: stateSelected, needs: "UNSELECT"},
	"EXPUNGE":    {run: cmdExpunge, state: stateSelected, uid: true},
	"SEARCH":     {run: cmdSearch, state: stateSelected, uid: true, bySeq: true},
	"SORT":       {run: cmdSort, state: stateSelected, needs: "SORT", uid: true, bySeq: true},
	"THREAD":     {run: cmdThread, state: stateSelected, needs: "THREAD=REFERENCES THREAD=ORDEREDSUBJECT", uid: true, bySeq: true},
	"FETCH":      {run: cmdFetch, state: stateSelected, uid: true, bySeq: true, locks: true},
	"STORE":      {run: cmdStore, state: stateSelected, uid: true, bySeq: true},
	"COPY":       {run: cmdCopy, state: stateSelected, uid: true},
	"UIDBATCHES": {run: cmdUIDBatches, state: stateSelected, needs: "UIDBATCHES"},
	"MOVE":       {run: cmdMove, state: stateSelected, uid: true, needs: "MOVE"},

	"XMOVE":         {run: cmdMove, state: stateSelected, uid: true, needs: "XMOVE"},
	"XLIST":         {run: cmdXList, state: stateAuth, needs: "XLIST"},
	"NOTIFY":        {run: cmdNotify, state: stateAuth, needs: "NOTIFY"},
	"CANCELUPDATE":  {run: cmdCancelUpdate, state: stateSelected, needs: "CONTEXT=SEARCH CONTEXT=SORT"},
	"REPLACE":       {run: cmdReplace, state: stateSelected, needs: "REPLACE", uid: true},
	"GETANNOTATION": {run: cmdGetAnnotation, state: stateAuth, needs: "ANNOTATEMORE"},
	"SETANNOTATION": {run: cmdSetAnnotation, state: stateAuth, needs: "ANNOTATEMORE"},

	"ESEARCH":           {run: cmdESearch, state: stateAuth, needs: "MULTISEARCH"},
	"LANGUAGE":          {run: cmdLanguage, needs: "LANGUAGE"},
	"COMPARATOR":        {run: cmdComparator, state: stateAuth, needs: "I18NLEVEL=2"},
	"GETJMAPACCESS":     {run: cmdJMAPAccess, state: stateAuth, needs: "JMAPACCESS"},
	"XAPPLEPUSHSERVICE": {run: cmdApplePush, state: stateAuth, needs: "XAPPLEPUSHSERVICE"},
	"GENURLAUTH":        {run: cmdGenURLAuth, state: stateAuth, needs: "URLAUTH"},
	"URLFETCH":          {run: cmdURLFetch, state: stateAuth, needs: "URLAUTH"},
	"RESETKEY":          {run: cmdResetKey, state: stateAuth, needs: "URLAUTH"},
	"RLIST":             {run: cmdList, state: stateAuth, needs: "MAILBOX-REFERRALS"},
	"RLSUB":             {run: cmdLsub, state: stateAuth, needs: "MAILBOX-REFERRALS"},
	"CONVERSIONS":       {run: cmdConversions, state: stateAuth, needs: "CONVERT"},
	"CONVERT":           {run: cmdConvert, state: stateSelected, needs: "CONVERT", uid: true, bySeq: true},

	"GETQUOTA":     {run: cmdGetQuota, state: stateAuth, needs: "QUOTA"},
	"GETQUOTAROOT": {run: cmdGetQuotaRoot, state: stateAuth, needs: "QUOTA"},
	"SETQUOTA":     {run: cmdSetQuota, state: stateAuth, needs: "QUOTA"},
	"GETACL":       {run: cmdGetACL, state: stateAuth, needs: "ACL"},
	"SETACL":       {run: cmdSetACL, state: stateAuth, needs: "ACL"},
	"DELETEACL":    {run: cmdDeleteACL, state: stateAuth, needs: "ACL"},
	"LISTRIGHTS":   {run: cmdListRights, state: stateAuth, needs: "ACL"},
	"MYRIGHTS":     {run: cmdMyRights, state: stateAuth, needs: "ACL"},
	"GETMETADATA":  {run: cmdGetMetadata, state: stateAuth, needs: "METADATA METADATA-SERVER"},
	"SETMETADATA":  {run: cmdSetMetadata, state: stateAuth, needs: "METADATA METADATA-SERVER"},
}
