package imap

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-imaplib/imap/internal/measure"
	"github.com/go-imaplib/imap/internal/mimetext"
)

// parsersOf are the parsers by name, with texts that grow with n. Each looks for a loop in a loop: long lists, long names,
// what opens and does not close, and what has to be looked for again.
var parsersOf = map[string]struct {
	text  []func(n int) string
	parse func(text string)
}{
	"status line": {repeating(
		"* OK ", "text ", "", "* OK [", "[", "", "* OK [X ", `"]`, "] x", "A1 ", "x", " OK", "* NO [X ", `"\"`, `"] y`, "* OK [", "A", "] x",
	), func(text string) { loadLine(text) }},
	"code": {repeating(
		"* OK [PERMANENTFLAGS (", `a \* `, ")] x", "* OK [BADCHARSET (", `"a" `, ")] x", "* OK [CAPABILITY", " X", "] x", "* OK [COPYUID 1 1", ",3,1", " 1] x",
		"* OK [MODIFIED 1", ",3", "] x", "* OK [X-A (", "(", "] x",
	), func(text string) {
		r := loadLine(text)
		(&engine{table: extensions, session: session{mailbox: &Mailbox{}}}).code(&r.status)
		parseCaps(r.status.args, extensions.implied)
		_, _ = ParseUIDSet(strings.TrimSpace(r.status.args))
		ParseFlags(r.status.args)
	}},
	"envelope": {repeating(
		`(NIL NIL (`, `("a" NIL "b" "c")`, `) NIL NIL NIL NIL NIL NIL NIL)`, `(NIL "`, `=?utf-8?q?=C3=BC?= `, `" NIL NIL NIL NIL NIL NIL NIL NIL)`,
		`(NIL NIL (`, `(NIL NIL "g" NIL)`, `) NIL NIL NIL NIL NIL NIL NIL)`, `(NIL "`, `\"`, ``, `(NIL NIL `, `(`, ``, `(NIL NIL NIL NIL NIL NIL NIL NIL "`, `<a@b> `, `" NIL)`,
		`("`, `Mon, 1 `, `" NIL NIL NIL NIL NIL NIL NIL NIL NIL)`,
	), func(text string) { _, _ = parserFor([]byte(text)).envelope() }},
	"body structure": {repeating(
		"(", `("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)`, ` "MIXED")`, `("TEXT" "PLAIN" (`, `"a" "b" `, `) NIL NIL "7BIT" 1 1)`, "", "(", "",
		`("TEXT" "PLAIN" ("NAME" "`, `=?utf-8?q?a?= `, `") NIL NIL "7BIT" 1 1)`, `("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1 NIL NIL `, `("en" "de" `, `)`,
		`("APPLICATION" "X" NIL NIL NIL "7BIT" 1 NIL ("ATTACHMENT" (`, `"filename*1*" "x" `, `)))`,
	), func(text string) {
		if bs, err := parserFor([]byte(text)).bodyStructure(); err == nil && bs != nil {
			for b := range bs.All() {
				b.Filename()
			}
		}
	}},
	"set": {append(repeating("1", ",3", "", "1", ":4,2", "", "1", ",1", "", "1:*", ",*:4", "", "1", "0", ""), descending), func(text string) {
		if set, err := ParseUIDSet(text); err == nil {
			_ = set.String()
		}
	}},
	"ESEARCH": {repeating(
		`(TAG "a") UID ALL 1`, ",3", "", `(TAG "a") UID`, " COUNT 2", "", `(TAG "a") UID X `, "(", "", `(TAG "a") UID ALL 1`, ",3,2", "", `(TAG "a") UID PARTIAL (1:2 5`, ",7", ")",
		`(TAG "a") UID`, " ADDTO (0 3:4)", "", `(TAG "a") UID RELEVANCY (1`, " 2", ")",
	), func(text string) {
		s := &search{cmd: &command{tag: "a"}, name: "UID SEARCH", o: SearchOptions{All: true}}
		_, _ = s.takeExtended(responseOf([]byte(text)))
		s.result()
	}},
	"SEARCH": {append(repeating("", " 1 3", "", "", " 3 2 1", ""), func(n int) string { return strings.ReplaceAll(descending(n), ",", " ") }), func(text string) {
		s := &search{cmd: &command{tag: "a"}, name: "UID SEARCH", o: SearchOptions{All: true}}
		_ = s.takeNumbers(responseOf([]byte(text)))
		s.result()
	}},
	"LIST": {repeating(
		`(`, `\X `, `) "/" a`, `() "/" "`, `&AOk-`, `"`, `() "/" "`, `\"`, `"`, `() "/" `, `a/`, ``, `() "/" "`, `&`, `"`, `() "/" x ("CHILDINFO" (`, `"A" `, `))`, `() "/" x (`, `"A" (b) `, `)`, `(`, `(`, ``,
	), func(text string) { _, _ = responseOf([]byte(text)).listEntry() }},
	"THREAD": {append(repeating("", "(1)", "", "(1", " 2", ")", "", "(1 ", "", "(1 ", "(2)", ")", "", "((", "", "", "()", ""), func(n int) string {
		return "(1 " + strings.Repeat("(2)(3 ", n) + strings.Repeat(")", n) + ")"
	}), func(text string) {
		_ = (&threading[UID]{maxLine: 1 << 24}).takeThreads(responseOf([]byte(text)))
	}},
	"NAMESPACE": {repeating(
		`(`, `("a" "/")`, `) NIL NIL`, `(("a" "/"`, ` "X" ("b")`, `)) NIL NIL`, `(("`, `&AOk-`, `" "/")) NIL NIL`, `NIL NIL `, `(`, ``, `(("a" "/" "X" (`, `"b" `, `))) NIL NIL`,
	), func(text string) { _, _ = responseOf([]byte(text)).namespaces() }},
	"QUOTA": {repeating(
		`a (`, `X 1 2 `, `)`, `"`, `\"`, `" (STORAGE 1 2)`, `a (`, `X 1 2  `, ``, `a `, `(`, ``,
	), func(text string) { _ = (&quotas{}).takeQuota(responseOf([]byte(text))) }},
	"QUOTA of many": {append(repeating(`a`, ` "b"`, ``), func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "a%d (X%d 1 2)", i, i)
		}
		return b.String()
	}), func(text string) { _ = (&quotas{}).takeRoots(responseOf([]byte(text))) }},
	"METADATA": {append(repeating(
		`(`, `/a "b" `, `)`, `(/a "`, `\"`, `")`, ``, `/a `, ``, `(`, `(`, ``,
	), func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "/a%d NIL ", i)
		}
		return "(" + b.String() + ")"
	}), func(text string) { _ = (&metadata{limit: 1 << 24}).takeEntries(responseOf([]byte(text))) }},
	"annotations": {repeating("(", `/a (value.priv "x") `, ")", "(/a (", `value.priv "x" `, "))", "(", "/a (", ""), func(text string) {
		_ = parseAnnotations(parserFor([]byte(text)), &Message{})
	}},
	"internal date": {repeating("17-Jul-1996", " ", "02:44:25 -0700", "17-Jul-1996 02:44:25 ", "(", "", "1", "7", "", "", "Mon, ", "", "17-Jul-1996 02:44:25 +0000", " (x)", ""), func(text string) {
		_, _ = ParseInternalDate(text)
		mimetext.ParseDate(text)
	}},
	"modified UTF-7": {repeating("", "&AOk-", "", "&", "AOkA", "-", "", "&-", "", "", "&", "", "", "é", "", "", "aé&", "", "&", "2D3eAA", "-"), func(text string) {
		_, _ = DecodeMailboxName(text)
		EncodeMailboxName(text)
	}},
	"encoded words": {repeating(
		"", "=?utf-8?q?=C3=BC?= ", "", "", "=?utf-8?b?4?= ", "", "", "=?utf-8?q?a", "", "", "=?", "", "", "=?x?y?z?= ", "", "=?utf-8?q?", "=C3", "?=", "=?gb2312?B?", "xOO6", "?=", "", "\xfc ", "", "=?", "?", "=",
		"=?utf-8?b?", "4oKs", "?=", "", "=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?= ", "",
	), func(text string) { DecodeText(text) }},
	"names of RFC 2231": {append(repeating("", "%C3%BC", "", "utf-8'en'", "%", "", "", "'", "", "=?utf-8?q?", "=C3", "?="), numbered), func(text string) {
		names := []Param{{"filename*", text}, {"filename*0*", text}, {"filename*1", text}, {"name", text}}
		(&BodyStructure{DispositionParams: names}).Filename()
	}},
	"pieces of RFC 2231": {[]func(n int) string{numbered, func(n int) string { return strings.Repeat("filename*0*\n", n) }}, func(text string) {
		var params []Param
		for name := range strings.Lines(text) {
			params = append(params, Param{strings.TrimSpace(name), "x%41"})
		}
		(&BodyStructure{DispositionParams: params}).Filename()
	}},
}

// repeating makes texts of triples: what stands before, what is repeated, what stands behind.
func repeating(triples ...string) (texts []func(n int) string) {
	for triple := range slices.Chunk(triples, 3) {
		texts = append(texts, func(n int) string { return triple[0] + strings.Repeat(triple[1], n) + triple[2] })
	}
	return texts
}

// descending is a set of which each number comes before all that were there.
func descending(n int) string {
	var b strings.Builder
	for i := n; i > 0; i-- {
		fmt.Fprintf(&b, "%d,", 2*i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// numbered are the names of pieces in the wrong order.
func numbered(n int) string {
	var b strings.Builder
	for i := n - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "filename*%d*\n", i)
	}
	return b.String()
}

func loadLine(text string) *response {
	r := &response{}
	r.max = defaultDepth
	r.load([]byte(text), nil)
	return r
}

// TestParsersAreLinear compares sizes of one and of thirty-two: a square would be 1,024 times the time, and the square of a
// small constant beside it shows at the larger. Processor time of the cheapest run counts, and a busy machine gets more
// rounds.
func TestParsersAreLinear(t *testing.T) {
	for name, p := range parsersOf {
		t.Run(name, func(t *testing.T) {
			for _, text := range p.text {
				measure.RequireGrowth(t, text(2)[:min(len(text(2)), 40)], func(n int) func() {
					s := text(n)
					return func() { p.parse(s) }
				})
			}
		})
	}
}
