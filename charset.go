package imap

import "github.com/go-imaplib/imap/internal/mimetext"

// DecodeText decodes the text of a header field as Envelope has it: encoded words (RFC 2047), also broken ones, and bytes
// above 127. The result is valid UTF-8 without a line end. It is for fields that were fetched as they came, and for
// BodyStructure.Description.
func DecodeText(s string) string { return mimetext.Decoder{}.Text(s) }
