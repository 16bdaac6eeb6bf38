package imap

import (
	"iter"
	"slices"
	"strings"
)

// Caps is a set of capability names, compared without case (RFC 9051 section 7.2.2). The zero value is empty. A value
// never changes; Client.Caps returns the newest.
type Caps struct{ names []string } // upper case, sorted

// Has reports whether the server listed the capability.
func (c Caps) Has(name string) bool {
	_, ok := slices.BinarySearch(c.names, strings.ToUpper(name))
	return ok
}

// All yields the names in upper case, sorted.
func (c Caps) All() iter.Seq[string] { return slices.Values(c.names) }

// offers is Has, and true of what IMAP4rev2 has without a name of its own.
func (c Caps) offers(name string) bool {
	return c.Has(name) || inRev2[name] && c.Has("IMAP4REV2")
}

// inRev2 are the extensions that are part of IMAP4rev2 (RFC 9051 appendix E).
var inRev2 = map[string]bool{
	"NAMESPACE": true, "UNSELECT": true, "UIDPLUS": true, "ESEARCH": true, "SEARCHRES": true, "ENABLE": true, "IDLE": true,
	"SASL-IR": true, "LIST-EXTENDED": true, "LIST-STATUS": true, "MOVE": true, "LITERAL-": true, "STATUS=SIZE": true,
	"SPECIAL-USE": true, "CHILDREN": true, "BINARY": true,
}

// maxCaps bounds a list of capabilities.
const maxCaps = 1000

// parseCaps reads the names of a CAPABILITY response. What is no name is left out.
func parseCaps(s string) Caps {
	words := strings.Fields(strings.ToUpper(s))
	words = words[:min(len(words), maxCaps)]
	words = slices.DeleteFunc(words, func(w string) bool { return w == "*" || w == "CAPABILITY" })
	slices.Sort(words)
	return Caps{slices.Clip(slices.Compact(words))}
}
