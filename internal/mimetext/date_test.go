package mimetext

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// dateCases are fields, the time that they mean, "" for none, and why.
var dateCases = []struct{ in, want, why string }{
	{"Mon, 2 Feb 2026 09:00:00 +0100", "2026-02-02T09:00:00+01:00", "RFC 5322"},
	{"2 Feb 2026 09:00:00 +0100 (CET)", "2026-02-02T09:00:00+01:00", "no day of the week, a comment"},
	{"Mon, 02 Feb 2026 09:00 GMT", "2026-02-02T09:00:00Z", "no seconds"},
	{"Tue, 30 Jun 2026 12:00:00 EDT", "2026-06-30T12:00:00-04:00", "a zone of RFC 5322 section 4.3"},
	{"Tue, 30 Jun 2026 12:00:00 PST", "2026-06-30T12:00:00-08:00", "a zone of RFC 5322 section 4.3"},
	{"Tue, 30 Jun 26 12:00:00 CST", "2026-06-30T12:00:00-06:00", "two digits"},
	{"Tue, 31 Jun 2026 12:00:00 +0000", "", "no such day"},
	{"yesterday", "", "no date"},
	{"", "", "nothing"},
	{"  \r\n ", "", "nothing"},
	{"Thur, 5 Feb 2026 09:00:00 +0000", "2026-02-05T09:00:00Z", "a day of four letters"},
	{"Thursday, 5 Feb 2026 09:00:00 +0000", "2026-02-05T09:00:00Z", "a day in full"},
	{"Thu 5 Feb 2026 09:00:00 +0000", "2026-02-05T09:00:00Z", "no comma"},
	{"Thu,5 Feb 2026 09:00:00 +0000", "2026-02-05T09:00:00Z", "no blank"},
	{"Thu, 5, Feb 2026 09:00:00 +0000", "2026-02-05T09:00:00Z", "a comma behind the day"},
	{"Thu, Feb 5, 2026 09:00:00 +0000", "2026-02-05T09:00:00Z", "the month first"},
	{"February 5th, 2026 9:00 pm", "2026-02-05T21:00:00Z", "twelve hours"},
	{"5. Februar 2026 09:00:00 +0100", "2026-02-05T09:00:00+01:00", "German"},
	{"Thu Feb  5 09:00:00 2026", "2026-02-05T09:00:00Z", "asctime"},
	{"Thu Feb 05 09:00:00 EST 2026", "2026-02-05T09:00:00-05:00", "date(1)"},
	{"Thu Feb 05 2026 09:00:00 GMT+0100 (Central European Standard Time)", "2026-02-05T09:00:00+01:00", "JavaScript"},
	{"Thu, 5 Feb 49 09:00:00 +0000", "2049-02-05T09:00:00Z", "two digits"},
	{"Thu, 5 Feb 50 09:00:00 +0000", "1950-02-05T09:00:00Z", "two digits"},
	{"Thu, 5 Feb 102 09:00:00 +0000", "2002-02-05T09:00:00Z", "three digits"},
	{"Thu, 5 Feb 2026 09:00:00 (EST)", "2026-02-05T09:00:00-05:00", "a zone in brackets alone"},
	{"Thu, 5 Feb 2026 09:00:00 +0100 (EST)", "2026-02-05T09:00:00+01:00", "a zone in brackets beside another"},
	{"Thu, 5 Feb 2026 09:00:00 UT", "2026-02-05T09:00:00Z", "UT"},
	{"Thu, 5 Feb 2026 09:00:00 Z", "2026-02-05T09:00:00Z", "Z"},
	{"Thu, 5 Feb 2026 09:00:00 A", "2026-02-05T09:00:00Z", "a zone of the military"},
	{"Thu, 5 Feb 2026 09:00:00 JST", "2026-02-05T09:00:00+09:00", "a zone of Asia"},
	{"Thu, 5 Feb 2026 09:00:00 cest", "2026-02-05T09:00:00+02:00", "in small letters"},
	{"Thu, 5 Feb 2026 09:00:00 XYZ", "2026-02-05T09:00:00Z", "a zone that is not known"},
	{"Thu, 5 Feb 2026 09:00:00", "2026-02-05T09:00:00Z", "no zone"},
	{"Thu, 5 Feb 2026 09:00:00 -0000", "2026-02-05T09:00:00Z", "a zone that says nothing"},
	{"Thu, 5 Feb 2026 09:00:00 +01:00", "2026-02-05T09:00:00+01:00", "a colon in the zone"},
	{"Thu, 5 Feb 2026 09:00:00 +1", "2026-02-05T09:00:00+01:00", "one digit in the zone"},
	{"Thu, 5 Feb 2026 09:00:00 -530", "2026-02-05T09:00:00-05:30", "three digits in the zone"},
	{"Thu, 5 Feb 2026 09:00:00 --0400", "2026-02-05T09:00:00-04:00", "two signs"},
	{"Thu, 5 Feb 2026 09:00:00 0100", "2026-02-05T09:00:00+01:00", "no sign"},
	{"Thu, 5 Feb 2026 09:00:00+0100", "2026-02-05T09:00:00+01:00", "no blank before the zone"},
	{"Thu, 5 Feb 2026 09:00:00 [EST]", "2026-02-05T09:00:00-05:00", "a zone in brackets of another kind"},
	{"Thu, 5 Feb 2026 09:00:00 <EST>", "2026-02-05T09:00:00-05:00", "a zone in brackets of another kind"},
	{"Thu, 5 Feb 2026 09:00:00 +0100EST", "2026-02-05T09:00:00+01:00", "junk behind the zone without a blank"},
	{"Thu, 5 Feb 2026 09:00:00 +0100.", "2026-02-05T09:00:00+01:00", "a full stop"},
	{"Thu, 5 Feb 2026 09:00:00 +01:00.", "2026-02-05T09:00:00+01:00", "a full stop"},
	{"Thu, 5 Feb 2026 09:00:00 +0100:", "2026-02-05T09:00:00+01:00", "a colon"},
	{"Thu, 5 Feb 2026 09:00:00 +010000", "2026-02-05T09:00:00+01:00", "seconds of a zone"},
	{"Thu, 5 Feb 2026 09:00:00 GMT+0100.", "2026-02-05T09:00:00+01:00", "a full stop"},
	{"Thu,\u00a05\u00a0Feb 2026 09:00:00\u00a0+0100", "2026-02-05T09:00:00+01:00", "blanks that do not break"},
	{"Thu, 5 Feb 2026 09:00:00 \"GMT\"", "2026-02-05T09:00:00Z", "quotes"},
	{"Thu, 5 Feb 2026 09:00 +0000", "2026-02-05T09:00:00Z", "no seconds"},
	{"Thu, 5 Feb 2026 9:5:7 +0000", "2026-02-05T09:05:07Z", "single digits"},
	{"Thu, 5 Feb 2026 09:00:00.123 +0000", "2026-02-05T09:00:00Z", "fractions"},
	{"Thu, 5 Feb 2026 16.03.09 +0200", "2026-02-05T16:03:09+02:00", "dots"},
	{"Thu, 5 Feb 2026", "2026-02-05T00:00:00Z", "no time"},
	{"Thu, 5 Feb 2026 09:00:00 +0000 and more 12:00 2027", "2026-02-05T09:00:00Z", "junk"},
	{"Thu, 5 Feb 2026 09:00:00 +0000 ((nested) comment", "2026-02-05T09:00:00Z", "a comment without an end"},
	{"Thu (day), 5 (x) Feb 2026 (y) 09:00:00 +0000", "2026-02-05T09:00:00Z", "comments"},
	{"Do., 5 Feb 2026 09:00:00 +0100", "2026-02-05T09:00:00+01:00", "a day in German"},
	{"jeu., 5 févr. 2026 09:00:00 +0100", "2026-02-05T09:00:00+01:00", "French"},
	{"星期四, 5 Feb 2026 09:00:00 +0800", "2026-02-05T09:00:00+08:00", "a day in Chinese"},
	{"mar, 3 Feb 2026 09:00:00 +0100", "2026-02-03T09:00:00+01:00", "a day that is called like a month"},
	{"\xbd\xda, 5 Feb 2026 09:00:00 +0800", "2026-02-05T09:00:00+08:00", "a day in bytes"},
	{"=?utf-8?Q?Thu,_5_Feb_2026_09:00:00_+0000?=", "2026-02-05T09:00:00Z", "an encoded word"},
	{"Thu, 5-Feb-2026 09:00:00 +0000", "2026-02-05T09:00:00Z", "hyphens"},
	{"5/Feb/26 09:00:00 +0000", "2026-02-05T09:00:00Z", "slashes"},
	{"2026-02-05T09:00:00Z", "2026-02-05T09:00:00Z", "ISO 8601"},
	{"2026-02-05T09:00:00+01:00", "2026-02-05T09:00:00+01:00", "ISO 8601"},
	{"2026-02-05 09:00:00.000 -0500", "2026-02-05T09:00:00-05:00", "ISO 8601 with blanks"},
	{"2026/02/05 09:00:00", "2026-02-05T09:00:00Z", "the year first"},
	{"05.02.2026 09:00", "2026-02-05T09:00:00Z", "dots"},
	{"31/12/2026 09:00", "2026-12-31T09:00:00Z", "slashes, which can be read in one way only"},
	{"12/31/2026 09:00", "2026-12-31T09:00:00Z", "slashes, which can be read in one way only"},
	{"02/05/2026 09:00", "", "slashes, which can be read in two ways"},
	{"Mon, 24 May 20 21 09:47 +0000", "", "a year in two"},
	{"Thu, 5 Feb 2026 25:00:00 +0000", "", "no such hour"},
	{"Thu, 5 Feb 2026 09:61:00 +0000", "", "no such minute"},
	{"Thu, 31 Dec 2026 23:59:60 +0000", "2027-01-01T00:00:00Z", "a leap second"},
	{"Thu, 0 Feb 2026 09:00:00 +0000", "", "no such day"},
	{"Thu, 5 Foo 2026 09:00:00 +0000", "", "no such month"},
	{"Thu, 5 Feb", "", "no year"},
	{"Thu,\r\n 5 Feb 2026 09:00:00 +0000\r\n", "2026-02-05T09:00:00Z", "folded"},
	{"Thu, 5 Feb 99999 09:00:00 +0000", "", "a year of five digits"},
	{"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "1997-11-21T09:55:06-06:00", "RFC 5322 appendix A.6.3"},
	{"Thu, 5 Feb 2026 9: 5: 7 +0100", "2026-02-05T09:05:07+01:00", "blanks in the place of zeros"},
	{"Thu, 5 Feb 2026 09:00:00 - 0500", "2026-02-05T09:00:00-05:00", "a blank behind the sign"},
	{"Thu, 5 Feb 2026 09:00:00 +", "2026-02-05T09:00:00Z", "a sign alone"},
	{"Thu, 05 02 2026 09:00:00", "2026-02-05T09:00:00Z", "a number for the month"},
	{"15 09 2026 09:00:00 +0200", "2026-09-15T09:00:00+02:00", "a number for the month"},
	{"Чт, 5 фев 2026 09:00:00 +0300", "2026-02-05T09:00:00+03:00", "Russian"},
	{"5 сентября 2026 09:00:00 +0300", "2026-09-05T09:00:00+03:00", "Russian"},
	{"czw., 5 lut 2026 09:00:00 +0100", "2026-02-05T09:00:00+01:00", "Polish"},
	{"周四, 5 2月 2026 09:00:00 +0800", "2026-02-05T09:00:00+08:00", "Java in Chinese"},
	{"Thu, 5 13月 2026 09:00:00 +0800", "", "no such month"},
	{"(((((((((", "", "brackets"},
	{"+", "", "a sign"},
}

func TestHeaderDates(t *testing.T) {
	for _, c := range dateCases {
		got, ok := ParseDate(c.in)
		assert.Equal(t, c.want != "", ok, "%s: %q: %v", c.why, c.in, got)
		if c.want == "" {
			assert.True(t, got.IsZero(), c.why)
			continue
		}
		assert.Equal(t, c.want, got.Format(time.RFC3339), "%s: %q", c.why, c.in)
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { ParseDate("Mon, 2 Feb 2026 09:00:00 +0000 (UTC)") }))
}
