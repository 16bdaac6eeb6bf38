package imaptest

import (
	"slices"
	"strings"
)

// Style describes details in which the answers of servers differ. The zero value is the default.
type Style struct {
	Greeting    string   // text of the greeting
	Before      []string // capabilities announced before login; nil: what is implemented
	After       []string // and after it
	LoginCaps   int      // how capabilities are sent at login: CapsInCode, CapsUntagged, CapsNot
	LoggedIn    string   // text of the OK of a login
	BadLogin    string   // answer to wrong credentials, "NO ..."
	Unknown     string   // answer to an unknown command, "BAD ..."
	Completed   string   // text of an OK, in which %s is the command
	Inbox       string   // how INBOX is spelled
	Delimiter   byte     // between the levels of mailbox names, "/"
	Prefix      string   // prefix of the names of all mailboxes but INBOX
	QuotedNames bool     // mailbox names are always quoted

	LimitByNo    bool // a partial result (MESSAGELIMIT) is answered with NO instead of OK
	LimitNoUID   bool // and without the lowest processed UID
	NoUIDNext    bool // SELECT sends no UIDNEXT (Courier)
	SilentEnable bool // ENABLE is answered with OK alone (iCloud)
	SilentSearch bool // so is a SEARCH without a match (iCloud)
	SearchSpace  bool // SEARCH ends with a space (Yahoo)
	StatusSpace  bool // STATUS ends with a space (Exchange)
	BodyFirst    bool // FETCH sends bodies before all other items, also the UID (Exchange, mail.ru)
}

// How capabilities are sent at login.
const (
	CapsInCode = iota
	CapsUntagged
	CapsNot
)

// markers are capabilities that do not correspond to a command.
var markers = []string{
	"IMAP4", "XYZZY", "I18NLEVEL=1", "LOGIN-REFERRALS", "CLIENTACCESSRULES", "CLIENTNETWORKPRESENCELOCATION",
	"BACKENDAUTHENTICATE", "XAPPLEPUSHSERVICE", "XAPPLELITERAL",
	"AUTH=PLAIN", "AUTH=LOGIN", "AUTH=XOAUTH2", "AUTH=OAUTHBEARER", "STARTTLS", "LOGINDISABLED",
}

// Implemented returns those of the capabilities that the server implements.
func Implemented(caps []string) []string {
	return slices.DeleteFunc(slices.Clone(caps), func(c string) bool {
		return !slices.Contains(defaultCaps, c) && !slices.Contains(markers, c) && !slices.Contains(MoreCaps, c) && !slices.Contains(AloneCaps, c) &&
			!strings.HasPrefix(c, "APPENDLIMIT=")
	})
}

// disableOthers disables the capabilities that the style does not announce.
func (s *Server) disableOthers() {
	st := &s.opts.Style
	if st.After == nil {
		return
	}
	for _, c := range slices.Concat(defaultCaps, []string{"STARTTLS", "AUTH=PLAIN", "AUTH=LOGIN", "AUTH=XOAUTH2", "AUTH=OAUTHBEARER"}) {
		has := func(list []string) bool {
			return slices.ContainsFunc(list, func(o string) bool {
				return strings.EqualFold(o, c) || c == "APPENDLIMIT" && strings.HasPrefix(o, "APPENDLIMIT=")
			})
		}
		if !has(st.Before) && !has(st.After) {
			s.disabled[upper(c)] = true
		}
	}
}

func orElse(text, def string) string {
	if text == "" {
		return def
	}
	return text
}

// answer returns a reply made from "NO text".
func answer(text, def string) *reply {
	status, rest, _ := strings.Cut(orElse(text, def), " ")
	return &reply{status, rest}
}

// delimiter returns the hierarchy delimiter on the wire; in the store it is "/".
func (s *Server) delimiter() byte {
	if d := s.opts.Style.Delimiter; d != 0 {
		return d
	}
	return '/'
}

// swap exchanges the delimiters of the wire and of the store in a name.
func swap(name string, delimiter byte) string {
	if delimiter == '/' || delimiter == 0 {
		return name
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case rune(delimiter):
			return '/'
		case '/':
			return rune(delimiter)
		}
		return r
	}, name)
}

// StoreName returns the name in the store for a name used by clients.
func (s *Server) StoreName(name string) string { return canonical(swap(name, s.delimiter())) }

// WireName returns the name used by clients for a name in the store.
func (s *Server) WireName(name string) string {
	if inbox := s.opts.Style.Inbox; name == "INBOX" && inbox != "" {
		return inbox
	}
	return swap(name, s.delimiter())
}

// isMisplaced reports whether a mailbox with that name must not be created.
func (s *Server) isMisplaced(name string) bool {
	prefix := s.opts.Style.Prefix
	return prefix != "" && !strings.HasPrefix(s.WireName(name), prefix)
}
