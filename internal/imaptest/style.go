package imaptest

import (
	"slices"
	"strings"
)

// Style is how a server answers, where servers differ. The zero value is the server's own way.
type Style struct {
	Greeting    string   // text of the greeting
	Before      []string // capabilities announced before login; nil: what is implemented
	After       []string // and after it
	LoginCaps   int      // how capabilities are told at login: CapsInCode, CapsUntagged, CapsNot
	LoggedIn    string   // text of the OK of a login
	BadLogin    string   // answer to wrong credentials, "NO ..."
	Unknown     string   // answer to an unknown command, "BAD ..."
	Completed   string   // text of an OK, in which %s is the command
	Inbox       string   // how INBOX is spelled
	Delimiter   byte     // between the levels of mailbox names, "/"
	Prefix      string   // that the names of all mailboxes but INBOX have to begin with
	QuotedNames bool     // mailbox names are always quoted

	LimitByNo    bool // of a part of the messages alone (MESSAGELIMIT) it says NO in place of OK
	LimitNoUID   bool // and not down to which UID it went
	NoUIDNext    bool // SELECT does not say UIDNEXT (Courier)
	SilentEnable bool // ENABLE is answered by its OK alone (iCloud)
	SilentSearch bool // so is a SEARCH that finds nothing (iCloud)
	SearchSpace  bool // SEARCH ends with a space (Yahoo)
	StatusSpace  bool // STATUS ends with a space (Exchange)
}

// How capabilities are told at login.
const (
	CapsInCode = iota
	CapsUntagged
	CapsNot
)

// markers are capabilities that promise nothing that a command would show.
var markers = []string{
	"IMAP4", "XYZZY", "I18NLEVEL=1", "LOGIN-REFERRALS", "CLIENTACCESSRULES", "CLIENTNETWORKPRESENCELOCATION",
	"BACKENDAUTHENTICATE", "XAPPLEPUSHSERVICE", "XAPPLELITERAL",
	"AUTH=PLAIN", "AUTH=LOGIN", "AUTH=XOAUTH2", "AUTH=OAUTHBEARER", "STARTTLS", "LOGINDISABLED",
}

// Implemented returns those of the capabilities that the server does not announce in vain.
func Implemented(caps []string) []string {
	return slices.DeleteFunc(slices.Clone(caps), func(c string) bool {
		return !slices.Contains(defaultCaps, c) && !slices.Contains(markers, c) && !slices.Contains(MoreCaps, c) && !slices.Contains(AloneCaps, c) &&
			!strings.HasPrefix(c, "APPENDLIMIT=")
	})
}

// disableOthers makes what the style does not announce unknown.
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

// answer makes a reply of "NO text".
func answer(text, def string) *reply {
	status, rest, _ := strings.Cut(orElse(text, def), " ")
	return &reply{status, rest}
}

// delimiter is the hierarchy delimiter on the wire; in the store it is "/".
func (s *Server) delimiter() byte {
	if d := s.opts.Style.Delimiter; d != 0 {
		return d
	}
	return '/'
}

// swap exchanges the delimiter of the wire and that of the store in a name.
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

// StoreName is the name in the store of a mailbox that clients know by name.
func (s *Server) StoreName(name string) string { return canonical(swap(name, s.delimiter())) }

// WireName is the name by which clients know a mailbox of the store.
func (s *Server) WireName(name string) string {
	if inbox := s.opts.Style.Inbox; name == "INBOX" && inbox != "" {
		return inbox
	}
	return swap(name, s.delimiter())
}

// misplaced reports whether a mailbox of that name may not be made.
func (s *Server) misplaced(name string) bool {
	prefix := s.opts.Style.Prefix
	return prefix != "" && !strings.HasPrefix(s.WireName(name), prefix)
}
