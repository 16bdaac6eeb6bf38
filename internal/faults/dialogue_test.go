package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
)

// dialogue is a short exchange about one command, for the tests that disturb it.
type dialogue struct {
	name   string
	state  setup
	script string
	call   func(ctx context.Context, c *imap.Client) (any, error)
	// closes: the call expects the server to close the connection.
	closes bool
	// final is the part of the script, from its end, that the call does not need, because its answer is complete before.
	final string
	// cuts: a cancelled call may have announced bytes that are not sent any more, or left an unfinished login or the user unknown, so that it
	// closes the connection.
	cuts bool
	// raw: the script is not what is on the wire: it is compressed, and the last bytes are an end mark.
	raw bool
}

// setup is the state in which a dialogue begins.
type setup int

const (
	inMailbox setup = iota // a mailbox of five messages is selected
	inAccount              // logged in
	inClear                // before login
)

// bareCaps are those of a server without extensions.
const bareCaps = "IMAP4rev1"

// greetingLine is the greeting of a server that lists its capabilities.
func (x *dialogue) greetingLine() string {
	caps := faultCaps
	if words, rest, ok := strings.Cut(x.script, "\n"); ok && strings.HasPrefix(words, "CAPS ") {
		caps, x.script = strings.TrimPrefix(words, "CAPS "), rest
	}
	word := "PREAUTH"
	if x.state == inClear {
		word = "OK"
	}
	return "S: * " + word + " [CAPABILITY " + caps + "] hi\n"
}

// faultCaps are the capabilities of the server of the dialogues.
const faultCaps = testkit.WireCaps + " SORT ESORT THREAD=REFERENCES ACL QUOTA QUOTASET METADATA COMPRESS=DEFLATE AUTH=CRAM-MD5 XLIST UNSELECT ESEARCH " +
	"MULTIAPPEND CATENATE REPLACE APPENDLIMIT"

// fullScript is the dialogue with its greeting and its setup.
func (x dialogue) fullScript() string {
	text := x.greetingLine()
	if x.state == inMailbox {
		text += "C: $ SELECT INBOX\nS: * 5 EXISTS\nS: $ OK [READ-WRITE] in\n"
	}
	return text + x.script
}

// run is the whole dialogue from the client's side.
func (x dialogue) run(ctx context.Context, c *imap.Client) (any, error) {
	if x.state == inMailbox {
		if _, err := c.Select(ctx, "INBOX", nil); err != nil {
			return nil, err
		}
	}
	return x.call(ctx, c)
}

// only makes a call of one that has no result.
func only(f func(ctx context.Context, c *imap.Client) error) func(context.Context, *imap.Client) (any, error) {
	return func(ctx context.Context, c *imap.Client) (any, error) { return nil, f(ctx, c) }
}

// rowsOf runs a loop to its end and returns what was yielded, also before an error.
func rowsOf(seq func(func(*imap.Message, error) bool)) (any, error) {
	var rows []string
	for m, err := range seq {
		if m == nil {
			return rows, err
		}
		rows = append(rows, rowText(m, err))
	}
	return rows, nil
}

func rowText(m *imap.Message, err error) string {
	s := fmt.Sprint(m.SeqNum, " ", m.UID, " ", m.Flags, " ", m.Size, " ", m.ModSeq, " ", err)
	for _, b := range m.Sections {
		s += fmt.Sprintf(" %v %q", b.Section, b.Bytes)
	}
	return s
}

// bodiesOf reads a stream to its end, of each body at most limit bytes.
func bodiesOf(seq func(func(*imap.MessageStream, error) bool), limit int64) (any, error) {
	var rows []string
	for m, err := range seq {
		if m == nil {
			return rows, err
		}
		for b, err := range m.Bodies() {
			if err != nil {
				return rows, err
			}
			data, err := io.ReadAll(io.LimitReader(b, limit))
			if err != nil {
				return rows, err
			}
			rows = append(rows, fmt.Sprintf("%v %d %q", b.Section, b.Size, data))
		}
		rows = append(rows, rowText(&m.Message, err))
	}
	return rows, nil
}

var header = imap.Section{Specifier: "HEADER"}

// dialogues are all methods that send something, and their use in loops and pipelines.
var dialogues = slices.Concat(accountDialogues, mailboxDialogues, loopDialogues, extensionDialogues, rareDialogues)

var accountDialogues = []dialogue{
	{name: "CAPABILITY", state: inAccount, script: "C: $ CAPABILITY\nS: * CAPABILITY IMAP4rev1 XYZZY\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			caps, err := c.Capability(ctx)
			return caps.Has("XYZZY"), err
		}},
	{name: "NOOP", state: inAccount, script: "C: $ NOOP\nS: * 6 EXISTS\nS: * 2 EXPUNGE\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			err := c.Noop(ctx)
			return c.Events(), err
		}},
	{name: "LOGOUT", state: inAccount, script: "C: $ LOGOUT\nS: * BYE see you\nS: $ OK done\n", closes: true,
		call: only(func(ctx context.Context, c *imap.Client) error { return c.Logout(ctx) })},
	{name: "ENABLE", state: inAccount, script: "C: $ ENABLE QRESYNC\nS: * ENABLED QRESYNC\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Enable(ctx, "QRESYNC") }},
	{name: "ID", state: inAccount, script: "C: $ ID (\"name\" {3+}\nC: a\nC: )\nS: * ID (\"name\" {3}\nS: a{1 \"x\" NIL)\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.ID(ctx, map[string]string{"name": "a\r\n"})
		}},
	{name: "NAMESPACE", state: inAccount, script: "C: $ NAMESPACE\nS: * NAMESPACE ((\"\" \"/\")) NIL NIL\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Namespace(ctx) }},
	{name: "SELECT", state: inAccount, script: "C: $ SELECT a\nS: * 1 EXISTS\nS: * OK [UIDVALIDITY 7] ok\nS: * FLAGS (\\Seen)\nS: $ OK [READ-ONLY] done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Select(ctx, "a", nil) }},
	{name: "EXAMINE", state: inAccount, script: "C: $ EXAMINE a\nS: * 1 EXISTS\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Examine(ctx, "a", nil) }},
	{name: "CREATE", state: inAccount, script: "C: $ CREATE a (USE (\\Sent))\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error {
			return c.Create(ctx, "a", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.AttrSent}})
		})},
	{name: "DELETE", state: inAccount, script: "C: $ DELETE a\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.Delete(ctx, "a") })},
	{name: "RENAME", state: inAccount, script: "C: $ RENAME a b\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.Rename(ctx, "a", "b") })},
	{name: "SUBSCRIBE", state: inAccount, script: "C: $ SUBSCRIBE a\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.Subscribe(ctx, "a") })},
	{name: "UNSUBSCRIBE", state: inAccount, script: "C: $ UNSUBSCRIBE a\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.Unsubscribe(ctx, "a") })},
	{name: "LIST", state: inAccount, script: "C: $ LIST \"\" *\nS: * LIST (\\Sent) \"/\" x\nS: * LIST () NIL {3}\nS: a b\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.List(ctx, "", "*", nil) }},
	{name: "LIST-STATUS", state: inAccount, script: "C: $ LIST \"\" % RETURN (CHILDREN SPECIAL-USE STATUS (MESSAGES))\nS: * LIST () \".\" a\nS: * STATUS a (MESSAGES 17)\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.List(ctx, "", "%", &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages}})
		}},
	{name: "LIST without LIST-STATUS", state: inAccount, script: "CAPS " + bareCaps + "\nC: $ LIST \"\" %\nS: * LIST () \".\" a\nS: $ OK done\nC: $ STATUS a (MESSAGES)\nS: * STATUS a (MESSAGES 17)\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.List(ctx, "", "%", &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages}})
		}},
	{name: "LSUB", state: inAccount, script: "C: $ LSUB \"\" *\nS: * LSUB () \".\" #news\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Lsub(ctx, "", "*") }},
	{name: "SpecialUse", state: inAccount, script: "C: $ LIST (SPECIAL-USE) \"\" * RETURN (CHILDREN SPECIAL-USE)\n" +
		"S: * LIST (\\Sent \\Drafts) \"/\" x\nS: * LIST (\\Trash \\Junk \\Archive) \"/\" y\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.SpecialUse(ctx) }},
	{name: "STATUS", state: inAccount, script: "C: $ STATUS a (MESSAGES)\nS: * STATUS a (MESSAGES 231)\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Status(ctx, "a", imap.StatusMessages) }},
	{name: "APPEND", state: inAccount, script: "C: $ APPEND a {5+}\nC: hello\nS: $ OK [APPENDUID 38505 3955] done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.Append(ctx, "a", imap.LiteralString("hello"), nil)
		}},
	{name: "APPEND that waits", state: inAccount, cuts: true, script: "CAPS " + bareCaps + "\nC: $ APPEND a {5}\nS: + go\nC: hello\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.Append(ctx, "a", imap.Literal{R: strings.NewReader("hello"), Size: 5}, nil)
		}},
	{name: "PROXYAUTH", state: inAccount, cuts: true, script: "C: $ PROXYAUTH a\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.ProxyAuth(ctx, "a") })},
	{name: "UNAUTHENTICATE", state: inAccount, script: "C: $ UNAUTHENTICATE\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.Unauthenticate(ctx) })},
	{name: "COMPRESS", state: inAccount, raw: true, script: "C: $ COMPRESS DEFLATE\nS: $ OK DEFLATE active\nC: $ NOOP\nS: * 3 EXISTS\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			if err := c.Compress(ctx); err != nil {
				return nil, err
			}
			err := c.Noop(ctx)
			return c.Events(), err
		}},
	{name: "LOGIN", state: inClear, final: "S: * CAPABILITY IMAP4rev1\nS: $ OK done\n", script: "C: $ LOGIN u \"pass\"\nS: $ OK in\nC: $ CAPABILITY\nS: * CAPABILITY IMAP4rev1\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.Login(ctx, "u", "pass") })},
	{name: "AUTHENTICATE PLAIN", state: inClear, script: "C: $ AUTHENTICATE PLAIN AHUAcGFzcw==\nS: $ OK [CAPABILITY IMAP4rev1] in\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.LoginPlain(ctx, "u", "pass") })},
	{name: "AUTHENTICATE CRAM-MD5", state: inClear, cuts: true, script: "C: $ AUTHENTICATE CRAM-MD5\nS: + PDFAYT4=\nC: dSA2Mjc3Mzk1ZmVjMThkNGVmM2QzMWMzZjllYjE2ZWI1Zg==\nS: $ OK [CAPABILITY IMAP4rev1] in\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.LoginCRAMMD5(ctx, "u", "pass") })},
	{name: "AuthenticatePassword", state: inClear, cuts: true, script: "CAPS IMAP4rev1 AUTH=PLAIN\nC: $ AUTHENTICATE PLAIN\nS: +\nC: AHUAcGFzcw==\nS: $ OK [CAPABILITY IMAP4rev1] in\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.AuthenticatePassword(ctx, "u", "pass") })},
	{name: "AUTHENTICATE given up", state: inClear, cuts: true, script: "CAPS IMAP4rev1 AUTH=X-TEST\nC: $ AUTHENTICATE X-TEST\nS: + Zm9v\nC: *\nS: $ BAD cancelled\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			err := c.Authenticate(ctx, testkit.Stubborn{})
			if errors.Is(err, testkit.ErrStubborn) {
				return "given up", nil
			}
			return nil, err
		}},
}

var mailboxDialogues = []dialogue{
	{name: "CLOSE", script: "C: $ CLOSE\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.CloseMailbox(ctx) })},
	{name: "UNSELECT", script: "C: $ UNSELECT\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.Unselect(ctx) })},
	{name: "CHECK", script: "C: $ CHECK\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.Check(ctx) })},
	{name: "RECENT", script: "C: $ NOOP\nS: * 3 RECENT\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Recent(ctx) }},
	{name: "FETCH", script: "C: $ FETCH 1:3 (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER])\n" +
		"S: * 1 FETCH (UID 9 FLAGS (\\Seen $x) RFC822.SIZE 12 BODY[HEADER] {7}\nS+: a: b\\r\\n\\n)\\r\\n\n" +
		"S: * 4 EXPUNGE\nS: * 2 FETCH (BODY[HEADER] \"\" UID 10 FLAGS ())\nS: * 2 FETCH (RFC822.SIZE 1)\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return rowsOf(c.Fetch(ctx, imap.SeqRange(1, 3), imap.FetchFlags, imap.FetchSize, header))
		}},
	{name: "UID FETCH", script: "C: $ UID FETCH 7:* (UID MODSEQ) (CHANGEDSINCE 5)\nS: * 1 FETCH (UID 9 MODSEQ (6))\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return rowsOf(c.Fetch(ctx, imap.UIDRange(7, 0), imap.FetchModSeq, imap.FetchChangedSince(5)))
		}},
	{name: "FetchOne", script: "C: $ UID FETCH 9 (UID ENVELOPE)\nS: * 1 FETCH (UID 9 ENVELOPE (NIL \"s\" ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL NIL \"<i>\"))\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.FetchOne(ctx, 9, imap.FetchEnvelope)
		}},
	{name: "SEARCH", script: "C: $ UID SEARCH RETURN (ALL) SUBJECT \"a\"\nS: * ESEARCH (TAG \"$\") UID ALL 3:5,8\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.Search(ctx, imap.Where().Subject("a"), nil)
		}},
	{name: "SEARCH of old", script: "CAPS " + bareCaps + "\nC: $ UID SEARCH ALL\nS: * SEARCH 4 5 9\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Search(ctx, imap.Where(), nil) }},
	{name: "SEARCH by number", script: "CAPS " + bareCaps + "\nC: $ SEARCH SEEN\nS: * SEARCH 1 2\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.SearchSeq(ctx, imap.Where().Seen(), nil)
		}},
	{name: "SEARCH BADCHARSET", script: "CAPS IMAP4rev1 LITERAL+\nC: $ UID SEARCH CHARSET UTF-8 TEXT {2+}\nC: ü\nS: $ NO [BADCHARSET (ISO-8859-1)] no\n" +
		"C: $ UID SEARCH CHARSET ISO-8859-1 TEXT {1+}\nC+: \\xfc\\r\\n\nS: * SEARCH 4\nS: $ OK\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.Search(ctx, imap.Where().Text("ü"), nil)
		}},
	{name: "STORE", script: "C: $ UID STORE 5:6 (UNCHANGEDSINCE 7) +FLAGS.SILENT (\\Seen)\nS: * 1 FETCH (UID 5 MODSEQ (8))\nS: $ OK [MODIFIED 6] done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.Store(ctx, imap.UIDRange(5, 6), imap.AddFlags(imap.FlagSeen), &imap.StoreOptions{Silent: true, UnchangedSince: 7})
		}},
	{name: "COPY", script: "C: $ UID COPY 1:2 a\nS: $ OK [COPYUID 38505 1:2 3956:3957] done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Copy(ctx, imap.UIDs(1, 2), "a") }},
	{name: "MOVE", script: "C: $ MOVE 1 a\nS: * OK [COPYUID 4 42 1202]\nS: * 1 EXPUNGE\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Move(ctx, imap.Seqs(1), "a") }},
	{name: "MOVE by COPY", script: "CAPS IMAP4rev1 UIDPLUS\nC: $ UID COPY 5 a\nS: $ OK [COPYUID 9 5 1] done\nC: $ UID STORE 5 +FLAGS.SILENT (\\Deleted)\nS: $ OK done\nC: $ UID EXPUNGE 5\nS: * 1 EXPUNGE\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Move(ctx, imap.UIDs(5), "a") }},
	{name: "EXPUNGE", script: "C: $ EXPUNGE\nS: * 3 EXPUNGE\nS: * 3 EXPUNGE\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Expunge(ctx) }},
	{name: "EXPUNGE that says VANISHED", script: "C: $ EXPUNGE\nS: * VANISHED 4:5\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Expunge(ctx) }},
	{name: "UID EXPUNGE", script: "C: $ UID EXPUNGE 4:5\nS: * VANISHED 4:5\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.UIDExpunge(ctx, imap.UIDRange(4, 5))
		}},
	{name: "Do", script: "C: $ UID XCMD (a NIL) {2+}\nC: hi\nS: * 3 XDATA {3}\nS+: bar baz\\r\\n\nS: $ OK [XCODE a] fine\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.Do(ctx, "UID XCMD", []any{"a", nil}, []byte("hi"))
		}},
}

// loopDialogues are loops, with commands inside, left early, and pipelines.
var loopDialogues = []dialogue{
	{name: "FetchStream", script: "C: $ UID FETCH 9:11 (UID BODY.PEEK[] FLAGS)\nS: * 1 FETCH (UID 9 BODY[] {6}\nS+: a\\r\\n)\\r\\n FLAGS (a))\\r\\n\n" +
		"S: * 2 FETCH (UID 10 BODY[] NIL FLAGS ())\nS: * 3 FETCH (FLAGS (b) UID 11 BODY[] {7}\nS+: streams MODSEQ (8))\\r\\n\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return bodiesOf(c.FetchStream(ctx, imap.UIDRange(9, 11), imap.Section{}, imap.FetchFlags), 100)
		}},
	{name: "FetchStream half read", script: "C: $ UID FETCH 9 (UID BODY.PEEK[])\nS: * 1 FETCH (UID 9 BODY[] {6}\nS+: a\\r\\n)\\r\\n)\\r\\n\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			rows, err := bodiesOf(c.FetchStream(ctx, imap.UIDs(9), imap.Section{}), 2)
			if err != nil {
				return rows, err
			}
			return rows, c.Noop(ctx)
		}},
	{name: "Fetch with a command inside", script: "C: $ UID FETCH 9:10 (UID FLAGS)\nS: * 1 FETCH (UID 9 FLAGS ())\nS: * 2 FETCH (UID 10 FLAGS ())\nS: $ OK done\n" +
		"C: $ UID STORE 9 +FLAGS (a)\nS: * 1 FETCH (UID 9 FLAGS (a))\nS: $ OK done\nC: $ UID STORE 10 +FLAGS (a)\nS: * 2 FETCH (UID 10 FLAGS (a))\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			var rows []string
			for m, err := range c.Fetch(ctx, imap.UIDRange(9, 10), imap.FetchFlags) {
				if m == nil {
					return rows, err
				}
				res, err := c.Store(ctx, imap.UIDs(m.UID), imap.AddFlags("a"), nil)
				if err != nil {
					return rows, err
				}
				rows = append(rows, rowText(m, nil))
				for _, changed := range res.Messages {
					rows = append(rows, rowText(changed, nil))
				}
			}
			return rows, nil
		}},
	{name: "Fetch left by break", script: "C: $ UID FETCH 9:10 (UID BODY.PEEK[])\nS: * 1 FETCH (UID 9 BODY[] {1}\nS: a)\nS: * 2 FETCH (UID 10 BODY[] {3}\nS+: *\\r\\n)\\r\\n\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			for m, err := range c.Fetch(ctx, imap.UIDRange(9, 10), imap.Section{}) {
				if err != nil {
					return nil, err
				}
				_ = m
				break
			}
			return nil, c.Noop(ctx)
		}},
	{name: "IDLE", script: "C: $ IDLE\nS: + idling\nS: * 6 EXISTS\nS: * 1 FETCH (FLAGS (\\Seen))\nC: DONE\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			events, err := testkit.EventsOf(c.Idle(ctx, nil), 2)
			if err != nil {
				return events, err
			}
			return events, c.Noop(ctx)
		}},
	{name: "IDLE with a command inside", script: "C: $ IDLE\nS: + idling\nS: * 6 EXISTS\nC: DONE\nS: $ OK done\nC: $ NOOP\nS: * 7 EXISTS\nS: $ OK done\nC: $ IDLE\nS: + idling\nS: * 8 EXISTS\nC: DONE\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			var counts []uint32
			for ev, err := range c.Idle(ctx, nil) {
				if err != nil {
					return counts, err
				}
				if e, ok := ev.(*imap.ExistsEvent); ok {
					counts = append(counts, e.Count)
				}
				if len(counts) == 1 {
					if err := c.Noop(ctx); err != nil {
						return counts, err
					}
				}
				if len(counts) == 3 {
					break
				}
			}
			return counts, c.Noop(ctx)
		}},
	{name: "IDLE in bursts", script: "C: $ IDLE\nS: + idling\nS: * 6 EXISTS\nC: DONE\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			var all []imap.Event
			for events, err := range c.IdleBursts(ctx, time.Nanosecond, nil) {
				if err != nil {
					return all, err
				}
				all = append(all, events...)
				break
			}
			return all, c.Noop(ctx)
		}},
	{name: "IDLE by NOOP", script: "CAPS " + bareCaps + "\nC: $ NOOP\nS: * 6 EXISTS\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			events, err := testkit.EventsOf(c.Idle(ctx, nil), 1)
			if err != nil {
				return events, err
			}
			return events, c.Noop(ctx)
		}},
	{name: "Pipeline", script: "C: $ NOOP\nC: $ UID FETCH 9 (UID FLAGS)\nC: $ STATUS a (MESSAGES)\n" +
		"S: $2 OK done\nS: * 1 FETCH (UID 9 FLAGS (x))\nS: $3 OK done\nS: * STATUS a (MESSAGES 3)\nS: $4 OK done\n",
		call: pipelineOfThree},
}

// pipelineOfThree has three commands under way at once.
func pipelineOfThree(ctx context.Context, c *imap.Client) (any, error) {
	var rows any
	var st *imap.Status
	p := c.Pipeline()
	p.Go(func(c *imap.Client) error { return c.Noop(ctx) })
	p.Go(func(c *imap.Client) (err error) {
		rows, err = rowsOf(c.Fetch(ctx, imap.UIDs(9), imap.FetchFlags))
		return err
	})
	p.Go(func(c *imap.Client) (err error) {
		st, err = c.Status(ctx, "a", imap.StatusMessages)
		return err
	})
	err := p.Wait()
	if err != nil {
		return nil, err
	}
	return []any{rows, st}, nil
}
