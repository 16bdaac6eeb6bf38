package imaplib_test

import (
	"math"
	"math/bits"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The tables of this file have the results of Python's imaplib for the same input, or the right result where it loses or
// invents something.

func TestParseInternalDate(t *testing.T) {
	inResponse := func(date string) string { return `25 (INTERNALDATE "` + date + `")` }
	for _, test := range []struct {
		name, in, want string // want in RFC 3339, "" for an error
	}{
		{"UTC", inResponse("01-Jan-2000 00:00:00 +0000"), "2000-01-01T00:00:00Z"},
		{"east", inResponse("01-Jan-2000 11:30:00 +1130"), "2000-01-01T11:30:00+11:30"},
		{"west", inResponse("31-Dec-1999 12:30:00 -1130"), "1999-12-31T12:30:00-11:30"},
		{"minus zero", inResponse("01-Jan-2000 00:00:00 -0000"), "2000-01-01T00:00:00Z"},
		{"padded day", inResponse(" 1-Jan-2000 00:00:00 +0000"), "2000-01-01T00:00:00Z"},
		{"short day", inResponse("1-Jan-2000 00:00:00 +0000"), "2000-01-01T00:00:00Z"},
		{"month in lower case", inResponse("01-jan-2000 00:00:00 +0000"), "2000-01-01T00:00:00Z"},
		{"item in lower case", `25 (internaldate "01-Jan-2000 00:00:00 +0000")`, "2000-01-01T00:00:00Z"},
		{"quoted date alone", `"01-Jan-2000 00:00:00 +0000"`, "2000-01-01T00:00:00Z"},
		{"date alone", `01-Jan-2000 00:00:00 +0000`, "2000-01-01T00:00:00Z"},
		{"whole response", `1 (FLAGS (\Seen) INTERNALDATE "17-Jul-1996 02:44:25 -0700" UID 4)`, "1996-07-17T02:44:25-07:00"},
		{"untagged response", `* 1 FETCH (FLAGS (\Seen) INTERNALDATE "17-Jul-1996 02:44:25 -0700" UID 4)`, "1996-07-17T02:44:25-07:00"},
		{"two items", `1 (INTERNALDATE "01-Jan-2000 00:00:00 +0000" INTERNALDATE "02-Jan-2000 00:00:00 +0000")`, "2000-01-02T00:00:00Z"},
		{"in a string before", `1 (BODY[] "INTERNALDATE \"01-Jan-1999 00:00:00 +0000\"" INTERNALDATE "02-Jan-2000 00:00:00 +0000")`, "2000-01-02T00:00:00Z"},
		{"leap day", inResponse("29-Feb-2000 23:59:59 +0000"), "2000-02-29T23:59:59Z"},
		{"leap second", inResponse("01-Jan-2000 23:59:60 +0000"), "2000-01-02T00:00:00Z"},
		{"late", inResponse("01-Jan-9999 00:00:00 -1200"), "9999-01-01T00:00:00-12:00"},
		{"year 0", inResponse("01-Jan-0000 00:00:00 +0000"), "0000-01-01T00:00:00Z"},
		{"early", inResponse("01-Jan-1969 00:00:00 +0000"), "1969-01-01T00:00:00Z"},
		{"daylight saving", inResponse("02-Apr-2000 02:30:00 +0000"), "2000-04-02T02:30:00Z"},

		{"day 0", inResponse("00-Jan-2000 00:00:00 +0000"), ""},
		{"day 32", inResponse("32-Jan-2000 00:00:00 +0000"), ""},
		{"day 39", inResponse("39-Jan-2000 00:00:00 +0000"), ""},
		{"no leap year", inResponse("31-Feb-2001 00:00:00 +0000"), ""},
		{"hour 24", inResponse("01-Jan-2000 24:00:00 +0000"), ""},
		{"minute 99", inResponse("01-Jan-2000 99:99:99 +0000"), ""},
		{"zone minutes", inResponse("01-Jan-2000 00:00:00 +9999"), ""},
		{"unknown month", inResponse("01-Foo-2000 00:00:00 +0000"), ""},
		{"year of two digits", inResponse("01-Jan-00 00:00:00 +0000"), ""},
		{"named zone", inResponse("01-Jan-2000 00:00:00 GMT"), ""},
		{"zeros", inResponse("00-Jan-0000 00:00:00 +0000"), ""},
		{"no date", `1 (FLAGS (\Seen))`, ""},
		{"NIL", `1 (INTERNALDATE NIL)`, ""},
		{"empty", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := imap.ParseInternalDate(test.in)
			if test.want == "" {
				require.Error(t, err)
				assert.True(t, got.IsZero())
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, got.Format(time.RFC3339))
		})
	}
}

func TestInt2AP(t *testing.T) {
	for n, want := range map[int]string{
		0: "", 1: "B", 15: "P", 16: "BA", 255: "PP", 256: "BAA", 4096: "BAAA", 65535: "PPPP", -1: "B", -255: "PP",
		1 << 28: "BAAAAAAA",
	} {
		assert.Equal(t, want, imap.Int2AP(n), n)
	}
	rest := bits.UintSize/4 - 1
	assert.Equal(t, "H"+strings.Repeat("P", rest), imap.Int2AP(math.MaxInt))
	assert.Equal(t, "I"+strings.Repeat("A", rest), imap.Int2AP(math.MinInt))
}

func TestParseFlags(t *testing.T) {
	for _, test := range []struct {
		in   string
		want []imap.Flag
	}{
		{`25 (FLAGS (\Seen \Answered))`, []imap.Flag{imap.FlagSeen, imap.FlagAnswered}},
		{`FLAGS (\Seen)`, []imap.Flag{imap.FlagSeen}},
		{`FLAGS ()`, nil},
		{`1 (FLAGS (\Seen [test] $MDNSent) UID 3)`, []imap.Flag{imap.FlagSeen, "[test]", "$MDNSent"}},
		{`1 (FLAGS (a]b [x))`, []imap.Flag{"a]b", "[x"}},
		{`FLAGS (\Answered \Flagged \*)`, []imap.Flag{imap.FlagAnswered, imap.FlagFlagged, imap.FlagAny}},
		{`1 (UID 3)`, nil},
		{``, nil},
		{`FLAGS(\Seen)`, nil},
		{`1 (FLAGS (\Seen`, nil},
		{"FLAGS (a  b\tc)", []imap.Flag{"a", "b", "c"}},
		{`OK [PERMANENTFLAGS (\Deleted \*)] x`, []imap.Flag{imap.FlagDeleted, imap.FlagAny}},
		{`1 (FLAGS (\Seen)) FLAGS (\Draft)`, []imap.Flag{imap.FlagDraft}},
		{`1 (BODY[] "FLAGS (fake)" FLAGS (\Seen))`, []imap.Flag{imap.FlagSeen}},
		{`1 (FLAGS (\Seen) BODY[] "FLAGS (fake)")`, []imap.Flag{imap.FlagSeen}},
		{`FLAGS (a(b c)`, []imap.Flag{"a(b", "c"}},
		{"FLAGS (caf\xc3\xa9)", []imap.Flag{"caf\xc3\xa9"}},
		{`(\seen \Draft)`, []imap.Flag{imap.FlagSeen, imap.FlagDraft}},
	} {
		assert.Equal(t, test.want, imap.ParseFlags(test.in), "%q", test.in)
	}
}

func TestFormatInternalDate(t *testing.T) {
	in := func(name string) *time.Location {
		loc, err := time.LoadLocation(name)
		require.NoError(t, err)
		return loc
	}
	newYork, kathmandu := in("America/New_York"), in("Asia/Kathmandu")
	east := time.FixedZone("", 2*3600)
	for _, test := range []struct {
		in   time.Time
		want string
	}{
		{time.Unix(2000000000, 0).In(east), `"18-May-2033 05:33:20 +0200"`},
		{time.Unix(2000000000, 0).In(time.FixedZone("", 3600)), `"18-May-2033 04:33:20 +0100"`},
		{time.Unix(0, 0).UTC(), `"01-Jan-1970 00:00:00 +0000"`},
		{time.Unix(-1, 0).UTC(), `"31-Dec-1969 23:59:59 +0000"`},
		{time.Unix(951782399, 999e6).UTC(), `"28-Feb-2000 23:59:59 +0000"`},
		{time.Unix(253402300799, 0).UTC(), `"31-Dec-9999 23:59:59 +0000"`},
		{time.Unix(1710053999, 0).In(newYork), `"10-Mar-2024 01:59:59 -0500"`},
		{time.Unix(1710054000, 0).In(newYork), `"10-Mar-2024 03:00:00 -0400"`},
		{time.Unix(1730611800, 0).In(newYork), `"03-Nov-2024 01:30:00 -0400"`},
		{time.Unix(1730615400, 0).In(newYork), `"03-Nov-2024 01:30:00 -0500"`},
		{time.Unix(0, 0).In(kathmandu), `"01-Jan-1970 05:30:00 +0530"`},
		{time.Unix(946684800, 0).In(kathmandu), `"01-Jan-2000 05:45:00 +0545"`},
		{time.Date(2024, 1, 2, 3, 4, 5, 0, time.FixedZone("", 5*3600+30*60+15)), `"02-Jan-2024 03:03:50 +0530"`},
		{time.Date(2024, 1, 2, 3, 4, 5, 0, time.FixedZone("", -(5*3600+30*60+45))), `"02-Jan-2024 03:03:50 -0531"`},
		{time.Date(99, 1, 2, 3, 4, 5, 0, time.UTC), `"02-Jan-0099 03:04:05 +0000"`},
		{time.Time{}, `"01-Jan-0001 00:00:00 +0000"`},
	} {
		got := imap.FormatInternalDate(test.in)
		assert.Equal(t, test.want, got)
		if test.in.Year() > 1 {
			back, err := imap.ParseInternalDate(got)
			require.NoError(t, err)
			assert.True(t, back.Equal(test.in.Truncate(time.Second)), "%v came back as %v", test.in, back)
		}
	}
}

// TestSameInstant: three spellings of the same instant (CPython's Internaldate2tuple).
func TestSameInstant(t *testing.T) {
	for _, s := range []string{"01-Jan-2000 00:00:00 +0000", "01-Jan-2000 11:30:00 +1130", "31-Dec-1999 12:30:00 -1130"} {
		got, err := imap.ParseInternalDate(`25 (INTERNALDATE "` + s + `")`)
		require.NoError(t, err)
		assert.EqualValues(t, 946684800, got.Unix())
	}
}

func TestMailboxNames(t *testing.T) {
	for utf8, wire := range map[string]string{
		"INBOX":              "INBOX",
		"Entwürfe/%":         "Entw&APw-rfe/%",
		"A&B":                "A&-B",
		"&":                  "&-",
		"a\x01b":             "a&AAE-b",
		"~peter/mail/日本語/台北": "~peter/mail/&ZeVnLIqe-/&U,BTFw-",
		"📷":                  "&2D3c9w-",
		"Gelöschte Objekte":  "Gel&APY-schte Objekte",
	} {
		assert.Equal(t, wire, imap.EncodeMailboxName(utf8))
		back, err := imap.DecodeMailboxName(wire)
		require.NoError(t, err, wire)
		assert.Equal(t, utf8, back)
	}
	for _, wire := range []string{"&", "a&b", "&A-", "&AAAA-", "&AGE-", "&2D0-", "&APw=-", "Entwürfe", "&APw-&APw-", "&APz-", "&" + strings.Repeat("A", 7) + "-"} {
		_, err := imap.DecodeMailboxName(wire)
		assert.Error(t, err, wire)
	}
	for c := range rune(0x20) { // each control character round-trips
		if back, err := imap.DecodeMailboxName(imap.EncodeMailboxName("a" + string(c) + "b")); assert.NoError(t, err) {
			assert.Equal(t, "a"+string(c)+"b", back)
		}
	}
}
