package main

import (
	"strings"
	"testing"
)

const events = `go: downloading something
{"Action":"start","Package":"p/a"}
{"Action":"run","Package":"p/a","Test":"TestX"}
{"Action":"output","Package":"p/a","Test":"TestX","Output":"=== RUN   TestX\n"}
{"Action":"output","Package":"p/a","Test":"TestX","Output":"    quiet\n"}
{"Action":"run","Package":"p/a","Test":"TestX/sub"}
{"Action":"pass","Package":"p/a","Test":"TestX/sub"}
{"Action":"pass","Package":"p/a","Test":"TestX"}
{"Action":"run","Package":"p/a","Test":"TestS"}
{"Action":"output","Package":"p/a","Test":"TestS","Output":"=== RUN   TestS\n"}
{"Action":"output","Package":"p/a","Test":"TestS","Output":"    no server\n"}
{"Action":"skip","Package":"p/a","Test":"TestS"}
{"Action":"pass","Package":"p/a","Elapsed":1}
{"Action":"run","Package":"p/b","Test":"TestF"}
{"Action":"output","Package":"p/b","Test":"TestF","Output":"    what is wrong\n"}
{"Action":"fail","Package":"p/b","Test":"TestF"}
{"Action":"run","Package":"p/b","Test":"TestP"}
{"Action":"output","Package":"p/b","Test":"TestP","Output":"panic: oh\n"}
{"Action":"fail","Package":"p/b"}
{"ImportPath":"p/c","Action":"build-output","Output":"c.go:1: cannot compile\n"}
{"ImportPath":"p/c","Action":"build-fail"}
{"Action":"fail","Package":"p/c","FailedBuild":"p/c"}
{"Action":"fail","Package":"p/d","FailedBuild":"p/c"}
`

func TestReport(t *testing.T) {
	var out strings.Builder
	r := newReport(&out)
	if err := r.read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	if r.passed != 2 || r.failed != 3 || r.skipped != 1 {
		t.Errorf("%d passed, %d failed, %d skipped", r.passed, r.failed, r.skipped)
	}
	for text, times := range map[string]int{
		"go: downloading": 1, "quiet": 0, "ok    p/a  2 tests": 1, "skipped TestS: no server": 1,
		"what is wrong": 1, "panic: oh": 1, "cannot compile": 1, "FAIL  p/": 3,
	} {
		if n := strings.Count(out.String(), text); n != times {
			t.Errorf("%q comes %d times in:\n%s", text, n, out.String())
		}
	}
}

func TestLongOutput(t *testing.T) {
	var out strings.Builder
	newReport(&out).printOutput(strings.SplitAfter(strings.Repeat("line\n", 10*maxLines), "\n"))
	if n := strings.Count(out.String(), "\n"); n != maxLines+1 {
		t.Errorf("%d lines", n)
	}
}
