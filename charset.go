package imap

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// decodeText decodes header text: the encoded words of RFC 2047, and raw octets above 127. It is not mime.WordDecoder,
// because that decodes each word by itself and real programs split characters between words, leave out padding, and
// put blanks into words.
func decodeText(s string) string {
	if !strings.Contains(s, "=?") {
		return decodeRaw(s)
	}
	var d wordDecoder
	for s != "" {
		i := strings.Index(s, "=?")
		if i < 0 {
			break
		}
		word, n := parseWord(s[i:])
		if n == 0 {
			d.plain(s[:i+2])
			s = s[i+2:]
			continue
		}
		if between := s[:i]; !d.inWords || strings.Trim(between, " \t\r\n") != "" {
			d.plain(between)
		}
		d.word(word, s[i:i+n])
		s = s[i+n:]
	}
	d.plain(s)
	d.flush()
	return d.out.String()
}

// decodeRaw decodes text without encoded words: as UTF-8 where it is that, else as what most writers of raw octets use.
func decodeRaw(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return decodeWith(charmap.Windows1252, s)
}

func decodeWith(enc encoding.Encoding, s string) string {
	if out, err := enc.NewDecoder().String(s); err == nil {
		return out
	}
	return s
}

// encodedWord is one encoded word, its octets decoded from their transfer encoding.
type encodedWord struct {
	charset string
	octets  string
}

// wordDecoder joins the octets of neighbouring words of one character set before it decodes them.
type wordDecoder struct {
	out     strings.Builder
	charset string
	octets  []byte // of the words of the run
	source  []byte // those words as they stand, for a character set that is not known
	inWords bool
}

func (d *wordDecoder) word(w encodedWord, source string) {
	if d.inWords && !strings.EqualFold(d.charset, w.charset) {
		d.flush()
	}
	d.charset = w.charset
	d.octets = append(d.octets, w.octets...)
	d.source = append(d.source, source...)
	d.inWords = true
}

func (d *wordDecoder) plain(s string) {
	if s == "" {
		return
	}
	d.flush()
	d.out.WriteString(decodeRaw(s))
}

func (d *wordDecoder) flush() {
	if !d.inWords {
		return
	}
	if text, ok := decodeCharset(d.charset, string(d.octets)); ok {
		d.out.WriteString(text)
	} else {
		d.out.Write(d.source)
	}
	d.charset, d.octets, d.source, d.inWords = "", d.octets[:0], d.source[:0], false
}

// parseWord reads an encoded word at the start of s and returns its length, 0 if there is none.
func parseWord(s string) (encodedWord, int) {
	charset, rest, ok := strings.Cut(s[2:], "?")
	if !ok || charset == "" || len(rest) < 2 || rest[1] != '?' || strings.ContainsAny(charset, " \t\r\n=") {
		return encodedWord{}, 0
	}
	end := wordEnd(rest[2:])
	if end < 0 {
		return encodedWord{}, 0
	}
	text := rest[2 : 2+end]
	charset, _, _ = strings.Cut(charset, "*") // a language, RFC 2231 section 5
	w := encodedWord{charset: charset}
	switch rest[0] {
	case 'B', 'b':
		w.octets, ok = decodeB(text)
	case 'Q', 'q':
		w.octets = decodeQ(text)
	default:
		ok = false
	}
	if !ok {
		return encodedWord{}, 0
	}
	return w, len(s) - len(rest) + 2 + len(text) + 2
}

// wordEnd finds the "?=" that ends an encoded word; -1 where the next one starts before, so that no text is searched
// again and again.
func wordEnd(s string) int {
	for i := 0; i < len(s); i++ {
		j := strings.IndexByte(s[i:], '?')
		if j < 0 {
			return -1
		}
		if i += j; i+1 < len(s) && s[i+1] == '=' {
			return i
		}
		if i > 0 && s[i-1] == '=' {
			return -1
		}
	}
	return -1
}

// decodeB decodes base64; blanks and missing padding are taken.
func decodeB(s string) (string, bool) {
	s = strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\r' || r == '\n' || r == '=' {
			return -1
		}
		return r
	}, s)
	if len(s)%4 == 1 {
		s = s[:len(s)-1]
	}
	out, err := base64.RawStdEncoding.DecodeString(s)
	return string(out), err == nil
}

// decodeQ decodes the Q encoding; an equals sign that starts no octet stands for itself.
func decodeQ(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '_':
			b.WriteByte(' ')
		case c == '=' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return isDigit(c) || 'A' <= upper(c) && upper(c) <= 'F'
}

func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return upper(c) - 'A' + 10
}

// decodeCharset decodes octets of a character set; false for one that is not known.
func decodeCharset(name, octets string) (string, bool) {
	if name == "" || strings.EqualFold(name, "utf-8") || strings.EqualFold(name, "utf8") || strings.EqualFold(name, "us-ascii") {
		return decodeRaw(octets), true
	}
	enc := charsetByName(name)
	if enc == nil {
		return "", false
	}
	return decodeWith(enc, octets), true
}

// charsetAliases are names that programs make up.
var charsetAliases = map[string]string{
	"x-unknown": "windows-1252", "unknown": "windows-1252", "unknown-8bit": "windows-1252", "default": "windows-1252",
	"ansi_x3.110-1983": "windows-1252", "iso8859_1": "windows-1252", "cp936": "gbk", "ms936": "gbk", "x-gbk": "gbk",
	"cp932": "shift_jis", "cp949": "euc-kr", "ks_c_5601": "euc-kr", "cp850": "ibm850", "cp437": "ibm437", "cp866": "ibm866",
}

// charsetByName finds a character set under the names of the web, of IANA, and those that programs make up; nil if there
// is none.
func charsetByName(name string) encoding.Encoding {
	name = strings.ToLower(strings.Trim(name, `" '`))
	if alias, ok := charsetAliases[name]; ok {
		name = alias
	}
	if enc, err := htmlindex.Get(name); err == nil {
		return enc
	}
	for _, index := range []*ianaindex.Index{ianaindex.MIME, ianaindex.IANA} {
		if enc, err := index.Encoding(name); err == nil && enc != nil {
			return enc
		}
	}
	return nil
}
