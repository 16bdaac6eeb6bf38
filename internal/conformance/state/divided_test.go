package state_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDataInSeveralResponses: the data of SEARCH, SORT and THREAD may come in several responses. Those before the end of the oldest
// command are its own, except if there is one for each command, which the oldest one's end does not decide.
func TestDataInSeveralResponses(t *testing.T) {
	ctx := t.Context()
	keys := []imap.SortKey{{Name: "ARRIVAL"}}
	kinds := map[string]struct {
		line string
		call func(c *imap.Client) (any, error)
	}{
		"SEARCH": {"UID SEARCH SEEN", func(c *imap.Client) (any, error) {
			res, err := c.Search(ctx, imap.Where().Seen(), nil)
			if err != nil {
				return nil, err
			}
			return strings.ReplaceAll(res.UIDs.String(), ",", " "), nil
		}},
		"SORT": {"UID SORT (ARRIVAL) UTF-8 SEEN", func(c *imap.Client) (any, error) {
			nums, err := c.Sort(ctx, keys, imap.Where().Seen())
			return strings.Trim(fmt.Sprint(nums), "[]"), err
		}},
		"THREAD": {"UID THREAD REFERENCES UTF-8 SEEN", func(c *imap.Client) (any, error) {
			roots, err := c.Thread(ctx, "REFERENCES", imap.Where().Seen())
			var nums []string
			for _, r := range roots {
				nums = append(nums, fmt.Sprint(r.Num))
			}
			return strings.Join(nums, " "), err
		}},
	}
	for name, test := range map[string]struct {
		script string // numbers are data, a letter ends its command, with a "!" by NO
		want   string // by command
	}{
		"parts, then one":          {"1 3|5|a|7|b", "1 3 5/7"},
		"parts of both":            {"1|3|a|5|7|b", "1 3/5 7"},
		"more parts than commands": {"1|3|5|a|b", "1 3 5/"},
		"one for each":             {"1|3|a|b", "1/3"},
		"one for each of three":    {"1|3|5|a|b|c", "1/3/5"},
		"two of three":             {"1|3|a|5|b|7|c", "1 3/5/7"},
		"the third comes later":    {"1|3|a|b|5|c", "1/3/5"},
		"three of three":           {"1|3|5|a|7|b|9|c", "1 3 5/7/9"},
		"last has parts":           {"1|a|3|b|5|7|c", "1/3/5 7"},
		"both in other order":      {"3|b|1|a", "1/3"},
		"three in other order":     {"5|c|3|b|1|a", "1/3/5"},
		"together in other order":  {"1|3|b|a", "1/3"},
		"second refused":           {"1|3|a|b!", "1 3/no"},
		"second refused first":     {"1|3|b!|5|a", "1 3 5/no"},
		"first refused of three":   {"1|a!|3|5|b|7|c", "no/3 5/7"},
		"first refused at the end": {"1|3|5|a!|b|c", "no/3/5"},
		"nothing for the second":   {"1 3|a|b", "1 3/"},
	} {
		for kind, k := range kinds {
			t.Run(kind+" "+name, func(t *testing.T) {
				want := strings.Split(test.want, "/")
				c := testkit.DialPeerOffering(t, "IMAP4rev1 SORT THREAD=REFERENCES", nil, func(h *testkit.Peer) {
					var tags []string
					for range want {
						tags = append(tags, h.Line(k.line))
					}
					for step := range strings.SplitSeq(test.script, "|") {
						switch {
						case step[0] < 'a' && kind == "THREAD":
							h.Send("* THREAD (%s)", strings.ReplaceAll(step, " ", ")("))
						case step[0] < 'a':
							h.Send("* %s %s", kind, step)
						case len(step) > 1:
							h.Send("%s NO not now", tags[step[0]-'a'])
						default:
							h.Send("%s OK x", tags[step[0]-'a'])
						}
					}
				})
				got := make([]string, len(want))
				p := c.Pipeline()
				for i := range got {
					p.Go(func(c *imap.Client) error {
						nums, err := k.call(c)
						if got[i] = fmt.Sprint(nums); err != nil {
							got[i] = "no"
						}
						return nil
					})
				}
				require.NoError(t, p.Wait())
				assert.Equal(t, want, got)
			})
		}
	}
}

// TestLongDataInDoubt: a long response, whose end has not arrived, decides whose the ones before it are, like a short one.
func TestLongDataInDoubt(t *testing.T) {
	var long strings.Builder
	for n := 5; n < 200_000; n += 2 {
		fmt.Fprintf(&long, " %d", n)
	}
	for name, test := range map[string]struct {
		format string // the two tags are a and b
		want   [2]uint32
	}{
		"of the second": {"* SEARCH 1\r\n* SEARCH 3\r\na OK x\r\n* SEARCHlong\r\nb OK x", [2]uint32{2, 99_998}},
		"of the first":  {"* SEARCH 1\r\n* SEARCH 3\r\n* SEARCHlong\r\na OK x\r\n* SEARCH 7\r\nb OK x", [2]uint32{100_000, 1}},
		"one for each":  {"* SEARCH 1\r\n* SEARCHlong\r\na OK x\r\nb OK x", [2]uint32{1, 99_998}},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.DialPeerOffering(t, "IMAP4rev1", nil, func(h *testkit.Peer) {
				one, two := h.Line("UID SEARCH SEEN"), h.Line("UID SEARCH SEEN")
				h.Send("%s", strings.NewReplacer("a OK", one+" OK", "b OK", two+" OK", "long", long.String()).Replace(test.format))
			})
			var got [2]uint32
			p := c.Pipeline()
			for i := range got {
				p.Go(func(c *imap.Client) error {
					res, err := c.Search(t.Context(), imap.Where().Seen(), nil)
					if err == nil {
						got[i] = res.Count
					}
					return err
				})
			}
			require.NoError(t, p.Wait())
			assert.Equal(t, test.want, got)
		})
	}
}

// searchesInDoubt runs n searches in a pipeline. play sends the answers; cancel ends the ctx of a call and waits until all is at rest.
func searchesInDoubt(t *testing.T, n int, play func(h *testkit.Peer, tags []string, cancel func(i int))) (got []string, errs []error) {
	got, errs = make([]string, n), make([]error, n)
	cancels := make([]context.CancelFunc, n)
	c := testkit.DialPeerOffering(t, "IMAP4rev1", nil, func(h *testkit.Peer) {
		var tags []string
		for range n {
			tags = append(tags, h.Line("UID SEARCH SEEN"))
		}
		play(h, tags, func(i int) {
			time.Sleep(time.Second)
			cancels[i]()
			time.Sleep(time.Second)
		})
	})
	p := c.Pipeline()
	for i := range n {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		cancels[i] = cancel
		p.Go(func(c *imap.Client) error {
			res, err := c.Search(ctx, imap.Where().Seen(), nil)
			if errs[i] = err; err == nil {
				got[i] = res.UIDs.String()
			}
			return nil
		})
	}
	p.Wait()
	return got, errs
}

// TestGivenUpInDoubt: a caller that gives up does not change which data is that of other commands, and gets no data itself if that is
// not known yet.
func TestGivenUpInDoubt(t *testing.T) {
	var long strings.Builder
	for n := 5; n < 200_000; n += 2 {
		fmt.Fprintf(&long, " %d", n)
	}
	for name, test := range map[string]struct {
		script string // numbers are data, a letter ends its command, "-a" gives it up, "half" and "rest" are a long response
		want   string // by command
	}{
		"first, while that is not known": {"1|3|a|-a|b", "-/3"},
		"second, before its data":        {"1|-b|3|a|b", "1/-"},
		"second, after its data":         {"1|3|-b|a|b", "1/-"},
		"second, after the first ended":  {"1|3|a|-b|b", "1/-"},
		"second, whose data was not it":  {"1|3|-b|a|5|b", "1 3/-"},
		"second, in its data":            {"1|half|-b|rest|a|b", "1/-"},
		"first, in its data":             {"half|-a|rest|3|a|b", "-/3"},
		"second of three":                {"1|3|5|-b|a|b|c", "1/-/5"},
		"second of three, with parts":    {"1|3|5|-b|a|7|b|9|c", "1 3 5/-/9"},
		"first and second":               {"1|3|-a|-b|a|b|5|c", "-/-/5"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, errs := searchesInDoubt(t, strings.Count(test.want, "/")+1, func(h *testkit.Peer, tags []string, cancel func(i int)) {
					for _, step := range strings.Split(test.script, "|") {
						switch {
						case step == "half":
							h.Put("* SEARCH%s", long.String()[:long.Len()/2])
							h.Out.Flush()
						case step == "rest":
							h.Send("%s", long.String()[long.Len()/2:])
						case step[0] == '-':
							cancel(int(step[1] - 'a'))
						case step[0] >= 'a':
							h.Send("%s OK x", tags[step[0]-'a'])
						default:
							h.Send("* SEARCH %s", step)
						}
					}
				})
				for i := range got {
					if errs[i] != nil {
						assert.ErrorIs(t, errs[i], context.Canceled)
						got[i] = "-"
					}
				}
				assert.Equal(t, test.want, strings.ReplaceAll(strings.Join(got, "/"), ",", " "))
			})
		})
	}
}

// TestLostInDoubt: a search fails if the connection ends before it is known which data is its own.
func TestLostInDoubt(t *testing.T) {
	for _, bye := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			_, errs := searchesInDoubt(t, 2, func(h *testkit.Peer, tags []string, cancel func(i int)) {
				h.Send("* SEARCH 1\r\n* SEARCH 3\r\n%s OK x", tags[0])
				if bye {
					h.Send("* BYE going down")
				}
			})
			require.Error(t, errs[0])
			require.Error(t, errs[1])
		})
	}
}

// TestKindsOfSearches: a search by number and one by UID do not overlap, nor a SORT whose data names the command and one whose data
// does not, so that the data of one cannot be taken for that of the other.
func TestKindsOfSearches(t *testing.T) {
	c := testkit.DialPeerOffering(t, "IMAP4rev1 SORT ESORT", nil, func(h *testkit.Peer) {
		h.Send("* SEARCH 1\r\n* SEARCH 2\r\n%s OK done", h.Line("SEARCH SEEN"))
		h.Send("* SEARCH 900\r\n%s OK done", h.Line("UID SEARCH SEEN"))
		h.Send("* SORT 1\r\n* SORT 3\r\n%s OK done", h.Line("UID SORT (ARRIVAL) UTF-8 SEEN"))
		tag := h.Line("UID SORT RETURN (ALL) (ARRIVAL) UTF-8 SEEN")
		h.Send("* ESEARCH (TAG \"%s\") UID ALL 7\r\n%s OK done", tag, tag)
	})
	ctx, keys := t.Context(), []imap.SortKey{{Name: "ARRIVAL"}}
	var got [4]string
	p := c.Pipeline()
	p.Go(func(c *imap.Client) error {
		res, err := c.SearchSeq(ctx, imap.Where().Seen(), nil)
		if err == nil {
			got[0] = res.Seqs.String()
		}
		return err
	})
	p.Go(func(c *imap.Client) error {
		res, err := c.Search(ctx, imap.Where().Seen(), nil)
		if err == nil {
			got[1] = res.UIDs.String()
		}
		return err
	})
	p.Go(func(c *imap.Client) error {
		nums, err := c.Sort(ctx, keys, imap.Where().Seen())
		got[2] = fmt.Sprint(nums)
		return err
	})
	p.Go(func(c *imap.Client) error {
		res, err := c.SortExtended(ctx, keys, imap.Where().Seen(), nil)
		if err == nil {
			got[3] = fmt.Sprint(res.Nums)
		}
		return err
	})
	require.NoError(t, p.Wait())
	assert.Equal(t, [4]string{"1:2", "900", "[1 3]", "[7]"}, got)
}
