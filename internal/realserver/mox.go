package realserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// mox runs mox with its IMAP listeners only. It takes at most 30 connections at
// a time, and 300 new ones a minute.
type mox struct {
	program string
	made    int  // fresh users so far
	filled  bool // the fixed users were created
}

func (m *mox) find() (string, error) {
	name := os.Getenv("MOX")
	if name == "" {
		name = "mox"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotInstalled, err)
	}
	if m.program, err = filepath.Abs(path); err != nil {
		return "", err
	}
	out, err := exec.Command(m.program, "version").Output()
	if err != nil {
		return "", err
	}
	version, _, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	return strings.TrimPrefix(version, "v"), nil
}

func (m *mox) prepare(s *Server) error {
	s.Mechanisms = []string{"PLAIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"}
	s.users = fixedUsers()
	for i := range s.users {
		s.users[i].name += "@localhost"
	}
	if err := s.as.own(s.dir); err != nil {
		return err
	}
	// It creates keys, directories, and a configuration with listeners on fixed
	// ports, which our files replace.
	if err := m.run(s, "", "localserve", "-dir", m.dir(s), "-initonly"); err != nil {
		return err
	}
	if err := s.ca.write(filepath.Join(m.dir(s), "tls")); err != nil {
		return err
	}
	return writeFiles(m.dir(s), map[string]string{"domains.conf": moxDomains})
}

func (m *mox) dir(s *Server) string { return filepath.Join(s.dir, "c") }

// run runs the program as the server's user.
func (m *mox) run(s *Server, input string, args ...string) error {
	cmd := exec.Command(m.program, args...)
	cmd.Dir = s.dir
	cmd.Stdin = strings.NewReader(input)
	setIdentity(cmd, s.as)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mox %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (m *mox) configure(s *Server, port, tlsPort int) error {
	text := strings.NewReplacer("{uid}", strconv.Itoa(s.as.uid),
		"{port}", strconv.Itoa(port), "{tlsport}", strconv.Itoa(tlsPort)).Replace(moxConf)
	return writeFiles(m.dir(s), map[string]string{"mox.conf": text})
}

func (m *mox) command(s *Server) launchSpec {
	return launchSpec{as: s.as, stop: syscall.SIGTERM, argv: []string{m.program, "localserve", "-dir", m.dir(s)}}
}

// started creates the fixed users, which requires the running server.
func (m *mox) started(s *Server) error {
	if m.filled {
		return nil
	}
	m.filled = true
	return m.addUsers(s, s.users)
}

func (m *mox) addUsers(s *Server, list []account) error {
	config := filepath.Join(m.dir(s), "mox.conf")
	for _, a := range list {
		name, _, _ := strings.Cut(a.name, "@")
		if err := m.run(s, "", "-config", config, "config", "account", "add", name, a.name); err != nil {
			return err
		}
		if err := m.run(s, a.password+"\n", "-config", config, "setaccountpassword", name); err != nil {
			return err
		}
	}
	return nil
}

func (m *mox) newAccounts(s *Server) ([]account, error) {
	m.made++
	list := []account{{name: fmt.Sprintf("user%05d@localhost", m.made), password: randomPassword()}}
	return list, m.addUsers(s, list)
}

// stream returns a command that does not end with its input: the caller must log out.
func (m *mox) stream(s *Server, user string) *exec.Cmd {
	cmd := exec.Command(m.program, "-config", filepath.Join(m.dir(s), "mox.conf"), "admin", "imapserve", user)
	setIdentity(cmd, s.as)
	return cmd
}

const moxConf = `DataDir: .
LogLevel: info
User: {uid}
Hostname: localhost
Pedantic: false
TLS:
	CA:
		AdditionalToSystem: true
		CertFiles:
			- tls/ca.pem
AdminPasswordFile: adminpasswd
Listeners:
	local:
		IPs:
			- 127.0.0.1
		TLS:
			KeyCerts:
				-
					CertFile: tls/cert.pem
					KeyFile: tls/key.pem
		IMAP:
			Enabled: true
			Port: {port}
			NoRequireSTARTTLS: true
		IMAPS:
			Enabled: true
			Port: {tlsport}
Postmaster:
	Account: mox
	Mailbox: Inbox
`

const moxDomains = `Domains:
	localhost:
		LocalpartCatchallSeparator: +
Accounts:
	mox:
		Domain: localhost
		Destinations:
			mox@localhost: nil
		NoFirstTimeSenderDelay: true
`
