package imap

import (
	"slices"
	"strings"

	"github.com/go-imaplib/imap/internal/ascii"
)

// Flag is a message flag: a system flag, which starts with a backslash, or a keyword. Flags are compared without
// case by servers; the constants have the usual spelling, and the library gives system flags in that spelling.
// (RFC 9051 section 2.3.2)
type Flag string

// The system flags.
const (
	FlagSeen     Flag = `\Seen`
	FlagAnswered Flag = `\Answered`
	FlagFlagged  Flag = `\Flagged`
	FlagDeleted  Flag = `\Deleted`
	FlagDraft    Flag = `\Draft`
	FlagRecent   Flag = `\Recent` // set by the server only
	FlagAny      Flag = `\*`      // in Mailbox.PermanentFlags: new keywords can be made
)

// Keywords that programs share (RFC 9051 section 2.3.2, RFC 5788, RFC 9979). Which of them a mailbox can keep,
// Mailbox.PermanentFlags says.
const (
	FlagForwarded     Flag = "$Forwarded"     // the message was forwarded (RFC 5550)
	FlagMDNSent       Flag = "$MDNSent"       // a disposition notification was sent, or is not to be (RFC 3503)
	FlagJunk          Flag = "$Junk"          // the user says that it is spam (RFC 9051)
	FlagNotJunk       Flag = "$NotJunk"       // the user says that it is none (RFC 9051)
	FlagPhishing      Flag = "$Phishing"      // likely an attempt at fraud (RFC 9051)
	FlagImportant     Flag = "$Important"     // likely important for the user (RFC 8457)
	FlagSubmitPending Flag = "$SubmitPending" // about to be sent (RFC 5550)
	FlagSubmitted     Flag = "$Submitted"     // sent (RFC 5550)

	FlagAutoSent        Flag = "$autosent"        // sent by a program for the user (RFC 9979, as all that follow)
	FlagCanUnsubscribe  Flag = "$canunsubscribe"  // of a list that can be left
	FlagFollowed        Flag = "$followed"        // the user follows the thread
	FlagHasAttachment   Flag = "$hasattachment"   // has attachments
	FlagHasMemo         Flag = "$hasmemo"         // a memo is kept about it
	FlagHasNoAttachment Flag = "$hasnoattachment" // has no attachments
	FlagImported        Flag = "$imported"        // came from another mailbox
	FlagIsTrusted       Flag = "$istrusted"       // the sender was verified
	FlagMailBit0        Flag = "$MailFlagBit0"    // with the next two: the colour of \Flagged
	FlagMailBit1        Flag = "$MailFlagBit1"
	FlagMailBit2        Flag = "$MailFlagBit2"
	FlagMaskedEmail     Flag = "$maskedemail"  // came by an address made for one sender
	FlagMemo            Flag = "$memo"         // is a memo about another message
	FlagMuted           Flag = "$muted"        // the user ignores the thread
	FlagNew             Flag = "$new"          // to be shown as new, such as a snoozed one that came back
	FlagNotify          Flag = "$notify"       // the user is to be told of it
	FlagUnsubscribed    Flag = "$unsubscribed" // the user has left the list that it came by
)

// systemFlags are the spellings that parsed flags are mapped to, found by length first.
var systemFlags = []Flag{FlagSeen, FlagAnswered, FlagFlagged, FlagDeleted, FlagDraft, FlagRecent, FlagAny}

// systemFlag returns the usual spelling of a system flag in any case.
func systemFlag(b []byte) (Flag, bool) {
	if len(b) == 0 || b[0] != '\\' {
		return "", false
	}
	for _, f := range systemFlags {
		if ascii.EqualFold(b, string(f)) {
			return f, true
		}
	}
	return "", false
}

// validFlag reports whether a flag can be sent: an atom, with or without a backslash before it. \* is none.
func validFlag(f Flag) bool { return isAtom(strings.TrimPrefix(string(f), `\`)) }

// settable returns the flags that a client may set: \Recent is the server's alone (RFC 3501 section 2.3.2).
func settable(flags []Flag) []Flag {
	if !slices.ContainsFunc(flags, isRecent) {
		return flags
	}
	return slices.DeleteFunc(slices.Clone(flags), isRecent)
}

func isRecent(f Flag) bool { return ascii.EqualFold(string(f), string(FlagRecent)) }

// isAtom reports whether s is an atom of the grammar, so that it can be sent as it is. ] is taken too: it stands in
// flags and section names that servers send.
func isAtom(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ' || c >= 0x7f:
			return false
		case c == '(' || c == ')' || c == '{' || c == '%' || c == '*' || c == '"' || c == '\\':
			return false
		}
	}
	return s != ""
}
