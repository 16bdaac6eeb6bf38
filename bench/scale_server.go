package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/go-imaplib/imap"
)

// watchedMessages is what the mailbox of connections that are watched holds at first.
const watchedMessages = 20

// boxRole is the server of a mailbox of n messages: it prints its address and ends with its standard input.
func boxRole(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	l, err := listen(nil)
	if err != nil {
		return err
	}
	s := &cannedServer{generate: nothing, n: n, box: &scaleBox{from: 0, to: n, modSeq: 10}, extra: " CONDSTORE ENABLE ESEARCH LITERAL+"}
	go s.serve(l)
	fmt.Println(l.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// scaleBox is a mailbox in runs of ten: a UID is missing after each tenth. It is made up while it is asked.
type scaleBox struct {
	mu       sync.Mutex
	from, to int // the messages that there are, of all that there ever were
	modSeq   int
}

// boxUID is the UID of the i-th message that there ever was.
func boxUID(i int) int { return i + i/10 + 1 }

// messageOf is the message with a UID, or the next one.
func messageOf(uid int) int { return uid - 1 - uid/11 }

var boxFlags = [...]string{`\Seen`, `\Seen \Answered`, ``, `$Forwarded \Seen`}

func flagsOf(i int) string { return boxFlags[i%len(boxFlags)] }

// changedMessages are how many messages have other flags after shuffle, and movedMessages how many are new, and gone.
const (
	changedMessages = 100
	movedMessages   = 10
)

// shuffle removes the first messages, adds as many and changes the flags of others.
func (b *scaleBox) shuffle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.from, b.to, b.modSeq = b.from+movedMessages, b.to+movedMessages, b.modSeq+1
}

// arrive adds a message and returns their number.
func (b *scaleBox) arrive() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.to++
	b.modSeq++
	return b.to - b.from
}

// otherFlags changes the flags of a message and returns the response that tells of it.
func (b *scaleBox) otherFlags() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.modSeq++
	return fmt.Sprintf("* 3 FETCH (UID %d FLAGS (\\Seen $Label%d) MODSEQ (%d))\r\n", boxUID(b.from+2), b.modSeq%2, b.modSeq)
}

// answer returns the data for a command, and whether it is one about the mailbox.
func (b *scaleBox) answer(tag, name, line string) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch name {
	case "SELECT", "EXAMINE":
		return fmt.Appendf(nil, "* %d EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Answered \\Seen $Forwarded)\r\n* OK [UIDVALIDITY 1] ok\r\n"+
			"* OK [UIDNEXT %d] ok\r\n* OK [HIGHESTMODSEQ %d] ok\r\n", b.to-b.from, boxUID(b.to), b.modSeq), true
	case "SEARCH":
		return b.search(tag, line), true
	case "FETCH":
		return b.fetch(line), true
	}
	return nil, false
}

// search takes RETURN (ALL) with ALL, or with one range of UIDs without an end.
func (b *scaleBox) search(tag, line string) []byte {
	out := fmt.Appendf(nil, "* ESEARCH (TAG %q) UID", tag)
	i := b.from
	if _, set, ok := strings.Cut(line, "UID SEARCH"); ok {
		if _, set, ok = strings.Cut(set, " UID "); ok {
			start, _, _ := strings.Cut(set, ":")
			uid, _ := strconv.Atoi(start)
			i = min(max(i, messageOf(uid)), b.to-1) // "*" is the last message, whatever comes before
		}
	}
	sep := " ALL "
	for i < b.to {
		stop := min(i-i%10+9, b.to-1)
		out = append(out, sep...)
		out = strconv.AppendInt(out, int64(boxUID(i)), 10)
		if stop > i {
			out = strconv.AppendInt(append(out, ':'), int64(boxUID(stop)), 10)
		}
		i, sep = stop+1, ","
	}
	return append(out, "\r\n"...)
}

// fetch sends what has changed, or the messages of a set, with an envelope where it is asked for.
func (b *scaleBox) fetch(line string) (out []byte) {
	if strings.Contains(line, "CHANGEDSINCE") {
		for i := b.to - movedMessages - changedMessages; i < b.to; i++ {
			out = fmt.Appendf(out, "* %d FETCH (UID %d FLAGS (\\Flagged) MODSEQ (%d))\r\n", i-b.from+1, boxUID(i), b.modSeq)
		}
		return out
	}
	fields := strings.Fields(line)
	set, err := imap.ParseUIDSet(fields[3])
	if err != nil {
		return nil
	}
	envelope := ""
	if strings.Contains(line, "ENVELOPE") {
		envelope = ` ENVELOPE ("Mon, 2 Nov 2026 10:00:00 +0000" "news" (("A" NIL "a" "example.org")) NIL NIL (("B" NIL "b" "example.org")) NIL NIL NIL "<1@x>")`
	}
	for uid := range set.All() {
		i := messageOf(int(uid))
		if i < b.from || i >= b.to || boxUID(i) != int(uid) {
			continue
		}
		out = append(strconv.AppendInt(append(out, "* "...), int64(i-b.from+1), 10), " FETCH (UID "...)
		out = append(strconv.AppendInt(out, int64(uid), 10), " FLAGS ("...)
		out = append(append(append(append(out, flagsOf(i)...), ')'), envelope...), ")\r\n"...)
	}
	return out
}
