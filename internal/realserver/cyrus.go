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

// cyrus runs Cyrus IMAP 3 under an unprivileged user.
type cyrus struct {
	prefix    string // before the paths of the programs of cyrus-imapd
	passwords string // the program that manages the passwords
	made      int    // fresh users so far
}

// freshCyrusUsers is how many users are created at a time; each takes a few milliseconds.
const freshCyrusUsers = 40

const (
	cyrusBin    = "/usr/lib/cyrus/bin/"
	cyrusMaster = "cyrus" // administrator and proxy user
)

func (c *cyrus) find() (string, error) {
	var err error
	if c.prefix, err = installed("cyrus-imapd", cyrusBin+"imapd"); err != nil {
		return "", err
	}
	if _, err = installed("cyrus-common", cyrusBin+"master"); err != nil {
		return "", err
	}
	if c.passwords = firstFile("/usr/sbin/saslpasswd2", "/usr/bin/saslpasswd2"); c.passwords == "" {
		return "", fmt.Errorf("%w: no saslpasswd2", ErrNotInstalled)
	}
	out, err := exec.Command(cyrusBin+"master", "-V").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "cyrus-imapd "), nil
}

func (c *cyrus) prepare(s *Server) error {
	s.Mechanisms = []string{"PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512",
		"SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS", "ANONYMOUS", "EXTERNAL"}
	for _, dir := range []string{"spool", "var/db", "var/proc", "var/log", "var/msg", "var/ptclient", "var/socket",
		"var/user", "var/quota", "var/lock", "var/tmp"} {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o755); err != nil {
			return err
		}
	}
	if err := s.ca.write(filepath.Join(s.dir, "tls")); err != nil {
		return err
	}
	s.users = fixedUsers()
	fresh := c.freshAccounts()
	master := account{name: cyrusMaster, password: masterPassword}
	if err := c.addPasswords(s, slices.Concat(fresh, s.users, []account{master})); err != nil {
		return err
	}
	s.fresh = fresh
	text := strings.NewReplacer("{dir}", s.dir, "{user}", s.as.user).Replace(cyrusConf)
	return writeFiles(s.dir, map[string]string{"imapd.conf": text})
}

func (c *cyrus) freshAccounts() []account {
	var list []account
	for range freshCyrusUsers {
		c.made++
		list = append(list, account{name: fmt.Sprintf("user%05d", c.made), password: randomPassword()})
	}
	return list
}

// addPasswords adds users to a copy of the password database and puts it in
// the place of the old one, which the server opens for each login: it never
// sees half a change. The mailboxes are made at the first login.
func (c *cyrus) addPasswords(s *Server, list []account) error {
	path := filepath.Join(s.dir, "sasldb2")
	old, err := os.ReadFile(path)
	switch {
	case err == nil:
		if err := os.WriteFile(path+".new", old, 0o600); err != nil {
			return err
		}
	case !os.IsNotExist(err):
		return err
	}
	for _, a := range list {
		cmd := exec.Command(c.passwords, "-p", "-c", "-f", path+".new", "-u", "localhost", a.name)
		cmd.Stdin = strings.NewReader(a.password)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("saslpasswd2: %w: %s", err, bytes.TrimSpace(out))
		}
	}
	if err := s.as.own(path + ".new"); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (c *cyrus) newAccounts(s *Server) ([]account, error) {
	list := c.freshAccounts()
	return list, c.addPasswords(s, list)
}

func (c *cyrus) configure(s *Server, port, tlsPort int) error {
	text := strings.NewReplacer("{dir}", s.dir, "{common}", cyrusBin, "{bin}", c.prefix+cyrusBin,
		"{port}", strconv.Itoa(port), "{tlsport}", strconv.Itoa(tlsPort), "{strictport}", strconv.Itoa(s.strictPort)).Replace(cyrusServices)
	s.StrictAddr = fmt.Sprintf("127.0.0.1:%d", s.strictPort)
	return writeFiles(s.dir, map[string]string{"cyrus.conf": text})
}

func (c *cyrus) command(s *Server) launchSpec {
	return launchSpec{as: s.as, stop: syscall.SIGTERM, argv: []string{cyrusBin + "master", "-D", "-C", filepath.Join(s.dir, "imapd.conf"),
		"-M", filepath.Join(s.dir, "cyrus.conf"), "-p", filepath.Join(s.dir, "master.pid")}}
}

func (c *cyrus) started(*Server) error { return nil }

// stream: imapd serves only as a child of master.
func (c *cyrus) stream(*Server, string) *exec.Cmd { return nil }

// Without a security layer, DIGEST-MD5 does not wrap the connection.
const cyrusConf = `cyrus_user: {user}
servername: localhost
syslog_prefix: test
configdirectory: {dir}/var
defaultpartition: default
partition-default: {dir}/spool
proc_path: {dir}/var/proc
mboxname_lockpath: {dir}/var/lock
temp_path: {dir}/var/tmp
idlesocket: {dir}/var/idle
notifysocket: {dir}/var/notify
lmtpsocket: {dir}/var/lmtp
duplicatesuppression: no
skiplist_unsafe: yes
statuscache: on
search_engine: none

admins: cyrus
altnamespace: yes
unixhierarchysep: yes
virtdomains: off
conversations: yes
annotation_allow_undefined: yes
allowusermoves: yes
expunge_mode: immediate
delete_mode: immediate
autocreate_post: yes
autocreate_quota: 4194304
autocreate_inbox_folders: Archive|Drafts|Junk|Sent|Trash
autocreate_subscribe_folders: Drafts|Sent|Trash
xlist-archive: Archive
xlist-drafts: Drafts
xlist-junk: Junk
xlist-sent: Sent
xlist-trash: Trash
specialuse_extra: \Important

imapidlepoll: 5
timeout: 30
maxlogins_per_host: 0
maxlogins_per_user: 0
maxword: 131072
maxquoted: 131072

allowplaintext: yes
strict_allowplaintext: no
strict_annotation_enable_legacy_commands: yes
allowanonymouslogin: yes
failedloginpause: 0
loginuseacl: no
proxyservers: cyrus
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {dir}/sasldb2
sasl_mech_list: PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-512 ANONYMOUS EXTERNAL
sasl_maximum_layer: 0

tls_server_cert: {dir}/tls/cert.pem
tls_server_key: {dir}/tls/key.pem
tls_client_ca_file: {dir}/tls/ca.pem
tls_client_certs: optional
tls_versions: tls1_2 tls1_3
`

const cyrusServices = `START {
  recover cmd="{common}ctl_cyrusdb -C {dir}/imapd.conf -r"
}
SERVICES {
  imap cmd="{bin}imapd -C {dir}/imapd.conf" listen="127.0.0.1:{port}" prefork=1 maxchild=1000 maxfds=4096
  imaps cmd="{bin}imapd -C {dir}/imapd.conf -s" listen="127.0.0.1:{tlsport}" prefork=1 maxchild=1000 maxfds=4096
  strict cmd="{bin}imapd -C {dir}/imapd.conf" listen="127.0.0.1:{strictport}" prefork=1 maxchild=1000 maxfds=4096
}
EVENTS {
}
DAEMON {
  idled cmd="{bin}idled -C {dir}/imapd.conf"
}
`
