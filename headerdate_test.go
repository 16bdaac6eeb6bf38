package imap

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestHeaderDates(t *testing.T) {
	for in, want := range map[string]string{
		"Mon, 2 Feb 2026 09:00:00 +0100":  "2026-02-02T09:00:00+01:00",
		"2 Feb 2026 09:00:00 +0100 (CET)": "2026-02-02T09:00:00+01:00",
		"Mon, 02 Feb 2026 09:00 GMT":      "2026-02-02T09:00:00Z",
		"Tue, 30 Jun 2026 12:00:00 EDT":   "2026-06-30T12:00:00-04:00",
		"Tue, 30 Jun 2026 12:00:00 PST":   "2026-06-30T12:00:00-08:00",
		"Tue, 30 Jun 26 12:00:00 CST":     "2026-06-30T12:00:00-06:00",
		"Tue, 31 Jun 2026 12:00:00 +0000": "",
		"yesterday":                       "",
		"":                                "",
	} {
		got := parseHeaderDate(in)
		if want == "" {
			assert.True(t, got.IsZero(), "%q: %v", in, got)
			continue
		}
		assert.Equal(t, want, got.Format(time.RFC3339), "%q", in)
	}
}
