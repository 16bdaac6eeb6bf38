package realserver

import (
	"bufio"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	mrand "math/rand/v2"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// An identity is the user that a server runs as.
type identity struct {
	uid, gid    int
	user, group string
	drop        bool // this process is root and must change to it
}

// unprivileged returns the user "nobody" if this process is root, since most
// servers refuse to handle mail as root, and otherwise the current user.
func unprivileged() (identity, error) {
	if os.Getuid() == 0 {
		return lookupIdentity("nobody")
	}
	u, err := user.Current()
	if err != nil {
		return identity{}, err
	}
	return newIdentity(u)
}

func lookupIdentity(name string) (identity, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return identity{}, err
	}
	return newIdentity(u)
}

func newIdentity(u *user.User) (identity, error) {
	id := identity{user: u.Username, drop: os.Getuid() == 0}
	var err error
	if id.uid, err = strconv.Atoi(u.Uid); err != nil {
		return id, fmt.Errorf("user %s: %w", u.Username, err)
	}
	if id.gid, err = strconv.Atoi(u.Gid); err != nil {
		return id, fmt.Errorf("user %s: %w", u.Username, err)
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		return id, err
	}
	id.group = g.Name
	return id, nil
}

// own gives path, and what is below it, to the identity.
func (id identity) own(path string) error {
	if !id.drop {
		return nil
	}
	return filepath.WalkDir(path, func(p string, _ fs.DirEntry, err error) error {
		// A running server may create and remove files at any time.
		if err == nil {
			err = os.Lchown(p, id.uid, id.gid)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// maxDir is the longest path of a directory. It leaves room for the names of
// sockets, whose paths are limited to 108 bytes.
const maxDir = 70

// makeDir creates the directory of a server in a place that every user can access.
func makeDir() (string, error) {
	base := os.TempDir()
	if !reachable(base) || len(base) > maxDir-20 {
		base = "/tmp"
	}
	base, err := filepath.EvalSymlinks(base)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(base, "imapd-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// reachable reports whether other users can access dir through its parents.
func reachable(dir string) bool {
	if os.Getuid() != 0 {
		return true
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// freePorts returns n unused loopback ports below the range that the kernel uses
// for outgoing connections.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range 200 {
		port := 20000 + mrand.IntN(12000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		// Closed only at the end, so that no port is returned twice.
		defer l.Close()
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("no free port")
}

// waitReady waits for the greeting on both ports. The TLS handshake also shows
// that the port belongs to this server, since only it has the certificate.
func (s *Server) waitReady(p *process, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		err := s.probe()
		if !p.alive() {
			return errors.New("it ended while starting")
		}
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("it is not ready: %w", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (s *Server) probe() error {
	conn, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return err
	}
	if err := sayHello(conn); err != nil {
		return err
	}
	conn, err = net.DialTimeout("tcp", s.TLSAddr, time.Second)
	if err != nil {
		return err
	}
	return sayHello(tls.Client(conn, s.ClientTLS()))
}

// sayHello reads the greeting, logs out and waits for the end, so that no
// half-open connection is left to the server's limits.
func sayHello(conn net.Conn) error {
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "* OK") {
		return fmt.Errorf("greeting %q", line)
	}
	if _, err := conn.Write([]byte("x LOGOUT\r\n")); err != nil {
		return err
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil || strings.HasPrefix(line, "x ") {
			return err
		}
	}
}

// firstFile returns the first of the paths that is a file, or "".
func firstFile(paths ...string) string {
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			return p
		}
	}
	return ""
}

// systemPath is the search path for the servers and their helpers.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// unpackedDir is where .ci/run unpacks the IMAP daemons that Debian does not
// allow to be installed side by side, each in a directory of its own.
const unpackedDir = "/opt/imapd/"

// installed returns the path of a file of the Debian package pkg, and its
// prefix if the package is only unpacked.
func installed(pkg, file string) (prefix string, err error) {
	for _, prefix := range []string{"", unpackedDir + pkg} {
		if firstFile(prefix+file) != "" {
			return prefix, nil
		}
	}
	return "", fmt.Errorf("%w: no %s", ErrNotInstalled, file)
}

// randomPassword is an atom, so that it passes through LOGIN without quotes.
func randomPassword() string { return "pw-" + strings.ToLower(rand.Text()) }

// specialPassword has characters that need care in quoted strings, configuration
// files and SASL: a quote, a backslash, a space and two umlauts.
const specialPassword = "p\u00e4\"ss\\w\u00f6rd x"

// fixedUsers are the accounts that [Server.User] returns.
func fixedUsers() []account {
	return []account{
		{name: "alice", password: "secret-alice"},
		{name: "bob", password: "secret-bob"},
		{name: "carol", password: specialPassword},
	}
}
