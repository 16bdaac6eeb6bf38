package imap

import (
	"slices"
	"strings"

	"github.com/go-imaplib/imap/internal/ascii"
)

// Flag is a message flag: a system flag, which starts with a backslash, or a keyword (RFC 9051 section 2.3.2). Servers
// ignore the case of flags; the constants have the usual spelling, and the library returns system flags in that spelling.
type Flag string

// The system flags.
const (
	FlagSeen     Flag = `\Seen`
	FlagAnswered Flag = `\Answered`
	FlagFlagged  Flag = `\Flagged`
	FlagDeleted  Flag = `\Deleted`
	FlagDraft    Flag = `\Draft`
	FlagRecent   Flag = `\Recent` // set by the server only
	FlagAny      Flag = `\*`      // in Mailbox.PermanentFlags: new keywords can be created
)

// Keywords that mail programs share (RFC 9051 section 2.3.2, RFC 5788, RFC 9979). Mailbox.PermanentFlags reports which of
// them a mailbox can store.
const (
	FlagForwarded     Flag = "$Forwarded"     // the message was forwarded (RFC 5550)
	FlagMDNSent       Flag = "$MDNSent"       // a disposition notification was sent, or must not be sent (RFC 3503)
	FlagJunk          Flag = "$Junk"          // the user marked it as spam (RFC 9051)
	FlagNotJunk       Flag = "$NotJunk"       // the user marked it as not spam (RFC 9051)
	FlagPhishing      Flag = "$Phishing"      // likely an attempt at fraud (RFC 9051)
	FlagImportant     Flag = "$Important"     // likely important for the user (RFC 8457)
	FlagSubmitPending Flag = "$SubmitPending" // about to be sent (RFC 5550)
	FlagSubmitted     Flag = "$Submitted"     // sent (RFC 5550)

	FlagAutoSent        Flag = "$autosent"        // sent by a program for the user (RFC 9979, as all that follow)
	FlagCanUnsubscribe  Flag = "$canunsubscribe"  // sent by a list from which the user can unsubscribe
	FlagFollowed        Flag = "$followed"        // the user follows the thread
	FlagHasAttachment   Flag = "$hasattachment"   // has attachments
	FlagHasMemo         Flag = "$hasmemo"         // there is a memo about it
	FlagHasNoAttachment Flag = "$hasnoattachment" // has no attachments
	FlagImported        Flag = "$imported"        // came from another mailbox
	FlagIsTrusted       Flag = "$istrusted"       // the sender was verified
	FlagMailBit0        Flag = "$MailFlagBit0"    // with the next two: the colour of \Flagged
	FlagMailBit1        Flag = "$MailFlagBit1"
	FlagMailBit2        Flag = "$MailFlagBit2"
	FlagMaskedEmail     Flag = "$maskedemail"  // arrived at an address made for one sender
	FlagMemo            Flag = "$memo"         // is a memo about another message
	FlagMuted           Flag = "$muted"        // the user ignores the thread
	FlagNew             Flag = "$new"          // to be shown as new, such as a message that was snoozed
	FlagNotify          Flag = "$notify"       // the user wants a notification
	FlagUnsubscribed    Flag = "$unsubscribed" // the user has unsubscribed from the list that sent it
)

// Keywords that are not registered and that programs set all the same: Thunderbird and the servers that learn from it.
const (
	FlagLabel1             Flag = "$Label1" // a tag with a meaning chosen by the user, by default "important"
	FlagLabel2             Flag = "$Label2" // "work" at first
	FlagLabel3             Flag = "$Label3" // "personal" at first
	FlagLabel4             Flag = "$Label4" // "to do" at first
	FlagLabel5             Flag = "$Label5" // "later" at first
	FlagThunderbirdJunk    Flag = "Junk"    // what FlagJunk means
	FlagThunderbirdNotJunk Flag = "NonJunk" // what FlagNotJunk means
)

// systemFlags are the spellings to which parsed flags are mapped.
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

// validFlag reports whether a flag can be sent: an atom, with or without a leading backslash. \* cannot.
func validFlag(f Flag) bool { return isAtom(strings.TrimPrefix(string(f), `\`)) }

// settable returns the flags that a client may set: only the server sets \Recent (RFC 3501 section 2.3.2).
func settable(flags []Flag) []Flag {
	if !slices.ContainsFunc(flags, isRecent) {
		return flags
	}
	return slices.DeleteFunc(slices.Clone(flags), isRecent)
}

func isRecent(f Flag) bool { return ascii.EqualFold(string(f), string(FlagRecent)) }

// isAtom reports whether s is an atom of the grammar, so that it can be sent without quotes. It allows "]", which occurs in
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
