// Package account is what the examples share: the flags that say which server to talk to and as whom, and the login.
package account

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/sample"
)

// PasswordVariable is the environment variable that holds the password. Without it the terminal is asked.
const PasswordVariable = "IMAP_PASSWORD"

// Account says which server and which user. Without an address and a stream it is the sample mailbox in memory.
type Account struct {
	Mailbox string

	addr, user, stream, ca  string
	tls, startTLS, insecure bool
	trace                   bool
}

// Flags defines the flags of an account.
func Flags(fs *flag.FlagSet) *Account {
	a := &Account{}
	fs.StringVar(&a.Mailbox, "mailbox", "INBOX", "mailbox to open")
	fs.StringVar(&a.addr, "addr", "", "server, host or host:port; none: a sample mailbox in memory")
	fs.StringVar(&a.user, "user", "", "user name")
	fs.BoolVar(&a.tls, "tls", false, "use implicit TLS (the default, port 993)")
	fs.BoolVar(&a.startTLS, "starttls", false, "use STARTTLS (port 143)")
	fs.BoolVar(&a.insecure, "insecure", false, "use no TLS (port 143); passwords leave only for this machine")
	fs.StringVar(&a.stream, "stream", "", "`command` that speaks IMAP on its standard input and output, instead of a server")
	fs.StringVar(&a.ca, "ca", "", "`file` with the certificate authority of the server, in PEM; none: the system's")
	fs.BoolVar(&a.trace, "trace", false, "log the conversation to standard error")
	return a
}

// Sample reports whether the account is the sample mailbox.
func (a *Account) Sample() bool { return a.addr == "" && a.stream == "" }

// Open connects and logs in. done ends the connection, and the server if it is the sample's.
func (a *Account) Open(ctx context.Context) (c *imap.Client, done func(), err error) {
	if err := a.check(); err != nil {
		return nil, nil, err
	}
	stop := func() {}
	if a.Sample() {
		if a.addr, stop, err = sample.Serve(); err != nil {
			return nil, nil, err
		}
		a.insecure, a.user = true, sample.User
		os.Setenv(PasswordVariable, sample.Password)
	}
	c, logout, err := a.Second(ctx)
	if err != nil {
		stop()
		return nil, nil, err
	}
	return c, func() { logout(); stop() }, nil
}

// Second is a second connection of an account that Open has opened.
func (a *Account) Second(ctx context.Context) (c *imap.Client, done func(), err error) {
	if c, err = a.connect(ctx); err != nil {
		return nil, nil, err
	}
	if err := a.login(ctx, c); err != nil {
		c.Close()
		return nil, nil, err
	}
	return c, func() { c.Logout(ctx) }, nil
}

func (a *Account) check() error {
	ways := 0
	for _, set := range []bool{a.tls, a.startTLS, a.insecure, a.stream != ""} {
		if set {
			ways++
		}
	}
	if ways > 1 {
		return errors.New("only one of -tls, -starttls, -insecure and -stream can be used")
	}
	if a.addr != "" && a.user == "" {
		return errors.New("-addr needs -user")
	}
	return nil
}

func (a *Account) connect(ctx context.Context) (*imap.Client, error) {
	opts := &imap.Options{}
	if a.trace {
		opts.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if a.ca != "" {
		pem, err := os.ReadFile(a.ca)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", a.ca)
		}
		opts.TLSConfig = &tls.Config{RootCAs: roots}
	}
	switch {
	case a.stream != "":
		argv := strings.Fields(a.stream)
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Stderr = os.Stderr
		return imap.DialStream(ctx, cmd, opts)
	case a.startTLS:
		return imap.DialStartTLS(ctx, a.addr, opts)
	case a.insecure:
		return imap.DialInsecure(ctx, a.addr, opts)
	}
	return imap.DialTLS(ctx, a.addr, opts)
}

// login logs in with the strongest mechanism that the server offers, unless the server has done it already.
func (a *Account) login(ctx context.Context, c *imap.Client) error {
	if c.State() != imap.NotAuthenticated {
		return nil
	}
	password, ok := os.LookupEnv(PasswordVariable)
	if !ok {
		var err error
		if password, err = askPassword(a.user); err != nil {
			return err
		}
	}
	return c.AuthenticatePassword(ctx, a.user, password)
}

// askPassword reads a password from the terminal. Where stty is at hand what is typed does not show.
func askPassword(user string) (string, error) {
	fmt.Fprintf(os.Stderr, "Password of %s: ", user)
	if echo("-echo") == nil {
		defer fmt.Fprintln(os.Stderr)
		defer echo("echo")
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && (err != io.EOF || line == "") {
		return "", fmt.Errorf("no password: set %s, or type it: %w", PasswordVariable, err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func echo(mode string) error {
	stty := exec.Command("stty", mode)
	stty.Stdin = os.Stdin
	return stty.Run()
}

// Main runs an example: run parses its flags from args and writes to out. An error is printed and ends the program.
func Main(run func(ctx context.Context, args []string, out io.Writer) error) {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
