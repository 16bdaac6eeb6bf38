// Package mimetext reads the text of message headers as mail programs write it, not only as the standards have it:
// encoded words (RFC 2047), parameters in pieces and with character sets (RFC 2231), names of character sets, the dates
// of header fields, and file names.
//
// Its functions are pure, take any bytes, and run in time linear in their input. What they return as text is valid UTF-8
// without a line end: folding is undone, any other CR or LF becomes a blank, and other control characters become U+FFFD.
// What cannot be decoded is kept as it came, so far as it is text.
//
// Text that declares no character set is UTF-8 where it is valid UTF-8, and otherwise a guess: windows-1252, in which
// every byte stands for a character, unless the Decoder names another fallback.
package mimetext
