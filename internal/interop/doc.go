// Package interop holds no code: its tests run the client against real servers. They start Dovecot, Cyrus, Courier and,
// where its program is found, mox on free loopback ports, and end them; the in-memory server of internal/imaptest takes
// part too. docs/interop.md holds the matrix of methods, servers and transports that they measure:
//
//	go test ./internal/interop                          # all of it; servers that are not installed are left out
//	go test ./internal/interop -run TestMatrix -update  # writes docs/interop.md
//	IMAP_SOAK=1h go test ./internal/interop -run TestSoak -timeout 2h
package interop
