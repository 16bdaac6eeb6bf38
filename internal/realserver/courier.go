package realserver

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// courier runs Courier IMAP 5. Its authentication daemon has two directories
// compiled in, so it runs in a mount namespace in which they are replaced, and in
// a pid namespace, so that all its processes end together.
type courier struct {
	prefix string // prefix of the paths of the programs of courier-imap
	made   int    // number of fresh users created so far
}

// freshCourierUsers is how many users are created at a time; each takes four runs of a program.
const freshCourierUsers = 20

const (
	courierLogin   = "/usr/lib/courier/courier/imaplogin"
	courierImapd   = "/usr/bin/imapd"
	courierTCP     = "/usr/sbin/couriertcpd"
	courierTLS     = "/usr/bin/couriertls"
	courierAuth    = "/usr/lib/courier/courier-authlib/authdaemond"
	courierHash    = "/usr/sbin/userdbpw"
	courierMakeDB  = "/usr/sbin/makeuserdb"
	courierMaildir = "/usr/bin/maildirmake.courier"
)

const courierCapabilities = "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE"

// find also tries the namespaces, which a locked-down container refuses.
func (c *courier) find() (string, error) {
	var err error
	if c.prefix, err = installed("courier-imap", courierLogin); err != nil {
		return "", err
	}
	for _, file := range []string{courierTCP, courierTLS, courierAuth, courierHash, courierMakeDB, courierMaildir} {
		if firstFile(file) == "" {
			return "", fmt.Errorf("%w: no %s", ErrNotInstalled, file)
		}
	}
	probe := append(courierNamespaces(), "/bin/true")
	if out, err := exec.Command(probe[0], probe[1:]...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: a mount namespace: %w: %s", ErrNotPermitted, err, bytes.TrimSpace(out))
	}
	out, err := exec.Command(c.prefix+courierImapd, "--version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	// "Courier 1.0.16 (Courier-IMAP 5.0.13)/..."
	_, version, _ := strings.Cut(string(out), "Courier-IMAP ")
	version, _, _ = strings.Cut(version, ")")
	return version, nil
}

func courierNamespaces() []string {
	return []string{"unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"}
}

func (c *courier) prepare(s *Server) error {
	s.Prefix, s.Delimiter = "INBOX.", "."
	s.Mechanisms = []string{"PLAIN", "CRAM-MD5", "CRAM-SHA1", "CRAM-SHA256"}
	// STARTTLS has the name of this user compiled in and fails for any other.
	var err error
	if s.as, err = lookupIdentity("courier"); err != nil {
		return err
	}
	if err := s.ca.write(filepath.Join(s.dir, "tls")); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "run/authdaemon"), 0o755); err != nil {
		return err
	}
	if err := writeFiles(s.dir, map[string]string{
		"etc/authdaemonrc": courierAuthConf,
		"etc/shared/index": "",
		"env":              strings.NewReplacer("{dir}", s.dir, "{capabilities}", courierCapabilities).Replace(courierEnv),
	}); err != nil {
		return err
	}
	s.users = fixedUsers()
	fresh := c.freshAccounts()
	if err := c.addUsers(s, slices.Concat(fresh, s.users)); err != nil {
		return err
	}
	s.fresh = fresh
	return nil
}

func (c *courier) freshAccounts() []account {
	var list []account
	for range freshCourierUsers {
		c.made++
		list = append(list, account{name: fmt.Sprintf("user%05d", c.made), password: randomPassword()})
	}
	return list
}

// addUsers makes the mailboxes of the users and adds them to the database,
// which the daemon opens again when it has been replaced.
func (c *courier) addUsers(s *Server, list []account) error {
	var lines strings.Builder
	for _, a := range list {
		home := filepath.Join(s.dir, "mail", a.name)
		if err := makeMaildir(home); err != nil {
			return err
		}
		fmt.Fprintf(&lines, "%s\tuid=%d|gid=%d|home=%s", a.name, s.as.uid, s.as.gid, home)
		for _, field := range [][2]string{{"systempw", "-md5"}, {"hmac-md5pw", "-hmac-md5"},
			{"hmac-sha1pw", "-hmac-sha1"}, {"hmac-sha256pw", "-hmac-sha256"}} {
			hash, err := runWith(a.password+"\n", courierHash, field[1])
			if err != nil {
				return err
			}
			lines.WriteString("|" + field[0] + "=" + hash)
		}
		lines.WriteByte('\n')
		if err := s.as.own(home); err != nil {
			return err
		}
	}
	path := filepath.Join(s.dir, "etc/userdb")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteString(lines.String()); err != nil {
		return err
	}
	if _, err := runWith("", courierMakeDB, "-f", path); err != nil {
		return err
	}
	return s.as.own(filepath.Dir(path))
}

// makeMaildir makes an empty mailbox with a quota of 4 GB below home.
func makeMaildir(home string) error {
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	dir := filepath.Join(home, "Maildir")
	if _, err := runWith("", courierMaildir, dir); err != nil {
		return err
	}
	_, err := runWith("", courierMaildir, "-q", "4000000000S,1000000C", dir)
	return err
}

// runWith runs a program with an input and returns its output.
func runWith(input, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s%s", name, err, out, errs.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

func (c *courier) newAccounts(s *Server) ([]account, error) {
	list := c.freshAccounts()
	return list, c.addUsers(s, list)
}

func (c *courier) configure(s *Server, port, tlsPort int) error {
	text := strings.NewReplacer("{dir}", s.dir, "{uid}", strconv.Itoa(s.as.uid), "{gid}", strconv.Itoa(s.as.gid),
		"{login}", c.prefix+courierLogin, "{imapd}", c.prefix+courierImapd, "{tcpd}", courierTCP, "{tls}", courierTLS,
		"{auth}", courierAuth, "{port}", strconv.Itoa(port), "{tlsport}", strconv.Itoa(tlsPort), "{strictport}", strconv.Itoa(s.strictPort)).Replace(courierScript)
	s.StrictAddr = fmt.Sprintf("127.0.0.1:%d", s.strictPort)
	return writeFiles(s.dir, map[string]string{"inner": text})
}

func (c *courier) command(s *Server) launchSpec {
	// unshare ignores SIGTERM. When it is killed, the first process of the
	// namespace ends, and so do all others. They have nothing to write before.
	return launchSpec{argv: append(courierNamespaces(), "/bin/sh", filepath.Join(s.dir, "inner")), stop: syscall.SIGKILL}
}

func (c *courier) started(*Server) error { return nil }

// stream needs neither the daemons nor the namespaces.
func (c *courier) stream(s *Server, user string) *exec.Cmd {
	home := filepath.Join(s.dir, "mail", user)
	cmd := exec.Command(c.prefix+courierImapd, "Maildir")
	cmd.Dir = home
	cmd.Env = []string{"PATH=" + systemPath, "HOME=" + home, "AUTHENTICATED=" + user,
		"IMAP_CAPABILITY=" + courierCapabilities, "IMAP_ACL=1", "IMAP_KEYWORDS=1", "IMAP_IDLE_TIMEOUT=1",
		"IMAP_USELOCKS=1", "IMAP_EMPTYTRASH=", "SENDMAIL=/bin/false"}
	setIdentity(cmd, s.as)
	return cmd
}

const courierAuthConf = `authmodulelist="authuserdb"
authmodulelistorig="authuserdb"
daemons=2
authdaemonvar=/run/courier/authdaemon
subsystem=mail
DEBUG_LOGIN=0
DEFAULTOPTIONS=""
LOGGEROPTS=""
`

const courierEnv = `ADDRESS=127.0.0.1
PATH=` + systemPath + `
IMAP_CAPABILITY="{capabilities} AUTH=CRAM-MD5 AUTH=CRAM-SHA1 AUTH=CRAM-SHA256 AUTH=PLAIN"
IMAP_CAPABILITY_TLS="{capabilities} AUTH=CRAM-MD5 AUTH=CRAM-SHA1 AUTH=CRAM-SHA256 AUTH=PLAIN"
IMAP_STARTTLS=YES
IMAP_TLS_REQUIRED=0
IMAP_ACL=1
IMAP_KEYWORDS=1
IMAP_IDLE_TIMEOUT=1
IMAP_ENHANCEDIDLE=0
IMAP_USELOCKS=1
IMAP_MAILBOX_SANITY_CHECK=0
IMAP_CHECK_ALL_FOLDERS=0
IMAP_OBSOLETE_CLIENT=0
IMAP_DISABLETHREADSORT=0
IMAP_UMASK=022
IMAP_SHAREDINDEXFILE=/etc/courier/shared/index
IMAP_TRASHFOLDERNAME=Trash
IMAP_EMPTYTRASH=
IMAP_MOVE_EXPUNGE_TO_TRASH=0
MAILDIRPATH=Maildir
HEADERFROM=X-IMAP-Sender
SENDMAIL=/bin/false
COURIERTLS=/usr/bin/couriertls
TLS_CERTFILE={dir}/tls/both.pem
TLS_TRUSTCERTS={dir}/tls/ca.pem
TLS_VERIFYPEER=NONE
`

// With IMAP_STARTTLS set, the TLS port would offer STARTTLS too. The script removes the socket of a killed server, because
// its existence shows that the new one is ready.
const courierScript = `set -eu
mount --bind {dir}/etc /etc/courier
mkdir -p /run/courier
mount --bind {dir}/run /run/courier
set -a
. {dir}/env
set +a
as="setpriv --reuid {uid} --regid {gid} --clear-groups --no-new-privs --"
tcpd="{tcpd} -address=127.0.0.1 -maxprocs=1000 -maxperip=1000 -nodnslookup -noidentlookup"
rm -f /run/courier/authdaemon/socket
$as {auth} &
i=0
while [ ! -S /run/courier/authdaemon/socket ] && [ $i -lt 200 ]; do sleep 0.05; i=$((i + 1)); done
$as $tcpd {port} {login} {imapd} Maildir &
IMAP_TLS_REQUIRED=1 $as $tcpd {strictport} {login} {imapd} Maildir &
IMAP_TLS=1 IMAP_STARTTLS= $as $tcpd {tlsport} {tls} -server -tcpd {login} {imapd} Maildir &
wait
`
