// Package wire reads and writes the bytes of an IMAP connection: it splits the stream into responses with their literals,
// limits the memory that a server can make it use, and interrupts blocked operations. It knows nothing of mailboxes and
// messages.
//
// ReadFrame returns a response: its text without the final line break, including literals of up to InlineLiteral bytes.
// Longer literals are kept separately (TakeLiterals), discarded, or left on the connection for ReadBody; a function of the
// caller decides this when the header of the literal has arrived.
//
// # Deadlines
//
// Every Read of the stream has a deadline: the caller's, or Limits.Timeout after the server was last heard or the last command
// was sent. Time in which nothing was read does not count; the Reads of several callers count together. Interrupt ends
// the current Read with ErrInterrupted, by a deadline in the past; the partially read frame is kept, and the next reader
// continues with it. A stream without deadlines gets them from a pump.
package wire
