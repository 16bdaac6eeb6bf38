// Package mimetext decodes the text of messages as mail programs write it, not only as the standards define it: encoded
// words (RFC 2047), parameters in pieces and with character sets (RFC 2231), names of character sets, transfer
// encodings, the dates of header fields, and file names.
//
// Its functions are pure, accept any bytes, and run in time linear in their input. Header text that they return is
// valid UTF-8 without line breaks: folding is undone, any other CR or LF becomes a blank, and other control characters
// become U+FFFD. Input that cannot be decoded is kept unchanged, as far as it is text.
//
// Text without a declared character set is taken for UTF-8 if it is valid UTF-8, and otherwise for windows-1252, in which
// every byte is a character, unless the Decoder has another fallback.
package mimetext
