package imap

import (
	"iter"
	"slices"
	"strings"
)

// Caps is a set of capability names, compared without case (RFC 9051 section 7.2.2). The zero value is empty. A value
// never changes; Client.Caps returns the newest.
type Caps struct {
	names   []string // upper case, sorted
	implied []string // what they include without saying so, sorted
	sieve   string   // the URL of IMAPSIEVE=, whose case matters
}

// Has reports whether the server listed the capability.
func (c Caps) Has(name string) bool {
	_, ok := slices.BinarySearch(c.names, strings.ToUpper(name))
	return ok
}

// All yields the names in upper case, sorted.
func (c Caps) All() iter.Seq[string] { return slices.Values(c.names) }

// whole reports whether a version of IMAP4 is among them, as it is in every list (RFC 9051 section 7.2.2).
func (c Caps) whole() bool {
	return slices.ContainsFunc(c.names, func(name string) bool { return strings.HasPrefix(name, "IMAP4") })
}

// offers is Has, and true of what is included without a name of its own, as extensions are in IMAP4rev2.
func (c Caps) offers(name string) bool {
	if c.Has(name) {
		return true
	}
	_, ok := slices.BinarySearch(c.implied, name)
	return ok
}

// value is what stands behind a capability that ends with "=", where one is listed.
func (c Caps) value(prefix string) (string, bool) {
	i, _ := slices.BinarySearch(c.names, prefix)
	if i == len(c.names) {
		return "", false
	}
	return strings.CutPrefix(c.names[i], prefix)
}

// without leaves out what the caller does not want used.
func (c Caps) without(names []string) Caps {
	if len(names) == 0 {
		return c
	}
	unwanted := func(name string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
	}
	c.names = slices.DeleteFunc(c.names, unwanted)
	c.implied = slices.DeleteFunc(c.implied, unwanted)
	return c
}

const (
	// maxCaps bounds a list of capabilities, which a connection holds as long as it lasts.
	maxCaps = 1000
	// maxCapsText bounds the bytes of one, and maxCapName those of a name.
	maxCapsText = 64 << 10
	maxCapName  = 256
)

// parseCaps reads the names of a CAPABILITY response. What is no name is left out. implied is what a name includes.
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
	slices.Sort(words)
	c := Caps{names: slices.Clip(slices.Compact(words)), sieve: sieve}
	for _, name := range c.names {
		c.implied = append(c.implied, implied(name)...)
	}
	slices.Sort(c.implied)
	c.implied = slices.Clip(slices.Compact(c.implied))
	return c
}

// sieveURL finds the value of IMAPSIEVE=.
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

// QuotaResources returns the resources that the server can limit, as its capabilities QUOTA=RES-… name them: QuotaStorage
// and others (RFC 9208 section 3.1.1).
func (c Caps) QuotaResources() []string {
	var list []string
	for _, name := range c.names {
		if resource, ok := strings.CutPrefix(name, "QUOTA=RES-"); ok {
			list = append(list, resource)
		}
	}
	return list
}
