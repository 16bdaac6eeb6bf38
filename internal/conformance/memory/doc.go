// Package memory plays every extension on the in-memory server, with and without it, and every method in both revisions of
// the protocol.
package memory
