package mimetext

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"mime"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/htmlindex"
)

var showBeside = flag.Bool("beside", false, "show every difference from other readers")

// header is an input for all readers: the value of a field.
type header struct {
	Kind    string  `json:"kind"` // text, param (the value of Content-Disposition), date
	In      []byte  `json:"in"`
	Want    *string `json:"want,omitempty"` // what it was made of
	Charset string  `json:"charset,omitempty"`
}

const headersDir = "testdata/headers"

func jsonLines[T any](t *testing.T, r io.Reader) (all []T) {
	t.Helper()
	d := json.NewDecoder(r)
	for d.More() {
		var v T
		require.NoError(t, d.Decode(&v))
		all = append(all, v)
	}
	return all
}

func jsonFile[T any](t *testing.T, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	return jsonLines[T](t, bufio.NewReader(f))
}

var (
	quotedString = regexp.MustCompile(`"((?:[^"\\\r\n]|\\["\\])*)"`)
	headerField  = regexp.MustCompile(`(?mi)^(Subject|From|To|Cc|Date|Content-Disposition|Content-Description):[ \t]*((?:.*\r?\n[ \t])*.*)$`)
	looksDate    = regexp.MustCompile(`^[A-Za-z]{3},? +\d|^\d{1,2} [A-Z][a-z]{2} \d`)
)

// corpusHeaders are the quoted strings of all cases of the corpus, and the fields of its 49 messages.
func corpusHeaders(t *testing.T) []header {
	t.Helper()
	files, err := filepath.Glob("../../testdata/corpus/*/*.jsonl")
	require.NoError(t, err)
	require.Greater(t, len(files), 5)
	var all []header
	seen := map[string]bool{}
	add := func(kind string, in []byte) {
		if key := kind + string(in); !seen[key] {
			seen[key] = true
			all = append(all, header{Kind: kind, In: in})
		}
	}
	cases := 0
	for _, file := range files {
		for _, c := range jsonFile[struct {
			Wire []byte `json:"wire_base64"`
		}](t, file) {
			cases++
			if filepath.Base(file) == "messages.jsonl" {
				head, _, _ := bytes.Cut(bytes.ReplaceAll(c.Wire, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
				for _, m := range headerField.FindAllSubmatch(head, -1) {
					kind := "text"
					switch strings.ToLower(string(m[1])) {
					case "date":
						kind = "date"
					case "content-disposition":
						kind = "param"
					}
					add(kind, m[2])
				}
				continue
			}
			for _, m := range quotedString.FindAllSubmatch(c.Wire, -1) {
				in := bytes.ReplaceAll(bytes.ReplaceAll(m[1], []byte(`\"`), []byte(`"`)), []byte(`\\`), []byte(`\`))
				add("text", in)
				if looksDate.Match(in) {
					add("date", in)
				}
			}
		}
	}
	require.Equal(t, 893, cases)
	return all
}

// tableHeaders are the inputs of the tables of this package.
func tableHeaders() (all []header) {
	for _, list := range [][]textCase{wordCases, base64Cases, utf8Cases, charsetCases, rawCases, lineCases} {
		for _, c := range list {
			all = append(all, header{Kind: "text", In: []byte(c.in), Want: &c.want})
		}
	}
	for _, c := range dateCases {
		all = append(all, header{Kind: "date", In: []byte(c.in), Want: &c.want})
	}
	for _, c := range paramCases {
		var b strings.Builder
		b.WriteString("attachment")
		for name, value := range pairs(c.params...) {
			b.WriteString("; " + name + `="` + strings.ReplaceAll(strings.ReplaceAll(value, `\`, `\\`), `"`, `\"`) + `"`)
		}
		all = append(all, header{Kind: "param", In: []byte(b.String()), Want: &c.want})
	}
	return all
}

// readHere reads a header with this package; nil for a date that cannot be read.
func readHere(h header) *string {
	var out string
	switch h.Kind {
	case "text":
		out = Decoder{}.Text(string(h.In))
	case "param":
		out = Decoder{}.Param(splitParams(string(h.In)), "filename")
	case "date":
		t, ok := ParseDate(string(h.In))
		if !ok {
			return nil
		}
		out = t.UTC().Format(time.RFC3339)
	}
	return &out
}

// splitParams does what an IMAP server does with parameters before a client sees them.
func splitParams(s string) func(func(string, string) bool) {
	var all []string
	for s != "" {
		i, quoted := 0, false
		for ; i < len(s) && (quoted || s[i] != ';'); i++ {
			switch {
			case quoted && s[i] == '\\':
				i++
			case s[i] == '"':
				quoted = !quoted
			}
		}
		i = min(i, len(s))
		if name, value, ok := strings.Cut(s[:i], "="); ok {
			value = strings.TrimSpace(value)
			if len(value) > 1 && value[0] == '"' {
				value = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(strings.TrimSuffix(value[1:], `"`))
			}
			all = append(all, strings.ToLower(strings.TrimSpace(name)), value)
		}
		s = s[min(i+1, len(s)):]
	}
	return pairs(all...)
}

// readStandard reads a header with Go's standard library, with every character set of the web standards.
func readStandard(h header) *string {
	d := mime.WordDecoder{CharsetReader: func(charset string, r io.Reader) (io.Reader, error) {
		e, err := htmlindex.Get(charset)
		if err != nil {
			return nil, err
		}
		return e.NewDecoder().Reader(r), nil
	}}
	in := strings.ReplaceAll(string(h.In), "\r\n", "")
	switch h.Kind {
	case "date":
		t, err := mail.ParseDate(in)
		if err != nil {
			return nil
		}
		out := t.UTC().Format(time.RFC3339)
		return &out
	case "param":
		_, params, err := mime.ParseMediaType(in)
		if err != nil {
			return nil
		}
		in = params["filename"]
	}
	out, err := d.DecodeHeader(in)
	if err != nil {
		return nil
	}
	return &out
}

// readPython reads headers with Python's email package.
func readPython(t *testing.T, all []header) []*string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("IMAP_REQUIRE_SERVERS") != "" {
			t.Fatal("python3 is required and not there")
		}
		t.Log("python3 is not there")
		return nil
	}
	return readWith(t, all, python, headersDir+"/read.py")
}

func readWith(t *testing.T, all []header, program ...string) []*string {
	t.Helper()
	var in bytes.Buffer
	e := json.NewEncoder(&in)
	for _, h := range all {
		require.NoError(t, e.Encode(h))
	}
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	results := jsonLines[*string](t, bytes.NewReader(out))
	require.Len(t, results, len(all))
	return results
}

// reason is why a reader and this package differ.
type reason struct {
	why     string
	kind    string // "" for all
	readers string // "" for all
	holds   func(in, here, there string) bool
}

func in(re string) func(in, here, there string) bool {
	r := regexp.MustCompile(re)
	return func(in, _, _ string) bool { return r.MatchString(in) }
}

// sameTime reports whether two texts are one time, with or without a zone.
func sameTime(a, b string) bool {
	parse := func(s string) (time.Time, error) {
		for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05.000Z"} {
			if t, err := time.Parse(form, s); err == nil {
				return t, nil
			}
		}
		return time.Parse("2006-01-02T15:04:05-07:00:00", s)
	}
	x, err1 := parse(a)
	y, err2 := parse(b)
	return err1 == nil && err2 == nil && x.Equal(y)
}

func TestCompareReaders(t *testing.T) {
	generated := jsonFile[header](t, headersDir+"/generated.jsonl")
	require.GreaterOrEqual(t, len(generated), 500)
	all := append(append(generated, tableHeaders()...), corpusHeaders(t)...)
	here := make([]*string, len(all))
	for i, h := range all {
		here[i] = readHere(h)
		if h.Kind != "date" {
			assertLine(t, *here[i], string(h.In))
		}
	}
	for i, h := range generated {
		if got := *here[i]; got != *h.Want && worse[h.Charset] == "" {
			t.Errorf("%s: %s: %q, want %q", h.Charset, h.In, got, *h.Want)
		}
	}
	standard := make([]*string, len(all))
	for i, h := range all {
		standard[i] = readStandard(h)
	}
	compare(t, "go", all, here, standard)
	if python := readPython(t, all); python != nil {
		compare(t, "python", all, here, python)
	}
	if node := os.Getenv("LIBMIME"); node != "" {
		compare(t, "libmime", all, here, readWith(t, all, "node", node))
	}
}

// compare counts the differences by their reasons; one without a reason fails the test.
func compare(t *testing.T, reader string, all []header, here, there []*string) {
	t.Helper()
	counts := map[string]int{}
	for i, h := range all {
		a, b := here[i], there[i]
		switch {
		case a == nil && b == nil, a != nil && b != nil && (*a == *b || h.Kind == "date" && sameTime(*a, *b)):
			counts["the same"]++
			continue
		case a != nil && b == nil:
			counts["it reads nothing"]++
			continue
		}
		ours, theirs := "", *b
		if a != nil {
			ours = *a
		}
		why := reasonFor(reader, h, ours, theirs)
		counts[why]++
		if why == "" {
			t.Errorf("%s, %s %s %q: here %q, there %q", reader, h.Kind, h.Charset, h.In, ours, theirs)
		} else if *showBeside {
			t.Logf("%s, %s: %q: here %q, there %q", reader, why, h.In, ours, theirs)
		}
	}
	for why, n := range counts {
		t.Logf("%s: %5d %s", reader, n, why)
	}
}

// meant returns the reason of a difference if the text from which the header was made is known, or if a table of this
// package has one.
const meant = "it does not read what is meant"

func reasonFor(reader string, h header, here, there string) string {
	if h.Want != nil && (here == *h.Want || h.Kind == "date" && sameTime(here, *h.Want)) {
		return meant
	}
	if why, ok := worse[h.Charset]; ok {
		return why
	}
	for _, r := range reasons {
		if (r.kind == "" || r.kind == h.Kind) && (r.readers == "" || strings.Contains(r.readers, reader)) && r.holds(string(h.In), here, there) {
			return r.why
		}
	}
	return ""
}

// worse are character sets of Python whose headers are not read as intended, with the reason.
var worse = map[string]string{"big5": eten, "cp950": eten}

const eten = "it has kana and Cyrillic in C6A1 to C8D3 in an order of its own: the web, and its Big5-HKSCS, have that of ETEN"

var reasons = []reason{
	{"it has line ends or controls in its text", "text", "", func(_, _, there string) bool { return Clean(there) != there || !utf8.ValidString(there) }},
	{"it takes zones by name for UTC", "date", "go", in(` (EST|EDT|CST|CDT|MST|MDT|PST|PDT|JST)\b`)},
	{"it reads no zone behind a comment", "date", "python", in(`\) [-+]\d{4}`)},
	{"it makes one blank of many", "text", "", func(_, here, there string) bool {
		return strings.Join(strings.Fields(here), "") == strings.Join(strings.Fields(there), "")
	}},
	{"it takes 20 21 for 2020", "date", "libmime", in(`20 21`)},
	{"it takes bytes for ISO-8859-1", "text", "libmime", in(`[\x{80}-\x{10FFFF}]`)},
	{"it knows the zones of North America alone", "date", "python", in(` JST\b`)},
}
