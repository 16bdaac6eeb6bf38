// Package state tests what a client knows of its connection, its mailbox and its messages: after refusals, after calls that
// were given up, and after data that no command requested.
package state
