package imap

import (
	"iter"
	"slices"
	"strings"
)

// Caps is a set of capability names, whose case is ignored (RFC 9051 section 7.2.2). The zero value is empty. A value is
// immutable; Client.Caps returns the current one.
type Caps struct {
	names   []string // upper case, sorted
	implied []string // what these include without listing it, sorted
	rev2    []string // what IMAP4rev2 includes, of a server that also has IMAP4rev1: see withRev2
	sieve   string   // the URL of IMAPSIEVE=, in its original case
}

// Has reports whether the server listed the capability.
func (c Caps) Has(name string) bool {
	_, ok := slices.BinarySearch(c.names, strings.ToUpper(name))
	return ok
}

// All yields the names in upper case, sorted.
func (c Caps) All() iter.Seq[string] { return slices.Values(c.names) }

// whole reports whether a version of IMAP4 is in the set, as is required of every list (RFC 9051 section 7.2.2).
func (c Caps) whole() bool {
	return slices.ContainsFunc(c.names, func(name string) bool { return strings.HasPrefix(name, "IMAP4") })
}

// offers is like Has, but also reports true for an extension that a listed capability includes, such as IMAP4rev2.
func (c Caps) offers(name string) bool {
	if c.Has(name) {
		return true
	}
	_, ok := slices.BinarySearch(c.implied, name)
	return ok
}

// value returns the value of a capability whose name ends with "=", and whether it is listed.
func (c Caps) value(prefix string) (string, bool) {
	i, _ := slices.BinarySearch(c.names, prefix)
	if i == len(c.names) {
		return "", false
	}
	return strings.CutPrefix(c.names[i], prefix)
}

// without returns the set without the given names, which the caller does not want used.
func (c Caps) without(names []string) Caps {
	if len(names) == 0 {
		return c
	}
	unwanted := func(name string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
	}
	c.names = slices.DeleteFunc(c.names, unwanted)
	c.implied = slices.DeleteFunc(c.implied, unwanted)
	c.rev2 = slices.DeleteFunc(c.rev2, unwanted)
	return c
}

// withRev2 returns the set for a connection on which IMAP4rev2 is enabled. A server that lists IMAP4rev1 too speaks that until
// then (RFC 9051 appendix A), and may refuse what it does not list (Office 365, ESEARCH).
func (c Caps) withRev2() Caps {
	if len(c.rev2) == 0 || !c.Has("IMAP4REV2") {
		return c
	}
	c.implied = sortedNames(slices.Concat(c.implied, c.rev2))
	c.rev2 = nil
	return c
}

// sortedNames sorts names and removes duplicates.
func sortedNames(names []string) []string {
	slices.Sort(names)
	return slices.Clip(slices.Compact(names))
}

const (
	// maxCaps bounds the number of capabilities, which a connection keeps for its whole life.
	maxCaps = 1000
	// maxCapsText bounds the bytes of a list, and maxCapName those of a name.
	maxCapsText = 64 << 10
	maxCapName  = 256
)

// parseCaps parses the names of a CAPABILITY response, ignoring words that are no names. implied returns what a name
// includes.
func parseCaps(s string, implied func(name string) []string) Caps {
	if len(s) > maxCapsText {
		s = strings.Clone(s[:strings.LastIndexByte(s[:maxCapsText], ' ')+1])
	}
	sieve := sieveURL(s)
	words := strings.Fields(strings.ToUpper(s))
	if len(words) > maxCaps {
		words = slices.Clone(words[:maxCaps])
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "*" || w == "CAPABILITY" })
	c := Caps{names: sortedNames(words), sieve: sieve}
	for _, name := range c.names {
		if name == "IMAP4REV2" && c.Has("IMAP4REV1") {
			c.rev2 = slices.Clone(implied(name))
			c.implied = append(c.implied, "ENABLE") // which IMAP4rev2 needs
			continue
		}
		c.implied = append(c.implied, implied(name)...)
	}
	c.implied = sortedNames(c.implied)
	return c
}

// sieveURL returns the value of IMAPSIEVE=.
func sieveURL(s string) string {
	_, rest, found := cutFold(s, "IMAPSIEVE=")
	if !found {
		return ""
	}
	if i := strings.IndexByte(rest, ' '); i >= 0 {
		rest = rest[:i]
	}
	return strings.Clone(rest[:min(len(rest), maxCapName)])
}

// QuotaResources returns the resources that the server can limit, such as QuotaStorage, from its capabilities QUOTA=RES-…
// (RFC 9208 section 3.1.1).
func (c Caps) QuotaResources() []string {
	var list []string
	for _, name := range c.names {
		if resource, ok := strings.CutPrefix(name, "QUOTA=RES-"); ok {
			list = append(list, resource)
		}
	}
	return list
}
