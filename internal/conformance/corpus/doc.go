// Package corpus plays recorded and published responses of servers, in testdata/corpus, to a client and compares the
// results with those of their sources.
package corpus
