module github.com/go-imaplib/imap/bench

go 1.26.0

require (
	github.com/emersion/go-imap v1.2.1
	github.com/emersion/go-imap/v2 v2.0.0-beta.8
	github.com/emersion/go-message v0.18.2
	github.com/emersion/go-sasl v0.0.0-20241020182733-b788ff22d5a6
	github.com/go-imaplib/imap v0.0.0
)

require golang.org/x/text v0.43.0 // indirect

replace github.com/go-imaplib/imap => ../
