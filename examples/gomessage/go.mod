module github.com/go-imaplib/imap/examples/gomessage

go 1.26.0

require (
	github.com/emersion/go-message v0.18.2
	github.com/go-imaplib/imap v0.0.0
	github.com/stretchr/testify v1.12.1
)

require (
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/go-imaplib/imap => ../..
