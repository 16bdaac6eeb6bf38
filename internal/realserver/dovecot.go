package realserver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// dovecot runs Dovecot 2.3, all of it as one unprivileged user.
type dovecot struct {
	master string // the daemon
	imap   string // the program that serves one connection
}

// freshDovecotUsers is how many users are created in advance: Dovecot notices a
// change of its password file only when its time in seconds has changed too.
const freshDovecotUsers = 10000

// QuotaUserLimit is the quota, in bytes, of the user that [Server.QuotaUser]
// returns.
const QuotaUserLimit = 64 << 10

const (
	quotaUser      = "dave"
	quotaPassword  = "secret-dave"
	movedUser      = "mike"
	masterUser     = "root"
	masterPassword = "secret-master"
	tokenKey       = "0123456789abcdef0123456789abcdef"
)

func (d *dovecot) find() (string, error) {
	d.master = firstFile("/usr/sbin/dovecot", "/usr/local/sbin/dovecot")
	d.imap = firstFile("/usr/lib/dovecot/imap", "/usr/libexec/dovecot/imap", "/usr/local/libexec/dovecot/imap")
	if d.master == "" || d.imap == "" {
		return "", fmt.Errorf("%w: the programs dovecot and imap are not there", ErrNotInstalled)
	}
	out, err := exec.Command(d.master, "--version").Output()
	if err != nil {
		return "", err
	}
	version, _, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	// The language of the configuration changed with 2.4.
	if !strings.HasPrefix(version, "2.3.") {
		return "", fmt.Errorf("%w: version 2.3 is needed, this is %s", ErrNotInstalled, version)
	}
	return version, nil
}

func (d *dovecot) prepare(s *Server) error {
	s.Mechanisms = []string{"PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256",
		"ANONYMOUS", "EXTERNAL", "OAUTHBEARER", "XOAUTH2"}
	s.users = fixedUsers()
	for i := range freshDovecotUsers {
		s.fresh = append(s.fresh, account{name: fmt.Sprintf("user%05d", i+1), password: randomPassword()})
	}
	quota := account{name: quotaUser, password: quotaPassword, quota: QuotaUserLimit}
	moved := account{name: movedUser, password: masterPassword, extra: "nologin=y host=" + MovedTo}
	var users strings.Builder
	for _, list := range [][]account{s.users, {quota, moved}, s.fresh} {
		for _, a := range list {
			extra := a.extra
			if a.quota != 0 {
				extra = "userdb_quota_rule=*:bytes=" + strconv.FormatInt(a.quota, 10)
			}
			fmt.Fprintf(&users, "%s:{PLAIN}%s::::::%s\n", a.name, a.password, extra)
		}
	}
	if err := s.ca.write(filepath.Join(s.dir, "tls")); err != nil {
		return err
	}
	return writeFiles(s.dir, map[string]string{
		"users":                      users.String(),
		"masters":                    masterUser + ":{PLAIN}" + masterPassword + "\n",
		"keys/default/HS256/default": base64.StdEncoding.EncodeToString([]byte(tokenKey)),
		"oauth2.conf":                strings.ReplaceAll(dovecotOAuth, "{dir}", s.dir),
		"public/dovecot-acl":         "anyone lrwstipekxa\n",
		"mail/.keep":                 "",
		"state/.keep":                "",
	})
}

func (d *dovecot) configure(s *Server, port, tlsPort int) error {
	text := strings.NewReplacer(
		"{dir}", s.dir, "{user}", s.as.user, "{group}", s.as.group,
		"{port}", strconv.Itoa(port), "{tlsport}", strconv.Itoa(tlsPort), "{strictport}", strconv.Itoa(s.strictPort),
	).Replace(dovecotConf)
	s.StrictAddr = fmt.Sprintf("127.0.0.2:%d", s.strictPort) // settings are per address, and Dovecot treats its own address as secure
	return writeFiles(s.dir, map[string]string{"dovecot.conf": text})
}

func (d *dovecot) command(s *Server) launchSpec {
	return launchSpec{argv: []string{d.master, "-F", "-c", filepath.Join(s.dir, "dovecot.conf")}, as: s.as, stop: syscall.SIGTERM}
}

func (d *dovecot) started(*Server) error { return nil }

func (d *dovecot) newAccounts(*Server) ([]account, error) {
	return nil, fmt.Errorf("all %d are taken", freshDovecotUsers)
}

// stream returns a command that looks the user up in the server, which must be running.
func (d *dovecot) stream(s *Server, user string) *exec.Cmd {
	cmd := exec.Command(d.imap, "-c", filepath.Join(s.dir, "dovecot.conf"), "-u", user)
	setIdentity(cmd, s.as)
	return cmd
}

// QuotaUser returns a user who may store at most limit bytes, or an error if the
// server has none.
func (s *Server) QuotaUser() (user, password string, limit int64, err error) {
	if s.Name != "dovecot" {
		return "", "", 0, errors.New("realserver: only dovecot has a user with a small quota")
	}
	return quotaUser, quotaPassword, QuotaUserLimit, nil
}

// MovedTo is the host to which the server refers the user of [Server.MovedUser].
const MovedTo = "127.0.0.9"

// MovedUser returns a user that the server refers to another server (RFC 2221).
// Both results are empty if the server does not support this.
func (s *Server) MovedUser() (user, password string) {
	if s.Name != "dovecot" {
		return "", ""
	}
	return movedUser, masterPassword
}

// MasterUser returns a user who may log in as any other one, whose name is then
// the SASL authorization identity. Both results are empty if none exists.
func (s *Server) MasterUser() (user, password string) {
	switch s.Name {
	case "dovecot":
		return masterUser, masterPassword
	case "cyrus":
		return cyrusMaster, masterPassword
	}
	return "", ""
}

// Token returns a bearer token with which user may log in by OAUTHBEARER and
// XOAUTH2 for an hour. Only dovecot accepts it.
func (s *Server) Token(user string) string { return webToken(user, tokenKey) }

// BadToken returns a token like [Server.Token] whose signature is wrong.
func (s *Server) BadToken(user string) string { return webToken(user, "not-"+tokenKey) }

// webToken is a JSON Web Token signed by HMAC.
func webToken(user, key string) string {
	now := time.Now().Unix()
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err) // maps of strings and numbers can always be encoded
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(map[string]any{"alg": "HS256", "typ": "JWT"}) + "." +
		part(map[string]any{"sub": user, "iss": "test", "iat": now - 60, "nbf": now - 60, "exp": now + 3600})
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

const dovecotOAuth = `introspection_mode = local
local_validation_key_dict = fs:posix:prefix={dir}/keys/
username_attribute = sub
username_format = %Lu
issuers = test
openid_configuration_url = https://localhost/.well-known/openid-configuration
`

// Every service runs as the one user, without a chroot, since the master is
// not root. The penalty socket with mode 0 and the delay of 0 keep failed logins
// from slowing down the next ones.
const dovecotConf = `protocols = imap
listen = 127.0.0.1
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
log_timestamp = "%Y-%m-%d %H:%M:%S.%{usecs} "
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
default_vsz_limit = 1G
first_valid_uid = 1
mail_uid = {user}
mail_gid = {group}
mail_home = {dir}/mail/%u
mail_max_userip_connections = 0

service anvil {
  chroot =
  client_limit = 4200
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
  client_limit = 4200
  unix_listener stats-writer {
    mode = 0666
  }
}
service auth {
  client_limit = 4200
  unix_listener auth-userdb {
    mode = 0666
  }
}
service imap-login {
  chroot =
  service_count = 0
  process_min_avail = 1
  process_limit = 2
  client_limit = 2000
  inet_listener imap {
    port = {port}
  }
  inet_listener imaps {
    port = {tlsport}
    ssl = yes
  }
  inet_listener strict {
    address = 127.0.0.2
    port = {strictport}
  }
}
service imap {
  process_limit = 2000
  process_min_avail = 1
  service_count = 256
}

mail_location = maildir:~/Maildir
mail_attribute_dict = file:%h/dovecot-attributes
mail_fsync = never
mail_plugins = $mail_plugins acl quota zlib notify listescape
mailbox_list_index = yes
mailbox_idle_check_interval = 1s
namespace inbox {
  inbox = yes
  separator = /
  mailbox Archive {
    auto = create
    special_use = \Archive
  }
  mailbox Drafts {
    auto = subscribe
    special_use = \Drafts
  }
  mailbox Junk {
    auto = create
    special_use = \Junk
  }
  mailbox Sent {
    auto = subscribe
    special_use = \Sent
  }
  mailbox Trash {
    auto = subscribe
    special_use = \Trash
  }
}
namespace other {
  type = shared
  separator = /
  prefix = Other/%%u/
  location = maildir:%%h/Maildir:INDEXPVT=~/shared/%%u
  subscriptions = no
  list = children
}
namespace public {
  type = public
  separator = /
  prefix = Public/
  location = maildir:{dir}/public:INDEXPVT=~/public
  subscriptions = no
  list = children
}
plugin {
  acl = vfile
  acl_shared_dict = file:{dir}/shared-mailboxes
  quota = count:User quota
  quota_rule = *:storage=4G:messages=1000000
  quota_vsizes = yes
}

protocol imap {
  mail_plugins = $mail_plugins imap_acl imap_quota imap_zlib
}
imap_metadata = yes
imap_id_retain = yes
imap_id_send = "name" * "version" *
imap_idle_notify_interval = 2 mins
imap_urlauth_host = localhost

ssl = yes
ssl_cert = <{dir}/tls/cert.pem
ssl_key = <{dir}/tls/key.pem
ssl_ca = <{dir}/tls/ca.pem
ssl_require_crl = no
ssl_verify_client_cert = yes
ssl_min_protocol = TLSv1.2
ssl_cert_username_field = commonName
auth_ssl_username_from_cert = yes

disable_plaintext_auth = no
local 127.0.0.2 {
  disable_plaintext_auth = yes
  protocol imap {
    imap_literal_minus = yes
  }
}
auth_mechanisms = plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256 anonymous external oauthbearer xoauth2
auth_anonymous_username = anonymous
auth_username_format = %Lu
auth_realms = localhost
auth_failure_delay = 0
auth_master_user_separator = *
auth_cache_size = 0
passdb {
  driver = passwd-file
  args = {dir}/masters
  master = yes
  result_success = continue
}
passdb {
  driver = static
  mechanisms = external
  args = nopassword=y
}
passdb {
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = {dir}/oauth2.conf
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%Ln {dir}/users
}
userdb {
  driver = passwd-file
  args = username_format=%Ln {dir}/users
  default_fields = home={dir}/mail/%Ln
}
userdb {
  driver = static
  args = home={dir}/mail/%Ln allow_all_users=yes
}
`
