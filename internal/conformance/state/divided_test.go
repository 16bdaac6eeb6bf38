package state_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
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

// TestUndecidedDataEndsDoubt: a search whose data may be that of the next one returns when that is given up, when the connection
// ends, and when its own ctx ends.
func TestUndecidedDataEndsDoubt(t *testing.T) {
	for name, test := range map[string]struct {
		cancels int // which call, from 1
		lost    bool
	}{"next given up": {cancels: 2}, "own end": {cancels: 1}, "connection lost": {lost: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				c := testkit.DialPeerOffering(t, "IMAP4rev1", nil, func(h *testkit.Peer) {
					one, two := h.Line("UID SEARCH SEEN"), h.Line("UID SEARCH SEEN")
					h.Send("* SEARCH 1\r\n* SEARCH 3\r\n%s OK x", one)
					if <-release; !test.lost {
						h.Send("* SEARCH 7\r\n%s OK x", two)
					}
				})
				var ctxs [2]context.Context
				var cancel [2]context.CancelFunc
				var got [2]string
				var errs [2]error
				p := c.Pipeline()
				var first sync.WaitGroup
				first.Add(1)
				for i := range 2 {
					ctxs[i], cancel[i] = context.WithCancel(context.Background())
					defer cancel[i]()
					p.Go(func(c *imap.Client) error {
						res, err := c.Search(ctxs[i], imap.Where().Seen(), nil)
						if errs[i] = err; err == nil {
							got[i] = res.UIDs.String()
						}
						if i == 0 {
							first.Done()
						}
						return nil
					})
				}
				time.Sleep(time.Second) // all that can be sent and read is
				if test.cancels > 0 {
					cancel[test.cancels-1]()
					first.Wait()
				}
				close(release)
				p.Wait()
				require.NoError(t, errs[0])
				assert.Equal(t, "1,3", got[0])
				if test.cancels == 1 {
					assert.Equal(t, "7", got[1])
				} else {
					assert.Error(t, errs[1])
				}
			})
		})
	}
}
