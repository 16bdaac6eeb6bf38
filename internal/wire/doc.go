// Package wire reads and writes the bytes of an IMAP connection: it frames responses with their literals, bounds what a
// server can make it hold, and ends what blocks. It knows no mailbox and no message.
//
// A response is what ReadFrame returns: its text without the final line end, with literals of up to InlineLiteral bytes in
// place. Longer ones are kept beside the text (TakeLiterals), discarded, or left on the connection for ReadBody, as a
// function of the caller decides when the header of the literal has come.
//
// # Deadlines
//
// Every Read of the stream has a deadline: that of the caller, or Limits.Timeout after the server was last heard. Interrupt
// ends the Read under way with ErrInterrupted, by a deadline in the past; the frame that was being read is kept, and the
// next reader goes on with it. A stream that has no deadlines gets them from a pump.
package wire
