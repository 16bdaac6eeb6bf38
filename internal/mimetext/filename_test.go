package mimetext

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// safeNames are names as received, without their paths, and as a file name; of application/pdf.
var safeNames = []struct{ in, base, safe, why string }{
	{"report.pdf", "report.pdf", "report.pdf", "as it is"},
	{"отчёт за март.pdf", "отчёт за март.pdf", "отчёт за март.pdf", "letters of any kind"},
	{"", "", "attachment.pdf", "none"},
	{"../../etc/passwd", "passwd", "passwd.pdf", "up the tree"},
	{"/etc/passwd", "passwd", "passwd.pdf", "from the root"},
	{`C:\Users\me\report.doc`, "report.doc", "report.doc", "a path of Windows"},
	{`\\server\share\a.txt`, "a.txt", "a.txt", "a path of a server"},
	{"C:a.txt", "a.txt", "a.txt", "a drive"},
	{"a:b.txt", "b.txt", "b.txt", "a drive"},
	{"A:A:", "", "attachment.pdf", "drives alone"},
	{"ab:c.txt", "ab:c.txt", "ab_c.txt", "a stream of NTFS"},
	{"dir/", "", "attachment.pdf", "a directory"},
	{"..", "", "attachment.pdf", "the directory above"},
	{".", "", "attachment.pdf", "this directory"},
	{" .. ", "", "attachment.pdf", "with blanks"},
	{".htaccess", ".htaccess", "htaccess.pdf", "a hidden file"},
	{"...a.txt", "...a.txt", "a.txt", "many dots"},
	{"a.txt. .", "a.txt. .", "a.txt", "dots that Windows drops"},
	{"~root", "~root", "root.pdf", "a home directory"},
	{"-rf.txt", "-rf.txt", "rf.txt", "an option"},
	{"con", "con", "con.pdf", ""}, {"nul.txt", "nul.txt", "_nul.txt", "a device"}, {"COM1.tar.gz", "COM1.tar.gz", "_COM1.tar.gz", "a device"},
	{"lpt¹.x", "lpt¹.x", "_lpt¹.x", "a device"}, {"com10.x", "com10.x", "com10.x", "no device"},
	{`a<b>c:d"e|f?g*.txt`, `a<b>c:d"e|f?g*.txt`, "a_b_c_d_e_f_g_.txt", "what Windows does not take"},
	{"a\u202Egnp.exe", "a\u202Egnp.exe", "agnp.exe", "what turns the direction of writing"},
	{"a\u3164\u115f\u034f\ufe0fb.txt", "a\u3164\u115f\u034f\ufe0fb.txt", "ab.txt", "what is not seen, though it is a letter or a mark"},
	{"\u3164", "\u3164", "attachment.pdf", "nothing that is seen"},
	{"AUX" + strings.Repeat(" ", 250) + "x.txt", "AUX" + strings.Repeat(" ", 250) + "x.txt", "_AUX.txt", "a device when it is cut"},
	{"a\uFFFDb.txt", "a\uFFFDb.txt", "a_b.txt", "what could not be decoded"},
	{"a\u00a0b\u3000c.txt", "a\u00a0b\u3000c.txt", "a b c.txt", "blanks of other kinds"},
	{"Rechnung 1.2.2026", "Rechnung 1.2.2026", "Rechnung 1.2.2026", "a dot with something behind it is an extension"},
	{"Dr. No", "Dr. No", "Dr. No.pdf", "and this is none"},
	{strings.Repeat("ä", 300) + ".pdf", strings.Repeat("ä", 300) + ".pdf", strings.Repeat("ä", 98) + ".pdf", "too long"},
	{strings.Repeat("x", 300), strings.Repeat("x", 300), strings.Repeat("x", 196) + ".pdf", "too long, without an extension"},
	{"a." + strings.Repeat("x", 300), "a." + strings.Repeat("x", 300), "a." + strings.Repeat("x", 194) + ".pdf", "an extension that is none"},
}

func TestSafeNames(t *testing.T) {
	for _, c := range safeNames {
		assert.Equal(t, c.base, BaseName(c.in), "%s: %q", c.why, c.in)
		safe := SafeName(c.in, "application", "pdf")
		if c.why != "" {
			assert.Equal(t, c.safe, safe, "%s: %q", c.why, c.in)
		}
		requireSafe(t, c.in, safe)
		assert.Equal(t, safe, SafeName(safe, "application", "pdf"), "twice")
	}
}

func TestExtensions(t *testing.T) {
	for in, want := range map[string]string{"text/plain": ".txt", "TEXT/HTML": ".html", "text/x-unheard": ".txt", "message/rfc822": ".eml", "image/jpeg": ".jpg",
		"application/octet-stream": ".bin", "/": ".bin", "multipart/mixed": ".bin"} {
		mediaType, subtype, _ := strings.Cut(in, "/")
		assert.Equal(t, "attachment"+want, SafeName("", mediaType, subtype), in)
	}
}
