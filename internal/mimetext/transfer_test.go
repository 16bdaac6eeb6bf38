package mimetext

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// transferCases are encoded texts with their content. at is the offset of the damage, -1 without one.
var transferCases = []struct {
	name, encoding, in, want string
	at                       int64
}{
	{"plain", "base64", "aGVsbG8=", "hello", -1},
	{"empty", "base64", "", "", -1},
	{"only blanks", "base64", " \r\n\r\n", "", -1},
	{"lines", "base64", "aGVs\r\nbG8g\r\nd29y\r\nbGQ=\r\n", "hello world", -1},
	{"LF only", "base64", "aGVs\nbG8=\n", "hello", -1},
	{"a group over a line end", "base64", "aGV\r\nsbG\r\n8=", "hello", -1},
	{"no padding", "base64", "aGVsbG8", "hello", -1},
	{"half of the padding", "base64", "aGVsbA=", "hell", -1},
	{"too much padding", "base64", "aGVsbG8====", "hello", -1},
	{"padding on the next line", "base64", "aGVsbG8\r\n=\r\n", "hello", -1},
	{"junk", "base64", "aG*Vs-_!bG8=", "hello", -1},
	{"bytes above 127", "base64", "aGVs\xffbG8=", "hello", -1},
	{"NUL", "base64", "aGVs\x00bG8=", "hello", -1},
	{"a single character left", "base64", "aGVsb", "hel", 5},
	{"a single character before padding", "base64", "aGVsb===", "hel", 5},
	{"encoded in pieces", "base64", "aGk=\r\naGk=\r\n", "hihi", -1},
	{"encoded in pieces, one line", "base64", "aGk=aGk=", "hihi", -1},
	{"a footer", "base64", "aGk=\r\n_____\r\nPython list\r\nlist\r\n", "hi", 6},
	{"a footer that starts like data", "base64", "aGk=\r\nSent from my phone\r\n", "hi", 6},
	{"padding at the start", "base64", "=aGk=", "hi", -1},
	{"its name in another way", " Base64;", "aGk=", "hi", -1},
	{"BASE64", "BASE64", "aGk=", "hi", -1},

	{"plain", "quoted-printable", "Caf=C3=A9", "Café", -1},
	{"empty", "quoted-printable", "", "", -1},
	{"lower case", "quoted-printable", "=c3=a9", "é", -1},
	{"soft break", "quoted-printable", "a=\r\nb", "ab", -1},
	{"soft break, LF", "quoted-printable", "a=\nb", "ab", -1},
	{"soft break, CR", "quoted-printable", "a=\rb", "ab", -1},
	{"soft break with blanks", "quoted-printable", "a= \t \r\nb", "ab", -1},
	{"soft break at the end", "quoted-printable", "a=", "a", -1},
	{"soft break and CR at the end", "quoted-printable", "a=\r", "a", -1},
	{"blanks at the end of lines", "quoted-printable", "a \t\r\nb \nc ", "a\r\nb\nc", -1},
	{"blanks inside", "quoted-printable", "a  b\tc", "a  b\tc", -1},
	{"blanks and a CR inside", "quoted-printable", "a \rb", "a \rb", -1},
	{"encoded blank at the end", "quoted-printable", "a=20\r\n", "a \r\n", -1},
	{"bytes above 127", "quoted-printable", "Caf\xc3\xa9", "Café", -1},
	{"no digits", "quoted-printable", "1+1=zz", "1+1=zz", 3},
	{"one digit", "quoted-printable", "a=4\r\nb", "a=4\r\nb", 1},
	{"cut in the middle", "quoted-printable", "a=4", "a=4", 1},
	{"an equals sign twice", "quoted-printable", "a==41", "a=A", 1},
	{"an address", "quoted-printable", "http://h/?a=b&c=d", "http://h/?a=b&c=d", 11},
	{"its name in another case", "Quoted-Printable ", "=41", "A", -1},

	{"plain", "x-uuencode", "begin 644 a.txt\n%:&5L;&\\\n`\nend\n", "hello", -1},
	{"CRLF", "uuencode", "begin 644 a.txt\r\n%:&5L;&\\\r\n`\r\nend\r\n", "hello", -1},
	{"text around", "x-uue", "hello\n\nbegin 0644 a b\n%:&5L;&\\\n \nend\nbye\n", "hello", -1},
	{"lost spaces", "x-uuencode", "begin 644 a\n#\nend\n", "\x00\x00\x00", -1},
	{"a character more", "x-uuencode", "begin 644 a\n%:&5L;&\\ x\nend\n", "hello", -1},
	{"no end", "x-uuencode", "begin 644 a\n%:&5L;&\\\n", "hello", 21},
	{"no begin", "x-uuencode", "%:&5L;&\\\n", "", 9},
	{"not its length", "x-uuencode", "begin 644 a\nxyz\n%:&5L;&\\\nend\n", "hello", 12},
	{"not its data", "x-uuencode", "begin 644 a\n#~~~~\nend\n", "\x00\x00\x00", 13},
	{"nothing", "x-uuencode", "", "", 0},

	{"as it is", "7bit", "a=41 \r\n", "a=41 \r\n", -1},
	{"as it is", "8bit", "\xff\x00", "\xff\x00", -1},
	{"as it is", "binary", "\xff\x00", "\xff\x00", -1},
	{"none", "", "a=41", "a=41", -1},
	{"a comment", "base64 (by a program)", "aGk=", "hi", -1},
	{"a blank inside", "quoted printable", "=41", "A", -1},
	{"a blank inside", "8 bit", "=41", "=41", -1},
	{"a comma", "BASE64,", "aGk=", "hi", -1},
	{"a character set", "utf-8", "=41", "=41", -1},
	{"a word that says so", "none", "=41", "=41", -1},
	{"not known", "x-secret", "a=41", "a=41", 0},
}

func TestTransfer(t *testing.T) {
	for _, tt := range transferCases {
		t.Run(tt.encoding+"/"+tt.name, func(t *testing.T) {
			got, err := DecodeTransfer(tt.encoding, []byte(tt.in))
			assert.Equal(t, tt.want, string(got))
			requireDamage(t, tt.at, err)
			for name, r := range map[string]io.Reader{
				"whole":        strings.NewReader(tt.in),
				"by the byte":  iotest.OneByteReader(strings.NewReader(tt.in)),
				"data and EOF": iotest.DataErrReader(strings.NewReader(tt.in)),
				"by the half":  iotest.HalfReader(strings.NewReader(tt.in)),
			} {
				got, err := io.ReadAll(TransferReader(tt.encoding, r))
				assert.Equal(t, tt.want, string(got), name)
				requireDamage(t, tt.at, err)
			}
		})
	}
}

func requireDamage(t *testing.T, at int64, err error) {
	t.Helper()
	if at < 0 {
		require.NoError(t, err)
		return
	}
	damage, ok := errors.AsType[*TransferError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, at, damage.Offset, "%v", err)
}

// TestTransferReads decodes what the packages of the standard library encode, through all ways to read.
func TestTransferReads(t *testing.T) {
	data := make([]byte, 200_000)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(data)
	var b64, qp bytes.Buffer
	enc := base64.NewEncoder(base64.StdEncoding, &b64)
	enc.Write(data)
	enc.Close()
	w := quotedprintable.NewWriter(&qp)
	w.Binary = true
	w.Write(data)
	w.Close()
	lines := bytes.Join(chunk(b64.Bytes(), 76), []byte("\r\n"))
	for name, text := range map[string][]byte{"base64": lines, "quoted-printable": qp.Bytes()} {
		got, err := DecodeTransfer(name, text)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got), name)
		var out bytes.Buffer
		n, err := io.Copy(&out, TransferReader(name, bytes.NewReader(text)))
		require.NoError(t, err)
		require.EqualValues(t, len(data), n)
		require.True(t, bytes.Equal(data, out.Bytes()), name)
	}
}

func chunk(b []byte, n int) (pieces [][]byte) {
	for len(b) > n {
		pieces, b = append(pieces, b[:n]), b[n:]
	}
	return append(pieces, b)
}

// TestTransferErrors: the error of the reader is returned after all data before it.
func TestTransferErrors(t *testing.T) {
	broken := errors.New("broken")
	for name, tt := range map[string]struct{ in, want string }{
		"base64":           {"aGVsbG", "hell"},
		"quoted-printable": {"a=41=4", "aA=4"},
		"x-uuencode":       {"begin 644 a\n%:&5L;&\\", "hello"},
		"x-other":          {"abc", "abc"},
	} {
		got, err := io.ReadAll(TransferReader(name, io.MultiReader(strings.NewReader(tt.in), iotest.ErrReader(broken))))
		require.ErrorIs(t, err, broken)
		assert.Equal(t, tt.want, string(got))
	}
}

// endless yields the same line repeatedly.
type endless struct {
	line string
	left int
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && e.left > 0 {
		m := copy(p[n:min(len(p), n+e.left)], e.line[e.at:])
		n, e.left, e.at = n+m, e.left-m, (e.at+m)%len(e.line)
	}
	return n, nil
}

// TestTransferMemory decodes long texts, also without line ends, in the memory of a short one.
func TestTransferMemory(t *testing.T) {
	for _, tt := range []struct{ encoding, line string }{
		{"base64", strings.Repeat("aGVs", 19) + "\r\n"},
		{"base64", "aGVs"},
		{"base64", "="},
		{"base64", "!"},
		{"base64", "aGk="},
		{"quoted-printable", "=41= \r\n"},
		{"quoted-printable", " "},
		{"quoted-printable", "= "},
		{"quoted-printable", "a"},
		{"x-uuencode", "%:&5L;&\\\n"},
		{"x-uuencode", "M"},
	} {
		r := TransferReader(tt.encoding, &endless{line: tt.line, left: 4 << 20})
		_, err := io.Copy(io.Discard, r)
		if err != nil {
			_, ok := errors.AsType[*TransferError](err)
			require.True(t, ok, "%v", err)
		}
		tr := r.(*transferReader)
		assert.LessOrEqual(t, cap(tr.buf)+cap(tr.out), 6*transferChunk, "%s %q", tt.encoding, tt.line)
	}
}

// TestTransferLongLines: lines and runs of spaces longer than the lookahead of a decoder are decoded the same in pieces and
// as a whole.
func TestTransferLongLines(t *testing.T) {
	for _, length := range []int{maxLookahead - 2, maxLookahead - 1, maxLookahead, maxLookahead + 1, 3*maxLookahead + 5} {
		blanks, text := strings.Repeat(" ", length), strings.Repeat("TQ", length/2)
		for _, c := range [][2]string{
			{"quoted-printable", "a" + blanks + "\r\nb"}, {"quoted-printable", "a=" + blanks + "\r\nb"}, {"quoted-printable", "a" + blanks + "b\n"},
			{"quoted-printable", "a=" + blanks + "b"}, {"base64", "TQ==" + text + "\nTWFu"}, {"base64", "TQ==\n" + text + "?\nTWFu"}, {"base64", "TQ==" + blanks + text + "\n"},
			{"uuencode", "begin 644 x\n#" + text + "\n#86)C\nend\n"}, {"uuencode", text + "\nbegin 644 x\n#86)C\nend\n"},
		} {
			want, wantErr := DecodeTransfer(c[0], []byte(c[1]))
			for _, step := range []int{1, 7, 1000, maxLookahead, transferChunk} {
				got, err := io.ReadAll(TransferReader(c[0], &stepReader{[]byte(c[1]), step}))
				assert.Equal(t, string(want), string(got), "%s of %d in steps of %d", c[0], length, step)
				assert.Equal(t, wantErr == nil, err == nil)
			}
		}
	}
}

// FuzzTransfer: the pieces in which a text arrives do not matter, and an empty text decodes to nothing.
func FuzzTransfer(f *testing.F) {
	for _, tt := range transferCases {
		f.Add(tt.encoding, []byte(tt.in), uint8(3))
	}
	f.Fuzz(func(t *testing.T, encoding string, in []byte, step uint8) {
		want, wantErr := DecodeTransfer(encoding, in)
		most := len(in) + 64
		if strings.Contains(strings.ToLower(encoding), "uu") {
			most = 64 + 32*len(in) // a line may have lost the blanks at its end, which stand for zeros, down to its length alone
		}
		if len(want) > most {
			t.Fatalf("%d bytes of %d", len(want), len(in))
		}
		got, err := io.ReadAll(TransferReader(encoding, &stepReader{in, int(step) + 1}))
		if !bytes.Equal(want, got) {
			t.Fatalf("%q: %q whole, %q in pieces", in, want, got)
		}
		if (wantErr == nil) != (err == nil) || err != nil && wantErr.Error() != err.Error() {
			t.Fatalf("%q: %v whole, %v in pieces", in, wantErr, err)
		}
	})
}

type stepReader struct {
	b    []byte
	step int
}

func (r *stepReader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.step)], r.b)
	r.b = r.b[n:]
	return n, nil
}

func BenchmarkTransfer(b *testing.B) {
	line := strings.Repeat("aGVs", 19) + "\r\n"
	for name, text := range map[string]string{"base64": line, "quoted-printable": "It is =C3=A9 and =C3=BC, and the line goes on and on and on =\r\n"} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(1 << 20)
			b.ReportAllocs()
			for b.Loop() {
				io.Copy(io.Discard, TransferReader(name, &endless{line: text, left: 1 << 20}))
			}
		})
	}
}
