// Package memory plays every extension against the server in memory, with and without it, and every method in both revisions
// of the protocol.
package memory
