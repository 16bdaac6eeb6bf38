package imap

import (
	"bytes"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
	r := &c.resp
	c.prepare(r)
	r.load([]byte("* "+number+name+" "+string(text)), nil)
	if r.kind != kindUntagged || r.name != name {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := extensions.untagged[name].handle(c.engine, r)
	c.events.take()
	checkParsed(t, &r.parser, err)
}

// fuzzCode tells what a code says, of a mailbox and at any time.
func fuzzCode(c *Client, entry codeEntry, code Code, args string) {
	if entry.mailbox != nil {
		entry.mailbox(&Mailbox{}, args)
	}
	if entry.tell != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		entry.tell(c.engine, &status{word: "OK", code: code, args: args})
	}
}

// answers are the values that gather reads data into.
var answers = map[string]func() rows{
	"aclAnswer":       func() rows { return &aclAnswer{of: "ACL"} },
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
var fuzzed = &command{tag: "A1"}

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
