package imap

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-imaplib/imap/internal/ascii"
	"github.com/go-imaplib/imap/internal/wire"
)

// Code is a response code in upper case: the machine-readable word in brackets after OK, NO, BAD, BYE and PREAUTH
// (RFC 9051 section 7.1, RFC 5530). Servers may send codes that have no constant here. CodeDataOf and the Data methods
// parse the arguments of a code.
type Code string

// The registered response codes, with the types of their data.
const (
	CodeAlert                Code = "ALERT"                // the text must be shown to the user (RFC 9051)
	CodeAlreadyExists        Code = "ALREADYEXISTS"        // the mailbox exists already (RFC 5530)
	CodeAnnotate             Code = "ANNOTATE"             // AnnotateData: an annotation is too large, or there are too many (RFC 5257)
	CodeAnnotations          Code = "ANNOTATIONS"          // MailboxAnnotations: which annotations a mailbox supports (RFC 5257)
	CodeAppendUID            Code = "APPENDUID"            // AppendUIDData: the UIDs of appended messages (RFC 4315)
	CodeAuthenticationFailed Code = "AUTHENTICATIONFAILED" // wrong user or password (RFC 5530)
	CodeAuthorizationFailed  Code = "AUTHORIZATIONFAILED"  // the user may not act for another (RFC 5530)
	CodeBadCharset           Code = "BADCHARSET"           // BadCharsetData: the character set of a search is not known (RFC 9051)
	CodeBadComparator        Code = "BADCOMPARATOR"        // none of the comparators is known (RFC 5255)
	CodeBadEvent             Code = "BADEVENT"             // BadEventData: an event of NOTIFY is not known (RFC 5465)
	CodeBadURL               Code = "BADURL"               // URLData: a URL names nothing (RFC 4469)
	CodeCannot               Code = "CANNOT"               // the command will never do what was asked (RFC 5530)
	CodeCapability           Code = "CAPABILITY"           // CapabilityData (RFC 9051)
	CodeClientBug            Code = "CLIENTBUG"            // the server detected an error of the client (RFC 5530)
	CodeClosed               Code = "CLOSED"               // what follows is about another mailbox than before (RFC 7162)
	CodeCompressionActive    Code = "COMPRESSIONACTIVE"    // the connection is compressed already (RFC 4978)
	CodeContactAdmin         Code = "CONTACTADMIN"         // the user should talk to the administrator (RFC 5530)
	CodeCopyUID              Code = "COPYUID"              // CopyUIDData: source and destination UIDs (RFC 4315)
	CodeCorruption           Code = "CORRUPTION"           // the server found its data damaged (RFC 5530)
	CodeDowngraded           Code = "DOWNGRADED"           // NumbersData: messages whose headers are shown in ASCII (RFC 6858)
	CodeExpired              Code = "EXPIRED"              // the credentials are too old (RFC 5530)
	CodeExpungeIssued        Code = "EXPUNGEISSUED"        // another session has removed the message (RFC 5530)
	CodeHasChildren          Code = "HASCHILDREN"          // a mailbox with mailboxes below it cannot be deleted (RFC 9051)
	CodeHighestModSeq        Code = "HIGHESTMODSEQ"        // NumberData (RFC 7162)
	CodeInProgress           Code = "INPROGRESS"           // ProgressData, and ProgressEvent: how far a command has come (RFC 9585)
	CodeInUse                Code = "INUSE"                // another session uses a resource that the command needs: try again later (RFC 5530)
	CodeLimit                Code = "LIMIT"                // a limit of the server is reached (RFC 5530)
	CodeMailboxID            Code = "MAILBOXID"            // ObjectIDData (RFC 8474)
	CodeMaxConvertMessages   Code = "MAXCONVERTMESSAGES"   // NumberData: more messages than one CONVERT may name (RFC 5259)
	CodeMaxConvertParts      Code = "MAXCONVERTPARTS"      // NumberData: more parts than one CONVERT may name (RFC 5259)
	CodeMessageLimit         Code = "MESSAGELIMIT"         // MessageLimitData: only a part of the messages was processed (RFC 9738)
	CodeMetadata             Code = "METADATA"             // MetadataData: LONGENTRIES n, MAXSIZE n, TOOMANY or NOPRIVATE (RFC 5464)
	CodeModified             Code = "MODIFIED"             // NumbersData: messages that a conditional STORE did not change (RFC 7162)
	CodeNewName              Code = "NEWNAME"              // NewNameData: a mailbox was renamed; obsolete (RFC 2060)
	CodeNoModSeq             Code = "NOMODSEQ"             // the mailbox has no mod-sequences (RFC 7162)
	CodeNonExistent          Code = "NONEXISTENT"          // there is no such mailbox (RFC 5530)
	CodeNoPerm               Code = "NOPERM"               // the user lacks the right (RFC 5530)
	CodeNotificationOverflow Code = "NOTIFICATIONOVERFLOW" // NOTIFY has ended (RFC 5465)
	CodeNotSaved             Code = "NOTSAVED"             // the result of the search was not kept (RFC 5182)
	CodeNoUpdate             Code = "NOUPDATE"             // TagData: a search is not kept up (RFC 5267)
	CodeObjectID             Code = "OBJECTID"             // ObjectIDData (draft-ietf-mailmaint-imap-objectid-bis)
	CodeOverQuota            Code = "OVERQUOTA"            // the mailbox or account is full (RFC 5530, RFC 9208)
	CodeParse                Code = "PARSE"                // the server cannot parse a message (RFC 9051)
	CodePermanentFlags       Code = "PERMANENTFLAGS"       // FlagsData (RFC 9051)
	CodePrivacyRequired      Code = "PRIVACYREQUIRED"      // the command requires TLS (RFC 5530)
	CodeReadOnly             Code = "READ-ONLY"            // the mailbox is selected for reading only
	CodeReadWrite            Code = "READ-WRITE"           // the mailbox is selected for writing
	CodeReferral             Code = "REFERRAL"             // ReferralData: another server has it (RFC 2221, RFC 2193)
	CodeServerBug            Code = "SERVERBUG"            // the server has an error (RFC 5530)
	CodeTempFail             Code = "TEMPFAIL"             // a conversion failed for now (RFC 5259)
	CodeTooBig               Code = "TOOBIG"               // the message is too large (RFC 4469, RFC 7889)
	CodeTooFew               Code = "TOOFEW"               // a batch of UIDs is too small (RFC 10022)
	CodeTooMany              Code = "TOOMANY"              // more batches than one answer holds (RFC 10022)
	CodeTryCreate            Code = "TRYCREATE"            // create the mailbox, then try again
	CodeUIDNext              Code = "UIDNEXT"              // NumberData (RFC 9051)
	CodeUIDNotSticky         Code = "UIDNOTSTICKY"         // the mailbox cannot keep UIDs (RFC 4315)
	CodeUIDRequired          Code = "UIDREQUIRED"          // a command with sequence numbers after ENABLE UIDONLY (RFC 9586)
	CodeUIDValidity          Code = "UIDVALIDITY"          // NumberData (RFC 9051)
	CodeUnavailable          Code = "UNAVAILABLE"          // a part of the server is down: try again later (RFC 5530)
	CodeUndefinedFilter      Code = "UNDEFINED-FILTER"     // FilterData: there is no filter of that name (RFC 5466)
	CodeUnknownCTE           Code = "UNKNOWN-CTE"          // a content-transfer-encoding that the server cannot decode (RFC 3516)
	CodeUnseen               Code = "UNSEEN"               // NumberData (RFC 3501)
	CodeURLMech              Code = "URLMECH"              // URLMechData: how URLs are authorized (RFC 4467)
	CodeUseAttr              Code = "USEATTR"              // a mailbox cannot have that special use (RFC 6154)
)

var errCompressed = errors.New("the connection is compressed already")

// Error is a NO, BAD or BYE from the server, with the server's text. The text never contains arguments of the command. For
// a BYE errors.Is(err, ErrClosed) holds.
type Error struct {
	Command string // the command that failed, in upper case; "" for a BYE between two commands
	Status  string // NO, BAD, BYE
	Code    Code   // "" if the server sent none
	Args    string // the text after the code, inside the brackets
	Text    string // the server's text
}

// isDisconnected reports whether Exchange accepted a login but could not connect it to a mailbox. The password may be wrong,
// but a busy server sends the same text for a while.
func (e *Error) isDisconnected() bool {
	return strings.HasPrefix(e.Text, "User is authenticated but not connected")
}

// Error returns the command, the status and the server's text.
func (e *Error) Error() string {
	s := "imap: "
	if e.Command != "" {
		s += e.Command + ": "
	}
	s += e.Status
	if e.Code != "" {
		s += " [" + string(e.Code) + "]"
	}
	if e.Text != "" {
		s += " " + e.Text
	}
	return s
}

// Is reports whether target is ErrClosed for a BYE, after which the server closes the connection, or ErrTooBig for the code
// TOOBIG.
func (e *Error) Is(target error) bool {
	return e.Status == "BYE" && (target == ErrClosed || target == net.ErrClosed) || e.Code == CodeTooBig && target == ErrTooBig
}

// Backoff returns how long the server asks the client to wait before the next command, or 0 if it does not say. Office 365
// puts the time in its text: "Request is throttled. Suggested Backoff Time: 92415 milliseconds". The caller must bound the
// time before waiting.
func (e *Error) Backoff() time.Duration {
	const head, unit = "Suggested Backoff Time: ", " milliseconds"
	_, text, _ := strings.Cut(e.Text, head)
	digits, _, ok := strings.Cut(text, unit)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || err != nil {
		return 0
	}
	return time.Duration(n) * time.Millisecond
}

// CodeOf returns the response code of an error from the server, or "" if it has none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// ProtocolError reports a response that could not be parsed. The connection is closed only if the end of the response
// cannot be found.
type ProtocolError struct {
	Offset  int64  // bytes from the start of the response
	Excerpt string // the form of the text at Offset, with letters and digits of values masked; an invalid greeting is not masked
	Reason  string // what was expected
}

// Error reports what was expected and where.
func (e *ProtocolError) Error() string {
	s := "imap: protocol error at byte " + strconv.FormatInt(e.Offset, 10) + ": " + e.Reason
	if e.Excerpt != "" {
		s += ", found " + strconv.Quote(e.Excerpt)
	}
	return s
}

// LimitError reports which limit of Options a server exceeded. The connection is closed, unless only a value or a result is
// lost: after MaxDepth, and if the data of several responses together exceeds a limit.
type LimitError struct {
	Name  string // the field of Options
	Limit int64  // its value
}

// Error names the limit.
func (e *LimitError) Error() string {
	return "imap: server exceeds " + e.Name + " of " + strconv.FormatInt(e.Limit, 10)
}

// StateError reports that a command is not allowed in the current state; nothing was sent.
type StateError struct {
	Command string
	State   State
}

// Error names the command, the state and the next step.
func (e *StateError) Error() string {
	return "imap: " + e.Command + ": not possible in the " + e.State.String() + " state" + e.hint()
}

// hint returns what to do first.
func (e *StateError) hint() string {
	switch e.State {
	case NotAuthenticated:
		return ": log in first"
	case Authenticated, Selected:
		if e.Command == "LOGIN" || e.Command == "AUTHENTICATE" || e.Command == "STARTTLS" {
			return ": this connection is logged in already"
		}
		return ": select a mailbox first"
	}
	return ""
}

// unclaimedError is a StateError for a mailbox that the server selected after its call had been given up.
type unclaimedError struct{ *StateError }

func (e unclaimedError) Error() string {
	return e.StateError.Error() + ": the selected mailbox was opened by a call that was given up"
}
func (e unclaimedError) Unwrap() error { return e.StateError }

// CapabilityError reports a missing capability. errors.Is(err, errors.ErrUnsupported) holds, and nothing was sent.
type CapabilityError struct {
	Name string // the capability as it is written in RFCs, "MOVE"

	// Off reports that the server offers the capability, but it must be enabled first: Options.Enable or Client.Enable.
	Off bool
}

// Error names the capability, and an alternative, if there is one.
func (e *CapabilityError) Error() string {
	if e.Off {
		return "imap: " + e.Name + " has to be enabled first"
	}
	return "imap: the server does not offer " + e.Name + e.hint()
}

// hint returns an alternative that works without the capability.
func (e *CapabilityError) hint() string {
	switch e.Name {
	case "PREVIEW":
		return ": Client.Previews makes previews of the text"
	case "SORT", "THREAD=REFERENCES", "THREAD=ORDEREDSUBJECT":
		return ": with Options.LocalSort it is done here"
	}
	return ""
}

// Is reports whether target is errors.ErrUnsupported.
func (e *CapabilityError) Is(target error) bool { return target == errors.ErrUnsupported }

// ErrClosed reports that the connection is closed: by Close, by the server, or after an error from which it cannot recover.
// errors.Is(err, net.ErrClosed) holds too.
var ErrClosed error = wire.ErrClosed

// Errors to be compared with errors.Is.
var (
	// ErrBusy reports that a streamed body is being read, or that the rest of a suspended loop is larger than
	// Options.MaxBuffered. Nothing was sent.
	ErrBusy = errors.New("imap: busy: an earlier answer must be read first")

	// ErrReadOnly reports that the mailbox was opened for reading only. Nothing was sent.
	ErrReadOnly = errors.New("imap: the mailbox is read-only")

	// ErrNoMessage reports that the message requested from FetchOne does not exist: it never existed, it was removed, or
	// its UID is from another mailbox or from before a change of the UIDVALIDITY.
	ErrNoMessage = errors.New("imap: no message with this UID in the selected mailbox")

	// ErrUIDOnly reports that UIDONLY is enabled: messages have no sequence numbers then (RFC 9586). Commands with sequence
	// numbers also fail with an error that wraps it while NOTIFY reports expunged messages of the selected mailbox at once
	// (NotifySelected). Nothing was sent.
	ErrUIDOnly = errors.New("imap: UIDONLY is enabled: messages have no sequence numbers")

	// ErrTooBig reports that a message is larger than the server accepts: either by its capability APPENDLIMIT, in
	// which case nothing was sent, or by an *Error with the code TOOBIG (RFC 4469, RFC 7889).
	ErrTooBig = errors.New("imap: the message is larger than the server accepts")

	// ErrInsecure reports that a password would be sent in the clear, or that the server announces LOGINDISABLED.
	// Nothing was sent.
	ErrInsecure = errors.New("imap: refusing to send a password over an insecure connection")
)

// commandError adds the name of the command to an error that is not from the server. sent reports whether any byte of the
// command was sent.
type commandError struct {
	command string
	err     error
	sent    bool
}

func (e *commandError) Error() string { return "imap: " + e.command + ": " + trimPrefix(e.err.Error()) }
func (e *commandError) Unwrap() error { return e.err }

func trimPrefix(s string) string {
	if len(s) > 6 && s[:6] == "imap: " {
		return s[6:]
	}
	return s
}

// unsent wraps an error that occurred before any byte of the command was sent.
func unsent(command string, err error) error {
	return wrapError(command, err, false)
}

// failed wraps an error of a command of which at least a part was sent.
func failed(command string, err error) error {
	return wrapError(command, err, true)
}

func wrapError(command string, err error, sent bool) error {
	switch err := err.(type) {
	case *Error:
		if sent && err.Command == "" {
			named := *err
			named.Command = command
			return &named
		}
		return err
	case *StateError, unclaimedError, *commandError:
		return err
	}
	return &commandError{command, err, sent}
}

// ArgumentError reports an invalid argument, or one that cannot be sent. Nothing of the command was sent, and the same call
// would fail again.
type ArgumentError struct {
	Reason string // what is wrong; never contains the argument
}

// Error returns the reason. The error that a method returns names the command before it.
func (e *ArgumentError) Error() string { return e.Reason }

func argError(format string, args ...any) error {
	return &ArgumentError{Reason: fmt.Sprintf(format, args...)}
}

// errNotOpened ends a pipelined call after a SELECT that was not sent.
var errNotOpened = errors.New("the SELECT before it in the pipeline was not sent")

// errOtherMailbox ends a call of several commands if another mailbox was selected between them.
var errOtherMailbox = errors.New("another mailbox was selected in the meantime")

// begun wraps the error of a later command of a call, which must not be retried although nothing of that command was sent.
func begun(command string, err error) error {
	if !SafeToRetry(err) {
		return err
	}
	return &commandError{command, err, true}
}

// SafeToRetry reports whether no byte of the failed command was sent, so that the command can be tried again, on another
// connection if necessary, without being executed twice. It is false if the command was not sent because another mailbox had
// been selected, where it would act on other messages.
func SafeToRetry(err error) bool {
	if err == nil || errors.Is(err, errOtherMailbox) {
		return false
	}
	if e, ok := errors.AsType[*commandError](err); ok {
		return !e.sent
	}
	if _, ok := errors.AsType[*StateError](err); ok {
		return true
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Command == "" // the server refused the connection, or closed it, before any command
	}
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, ErrBusy) ||
		errors.Is(err, ErrReadOnly) || errors.Is(err, ErrUIDOnly) || errors.Is(err, ErrInsecure)
}

// excerpt returns the form of the text around pos, with letters and digits masked, because they may be private mail.
func excerpt(b []byte, pos int) string {
	const width = 32
	pos = min(max(pos, 0), len(b))
	end := min(pos+width, len(b))
	out := make([]byte, 0, width)
	for _, c := range b[pos:end] {
		switch {
		case ascii.IsDigit(c):
			c = '9'
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c >= 0x80:
			c = 'x'
		case c < ' ' || c == 0x7f:
			c = '.'
		}
		out = append(out, c)
	}
	return string(out)
}

// PartialError reports that a server processed only a part of the messages of a command, because they were more than it
// processes at once (MESSAGELIMIT and SAVELIMIT, RFC 9738), and that the call did not continue with the rest: either
// Options.StopAtLimit is set, or the server did not report where to continue. The result of the call covers the processed
// part.
type PartialError struct {
	Command string
	Limit   uint32 // most messages of one command, 0 if not sent
	UID     UID    // the lowest UID that was processed, 0 if not sent: the rest is below
	Rest    UIDSet // the part of a set of UIDs that was not processed, nil if not known
	Err     error  // the server's NO, or the reason why the rest is not known; nil after OK
}

// Error names the command and the limit.
func (e *PartialError) Error() string {
	s := "imap: " + e.Command + ": the server handled only a part of the messages"
	if e.Limit > 0 {
		s += ", at most " + strconv.FormatUint(uint64(e.Limit), 10) + " at once"
	}
	return s
}

// Unwrap returns the server's NO.
func (e *PartialError) Unwrap() error { return e.Err }

// isPartial reports whether err means only that the answer is incomplete.
func isPartial(err error) bool {
	_, ok := err.(*PartialError)
	return ok
}

func isA[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// State is the protocol state of a connection.
type State int

// The states of RFC 9051 section 3.
const (
	NotAuthenticated State = iota
	Authenticated
	Selected
	LoggedOut
)

var stateNames = [...]string{"not authenticated", "authenticated", "selected", "logged out"}

// String returns the name of the state.
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return "State(" + strconv.Itoa(int(s)) + ")"
	}
	return stateNames[s]
}
