// Package transcripts plays the conversations in testdata/transcripts: a server that follows the script, and a client that
// makes the calls which the script expects.
package transcripts
