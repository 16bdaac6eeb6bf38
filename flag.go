package imap

import "strings"

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

// systemFlags are the spellings that parsed flags are mapped to, found by length first.
var systemFlags = []Flag{FlagSeen, FlagAnswered, FlagFlagged, FlagDeleted, FlagDraft, FlagRecent, FlagAny}

// systemFlag returns the usual spelling of a system flag in any case.
func systemFlag(b []byte) (Flag, bool) {
	if len(b) == 0 || b[0] != '\\' {
		return "", false
	}
	for _, f := range systemFlags {
		if equalFold(b, string(f)) {
			return f, true
		}
	}
	return "", false
}

// equalFold compares ASCII without case.
func equalFold[B []byte | string](b B, s string) bool {
	if len(b) != len(s) {
		return false
	}
	if string(b) == s {
		return true
	}
	for i := range len(s) {
		if upper(b[i]) != upper(s[i]) {
			return false
		}
	}
	return true
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// validFlag reports whether a flag can be sent: an atom, with or without a backslash before it. \* is none.
func validFlag(f Flag) bool { return isAtom(strings.TrimPrefix(string(f), `\`)) }
