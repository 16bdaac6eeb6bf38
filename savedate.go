package imap

import "time"

// SavedSince matches messages that came into the mailbox that day or later (RFC 8514; capability SAVEDATE). Where the
// mailbox does not keep that, it is Since.
func (q Query) SavedSince(day time.Time) Query { return q.savedKey("SAVEDSINCE", day) }

// SavedBefore matches messages that came into the mailbox before that day (RFC 8514; capability SAVEDATE). Where the
// mailbox does not keep that, it is Before.
func (q Query) SavedBefore(day time.Time) Query { return q.savedKey("SAVEDBEFORE", day) }

// SavedOn matches messages that came into the mailbox that day (RFC 8514; capability SAVEDATE). Where the mailbox does not
// keep that, it is On.
func (q Query) SavedOn(day time.Time) Query { return q.savedKey("SAVEDON", day) }

// SaveDateSupported matches all messages where the mailbox keeps when they came into it, else none (RFC 8514; capability
// SAVEDATE).
func (q Query) SaveDateSupported() Query {
	return q.with(searchKey{encode: func(e *encoder) { e.need("SAVEDATE").raw("SAVEDATESUPPORTED") }})
}

func (q Query) savedKey(word string, day time.Time) Query {
	return q.with(searchKey{encode: func(e *encoder) { e.need("SAVEDATE").raw(word).sp().day(day) }})
}
