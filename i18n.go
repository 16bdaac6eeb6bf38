package imap

import (
	"context"
	"strings"

	"github.com/go-imaplib/imap/internal/ascii"
)

// Languages returns the languages in which the server can speak to the user, as tags of BCP 47 (LANGUAGE without
// arguments, RFC 5255 section 3.2; capability LANGUAGE; any state). A server that cannot tell refuses.
func (c *Client) Languages(ctx context.Context) ([]string, error) { return c.language(ctx, nil) }

// SetLanguage makes the server speak one of the languages, the first of them that it knows, and returns which (LANGUAGE,
// RFC 5255 section 3.2; capability LANGUAGE; any state). Ranges are such as "de" and "fr-CA"; "default" is the server's
// choice. The texts of errors and alerts, and NamespaceEntry.Translation, are in that language from then on. A server that
// knows none of them refuses.
func (c *Client) SetLanguage(ctx context.Context, ranges ...string) (string, error) {
	if len(ranges) == 0 {
		return "", unsent("LANGUAGE", argError("no language"))
	}
	tags, err := c.language(ctx, ranges)
	if err != nil || len(tags) == 0 {
		return "", err
	}
	return tags[0], nil
}

func (c *Client) language(ctx context.Context, ranges []string) ([]string, error) {
	cmd := &command{name: "LANGUAGE", states: inAny}
	cmd.encode = func(e *encoder) {
		e.need("LANGUAGE")
		for _, r := range ranges {
			if !isLanguageRange(r) {
				e.fail(argError("not a range of languages"))
			}
			e.sp().astring(r)
		}
	}
	tags, err := gather(ctx, c, cmd, func() *languageTags { return &languageTags{} })
	if err != nil {
		return nil, err
	}
	return tags.list, nil
}

// isLanguageRange reports whether s has the form of a language range of BCP 47.
func isLanguageRange(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '*'
	})
}

// languageTags is what LANGUAGE responses hold. NAMESPACE may come with them, whose translations have changed: Namespace
// asks for it.
type languageTags struct{ list []string }

func (l *languageTags) take(r *response) (claim, error) {
	switch r.name {
	case "LANGUAGE":
		return mine, r.wordsInto(&l.list)
	case "NAMESPACE":
		return mine, nil
	}
	return notMine, nil
}

// wordsInto reads a list of strings in parentheses, or a single one without them.
func (r *response) wordsInto(list *[]string) error {
	r.skipSpaces()
	return readList(&r.parser, func(s string) error {
		if len(*list) >= maxListed {
			return r.errorf("more than can be kept")
		}
		*list = append(*list, s)
		return nil
	})
}

// Comparators is how a server compares text (RFC 5255 section 4, RFC 4790).
type Comparators struct {
	Active    string   // the one in use: "i;unicode-casemap"
	Available []string // others of those that were asked for, where the server lists them
}

// Comparator makes SEARCH, SORT and THREAD compare text by the first of the comparators that the server knows, and returns
// which; without arguments it returns what is in use (COMPARATOR, RFC 5255 section 4.7; capability I18NLEVEL=2; logged
// in). "*" in a name stands for others. A server that knows none of them refuses with CodeBadComparator.
func (c *Client) Comparator(ctx context.Context, order ...string) (*Comparators, error) {
	cmd := &command{name: "COMPARATOR", states: inAuth}
	cmd.encode = func(e *encoder) {
		e.need("I18NLEVEL=2")
		for _, name := range order {
			e.sp().astring(name)
		}
	}
	return gather(ctx, c, cmd, func() *Comparators { return &Comparators{} })
}

func (co *Comparators) take(r *response) (claim, error) {
	if r.name != "COMPARATOR" {
		return notMine, nil
	}
	active, err := r.astring()
	if err != nil {
		return mine, err
	}
	co.Active, co.Available = active, nil
	if r.atEnd() {
		return mine, nil
	}
	return mine, r.wordsInto(&co.Available)
}

// namespaceExtension reads a name and a list of values, or what else a server sends there.
func (p *parser) namespaceExtension(n *NamespaceEntry) error {
	at := p.pos
	if c := p.peek(); c == '(' {
		return p.skipValue()
	}
	name, err := p.astring()
	if err != nil {
		return err
	}
	if p.skipSpaces(); !ascii.EqualFold(name, "TRANSLATION") || p.peek() != '(' {
		p.reset(at)
		return p.skipValue()
	}
	if err := p.enter(); err != nil {
		return err
	}
	for ; p.peek() != ')'; p.skipSpaces() {
		text, err := p.astring()
		if err != nil {
			return err
		}
		n.Translation = p.decodePrefix(text)
	}
	return p.leave()
}
