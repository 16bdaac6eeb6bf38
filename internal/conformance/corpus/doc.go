// Package corpus plays recorded and published responses of servers, in testdata/corpus, to a client and compares what it
// makes of them with what their sources expect.
package corpus
