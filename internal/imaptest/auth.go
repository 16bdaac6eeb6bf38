package imaptest

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/hmac"
	"crypto/md5"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// defaultCaps are the implemented capabilities, except those that depend on the
// state of the connection.
var defaultCaps = []string{
	"IMAP4rev1", "LITERAL+", "SASL-IR", "ENABLE", "ID", "IDLE", "NAMESPACE",
	"UIDPLUS", "MOVE", "UNSELECT", "CHILDREN", "SPECIAL-USE",
	"CREATE-SPECIAL-USE", "LIST-EXTENDED", "LIST-STATUS", "LIST-MYRIGHTS",
	"LIST-METADATA", "STATUS=SIZE", "PARTIAL", "SEARCH=FUZZY",
	"ESEARCH", "SEARCHRES", "CONDSTORE", "QRESYNC", "MULTIAPPEND", "BINARY",
	"COMPRESS=DEFLATE", "WITHIN", "OBJECTID", "PREVIEW", "SAVEDATE",
	"UNAUTHENTICATE", "UTF8=ACCEPT", "APPENDLIMIT", "SORT", "SORT=DISPLAY", "ESORT",
	"THREAD=REFERENCES", "THREAD=ORDEREDSUBJECT", "QUOTA",
	"QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE", "QUOTASET", "ACL",
	"RIGHTS=kxte", "METADATA", "UIDONLY", "UIDBATCHES",
}

// caps returns what is advertised now.
func (s *session) caps() []string {
	list := slices.Clone(s.srv.opts.Caps)
	if st := &s.srv.opts.Style; list == nil && st.After != nil {
		list = slices.Clone(st.After)
		if s.user == nil {
			list = slices.Clone(st.Before)
		}
	}
	if list == nil {
		list = slices.Concat(defaultCaps, s.srv.opts.More)
		if s.user == nil {
			list = append(list, "STARTTLS", "AUTH=PLAIN", "AUTH=LOGIN")
			if s.srv.opts.OAuth {
				list = append(list, "AUTH=XOAUTH2", "AUTH=OAUTHBEARER")
			}
			if s.srv.opts.CRAMMD5 {
				list = append(list, "AUTH=CRAM-MD5")
			}
		}
	}
	if n := s.srv.opts.MessageLimit; n > 0 {
		list = append(list, fmt.Sprintf("MESSAGELIMIT=%d", n))
	}
	if n := s.srv.opts.SaveLimit; n > 0 {
		list = append(list, fmt.Sprintf("SAVELIMIT=%d", n))
	}
	if _, canTLS := s.netConn(); s.srv.opts.Caps == nil {
		list = slices.DeleteFunc(list, func(c string) bool {
			return c == "STARTTLS" && !canTLS || strings.HasPrefix(c, "AUTH=") && s.loginDisabled()
		})
		if s.user == nil && s.loginDisabled() {
			list = append(list, "LOGINDISABLED")
		}
	}
	return slices.DeleteFunc(list, func(c string) bool {
		c = upper(c)
		return s.srv.disabled[c] || s.tls && (c == "STARTTLS" || c == "LOGINDISABLED") ||
			s.deflate && c == "COMPRESS=DEFLATE"
	})
}

func (s *session) loginDisabled() bool { return s.srv.opts.LoginDisabled && !s.tls }

// capCode returns the response code with the capabilities and a space.
func (s *session) capCode() string {
	return "[CAPABILITY " + strings.Join(s.caps(), " ") + "] "
}

func cmdCapability(s *session, p *parser) error {
	if err := p.end(); err != nil {
		return err
	}
	s.untagged("CAPABILITY %s", strings.Join(s.caps(), " "))
	return nil
}

func cmdNoop(_ *session, p *parser) error { return p.end() }

func cmdLogout(s *session, p *parser) error {
	if err := p.end(); err != nil {
		return err
	}
	s.unselect()
	s.untagged("BYE imaptest logging out")
	s.done = true
	return nil
}

func cmdID(s *session, p *parser) error {
	p.sp()
	if !p.acceptWord("NIL") {
		p.list(func() {
			p.str()
			p.sp()
			p.nstring()
		})
	}
	if err := p.end(); err != nil {
		return err
	}
	s.untagged(`ID ("name" "imaptest" "vendor" "go-imaplib")`)
	return nil
}

func cmdStartTLS(s *session, p *parser) error {
	if err := p.end(); err != nil {
		return err
	}
	nc, isConn := s.netConn()
	if !isConn || s.tls {
		return bad("TLS is not available or active already")
	}
	conf, err := s.srv.cert.server()
	if err != nil {
		return no("No certificate")
	}
	s.after = func() error {
		s.setTransport(tls.Server(nc, conf))
		s.tls = true
		return nil
	}
	return ok("Begin TLS negotiation now")
}

func cmdLogin(s *session, p *parser) error {
	p.sp()
	name := p.astring()
	p.sp()
	password := p.astring()
	if err := p.end(); err != nil {
		return err
	}
	return s.login(name, password)
}

// login logs a user in. The caller must hold srv.mu.
func (s *session) login(name, password string) error {
	if s.loginDisabled() {
		return no("[PRIVACYREQUIRED] Credentials need TLS")
	}
	st := &s.srv.opts.Style
	if url := s.srv.opts.Referrals[name]; url != "" && s.srv.more("LOGIN-REFERRALS") {
		return no("[REFERRAL " + url + "] The user is on another server")
	}
	want, known := s.srv.passwords[name]
	if !known || want != password {
		return s.badLogin()
	}
	s.user = s.srv.userLocked(name)
	text := orElse(st.LoggedIn, "Logged in")
	switch st.LoginCaps {
	case CapsInCode:
		text = s.capCode() + text
	case CapsUntagged:
		s.untagged("CAPABILITY %s", strings.Join(s.caps(), " "))
	}
	return ok(text)
}

func (s *session) badLogin() error {
	return answer(s.srv.opts.Style.BadLogin, "NO [AUTHENTICATIONFAILED] Invalid credentials")
}

func cmdAuthenticate(s *session, p *parser) error {
	p.sp()
	mech := p.word()
	var initial []byte
	if s.srv.disabled["SASL-IR"] || !p.accept(' ') {
		initial = nil
	} else if !p.accept('=') {
		initial = p.decodeBase64(p.run("base64", func(c byte) bool { return c > ' ' }))
	} else {
		initial = []byte{}
	}
	if err := p.end(); err != nil {
		return err
	}
	if s.srv.disabled["AUTH="+mech] {
		return no("Mechanism is disabled")
	}
	var name, password string
	var err error
	switch mech {
	case "PLAIN":
		name, password, err = s.authPlain(initial)
	case "LOGIN":
		name, password, err = s.authLogin(initial)
	case "CRAM-MD5":
		name, password, err = s.authCRAMMD5(initial)
	case "XOAUTH2":
		name, password, err = s.authXOAuth2(initial)
	case "OAUTHBEARER":
		name, password, err = s.authOAuthBearer(initial)
	default:
		return no("Unsupported mechanism")
	}
	if err != nil {
		return err
	}
	s.srv.mu.Lock()
	defer s.srv.mu.Unlock()
	return s.login(name, password)
}

func (p *parser) decodeBase64(s string) []byte {
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		p.fail("Syntax error: bad base64")
	}
	return data
}

// ask sends a challenge and returns the decoded response.
func (s *session) ask(challenge string) ([]byte, error) {
	s.out.WriteString("+ " + base64.StdEncoding.EncodeToString([]byte(challenge)) + "\r\n")
	if err := s.flush(); err != nil {
		return nil, err
	}
	line, err := s.readLine()
	if err != nil {
		return nil, err
	}
	text := string(bytes.TrimRight(line, "\r\n"))
	if text == "*" {
		return nil, bad("Authentication cancelled")
	}
	p := &parser{}
	data := p.decodeBase64(text)
	return data, p.end()
}

func (s *session) authPlain(data []byte) (name, password string, err error) {
	if data == nil {
		if data, err = s.ask(""); err != nil {
			return "", "", err
		}
	}
	parts := strings.Split(string(data), "\x00")
	if len(parts) != 3 {
		return "", "", bad("Malformed PLAIN response")
	}
	if parts[0] != "" && parts[0] != parts[1] {
		return "", "", no("[AUTHORIZATIONFAILED] Users cannot act for others")
	}
	return parts[1], parts[2], nil
}

func (s *session) authLogin(data []byte) (name, password string, err error) {
	if data == nil {
		if data, err = s.ask("Username:"); err != nil {
			return "", "", err
		}
	}
	secret, err := s.ask("Password:")
	return string(data), string(secret), err
}

// authCRAMMD5 requests proof of the password (RFC 2195).
func (s *session) authCRAMMD5(initial []byte) (name, password string, err error) {
	if !s.srv.opts.CRAMMD5 || initial != nil {
		return "", "", no("Unsupported mechanism")
	}
	answer, err := s.ask(s.cramChallenge())
	if err != nil {
		return "", "", err
	}
	return s.checkCRAMMD5(string(answer))
}

func (s *session) cramChallenge() string { return fmt.Sprintf("<%d.%s@imaptest>", s.id, s.tag) }

// checkCRAMMD5 returns the user and the password if the response to the challenge is right.
func (s *session) checkCRAMMD5(answer string) (name, password string, err error) {
	name, digest, _ := strings.Cut(answer, " ")
	s.srv.mu.Lock()
	want, known := s.srv.passwords[name]
	s.srv.mu.Unlock()
	if !known || digest != cramMD5(want, s.cramChallenge()) {
		return "", "", s.badLogin()
	}
	return name, want, nil
}

func cramMD5(password, challenge string) string {
	sum := hmac.New(md5.New, []byte(password))
	sum.Write([]byte(challenge))
	return hex.EncodeToString(sum.Sum(nil))
}

// cmdProxyAuth makes an administrator act as another user, as servers of Netscape and Sun do.
func cmdProxyAuth(s *session, p *parser) error {
	p.sp()
	name := p.astring()
	if err := p.end(); err != nil {
		return err
	}
	_, known := s.srv.passwords[name]
	admin := orElse(s.admin, s.user.name)
	switch {
	case len(s.srv.opts.Admins) == 0:
		return bad("Unknown command")
	case s.box != nil:
		return bad("PROXYAUTH is not valid while a mailbox is selected")
	case !known || !slices.Contains(s.srv.opts.Admins, admin):
		return no("[AUTHORIZATIONFAILED] Not allowed to act as this user")
	}
	s.unwatch()
	s.user, s.admin = s.srv.userLocked(name), admin
	return nil
}

func cmdUnauthenticate(s *session, p *parser) error {
	if err := p.end(); err != nil {
		return err
	}
	s.unselect()
	s.unwatch()
	s.user, s.admin = nil, ""
	clear(s.enabled)
	return nil
}

// enablable are the capabilities that change the protocol when enabled.
var enablable = []string{"CONDSTORE", "QRESYNC", "UTF8=ACCEPT", "UIDONLY", "IMAP4REV2", "OBJECTID+"}

func cmdEnable(s *session, p *parser) error {
	var list []string
	p.sp()
	for {
		c := p.word()
		if slices.Contains(enablable, c) && !s.srv.disabled[c] && !s.enabled[c] {
			list = append(list, c)
		}
		if !p.accept(' ') {
			break
		}
	}
	if err := p.end(); err != nil {
		return err
	}
	if s.box != nil {
		return bad("ENABLE is not valid while a mailbox is selected")
	}
	if s.srv.opts.Style.SilentEnable {
		s.enable(list)
		return nil
	}
	s.out.WriteString("* ENABLED")
	for _, c := range list {
		s.out.WriteString(" " + c)
	}
	s.enable(list)
	s.out.WriteString("\r\n")
	return nil
}

func (s *session) enable(list []string) {
	for _, c := range list {
		s.enabled[c] = true
		if c == "IMAP4REV2" {
			s.enabled["UTF8=ACCEPT"] = true // names and strings are UTF-8 in both
		}
		if c == "QRESYNC" {
			s.enabled["CONDSTORE"] = true
		}
	}
}

func cmdCompress(s *session, p *parser) error {
	p.sp()
	algorithm := p.word()
	if err := p.end(); err != nil {
		return err
	}
	if algorithm != "DEFLATE" {
		return bad("Unknown compression")
	}
	if s.deflate {
		return no("[COMPRESSIONACTIVE] DEFLATE active via COMPRESS")
	}
	s.after = func() error {
		w, err := flate.NewWriter(s.rwc, flate.DefaultCompression)
		if err != nil {
			return err
		}
		s.deflate = true
		s.w, s.flushW = w, w.Flush
		s.br = bufio.NewReader(flate.NewReader(s.br))
		return nil
	}
	return ok("DEFLATE active")
}
