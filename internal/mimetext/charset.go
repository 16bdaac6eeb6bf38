package mimetext

import (
	"strconv"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// Lookup returns the encoding of a character set, or nil if it is not known. It accepts names as programs write them: it
// ignores case, quotes, blanks, the separators between words, and vendors' prefixes (x-, ms, cp, windows, ibm).
//
// The name of a subset that programs use for the larger set gives the larger set: iso-8859-1 is windows-1252, gb2312 is
// GB18030, ks_c_5601-1987 is code page 949. Names without a meaning (unknown-8bit) and us-ascii give windows-1252.
func Lookup(name string) encoding.Encoding {
	return resolve(name).encoding
}

// IsLoose reports whether the bytes of a text are a better hint than the name of their character set, because programs write
// that name carelessly: it means UTF-8, a subset of it, or nothing.
func IsLoose(name string) bool {
	c := resolve(name)
	return c.utf8 || c.guess
}

// maxName bounds the length of a name of a character set.
const maxName = 64

// charset is the meaning of a name.
type charset struct {
	encoding encoding.Encoding // nil: the name is unknown
	utf8     bool
	guess    bool // the name does not determine the meaning of bytes above 127
}

// resolve finds a character set: by rules for the families of names first, then in the indexes of the web and of IANA.
func resolve(name string) charset {
	var buf [maxName]byte
	key := nameKey(buf[:0], name)
	if len(key) == 0 {
		return charset{}
	}
	if c, ok := byKey(key); ok {
		return c
	}
	for _, prefix := range [...]string{"charset", "x", "cs", "ms"} {
		if len(key) > len(prefix) && string(key[:len(prefix)]) == prefix {
			if c, ok := byKey(key[len(prefix):]); ok {
				return c
			}
		}
	}
	return byIndex(name)
}

// nameKey appends the letters and digits of a name in lower case to dst, up to a parameter after a semicolon, a year after a
// colon, or a language after an asterisk. The result is empty if name is not a valid name.
func nameKey(dst []byte, name string) []byte {
	if len(name) > maxName {
		return nil
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'A' <= c && c <= 'Z':
			dst = append(dst, c+'a'-'A')
		case 'a' <= c && c <= 'z', isDigit(c):
			dst = append(dst, c)
		case c >= 0x80:
			return nil
		case c == '=' && string(dst) == "charset": // the whole parameter
			dst = dst[:0]
		case (c == ';' || c == ',' || c == ':' || c == '*') && len(dst) > 0:
			return dst
		}
	}
	return dst
}

// byKey finds a character set by the letters and digits of its name.
func byKey(key []byte) (charset, bool) {
	if c, ok := charsets[string(key)]; ok {
		return c, true
	}
	if c, ok := byTable(string(key)); ok {
		return c, true
	}
	if n, ok := isoPart(key); ok {
		c, ok := isoParts[n]
		return c, ok
	}
	if n, ok := codePage(key); ok {
		if c, ok := codePages[n]; ok {
			return c, true
		}
		return byTable("cp" + strconv.Itoa(n))
	}
	return charset{}, false
}

// tableNames are other names of the character sets of singleBytes.
var tableNames = map[string]string{
	"roman8": "hproman8", "r8": "hproman8", "koi8tj": "koi8t", "rk1048": "kz1048", "strk10482002": "kz1048", "pt154": "ptcp154", "cyrillicasian": "ptcp154",
	"cp154": "ptcp154", "macce": "maclatin2", "maccentraleurope": "maclatin2", "maccenteuro": "maclatin2", "macicelandic": "maciceland",
}

// byTable finds a character set of singleBytes.
func byTable(key string) (charset, bool) {
	if name, ok := tableNames[key]; ok {
		key = name
	}
	table, ok := singleBytes[key]
	if !ok {
		return charset{}, false
	}
	return charset{encoding: tableEncoding(table)}, true
}

// isoPart returns the number of a part of ISO 8859 in its name: iso-8859-1, 8859_15, iso88592, but not latin1.
func isoPart(key []byte) (int, bool) {
	s := strings.TrimPrefix(string(key), "iso")
	s = strings.TrimPrefix(s, "ir")
	s, ok := strings.CutPrefix(s, "8859")
	if !ok {
		return 0, false
	}
	if len(s) > 4 && (s[len(s)-4:len(s)-2] == "19" || s[len(s)-4:len(s)-2] == "20") {
		s = s[:len(s)-4] // the year of the standard
	}
	if s == "" {
		return 1, true
	}
	n, digits := 0, 0
	for digits < len(s) && digits < 2 && isDigit(s[digits]) {
		n = n*10 + int(s[digits]-'0')
		digits++
	}
	return n, digits > 0
}

// vendorWords are the words before the number of a code page.
var vendorWords = [...]string{"windows", "codepage", "microsoft", "ccsid", "ansi", "win", "ibm", "dos", "oem", "cp", "ms", "pc", "cs", "x"}

// codePage returns the number of a code page: cp1252, windows-1252, x-ms-cp932, ibm-00858, 1251.
func codePage(key []byte) (int, bool) {
	s := string(key)
	for stripped := true; stripped; {
		stripped = false
		for _, word := range vendorWords {
			if rest, ok := strings.CutPrefix(s, word); ok {
				s, stripped = rest, true
				break
			}
		}
	}
	if s == "" || len(s) > 6 {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// byIndex finds a character set by the names of the web and of IANA. It excludes the encoding "replacement" of the web,
// which turns a whole text into one U+FFFD.
func byIndex(name string) charset {
	name = strings.ToLower(strings.Trim(name, "\"' \t;"))
	if e, err := htmlindex.Get(name); err == nil && e != encoding.Replacement {
		return charset{encoding: e}
	}
	for _, index := range []*ianaindex.Index{ianaindex.MIME, ianaindex.IANA} {
		if e, err := index.Encoding(name); err == nil && e != nil && e != encoding.Replacement {
			return charset{encoding: e}
		}
	}
	return charset{}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
