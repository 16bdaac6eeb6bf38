// Package content compares what the client finds in messages with what Python's email package finds in them.
package content
