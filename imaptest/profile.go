package imaptest

import (
	"strings"

	server "github.com/go-imaplib/imap/internal/imaptest"
)

// Profile is a known server or service to imitate: the capabilities before and after login, the mailboxes, the texts and the
// order of answers, and the way of refusing too many connections. A capability that this package does not support is not
// offered.
type Profile string

// The profiles. They are based on captures of the services and on the servers of Debian 12; services may change.
const (
	Gmail          Profile = "Gmail"           // mailboxes below [Gmail]; capabilities come untagged at login
	ExchangeOnline Profile = "Exchange Online" // no ENABLE, CONDSTORE, ESEARCH or SPECIAL-USE; a space after STATUS; bodies come first
	Dovecot        Profile = "Dovecot"         // Dovecot 2.3: nearly everything
	Courier        Profile = "Courier"         // mailboxes below INBOX with dots; no UIDNEXT at SELECT, no ID, ESEARCH or MOVE
	Yahoo          Profile = "Yahoo"           // "Inbox"; no IDLE, ENABLE or ESEARCH; a space after SEARCH
	ICloud         Profile = "iCloud"          // ENABLE and an empty SEARCH are answered with OK alone; no MOVE or SPECIAL-USE
)

// look is the behavior of a profile.
type look struct {
	greetingCaps   bool
	tooMany        string // the answer to a connection beyond the limit; "": close it
	tooManyAtLogin bool   // answer at login, not instead of the greeting
	mailboxes      [][2]string
	style          server.Style
}

// furnish creates the mailboxes of an account of the service.
func (l *look) furnish(a *Account) {
	for _, m := range l.mailboxes {
		a.Create(m[0], m[1])
	}
}

var looks = map[Profile]look{
	"": {tooMany: "BYE [UNAVAILABLE] Too many connections"},
	Gmail: {
		tooMany: "NO [ALERT] Too many simultaneous connections. (Failure)", tooManyAtLogin: true,
		mailboxes: [][2]string{
			{"[Gmail]/All Mail", `\All`}, {"[Gmail]/Drafts", `\Drafts`}, {"[Gmail]/Important", `\Important`},
			{"[Gmail]/Sent Mail", `\Sent`}, {"[Gmail]/Spam", `\Junk`}, {"[Gmail]/Starred", `\Flagged`}, {"[Gmail]/Trash", `\Trash`},
		},
		style: server.Style{
			Greeting: "Gimap ready for requests from 127.0.0.1 i9if7359725qay.199",
			Before:   strings.Fields("IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 XYZZY SASL-IR AUTH=XOAUTH2 AUTH=PLAIN AUTH=PLAIN-CLIENTTOKEN AUTH=OAUTHBEARER"),
			After: strings.Fields("IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS COMPRESS=DEFLATE ENABLE MOVE " +
				"CONDSTORE ESEARCH UTF8=ACCEPT LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE APPENDLIMIT=35651584"),
			LoginCaps: server.CapsUntagged, LoggedIn: "user authenticated (Success)",
			BadLogin: "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", Completed: "Success",
		},
	},
	ExchangeOnline: {
		tooMany: "NO [LIMIT] Too many connections.", tooManyAtLogin: true,
		mailboxes: [][2]string{{"Archive", ""}, {"Deleted Items", ""}, {"Drafts", ""}, {"Junk Email", ""}, {"Outbox", ""}, {"Sent Items", ""}},
		style: server.Style{
			Greeting: "The Microsoft Exchange IMAP4 service is ready. [TQBXAEgAUABSADIAMQBDAEEAMAAwADYAMAAuAG4AYQBtAHAAcgBkADIAMQA=]",
			Before:   strings.Fields("IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+"),
			After: strings.Fields("IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CLIENTACCESSRULES " +
				"CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE CHILDREN IDLE NAMESPACE LITERAL+"),
			LoginCaps: server.CapsNot, LoggedIn: "AUTHENTICATE completed.", BadLogin: "NO AUTHENTICATE failed.",
			Unknown: "BAD Command Error. 12", Completed: "%s completed.", StatusSpace: true, BodyFirst: true,
		},
	},
	Dovecot: {
		greetingCaps: true,
		tooMany:      "NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)", tooManyAtLogin: true,
		style: server.Style{
			Greeting: "Dovecot (Debian) ready.",
			Before:   strings.Fields("IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS AUTH=PLAIN AUTH=LOGIN AUTH=OAUTHBEARER AUTH=XOAUTH2"),
			After: strings.Fields("IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS THREAD=ORDEREDSUBJECT " +
				"MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES " +
				"WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE COMPRESS=DEFLATE QUOTA"),
			LoginCaps: server.CapsUntagged,
			BadLogin:  "NO [AUTHENTICATIONFAILED] Authentication failed.", Unknown: "BAD Error in IMAP command: Unknown command.",
			Completed: "%s completed (0.001 + 0.000 secs).",
		},
	},
	Courier: {
		greetingCaps: true,
		mailboxes:    [][2]string{{"INBOX.Drafts", ""}, {"INBOX.Sent", ""}, {"INBOX.Trash", ""}},
		style: server.Style{
			Greeting: "Courier-IMAP ready. Copyright 1998-2019 Double Precision, Inc.  See COPYING for distribution information.",
			Before:   strings.Fields("IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE AUTH=PLAIN ACL STARTTLS ENABLE UTF8=ACCEPT"),
			After:    strings.Fields("IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE AUTH=PLAIN ACL ENABLE UTF8=ACCEPT"),

			LoginCaps: server.CapsNot, LoggedIn: "LOGIN Ok.", BadLogin: "NO Login failed.",
			Unknown: "NO Error in IMAP command received by server.", Completed: "%s completed",
			Delimiter: '.', Prefix: "INBOX.", QuotedNames: true, NoUIDNext: true,
		},
	},
	Yahoo: {
		greetingCaps: true,
		tooMany:      "NO [LIMIT] Too many simultaneous connections", tooManyAtLogin: true,
		mailboxes: [][2]string{{"Archive", ""}, {"Bulk", ""}, {"Draft", ""}, {"Sent", ""}, {"Trash", ""}},
		style: server.Style{
			Greeting: "IMAP4rev1 ready",
			Before:   strings.Fields("IMAP4rev1 ID NAMESPACE UIDPLUS LITERAL+ CHILDREN UNSELECT MOVE OBJECTID SASL-IR AUTH=PLAIN AUTH=LOGIN AUTH=XOAUTH2 AUTH=OAUTHBEARER"),
			After:    strings.Fields("IMAP4rev1 ID NAMESPACE UIDPLUS LITERAL+ CHILDREN UNSELECT MOVE OBJECTID"),
			BadLogin: "NO [AUTHENTICATIONFAILED] LOGIN Invalid credentials", Inbox: "Inbox", QuotedNames: true, SearchSpace: true,
		},
	},
	ICloud: {
		greetingCaps: true,
		tooMany:      "BYE Too many connections",
		mailboxes:    [][2]string{{"Archive", ""}, {"Deleted Messages", ""}, {"Drafts", ""}, {"Junk", ""}, {"Notes", ""}, {"Sent Messages", ""}},
		style: server.Style{
			Greeting: "(2428B47-26126cfe23cd) p00-iscream-f9f7bf749-qjr87",
			Before:   strings.Fields("XAPPLEPUSHSERVICE IMAP4 IMAP4rev1 SASL-IR AUTH=ATOKEN AUTH=PLAIN AUTH=ATOKEN2 AUTH=XOAUTH2"),
			After: strings.Fields("XAPPLEPUSHSERVICE IMAP4 IMAP4rev1 CONDSTORE ENABLE QRESYNC QUOTA XAPPLELITERAL NAMESPACE UIDPLUS CHILDREN BINARY UNSELECT SORT " +
				"CATENATE URLAUTH LANGUAGE ESEARCH ESORT THREAD=ORDEREDSUBJECT THREAD=REFERENCES CONTEXT=SEARCH CONTEXT=SORT WITHIN SASL-IR SEARCHRES METADATA ID " +
				"XMSEARCH X-SUN-SORT ANNOTATE-EXPERIMENT-1 MULTISEARCH IDLE LIST-STATUS"),
			LoginCaps: server.CapsNot, LoggedIn: "user authenticated", Completed: "%s completed (took 0 ms)",
			SilentEnable: true, SilentSearch: true,
		},
	},
}
