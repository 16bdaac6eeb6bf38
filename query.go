package imap

import (
	"strings"
	"time"
)

// Unanswered matches messages without \Answered.
func (q Query) Unanswered() Query { return q.word("UNANSWERED") }

// Unflagged matches messages without \Flagged.
func (q Query) Unflagged() Query { return q.word("UNFLAGGED") }

// Undeleted matches messages without \Deleted.
func (q Query) Undeleted() Query { return q.word("UNDELETED") }

// Undraft matches messages without \Draft.
func (q Query) Undraft() Query { return q.word("UNDRAFT") }

// Unkeyword matches messages without the flag f, a keyword or one of the system flags.
func (q Query) Unkeyword(f Flag) Query {
	switch sys, _ := systemFlag([]byte(f)); sys {
	case "", FlagAny:
	case FlagRecent:
		return q.word("OLD")
	default:
		return q.word("UN" + strings.ToUpper(string(sys[1:])))
	}
	return q.with(searchKey{encode: func(e *encoder) { e.raw("UNKEYWORD ").oneFlag(f) }})
}

// SentOn matches messages whose Date field is that day.
func (q Query) SentOn(day time.Time) Query { return q.dayKey("SENTON", day) }

// UID matches only the messages with these UIDs: Within of a UIDSet.
func (q Query) UID(set UIDSet) Query { return q.Within(set) }
