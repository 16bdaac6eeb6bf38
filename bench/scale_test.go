package main

import (
	"strings"
	"testing"
	"time"
)

// TestScale mirrors small mailboxes and watches some connections, in processes of their own: these fail when something does
// not come to what it should.
func TestScale(t *testing.T) {
	mirrored, err := measureMirrors([]int{300, 3000}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mirrored {
		if m.First.Alloc <= 0 || m.Second.Alloc <= 0 {
			t.Errorf("%+v", m)
		}
	}
	watched, err := measureWatches([]int{10, 30}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(watched) != 2*len(watchKinds) {
		t.Errorf("%d sizes and loops", len(watched))
	}
	for _, w := range watched {
		if w.Idle.Goroutines != int64(w.N) || w.Idle.Heap <= 0 {
			t.Errorf("%+v", w)
		}
	}
	var out strings.Builder
	printMirrors(&out, mirrored)
	printWatches(&out, watched)
	for _, want := range []string{"| 300 | first |", "| 3000 | second |", "3000 messages for 300", "| 10 | Idle |", "| 30 | Watch |"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the tables have no %q:\n%s", want, &out)
		}
	}
}

func TestSizes(t *testing.T) {
	if all, err := sizes("5,7,70", 5); err != nil || len(all) != 3 || all[2] != 70 {
		t.Error(all, err)
	}
	for _, list := range []string{"", "x", "4,7", "7,5"} {
		if all, err := sizes(list, 5); err == nil {
			t.Errorf("%q is %v", list, all)
		}
	}
	if g := growth(time.Second, 10, 20*time.Second, 100); g != 2 {
		t.Error(g)
	}
}

// TestScaleBox: messages and UIDs belong to each other.
func TestScaleBox(t *testing.T) {
	for i := range 100 {
		if uid := boxUID(i); messageOf(uid) != i || uid%11 == 0 {
			t.Errorf("message %d has the UID %d, of message %d", i, uid, messageOf(uid))
		}
	}
	b := &scaleBox{from: 5, to: 25}
	if got := string(b.search("A1", "A1 UID SEARCH RETURN (ALL) ALL")); got != "* ESEARCH (TAG \"A1\") UID ALL 6:10,12:21,23:27\r\n" {
		t.Error(got)
	}
	if got := string(b.search("A1", "A1 UID SEARCH RETURN (ALL) UID 99:*")); got != "* ESEARCH (TAG \"A1\") UID ALL 27\r\n" {
		t.Error(got)
	}
}
