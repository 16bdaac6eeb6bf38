// Package faults has tests of what goes wrong around a client: connections that are cut, stall or never end, servers that
// flood, lie or fall silent, callers that leave, and many of them at once. Its dialogues cover every method.
package faults
