package dialogues

import (
	"bufio"
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// step is one command of a dialogue with its answer.
type step struct {
	tag, verb string
	uid       bool
	args      string
	said      []string // untagged responses
	asked     string   // the continuation
	status    string   // "OK [READ-WRITE] done"; "" where the RFC does not show it
}

// dialogue is an example of an RFC.
type dialogue struct {
	name  string // "9051 6.3.2 line 1801"
	steps []*step
}

var command = regexp.MustCompile(`^([A-Za-z0-9.]+) (?i:(UID) )?([A-Za-z0-9-]+)(.*)$`)
var tagged = regexp.MustCompile(`^([A-Za-z0-9.]+) (OK|NO|BAD)\b.*$`)

// commands are those of the dialogues: other words at the second place of a line are text of a literal.
var commands = func() map[string]bool {
	known := map[string]bool{}
	for _, name := range strings.Fields("APPEND AUTHENTICATE BLURDYBLOOP CANCELUPDATE CAPABILITY CHECK CLOSE COMPARATOR COMPRESS CONVERSIONS " +
		"CONVERT COPY CREATE DELETE DELETEACL ENABLE ESEARCH EXAMINE EXPUNGE FETCH FIND GENURLAUTH GETACL GETMETADATA GETQUOTA GETQUOTAROOT ID IDLE LANGUAGE " +
		"LIST LISTRIGHTS LOGIN LOGOUT LONG LSUB MOVE MYRIGHTS NAMESPACE NOOP NOTIFY PARTIAL RENAME REPLACE RESETKEY RLIST RLSUB SEARCH SELECT SETACL " +
		"SETMETADATA SETQUOTA SORT STARTTLS STATUS STORE SUBSCRIBE THREAD UNAUTHENTICATE UNSELECT UNSUBSCRIBE URLFETCH") {
		known[name] = true
	}
	return known
}()

var correlator = regexp.MustCompile(`\(TAG "([A-Za-z0-9.]+)"`)

// add takes a line of the dialogue.
func (d *dialogue) add(side, text string) {
	if side == "C" {
		if m := command.FindStringSubmatch(text); m != nil && commands[strings.ToUpper(m[3])] {
			d.steps = append(d.steps, &step{tag: m[1], verb: strings.ToUpper(m[3]), uid: m[2] != "", args: strings.TrimSpace(m[4])})
		}
		return // text of a literal else
	}
	open := d.open(text)
	m := tagged.FindStringSubmatch(text)
	switch {
	case m != nil:
		for _, s := range d.steps {
			if s.tag == m[1] && s.status == "" {
				open = s
			}
		}
		open.status = strings.TrimPrefix(text, m[1]+" ")
	case strings.HasPrefix(text, "+"):
		open.asked = text
	default:
		if c := correlator.FindStringSubmatch(text); c != nil {
			for _, s := range d.steps {
				if s.tag == c[1] {
					open = s
				}
			}
		}
		open.said = append(open.said, text)
	}
}

// answered are the responses that belong to a command, where they are shown alone.
var answered = map[string]string{"ID": "ID", "ACL": "GETACL", "LISTRIGHTS": "LISTRIGHTS", "MYRIGHTS": "MYRIGHTS", "ESEARCH": "SEARCH", "SORT": "SORT", "THREAD": "THREAD",
	"NAMESPACE": "NAMESPACE", "QUOTA": "GETQUOTA", "QUOTAROOT": "GETQUOTAROOT", "SEARCH": "SEARCH", "LSUB": "LSUB"}

// open is the first command without its answer. If it is missing, because a response is shown alone, it is a NOOP, or the
// command that the response answers.
func (d *dialogue) open(text string) *step {
	for _, s := range d.steps {
		if s.status == "" {
			return s
		}
	}
	s := &step{tag: `[^"]*`, verb: "NOOP"}
	if words := strings.Fields(text); len(words) > 1 && answered[words[1]] != "" && !strings.Contains(text, "ADDTO") && !strings.Contains(text, "REMOVEFROM") {
		s.verb, s.uid = answered[words[1]], strings.Contains(text, ") UID ")
	}
	d.steps = append(d.steps, s)
	return s
}

// read reads the dialogues of an RFC.
func read(t *testing.T, path string) []*dialogue {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var list []*dialogue
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "== "); ok {
			list = append(list, &dialogue{name: name})
			continue
		}
		side, text, _ := strings.Cut(line, ": ")
		list[len(list)-1].add(side, text)
	}
	return list
}

// capabilities are the capabilities of the server, so that no call is refused for lack of one.
const capabilities = "IMAP4rev1 IMAP4rev2 ENABLE UNSELECT NAMESPACE MOVE UIDPLUS CONDSTORE QRESYNC SORT THREAD=REFERENCES THREAD=ORDEREDSUBJECT " +
	"SEARCHRES ACL QUOTA QUOTASET METADATA MULTISEARCH CONTEXT=SEARCH CONTEXT=SORT ESORT LANGUAGE I18NLEVEL=2 URLAUTH CONVERT REPLACE NOTIFY ID " +
	"SPECIAL-USE LIST-EXTENDED LIST-STATUS LIST-MYRIGHTS OBJECTID MAILBOX-REFERRALS"

// server plays the answers of a dialogue. A command that is not the next one is answered with OK.
type server struct {
	d    *dialogue
	in   *bufio.Reader
	conn net.Conn
}

func (s *server) run() {
	defer s.conn.Close()
	status := "PREAUTH"
	if s.d.steps[0].verb == "LOGIN" || s.d.steps[0].verb == "CAPABILITY" && len(s.d.steps) > 1 && s.d.steps[1].verb == "LOGIN" {
		status = "OK"
	}
	caps := capabilities
	if s.d.has("* ESEARCH") {
		caps += " ESEARCH"
	}
	s.say("* %s [CAPABILITY %s] hello", status, caps)
	for next := 0; ; {
		words, err := s.command(next)
		if err != nil {
			return
		}
		if next == len(s.d.steps) || words[1] != s.d.steps[next].verb {
			if words[1] == "SELECT" {
				s.say("* 100000 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 1000000] next")
			}
			s.say("%s OK done", words[0])
			continue
		}
		step := s.d.steps[next]
		next++
		own := regexp.MustCompile(`(?i)TAG "?` + step.tag + `"?`)
		for _, line := range step.said {
			s.say("%s", own.ReplaceAllString(line, `TAG "`+words[0]+`"`))
		}
		s.say("%s %s", words[0], cmp.Or(step.status, "OK done"))
	}
}

func (s *server) say(format string, args ...any) { fmt.Fprintf(s.conn, format+"\r\n", args...) }

// command reads a command with its literals: its tag and its name without UID.
func (s *server) command(next int) ([2]string, error) {
	var first string
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			return [2]string{}, err
		}
		if line = strings.TrimRight(line, "\r\n"); first == "" {
			first = line
		}
		open := strings.LastIndexByte(line, '{')
		if open < 0 || !strings.HasSuffix(line, "}") {
			break
		}
		size, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSuffix(line[open+1:], "}"), "+"))
		if err != nil {
			break
		}
		if !strings.HasSuffix(line, "+}") {
			asked := "+ go on"
			if next < len(s.d.steps) && s.d.steps[next].asked != "" {
				asked = s.d.steps[next].asked
			}
			s.say("%s", asked)
		}
		if _, err := s.in.Discard(size); err != nil {
			return [2]string{}, err
		}
	}
	words := strings.Fields(first)
	if words[1] == "UID" {
		words[1] = words[2]
	}
	return [2]string{words[0], strings.ToUpper(words[1])}, nil
}

// ends reports whether the server ends the connection.
func (s *step) ends() bool {
	return s.verb != "LOGOUT" && len(s.said) > 0 && strings.HasPrefix(s.said[len(s.said)-1], "* BYE")
}

func (d *dialogue) has(prefix string) bool {
	for _, s := range d.steps {
		for _, line := range s.said {
			if strings.HasPrefix(line, prefix) {
				return true
			}
		}
	}
	return false
}

// TestDialogues plays the dialogues that are verbatim in testdata/dialogues.
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/dialogues/rfc*.txt")
	require.NoError(t, err)
	played := 0
	for _, path := range files {
		for _, d := range read(t, path) {
			played++
			t.Run(strings.ReplaceAll(d.name, " ", "_"), func(t *testing.T) { d.play(t) })
		}
	}
	t.Logf("%d dialogues", played)
	assert.GreaterOrEqual(t, played, 650)
}

func (d *dialogue) play(t *testing.T) {
	near, far := imaptest.Pipe()
	s := &server{d: d, in: bufio.NewReader(far), conn: far}
	go s.run()
	c, err := imap.NewClient(testkit.Context(t), near, &imap.Options{AllowInsecureAuth: true})
	require.NoError(t, err)
	defer c.Close()
	p := &caller{ctx: testkit.Context(t), c: c}
	for _, step := range d.steps {
		if err := p.prepare(step); err != nil {
			t.Fatal(err)
		}
		err := p.call(step)
		want, _, _ := strings.Cut(step.status, " ")
		refusal, refused := err.(*imap.Error)
		switch {
		case step.ends():
			assert.ErrorIs(t, err, imap.ErrClosed)
		case want == "OK" || want == "":
			assert.NoError(t, err, "%s %s", step.verb, step.args)
		case !refused:
			t.Errorf("%s %s: %v, not %s", step.verb, step.args, err, step.status)
		default:
			assert.Equal(t, want, refusal.Status)
			code, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(step.status, want+" "), "["), "]")
			if strings.Contains(step.status, " [") {
				name, _, _ := strings.Cut(code, " ")
				assert.Equal(t, imap.Code(strings.ToUpper(name)), refusal.Code)
				_, err := refusal.Data()
				assert.NoError(t, err, "%s", step.status)
			}
		}
	}
	for _, ev := range c.Events() {
		if odd, ok := ev.(*imap.UnknownEvent); ok && !strings.HasPrefix(string(odd.Raw), "* NO") {
			t.Errorf("not understood: %+v", odd)
		}
	}
}

// TestDialogueTable checks that every example has a line that names the file in which it is played, or the reason why it is
// not, and that the named files exist.
func TestDialogueTable(t *testing.T) {
	text, err := os.ReadFile("testdata/dialogues/table.txt")
	require.NoError(t, err)
	verbatim := map[string]bool{}
	files, err := filepath.Glob("testdata/dialogues/rfc*.txt")
	require.NoError(t, err)
	for _, path := range files {
		for _, d := range read(t, path) {
			verbatim[d.name] = true
		}
	}
	examples, played := 0, 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		what, where, ok := strings.Cut(line, ": ")
		words := strings.Fields(what)
		if !strings.HasSuffix(what, " whole") {
			examples++
		}
		if !assert.True(t, ok && len(words) == 4, line) {
			continue
		}
		if where == "verbatim" {
			name := fmt.Sprintf("%s %s line %s", words[0], words[1], words[2])
			assert.True(t, verbatim[name], name)
			delete(verbatim, name)
			played++
			continue
		}
		paths, reason, _ := strings.Cut(where, ": ")
		assert.NotEmpty(t, reason, line)
		for path := range strings.SplitSeq(paths, ", ") {
			if !strings.HasSuffix(path, "_test.go") {
				path = "testdata/transcripts/" + path
			}
			_, err := os.Stat(filepath.FromSlash(path))
			assert.NoError(t, err, line)
		}
	}
	assert.Empty(t, verbatim, "dialogues that are in no row")
	t.Logf("%d examples, %d played verbatim", examples, played)
	assert.GreaterOrEqual(t, examples, 900)
}

// others are RFCs that no line of registry.go names: those that were replaced, and those of SASL mechanisms.
const others = "1730 2060 2061 2062 2086 2088 2180 2192 2195 2222 2359 2595 2683 2831 4422 4505 4549 4551 4616 4752 5092 5162 5801 5802 6237 7628 7677"

// TestEveryRFCHasRows: each RFC that the documentation names, and each of the others, has rows in the table, and all of its
// examples if the row has "whole".
func TestEveryRFCHasRows(t *testing.T) {
	table, err := os.ReadFile("testdata/dialogues/table.txt")
	require.NoError(t, err)
	rows, whole := map[string]int{}, map[string]bool{}
	for line := range strings.Lines(string(table)) {
		if what, _, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(line, "#") {
			number, _, _ := strings.Cut(what, " ")
			rows[number]++
			whole[number] = whole[number] || strings.HasSuffix(what, " whole")
		}
	}
	docs, err := os.ReadFile("docs/extensions.md")
	require.NoError(t, err)
	named := strings.Fields(others)
	for line := range strings.Lines(string(docs)) {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| `") && len(cells) > 1 {
			named = append(named, strings.FieldsFunc(cells[1], func(r rune) bool { return r == ',' || r == ' ' })...)
		}
	}
	require.Greater(t, len(named), 100)
	for _, number := range named {
		assert.NotZero(t, rows[number], "RFC %s has no row", number)
	}
	for number := range whole {
		assert.False(t, whole[number] && rows[number] > 1, "RFC %s has rows beside the one for the whole", number)
	}
}
