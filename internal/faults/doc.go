// Package faults tests what goes wrong around a client: connections that break, stall or never end, servers that flood, lie
// or fall silent, callers that give up, and many of them at once. Its dialogues cover every method.
package faults
