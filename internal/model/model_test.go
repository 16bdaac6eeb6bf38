package model_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap/internal/model"
)

// TestModel runs the client against the model of a mailbox store with fresh seeds, for the time in IMAP_MODEL_TIME, or for
// a short one. IMAP_MODEL_SEED names one seed, IMAP_MODEL_PLAN one plan as a finding prints it. With IMAP_MODEL_ALL it
// continues after a finding and prints those of a new kind. The tests of programs do the same, at the same time.
func TestModel(t *testing.T) { explore(t, model.Generate) }

func TestModelWatch(t *testing.T) { explore(t, model.GenerateWatch) }

func TestModelPool(t *testing.T) { explore(t, model.GeneratePool) }

func explore(t *testing.T, generate func(seed uint64) model.Plan) {
	t.Helper()
	t.Parallel()
	if text := os.Getenv("IMAP_MODEL_PLAN"); text != "" {
		p, err := model.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		report(t, 0, p, runPlan(t, p))
		return
	}
	if text := os.Getenv("IMAP_MODEL_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		check(t, seed, generate(seed), nil)
		return
	}
	limit := 2 * time.Second
	if text := os.Getenv("IMAP_MODEL_TIME"); text != "" {
		var err error
		if limit, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	var known map[string]int
	if os.Getenv("IMAP_MODEL_ALL") != "" {
		known = make(map[string]int)
	}
	first := uint64(time.Now().UnixNano())
	t.Logf("the first seed is %d", first)
	seed := first
	for start := time.Now(); time.Since(start) < limit && (known != nil || !t.Failed()); seed++ {
		check(t, seed, generate(seed), known)
	}
	t.Logf("%d seeds", seed-first)
	for text, n := range known {
		t.Logf("%6d times %s", n, text)
	}
}

// TestModelFindings runs the plans that found errors, which are fixed.
func TestModelFindings(t *testing.T) {
	text, err := os.ReadFile("internal/model/testdata/findings.txt")
	if err != nil {
		t.Fatal(err)
	}
	for paragraph := range strings.SplitSeq(string(text), "\n\n") {
		title, line, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(paragraph, "# ")), "\n")
		if !ok {
			continue
		}
		t.Run(title, func(t *testing.T) {
			p, err := model.Parse(line)
			if err != nil {
				t.Fatal(err)
			}
			report(t, 0, p, runPlan(t, p))
		})
	}
}

// TestModelKinds runs the same seeds each time. Each kind of finding is a test of its own.
func TestModelKinds(t *testing.T) {
	first := make(map[string]func(*testing.T))
	for seed := range uint64(400) {
		p := model.Generate(seed)
		if found := runPlan(t, p); found != nil && first[found.Kind] == nil {
			first[found.Kind] = func(t *testing.T) { report(t, seed, p, found) }
		}
	}
	for _, kind := range model.Kinds {
		t.Run(kind, func(t *testing.T) {
			if fail := first[kind]; fail != nil {
				fail(t)
			}
		})
	}
}

// particular matches what differs between equal findings.
var particular = regexp.MustCompile(`[0-9]+|"[^"]*"|\[[^]]*\]|INBOX|Work|Trash|\([^)]*\)`)

// check runs the plan of a seed, and shrinks it where it finds something.
func check(t *testing.T, seed uint64, p model.Plan, known map[string]int) {
	t.Helper()
	found := runPlan(t, p)
	if found == nil {
		return
	}
	if known != nil {
		text := particular.ReplaceAllString(found.String(), "x")
		if known[text]++; known[text] > 1 {
			return
		}
	}
	small := model.Shrink(p, 400, 20*time.Second, func(q model.Plan) bool {
		f := runPlan(t, q)
		return f != nil && f.Kind == found.Kind
	})
	if again := runPlan(t, small); again != nil {
		found, p = again, small
	}
	report(t, seed, p, found) // a plan for Pool need not find it each time
}

// runPlan runs a plan, and prints it if the run does not end.
func runPlan(t *testing.T, p model.Plan) *model.Finding {
	t.Helper()
	endless := time.AfterFunc(10*time.Minute, func() { panic("IMAP_MODEL_PLAN='" + p.String() + "' does not end") })
	defer endless.Stop()
	return model.Run(t, p)
}

func report(t *testing.T, seed uint64, p model.Plan, found *model.Finding) {
	t.Helper()
	if found != nil {
		t.Errorf("seed %d: %s\n%s\nIMAP_MODEL_PLAN='%s'", seed, found, strings.Join(found.Transcript, "\n"), p)
	}
}
