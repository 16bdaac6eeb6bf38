// Package ascii compares and classifies ASCII letters and digits in byte slices and strings. Other letters are not folded.
package ascii

// EqualFold reports whether b and s are equal, ignoring the case of ASCII letters.
func EqualFold[B []byte | string](b B, s string) bool {
	if len(b) != len(s) {
		return false
	}
	if string(b) == s {
		return true
	}
	for i := range len(s) {
		if Upper(b[i]) != Upper(s[i]) {
			return false
		}
	}
	return true
}

// Upper returns the upper case of a lower-case letter, and every other byte unchanged.
func Upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// HasLower reports whether b has a lower-case letter.
func HasLower(b []byte) bool {
	for _, c := range b {
		if 'a' <= c && c <= 'z' {
			return true
		}
	}
	return false
}

// IsDigit reports whether c is a digit.
func IsDigit(c byte) bool { return '0' <= c && c <= '9' }
