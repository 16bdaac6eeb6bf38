module github.com/go-imaplib/imap/examples/gmail

go 1.26.0

require (
	github.com/go-imaplib/imap v0.0.0
	github.com/stretchr/testify v1.12.1
	golang.org/x/oauth2 v0.38.0
)

require (
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/go-imaplib/imap => ../..
