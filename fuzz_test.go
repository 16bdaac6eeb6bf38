package imap

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The targets below check more than "no panic": a result is never larger than its input allows, an error has a position and
// shows no mail, and a value that is read and written again reads the same. The corpus and the examples of the RFCs are the
// seeds; findings are in testdata/fuzz.

// maxFuzzed limits the input, so that a target runs often.
const maxFuzzed = 64 << 10

// seedCorpus adds the responses of the corpus that contain a word.
func seedCorpus(f *testing.F, word string) {
	f.Helper()
	for _, dir := range []string{"imap-codec", "imapclient", "imaptest", "net-imap"} {
		text, err := os.ReadFile("testdata/corpus/" + dir + "/cases.jsonl")
		if err != nil {
			f.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var c struct {
				Wire []byte `json:"wire_base64"`
			}
			if err := json.Unmarshal(line, &c); err != nil {
				f.Fatal(err)
			}
			if i := bytes.Index(bytes.ToUpper(c.Wire), []byte(word)); i >= 0 && len(c.Wire) < 4<<10 {
				f.Add(bytes.TrimRight(c.Wire[i+len(word):], "\r\n"))
			}
		}
	}
}

// responseOf is a response whose data is text.
func responseOf(text []byte) *response {
	r := &response{parser: *parserFor(text), kind: kindUntagged}
	r.max = defaultDepth
	return r
}

// checkParsed checks what holds for every parser.
func checkParsed(t *testing.T, p *parser, err error) {
	t.Helper()
	if p.pos < 0 || p.pos > len(p.text) {
		t.Fatalf("position %d of %d", p.pos, len(p.text))
	}
	if err == nil {
		return
	}
	if e, ok := errors.AsType[*ProtocolError](err); ok {
		if e.Offset < 0 || e.Offset > int64(len(p.text)) {
			t.Fatalf("offset %d of %d", e.Offset, len(p.text))
		}
		if strings.Trim(strings.ToLower(e.Excerpt), "x9 !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") != "" || len(e.Excerpt) > 64 {
			t.Fatalf("excerpt %q", e.Excerpt)
		}
		return
	}
	if _, ok := errors.AsType[*LimitError](err); !ok {
		t.Fatalf("an error of type %T: %v", err, err)
	}
}

// again checks that what was rendered from a value reads as that value.
func again[T any](t *testing.T, text string, want T, parse func(*response) (T, error)) {
	t.Helper()
	got, err := parse(responseOf([]byte(text)))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q:\n got %+v\nwant %+v", text, got, want)
	}
}

func FuzzStatusLine(f *testing.F) {
	for _, s := range []string{"* OK [CAPABILITY IMAP4rev1] hi", "A1 NO [TRYCREATE] no", "* BYE", "* OK [PERMANENTFLAGS (a [b] \\*)] x", "[COPYUID 1 2 3]", "* [X] y",
		"* BAD [BADCHARSET (UTF-8)] {12}", "+ go", "+", "\x00* OK x", "A1 OK [Error=\"x\"] y", "* PREAUTH [ALERT] x", "A1 OK [MODIFIED 1:3]x", "x y z"} {
		f.Add([]byte(s))
	}
	seedCorpus(f, "")
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > maxFuzzed || bytes.IndexByte(text, '\n') >= 0 {
			return
		}
		r := &response{}
		r.max = defaultDepth
		r.load(text, nil)
		checkParsed(t, &r.parser, nil)
		s := r.status
		if (r.kind == kindStatus || r.kind == kindTagged) != (s.word != "") {
			t.Fatalf("kind %d, status %q", r.kind, s.word)
		}
		if string(s.code) != strings.ToUpper(string(s.code)) || strings.ContainsAny(string(s.code), " ]\r") {
			t.Fatalf("code %q", s.code)
		}
		if s.word == "" || s.code == "" && strings.HasPrefix(s.text, "[") || s.code != "" && codeEnd([]byte("["+string(s.code)+" "+s.args+"]")) != len(s.code)+len(s.args)+2 {
			return
		}
		line := "* " + s.word + " "
		if s.code != "" {
			line += "[" + strings.TrimSpace(string(s.code)+" "+s.args) + "] "
		}
		var r2 response
		r2.max = defaultDepth
		r2.load([]byte(line+s.text), nil)
		if r2.status != s {
			t.Fatalf("%q: %+v, then %+v", text, s, r2.status)
		}
	})
}

func FuzzEnvelope(f *testing.F) {
	f.Add([]byte(`("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary" (("Terry Gray" NIL "gray" "cac.washington.edu")) NIL ((NIL NIL "g" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL)) NIL NIL NIL NIL "<B27397@cac>")`))
	f.Add([]byte(`(NIL "=?utf-8?q?=C3=BC?=" (("<a@b>" NIL "x" NIL)) "x" "y" "z\")`))
	seedCorpus(f, "ENVELOPE ")
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > maxFuzzed {
			return
		}
		p := parserFor(text)
		env, err := p.envelope()
		checkParsed(t, p, err)
		if env == nil || err != nil {
			return
		}
		n := 0
		for _, list := range [][]Address{env.From, env.Sender, env.ReplyTo, env.To, env.CC, env.BCC} {
			n += len(list)
		}
		if n > len(text)/2 {
			t.Fatalf("%d addresses out of %d octets", n, len(text))
		}
		// What Gmail mixes up is put right once more in what was put right; after that it is stable.
		rd := &renderer{}
		second, err := parserFor([]byte(rd.envelope(env))).envelope()
		if err != nil {
			t.Fatal(err)
		}
		if rendered := rd.envelope(second); !strings.Contains(rendered, "=?") && !strings.ContainsAny(rendered, "<>") {
			again(t, rendered, second, func(r *response) (*Envelope, error) { return r.envelope() })
		}
	})
}

func FuzzBodyStructure(f *testing.F) {
	f.Add([]byte(`(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1152 23)("TEXT" "PLAIN" NIL "<9@cac>" "Compiler diff" "BASE64" 4554 73) "MIXED" ("boundary" "x") ("inline" ("a" "b")) ("en" "de") "loc")`))
	f.Add([]byte(`("message" "rfc822" NIL NIL NIL "7bit" 10 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" NIL NIL NIL "7bit" 3 1) 5 "md5" ("attachment" ("filename*0*" "utf-8''%e2")) NIL NIL (1 "x"))`))
	f.Add([]byte(`("ALTERNATIVE" ("BOUNDARY" "x") NIL NIL)`))
	seedCorpus(f, "BODYSTRUCTURE ")
	seedCorpus(f, "BODY ")
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > maxFuzzed {
			return
		}
		p := parserFor(text)
		bs, err := p.bodyStructure()
		checkParsed(t, p, err)
		if bs == nil || err != nil {
			return
		}
		nodes := 0
		for b := range bs.All() {
			nodes++
			if b.Size < 0 || b.Lines < 0 || len(b.Part) > defaultDepth || strings.ContainsFunc(b.Type, isUpper) {
				t.Fatalf("%+v", b)
			}
			b.Filename()
		}
		if nodes > len(text)/2 || nodes > maxParts+1 {
			t.Fatalf("%d parts out of %d octets", nodes, len(text))
		}
	})
}

func isUpper(r rune) bool { return 'A' <= r && r <= 'Z' }

func FuzzSet(f *testing.F) {
	for _, s := range []string{"1", "*", "1:*", "*:4", "5:3,1,2,4294967295", "0", "1,,2", "1:2:3", "4294967296", "$", "7,3:5,4:9,*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > maxFuzzed {
			return
		}
		set, err := ParseUIDSet(s)
		if err != nil {
			return
		}
		if !set.isNormal() || !validRanges(set) || len(set) > 1+strings.Count(s, ",") {
			t.Fatalf("%q: %v", s, set)
		}
		back, err := ParseUIDSet(set.String())
		if err != nil || !reflect.DeepEqual(set, back) {
			t.Fatalf("%q: %v, then %v, %v", s, set, back, err)
		}
		n := uint64(0)
		for uid := range set.All() {
			if !set.Contains(uid) {
				t.Fatalf("%q does not contain its %d", s, uid)
			}
			if n++; n > 1000 {
				return
			}
		}
		if n != set.Len() {
			t.Fatalf("%q: %d numbers, Len %d", s, n, set.Len())
		}
	})
}

func FuzzESearch(f *testing.F) {
	for _, s := range []string{`(TAG "a") UID MIN 7 MAX 3800 COUNT 15 ALL 10:15,21 MODSEQ 9`, `(TAG "a") PARTIAL (1:2 5,7)`, `UID (ALL 1:2) (COUNT 2)`, `(TAG "a") ADDTO (0 3:4) X-Y (a (b)) RELEVANCY (1 2)`, ``} {
		f.Add([]byte(s))
	}
	seedCorpus(f, "ESEARCH ")
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > maxFuzzed {
			return
		}
		s := &search{cmd: &command{commandState: commandState{tag: "a"}}, name: "UID SEARCH", o: SearchOptions{All: true}}
		r := responseOf(text)
		_, err := s.takeExtended(r)
		checkParsed(t, &r.parser, err)
		if err != nil {
			return
		}
		if uids := s.result().UIDs; !uids.isNormal() || len(uids) > len(text) {
			t.Fatalf("%d octets became %v", len(text), uids)
		}
		s, r = &search{cmd: &command{commandState: commandState{tag: "a"}}, name: "UID SEARCH", o: SearchOptions{All: true}}, responseOf(text)
		checkParsed(t, &r.parser, s.takeNumbers(r))
	})
}

func FuzzList(f *testing.F) {
	for _, s := range []string{`(\HasChildren) "/" "Entw&APw-rfe"`, `() NIL {3}` + "\r\n" + `a b`, `(\) "." INBOX.[x].y`, `(HasNoChildren) "\\" a\b`, `() "/" Da` + "\t", `() "/" "x/" ("CHILDINFO" ("SUBSCRIBED") "OLDNAME" ("y"))`, `() "/" NIL`} {
		f.Add([]byte(s))
	}
	seedCorpus(f, "LIST ")
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > maxFuzzed {
			return
		}
		r := responseOf(text)
		entry, err := r.listEntry()
		checkParsed(t, &r.parser, err)
		if err != nil {
			return
		}
		if len(entry.Attrs) > len(text) || len(entry.Raw) > len(text) {
			t.Fatalf("%+v", entry)
		}
		if entry.Name == entry.Raw || entry.Name == "INBOX" || strings.HasSuffix(entry.Raw, entry.Delimiter) {
			return
		}
		if EncodeMailboxName(entry.Name) != entry.Raw {
			t.Fatalf("%q goes back as %q", entry.Raw, EncodeMailboxName(entry.Name))
		}
	})
}

func FuzzThread(f *testing.F) {
	for _, s := range []string{"(2)(3 6 (4 23)(44 7 96))", "((3)(5))", "", "(1", "(((((1)))))", "(1)(1)", "(0)", "(4294967295)"} {
		f.Add([]byte(s))
	}
	seedCorpus(f, "THREAD ")
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > maxFuzzed {
			return
		}
		parse := func(r *response) ([]*ThreadNode[UID], error) {
			th := &threading[UID]{maxLine: 1 << 20}
			err := th.takeThreads(r)
			return th.roots, err
		}
		r := responseOf(text)
		roots, err := parse(r)
		checkParsed(t, &r.parser, err)
		if err == nil {
			again(t, threadText(roots), roots, parse)
		}
	})
}

// threadText writes threads as a server would.
func threadText(roots []*ThreadNode[UID]) string {
	var b strings.Builder
	var list func([]*ThreadNode[UID])
	list = func(nodes []*ThreadNode[UID]) {
		for _, n := range nodes {
			b.WriteByte('(')
			for first := true; ; first = false {
				if n.Num != 0 {
					if !first {
						b.WriteByte(' ')
					}
					b.WriteString(UIDs(n.Num).String())
				}
				if len(n.Children) != 1 || n.Num == 0 || n.Children[0].Num == 0 {
					break
				}
				n = n.Children[0]
			}
			list(n.Children)
			b.WriteByte(')')
		}
	}
	list(roots)
	return b.String()
}

func FuzzNamespace(f *testing.F) {
	for _, s := range []string{`(("" "/")("#mh/" "/" "X-PARAM" ("FLAG1" "FLAG2"))) (("~" "/")) NIL`, `NIL NIL NIL`, `(("INBOX." "")) NIL`, `(("" NIL))`} {
		f.Add([]byte(s))
	}
	seedCorpus(f, "NAMESPACE ")
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > maxFuzzed {
			return
		}
		r := responseOf(text)
		ns, err := r.namespaces()
		checkParsed(t, &r.parser, err)
		if err == nil && len(ns.Personal)+len(ns.Other)+len(ns.Shared) > len(text)/2 {
			t.Fatalf("%+v", ns)
		}
	})
}

func FuzzQuota(f *testing.F) {
	for _, s := range []string{`"" (STORAGE 10 512)`, `"" ()`, `root (MESSAGE 0  21 X 18446744073709551615 1)`, `x`} {
		f.Add([]byte(s))
	}
	seedCorpus(f, "QUOTA ")
	seedCorpus(f, "QUOTAROOT ")
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > maxFuzzed {
			return
		}
		q, r := &quotas{}, responseOf(text)
		checkParsed(t, &r.parser, q.takeQuota(r))
		for _, root := range q.list {
			if len(root.Resources) > min(maxResources, len(text)) {
				t.Fatalf("%+v", root)
			}
		}
		q, r = &quotas{}, responseOf(text)
		checkParsed(t, &r.parser, q.takeRoots(r))
		if len(q.list) > min(maxRoots, len(text)) {
			t.Fatalf("%d roots", len(q.list))
		}
	})
}

func FuzzMetadata(f *testing.F) {
	for _, s := range []string{`(/shared/comment "x" /private/y NIL)`, "(/shared/comment {3}\r\nabc)", `("/a" ~{2}` + "\r\n\x00\x01)", `()`} {
		f.Add([]byte(s))
	}
	seedCorpus(f, "METADATA ")
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > maxFuzzed {
			return
		}
		m, r := &metadata{limit: 1 << 20}, responseOf(text)
		checkParsed(t, &r.parser, m.takeEntries(r))
		size := 0
		for name, value := range m.Entries {
			size += len(name) + len(value)
		}
		if size > len(text) {
			t.Fatalf("%d octets out of %d", size, len(text))
		}
	})
}

func FuzzInternalDate(f *testing.F) {
	for _, s := range []string{"17-Jul-1996 02:44:25 -0700", " 7-Feb-2020 03:04:05 +0000", "00-Jan-0000 00:00:00 +0000", "Wed, 5 Feb 2020 04:04:05 +0100", "5-Feb-2020 03:04:05", "31-Dec-2016 23:59:60 +0000",
		`* 1 FETCH (INTERNALDATE "17-Jul-1996 02:44:25 -0700")`, "29-Feb-2023 00:00:00 +0000", "01-Jan-9999 23:59:59 +9959"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > maxFuzzed {
			return
		}
		date, err := ParseInternalDate(s)
		if err != nil {
			return
		}
		back, err := ParseInternalDate(FormatInternalDate(date))
		if err != nil || !back.Equal(date) {
			t.Fatalf("%q: %v, then %v, %v", s, date, back, err)
		}
	})
}

func FuzzUTF7(f *testing.F) {
	for _, s := range []string{"INBOX", "Entw&APw-rfe", "&U,BTFw-&ZeVnLIqe-", "A & B", "&-", "&", "&AGE-", "日本語", "a&b", "&2ADcAA-", "\xff", "x\x01y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > maxFuzzed {
			return
		}
		if name, err := DecodeMailboxName(s); err == nil {
			if !utf8.ValidString(name) || EncodeMailboxName(name) != s {
				t.Fatalf("%q decodes to %q, which goes back as %q", s, name, EncodeMailboxName(name))
			}
		}
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) || strings.ContainsRune(s, utf8.RuneError) {
			return
		}
		wire := EncodeMailboxName(s)
		name, err := DecodeMailboxName(wire)
		if err != nil || name != s {
			t.Fatalf("%q is sent as %q, which is %q, %v", s, wire, name, err)
		}
	})
}

// fetchRow is the response "* 1 FETCH (text)", its head read.
func fetchRow(text string) *response {
	r := &response{}
	r.max, r.table = defaultDepth, extensions
	r.load([]byte("* 1 FETCH ("+text+")"), nil)
	return r
}

// parsers are those of the registry by what they read: "FETCH MODSEQ", "STATUS SIZE", "CODE UIDNEXT", "* VANISHED".
func parsers() []string {
	var names []string
	for name := range extensions.fetch.all {
		names = append(names, "FETCH "+name)
	}
	for name := range extensions.status {
		names = append(names, "STATUS "+string(name))
	}
	for name := range extensions.codes {
		names = append(names, "CODE "+name)
	}
	for name := range extensions.untagged {
		names = append(names, "* "+name)
	}
	slices.Sort(names)
	return names
}

// parserSeeds are values of some of them.
var parserSeeds = map[string][]string{
	"FETCH ANNOTATION": {`(/comment (value.priv "x" size.priv "1") /altsubject (value.shared NIL))`, "(/comment /altsubject)", "(/a ({3}\r\nabc NIL))"},
	"FETCH MODSEQ":     {"(12345)", "(0)", "(18446744073709551615)"},
	"FETCH PREVIEW":    {`"x"`, "NIL", `(FUZZY "x")`},
	"FETCH SNIPPET":    {`(FUZZY "x")`},
	"FETCH SAVEDATE":   {`"17-Jul-1996 02:44:25 -0700"`, "NIL"},
	"FETCH EMAILID":    {"(M6d99ac3275bb4e)"}, "FETCH THREADID": {"(T64b478a75b7ea9)", "NIL"},
	"FETCH OBJECTID": {"(EMAILID e1 THREADID t1 X (a b))", "()"}, "FETCH X-GM-LABELS": {`(\Inbox "\\Sent" "Entw&APw-rfe" NIL)`},
	"FETCH X-GM-MSGID": {"1278455344230334865"}, "FETCH BINARY.SIZE": {"[1.2] 45", "[] 7"}, "FETCH FLAGS": {`(\Seen $x)`}, "FETCH UID": {"9"},
	"STATUS MAILBOXID": {"(F1)"}, "STATUS OBJECTID": {"(ACCOUNTID u MAILBOXID m)"}, "STATUS APPENDLIMIT": {"NIL", "12"}, "STATUS MESSAGES": {"3"},
	"CODE ANNOTATIONS": {"20480 NOPRIVATE", "NONE"}, "CODE INPROGRESS": {`("a" 1 2)`, "(NIL NIL NIL)"}, "CODE NOUPDATE": {`"A2"`}, "CODE OBJECTID": {"(MAILBOXID m)"},
	"CODE REFERRAL": {"IMAP://user;AUTH=*@SERVER2/REMOTE"}, "CODE PERMANENTFLAGS": {`(\Deleted \*)`}, "CODE CAPABILITY": {"IMAP4rev1 X"},
	"* ESEARCH": {`(TAG "a") UID ADDTO (1 2,3) REMOVEFROM (0 5:7)`}, "* VANISHED": {"(EARLIER) 41,43:116", "5"}, "* LIST": {`(\NonExistent) "." "a" ("OLDNAME" ("b"))`},
	"* METADATA": {`"a" /shared/comment /private/comment`}, "* STATUS": {"a (MESSAGES 3 X (y))"}, "* ENABLED": {"CONDSTORE X"}, "* FETCH": {"(UID 3 FLAGS (a))"},
}

// FuzzRegistry gives any text to each parser of the registry.
func FuzzRegistry(f *testing.F) {
	names := parsers()
	for i, name := range names {
		for _, s := range append(parserSeeds[name], "", "(", "NIL", `"x"`, "0", "(a (b) c)") {
			f.Add(uint8(i), []byte(s))
		}
	}
	c, _ := cannedClient(f)
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		if len(text) > maxFuzzed {
			return
		}
		kind, name, _ := strings.Cut(names[int(which)%len(names)], " ")
		switch kind {
		case "FETCH":
			p := parserFor(text)
			p.max = defaultDepth
			m := &Message{}
			checkParsed(t, p, extensions.fetch.all[name].parse(p, m))
			if n := len(m.Flags) + len(m.Annotations()); n > len(text) {
				t.Fatalf("%d values of %d bytes", n, len(text))
			}
		case "STATUS":
			p := parserFor(text)
			p.max = defaultDepth
			checkParsed(t, p, extensions.status[StatusItem(name)].parse(p, &Status{}))
		case "CODE":
			fuzzCode(c, extensions.codes[name], Code(name), string(text))
		default:
			fuzzUntagged(t, c, name, text)
		}
	})
}

// fuzzUntagged handles a response of that name.
func fuzzUntagged(t *testing.T, c *Client, name string, text []byte) {
	number := ""
	if slices.Contains([]string{"EXISTS", "RECENT", "EXPUNGE", "FETCH", "UIDFETCH"}, name) {
		number = "1 "
	}
	r := &c.e.resp
	c.e.prepare(r)
	r.load([]byte("* "+number+name+" "+string(text)), nil)
	if r.kind != kindUntagged || r.name != name {
		return
	}
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	_, err := extensions.untagged[name].handle(c.e, r)
	c.e.events.take()
	checkParsed(t, &r.parser, err)
}

// fuzzCode handles a response code, of a selected mailbox and at any time.
func fuzzCode(c *Client, entry codeEntry, code Code, args string) {
	if entry.mailbox != nil {
		entry.mailbox(&Mailbox{}, args)
	}
	if entry.event != nil {
		c.e.mu.Lock()
		defer c.e.mu.Unlock()
		entry.event(c.e, &status{word: "OK", code: code, args: args})
	}
}

// answers are the values that gather reads data into.
var answers = map[string]func() rows{
	"aclAnswer":       func() rows { return &aclAnswer{c: &Client{e: &engine{}}, cmd: &command{name: "GETACL", once: "ACL"}} },
	"partialOf":       func() rows { n := SeqNum(1); return &partialOf{num: &n, part: "BODY[1]"} },
	"uidBatches":      func() rows { return &uidBatches{cmd: fuzzed} },
	"conversions":     func() rows { return &conversions{} },
	"languageTags":    func() rows { return &languageTags{} },
	"Comparators":     func() rows { return &Comparators{} },
	"idAnswer":        func() rows { return &idAnswer{} },
	"liveRows":        func() rows { return &liveRows{cmd: fuzzed} },
	"namespaceAnswer": func() rows { return &namespaceAnswer{ns: &Namespaces{}} },
	"metadata":        func() rows { return &metadata{} },
	"mailboxResults":  func() rows { return &mailboxResults{cmd: fuzzed, limit: maxFuzzed} },
	"applePairs":      func() rows { return applePairs{} },
	"quotas":          func() rows { return newQuotas() },
	"sorted":          func() rows { return &sorted[UID]{cmd: fuzzed, extended: true, maxLine: maxFuzzed} },
	"threading":       func() rows { return &threading[UID]{maxLine: maxFuzzed} },
	"jmapURL":         func() rows { return new(jmapURL) },
	"authorizedURLs":  func() rows { return &authorizedURLs{} },
	"urlContents":     func() rows { return &urlContents{} },
}

// fuzzed is the command that answers are fuzzed for.
var fuzzed = &command{commandState: commandState{tag: "A1"}}

// FuzzAnswers gives any response to each of the answers.
func FuzzAnswers(f *testing.F) {
	names := slices.Sorted(maps.Keys(answers))
	for i := range names {
		for _, s := range []string{
			`ACL INBOX Fred rwipslda`, `LISTRIGHTS a b la r`, `1 FETCH (BODY[1] "abc")`, `UIDBATCHES (TAG "A1") 9:6,5:1`, `CONVERSION "a/b" "c/d" ("x" "y")`,
			`LANGUAGE (EN DE)`, `COMPARATOR i;basic ("i;basic" "x")`, `ID ("name" "x" "y" NIL)`, `ESEARCH (TAG "A1") UID ALL 1:5,9 ADDTO (1 2)`,
			`NAMESPACE (("" "/" "TRANSLATION" ("a"))) NIL NIL`, `METADATA a (/shared/comment "x" /private/x NIL)`,
			`ESEARCH (TAG "A1" MAILBOX b UIDVALIDITY 3) UID COUNT 4 ALL 7`, `XAPPLEPUSHSERVICE "a" "b"`, `QUOTA "" (STORAGE 10 512)`, `QUOTAROOT a "" x`,
			`SORT 2 5 3 (MODSEQ 5)`, `THREAD (2)(3 6 (4 23)(44 7 96))`, `JMAPACCESS "https://x"`, `GENURLAUTH "a" b`, `URLFETCH a "x" b (BINARY ~{1}` + "\r\nx)",
		} {
			f.Add(uint8(i), []byte("* "+s))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		if len(text) > maxFuzzed || bytes.IndexByte(text, '\n') >= 0 {
			return
		}
		r := &response{}
		r.max = defaultDepth
		if r.load(text, nil); r.kind != kindUntagged {
			return
		}
		got := answers[names[int(which)%len(names)]]()
		claimed, err := got.take(r)
		if claimed != mine && claimed != notMine && claimed != shared {
			t.Fatalf("claim %v", claimed)
		}
		checkParsed(t, &r.parser, err)
	})
}

// TestEachAnswerIsFuzzed: what gather reads data into is in FuzzAnswers, and each parser of the registry in FuzzRegistry.
func TestEachAnswerIsFuzzed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := goparser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != "take" || fn.Type.Params.NumFields() != 1 || fn.Type.Results.NumFields() != 2 {
				continue
			}
			found++
			assert.Contains(t, answers, receiverName(fn.Recv.List[0].Type), name)
		}
	}
	assert.Equal(t, len(answers), found)
	all := parsers()
	for name := range parserSeeds {
		assert.Contains(t, all, name, "a seed of no parser")
	}
	assert.Less(t, len(all), 256)
}

// receiverName is the type of a receiver without what is around it.
func receiverName(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return receiverName(x.X)
	case *ast.IndexExpr:
		return receiverName(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}
