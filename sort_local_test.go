package imap_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBaseSubject(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		"Lunch":                             "Lunch",
		"Re: Lunch":                         "Lunch",
		"re: RE:Re : Fwd: FW: Lunch":        "Lunch",
		"Re[2]: Lunch":                      "Lunch",
		"Re [a] [b]: Lunch":                 "Re [a] [b]: Lunch",
		"[list] Lunch":                      "Lunch",
		"[list] [b] Re: [c] Lunch":          "Lunch",
		"[list]":                            "[list]",
		"Re: [list]":                        "[list]",
		"[a] [b]":                           "[b]",
		"Lunch (fwd)":                       "Lunch",
		"Lunch (FWD) (fwd)  ":               "Lunch",
		"[Fwd: Lunch]":                      "Lunch",
		"[fwd: Re: [Fwd: [x] Lunch (fwd)]]": "Lunch",
		"  two \t\r\n  words ":              "two words",
		"Regarding: x":                      "Regarding: x",
		"Reply":                             "Reply",
		"Re:":                               "",
		"Re":                                "Re",
		"[unclosed Re: x":                   "[unclosed Re: x",
		"[a[b] x":                           "[a[b] x",
		"Fwd":                               "Fwd",
		"(fwd)":                             "",
	} {
		assert.Equal(t, want, imap.BaseSubject(in), "%q", in)
	}
	start := time.Now()
	imap.BaseSubject(strings.Repeat("Re: [x] ", 100_000))
	imap.BaseSubject(strings.Repeat("[Fwd: ", 20_000) + strings.Repeat("]", 20_000))
	assert.Less(t, time.Since(start), 30*time.Second)
}

// someMail makes conversations: threads that answer each other, lose messages, change subjects and repeat them.
func someMail(random *rand.Rand, n int) []string {
	subjects := []string{"Lunch", "dinner", "[list] Release", "Zebra", "apple"}
	var all []string
	for i := range n {
		subject := subjects[random.IntN(len(subjects))]
		header := fmt.Sprintf("Message-ID: <%d@example.org>\r\n", i)
		if i > 0 && random.IntN(4) > 0 {
			parent := random.IntN(i)
			header += fmt.Sprintf("References: <%d@example.org> <%d@example.org>\r\n", max(0, parent-random.IntN(3)-1), parent)
			if random.IntN(3) > 0 {
				subject = "Re: " + subject
			}
		} else if i > 0 && random.IntN(3) == 0 {
			header += fmt.Sprintf("In-Reply-To: <%d@example.org>\r\n", random.IntN(i+5))
		}
		date := time.Date(2026, time.January, 1+random.IntN(28), random.IntN(24), random.IntN(60), i%60, 0, time.FixedZone("", 3600*(random.IntN(9)-4)))
		all = append(all, fmt.Sprintf("%sFrom: %c%d <%c@example.org>\r\nTo: %c@example.net, x@example.org\r\nCc: %c@example.com\r\nSubject: %s\r\nDate: %s\r\n\r\n%s\r\n",
			header, 'z'-rune(random.IntN(20)), i, 'a'+rune(random.IntN(26)), 'a'+rune(random.IntN(26)), 'A'+rune(random.IntN(26)), subject,
			date.Format("Mon, 02 Jan 2006 15:04:05 -0700"), strings.Repeat("x", random.IntN(2000))))
	}
	return all
}

// TestSortLikeServers sorts and threads here what servers sort and thread, and compares.
func TestSortLikeServers(t *testing.T) {
	everywhere(t, func(t *testing.T, c *imap.Client) {
		ctx := testkit.Context(t)
		deliver(t, c, someMail(rand.New(rand.NewPCG(3, 4)), 60)...)
		msgs, err := imap.Collect(c.Fetch(ctx, imap.SeqRange(1, 0), imap.SortItems()...))
		require.NoError(t, err)
		for _, keys := range [][]imap.SortKey{
			{{Name: "DATE"}}, {{Name: "date", Reverse: true}}, {{Name: "SUBJECT"}}, {{Name: "FROM"}}, {{Name: "TO"}}, {{Name: "CC"}}, {{Name: "SIZE"}},
			{{Name: "SUBJECT"}, {Name: "DATE", Reverse: true}}, {{Name: "FROM", Reverse: true}, {Name: "SIZE"}},
		} {
			if strings.HasSuffix(t.Name(), "/courier") && !strings.EqualFold(keys[0].Name, "DATE") {
				continue // it sorts what is alike from the last to the first
			}
			want, err := c.Sort(ctx, keys, imap.Where())
			require.NoError(t, err)
			require.NoError(t, imap.SortMessages(msgs, keys))
			var got []imap.UID
			for _, m := range msgs {
				got = append(got, m.UID)
			}
			assert.Equal(t, want, got, "%v", keys)
		}
		for _, algorithm := range []string{"REFERENCES", "ORDEREDSUBJECT"} {
			switch {
			case !c.Caps().Has("THREAD=" + algorithm):
				continue
			case strings.HasSuffix(t.Name(), "/imaptest") && algorithm == "REFERENCES":
				continue // it does not look at subjects
			case strings.HasSuffix(t.Name(), "/courier") && algorithm == "ORDEREDSUBJECT":
				continue // it makes a chain where the RFC has children of one message
			}
			want, err := c.Thread(ctx, algorithm, imap.Where())
			require.NoError(t, err)
			got, err := imap.ThreadMessages[imap.UID](msgs, algorithm)
			require.NoError(t, err)
			assert.Equal(t, localThreadText(want), localThreadText(got), algorithm)
		}
	})
}

// localThreadText writes threads as a server does.
func localThreadText[N imap.UID | imap.SeqNum](nodes []*imap.ThreadNode[N]) string {
	var b strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&b, "(%d %s)", n.Num, localThreadText(n.Children))
	}
	return b.String()
}

// TestLocalSort sorts here where the server cannot, if that is allowed.
func TestLocalSort(t *testing.T) {
	const script = `
S: * PREAUTH [CAPABILITY IMAP4rev1] hello
C: $ EXAMINE INBOX
S: * 3 EXISTS
S: $ OK [READ-ONLY] done
`
	const rows = `S: * 1 FETCH (UID 5 INTERNALDATE "01-Jan-2026 00:00:00 +0000" RFC822.SIZE 9 ENVELOPE ("Thu, 1 Jan 2026 00:00:00 +0000" "b" NIL NIL NIL NIL NIL NIL NIL "<1@x>") BODY[HEADER.FIELDS ("References")] "")
S: * 3 FETCH (UID 8 INTERNALDATE "02-Jan-2026 00:00:00 +0000" RFC822.SIZE 8 ENVELOPE ("Fri, 2 Jan 2026 00:00:00 +0000" "Re: b" NIL NIL NIL NIL NIL NIL "<1@x>" "<3@x>") BODY[HEADER.FIELDS ("References")] "")
S: $ OK done
`
	const items = `(UID ENVELOPE INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (References)])`
	opts := &imap.Options{LocalSort: true}
	c := testkit.FollowWith(t, opts, script+"C: $ UID SEARCH UNSEEN\nS: * SEARCH 8 5\nS: $ OK done\nC: $ UID FETCH 5,8 "+items+"\n"+rows+
		"C: $ SEARCH UNSEEN\nS: * SEARCH 1 3\nS: $ OK done\nC: $ FETCH 1,3 "+items+"\n"+rows+
		"C: $ UID SEARCH ALL\nS: * SEARCH 5 8\nS: $ OK done\nC: $ UID FETCH 5,8 "+items+"\n"+rows+testkit.OnlyNoop)
	ctx := testkit.Context(t)
	_, err := c.Examine(ctx, "INBOX", nil)
	require.NoError(t, err)
	uids, err := c.Sort(ctx, []imap.SortKey{{Name: "SIZE"}}, imap.Where().Unseen())
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{8, 5}, uids)
	nums, err := c.SortSeq(ctx, []imap.SortKey{{Name: "DATE", Reverse: true}}, imap.Where().Unseen())
	require.NoError(t, err)
	assert.Equal(t, []imap.SeqNum{3, 1}, nums)
	threads, err := c.Thread(ctx, "references", imap.Where())
	require.NoError(t, err)
	assert.Equal(t, "(5 (8 ))", localThreadText(threads))
	require.ErrorIs(t, errOf(c.Sort(ctx, []imap.SortKey{{Name: "MODSEQ"}}, imap.Where())), errors.ErrUnsupported)
	require.Error(t, errOf(c.Sort(ctx, nil, imap.Where())))
	require.ErrorIs(t, errOf(c.Thread(ctx, "REFS", imap.Where())), errors.ErrUnsupported)
	testkit.RequireNothingSent(t, c)

	c = testkit.Offering(t, "", "C: $ EXAMINE INBOX\nS: $ OK done\n"+testkit.OnlyNoop)
	_, err = c.Examine(ctx, "INBOX", nil)
	require.NoError(t, err)
	require.ErrorIs(t, errOf(c.Sort(ctx, []imap.SortKey{{Name: "SIZE"}}, imap.Where())), errors.ErrUnsupported, "unless it is allowed")
	testkit.RequireNothingSent(t, c)
}

// TestThreadOddMail threads what refers to itself, to nothing, in a circle, and what has no header.
func TestThreadOddMail(t *testing.T) {
	message := func(uid imap.UID, id, reply, subject string) *imap.Message {
		return &imap.Message{UID: uid, SeqNum: imap.SeqNum(uid), InternalDate: time.Unix(int64(uid), 0), Envelope: &imap.Envelope{MessageID: id, InReplyTo: reply, Subject: subject}}
	}
	for name, tt := range map[string]struct {
		msgs []*imap.Message
		want string
	}{
		"nothing":             {nil, ""},
		"no envelope":         {[]*imap.Message{{UID: 1}, {UID: 2}}, "(1 )(2 )"},
		"itself":              {[]*imap.Message{message(1, "<a@x>", "<a@x>", "")}, "(1 )"},
		"a circle":            {[]*imap.Message{message(1, "<a@x>", "<b@x>", ""), message(2, "<b@x>", "<a@x>", "")}, "(2 (1 ))"},
		"the same identifier": {[]*imap.Message{message(1, "<a@x>", "", ""), message(2, "<a@x>", "", ""), message(3, "<c@x>", "<a@x>", "")}, "(1 (3 ))(2 )"},
		"a missing parent":    {[]*imap.Message{message(1, "<b@x>", "<a@x>", ""), message(2, "<c@x>", "<a@x>", "")}, "(0 (1 )(2 ))"},
		"one subject":         {[]*imap.Message{message(1, "<a@x>", "", "s"), message(2, "<b@x>", "", "s")}, "(0 (1 )(2 ))"},
		"one subject, thrice": {[]*imap.Message{message(1, "<a@x>", "", "s"), message(2, "<b@x>", "", "s"), message(3, "<c@x>", "", "s")}, "(0 (1 )(2 )(3 ))"},
		"a reply by subject":  {[]*imap.Message{message(1, "<a@x>", "", "Re: s"), message(2, "<b@x>", "", "s")}, "(2 (1 ))"},
	} {
		got, err := imap.ThreadMessages[imap.UID](tt.msgs, "REFERENCES")
		require.NoError(t, err)
		assert.Equal(t, tt.want, localThreadText(got), name)
	}
	deep := make([]*imap.Message, 20_000)
	for i := range deep {
		deep[i] = message(imap.UID(i+1), fmt.Sprintf("<%d@x>", i), fmt.Sprintf("<%d@x>", i-1), "s")
	}
	got, err := imap.ThreadMessages[imap.UID](deep, "REFERENCES")
	require.NoError(t, err)
	require.Len(t, got, 1)
}
