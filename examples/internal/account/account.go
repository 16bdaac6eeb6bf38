// Package account has what the examples share: the flags for the server and the user, and the login.
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
	"slices"
	"strings"
	"sync"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/sample"
)

// PasswordVariable is the environment variable that holds the password. Without it the password is read from the terminal.
const PasswordVariable = "IMAP_PASSWORD"

// Account is a server and a user. Without an address and a stream it is the sample mailbox in memory.
type Account struct {
	Mailbox string

	addr, user, stream, ca  string
	tls, startTLS, insecure bool
	trace                   bool

	prefix   string // of the flags
	variable string // of the environment, with the password

	ask      sync.Mutex
	password string // once it is known
}

// Flags defines the flags of an account and a mailbox.
func Flags(fs *flag.FlagSet) *Account {
	a := Login(fs, "")
	fs.StringVar(&a.Mailbox, "mailbox", "INBOX", "mailbox to open")
	return a
}

// Login defines the flags of an account. Their names begin with the prefix, "to-" for the second account of a program,
// whose password is then in IMAP_TO_PASSWORD.
func Login(fs *flag.FlagSet, prefix string) *Account {
	name := strings.ReplaceAll(strings.ToUpper(prefix), "-", "_")
	a := &Account{prefix: prefix, variable: strings.Replace(PasswordVariable, "_", "_"+name, 1)}
	fs.StringVar(&a.addr, prefix+"addr", "", "server, host or host:port; none: a sample mailbox in memory")
	fs.StringVar(&a.user, prefix+"user", "", "user name")
	fs.BoolVar(&a.tls, prefix+"tls", false, "use implicit TLS (the default, port 993)")
	fs.BoolVar(&a.startTLS, prefix+"starttls", false, "use STARTTLS (port 143)")
	fs.BoolVar(&a.insecure, prefix+"insecure", false, "use no TLS (port 143); passwords leave only for this machine")
	fs.StringVar(&a.stream, prefix+"stream", "", "`command` that speaks IMAP on its standard input and output, instead of a server")
	fs.StringVar(&a.ca, prefix+"ca", "", "`file` with the certificate authority of the server, in PEM; none: the system's")
	fs.BoolVar(&a.trace, prefix+"trace", false, "log the conversation to standard error")
	return a
}

// Sample reports whether the account is the sample mailbox.
func (a *Account) Sample() bool { return a.addr == "" && a.stream == "" }

// Start checks the flags and starts the sample server, if the account uses it. It has to be called before Dial. stop ends
// that server.
func (a *Account) Start() (stop func(), err error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	if !a.Sample() {
		return func() {}, nil
	}
	if a.prefix == "" {
		a.addr, stop, err = sample.Serve()
	} else {
		a.addr, stop, err = sample.ServeEmpty()
	}
	a.insecure, a.user, a.password = true, sample.User, sample.Password
	return stop, err
}

// Dial connects and logs in; it can be the Dial function of Watch and Pool.
func (a *Account) Dial(ctx context.Context) (*imap.Client, error) {
	c, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.login(ctx, c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Open is Start and Dial. done ends the connection, and the sample server.
func (a *Account) Open(ctx context.Context) (c *imap.Client, done func(), err error) {
	stop, err := a.Start()
	if err != nil {
		return nil, nil, err
	}
	if c, err = a.Dial(ctx); err != nil {
		stop()
		return nil, nil, err
	}
	return c, func() { c.Logout(ctx); stop() }, nil
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
		return fmt.Errorf("-%saddr needs -%suser", a.prefix, a.prefix)
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

// login logs in with the strongest mechanism that the server offers, unless the connection is logged in already.
func (a *Account) login(ctx context.Context, c *imap.Client) error {
	if c.State() != imap.NotAuthenticated {
		return nil
	}
	password, err := a.secret()
	if err != nil {
		return err
	}
	return c.AuthenticatePassword(ctx, a.user, password)
}

// secret returns the password, which is requested once.
func (a *Account) secret() (string, error) {
	a.ask.Lock()
	defer a.ask.Unlock()
	if a.password == "" {
		a.password = os.Getenv(a.variable)
	}
	if a.password != "" {
		return a.password, nil
	}
	var err error
	a.password, err = a.askPassword()
	return a.password, err
}

// askPassword reads a password from the terminal, without echo if stty is available.
func (a *Account) askPassword() (string, error) {
	fmt.Fprintf(os.Stderr, "Password of %s: ", a.user)
	if echo("-echo") == nil {
		defer fmt.Fprintln(os.Stderr)
		defer echo("echo")
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && (err != io.EOF || line == "") {
		return "", fmt.Errorf("no password: set %s, or type it: %w", a.variable, err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func echo(mode string) error {
	stty := exec.Command("stty", mode)
	stty.Stdin = os.Stdin
	return stty.Run()
}

// Mailboxes lists the user's own mailboxes that can be opened, by name.
func Mailboxes(ctx context.Context, c *imap.Client) ([]imap.ListEntry, error) {
	list, err := c.List(ctx, "", "*", nil)
	if err != nil {
		return nil, err
	}
	spaces, err := c.Namespace(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		spaces = &imap.Namespaces{}
	} else if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b imap.ListEntry) int { return strings.Compare(a.Name, b.Name) })
	foreign := slices.Concat(spaces.Other, spaces.Shared)
	return slices.DeleteFunc(list, func(e imap.ListEntry) bool {
		return e.Has(imap.AttrNoSelect) || e.Has(imap.AttrNonExistent) ||
			slices.ContainsFunc(foreign, func(n imap.NamespaceEntry) bool { return n.Prefix != "" && strings.HasPrefix(e.Name, n.Prefix) })
	}), nil
}

// Main runs an example: run parses its flags from args and writes to out. An error is printed and ends the program.
func Main(run func(ctx context.Context, args []string, out io.Writer) error) {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
