package imap

// isAtom reports whether s is an atom of the grammar, so that it can be sent as it is. ] is taken too: it stands in
// flags and section names that servers send.
func isAtom(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ' || c >= 0x7f:
			return false
		case c == '(' || c == ')' || c == '{' || c == '%' || c == '*' || c == '"' || c == '\\':
			return false
		}
	}
	return s != ""
}
