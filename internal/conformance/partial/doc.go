// Package partial tests answers that a server with a limit gives in parts (MESSAGELIMIT, RFC 9738): each is completed by
// further commands, or the call returns an error that names what is missing.
package partial
