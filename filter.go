package imap

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// filterName writes the name of a filter.
func (e *encoder) filterName(name string) *encoder {
	if strings.IndexByte(name, '/') >= 0 {
		e.fail(argError("a slash in the name of a filter"))
	}
	return e.atom("the name of a filter", name)
}

// Filter matches what a filter of that name matches, which the server keeps (RFC 5466; capability FILTERS). One that does
// not exist is an error with CodeUndefinedFilter.
func (q Query) Filter(name string) Query {
	return q.with(searchKey{encode: func(e *encoder) { e.need("FILTERS").raw("FILTER ").filterName(name) }})
}

// Filter is a search that the server keeps under a name (RFC 5466).
type Filter struct {
	Name        string
	Shared      bool   // all users have it
	Criteria    string // as on the wire, text in UTF-8
	Description string
}

const filterEntries = "/filters/values"

// filterPath is the entry of a filter.
func (f *Filter) path(kind string) string {
	scope := "/private"
	if f.Shared {
		scope = "/shared"
	}
	return scope + kind + f.Name
}

// Filters returns the filters that the server keeps for this user, and then those for all, each in the order of their
// names (RFC 5466 section 3.1; capabilities FILTERS and METADATA or METADATA-SERVER; logged in).
func (c *Client) Filters(ctx context.Context) ([]Filter, error) {
	if err := c.needAll(ctx, "GETMETADATA", "FILTERS"); err != nil {
		return nil, err
	}
	values, err := c.GetMetadataWith(ctx, "", &MetadataOptions{Depth: DepthInfinity}, "/private/filters", "/shared/filters")
	if err != nil {
		return nil, err
	}
	var list []Filter
	for _, f := range []Filter{{}, {Shared: true}} {
		for _, entry := range slices.Sorted(maps.Keys(values.Entries)) {
			name, ok := cutPrefixFold(entry, f.path(filterEntries+"/"))
			value := values.Entries[entry]
			if ok && value != nil {
				g := f
				g.Name, g.Criteria = name, string(value)
				g.Description = string(values.Entries[g.path("/filters/descriptions/")])
				list = append(list, g)
			}
		}
	}
	return list, nil
}

// SetFilter keeps a query under a name, for this user or with Filter.Shared for all (RFC 5466 section 3.1; capabilities
// FILTERS and METADATA or METADATA-SERVER; logged in). The query takes the place of Filter.Criteria. RemoveFilter removes
// it.
func (c *Client) SetFilter(ctx context.Context, f Filter, q Query) error {
	if err := c.needAll(ctx, "SETMETADATA", "FILTERS"); err != nil {
		return err
	}
	e := c.looseEncoder()
	e.utf8 = true // METADATA holds any bytes
	e.filterName(f.Name)
	e.buf = nil
	q.encode(&e)
	if len(e.cuts) > 0 {
		e.fail(argError("text that needs a literal, which a filter cannot hold"))
	}
	if e.err != nil {
		return unsent("SETMETADATA", e.err)
	}
	entries := map[string][]byte{f.path(filterEntries + "/"): e.buf}
	if f.Description != "" {
		entries[f.path("/filters/descriptions/")] = []byte(f.Description)
	}
	return c.SetMetadata(ctx, "", entries)
}

// RemoveFilter removes a filter and its description.
func (c *Client) RemoveFilter(ctx context.Context, name string, shared bool) error {
	if err := c.needAll(ctx, "SETMETADATA", "FILTERS"); err != nil {
		return err
	}
	f := Filter{Name: name, Shared: shared}
	return c.SetMetadata(ctx, "", map[string][]byte{f.path(filterEntries + "/"): nil, f.path("/filters/descriptions/"): nil})
}

// needAll fails where the server lacks one of the capabilities.
func (c *Client) needAll(ctx context.Context, command string, names ...string) error {
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !caps.offers(name) {
			return unsent(command, &CapabilityError{Name: name})
		}
	}
	return nil
}
