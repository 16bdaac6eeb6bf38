package imap

import (
	"context"
	"html"
	"iter"
	"strings"
)

// Previews yields messages with their Preview: a line or two of the text, for a list of messages. It comes from the server
// where that has the capability PREVIEW (RFC 8970), and otherwise from the first bytes of the text, as FetchText finds it;
// also where the server has none at hand. Quotations are left out, white space is one space, HTML has lost its tags, and it
// has at most 256 characters. items are what else is wanted of the messages. Errors and order are as of FetchText. (selected)
func (c *Client) Previews(ctx context.Context, set NumSet, items ...FetchItem) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		caps, err := c.knownCaps(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		opts := &TextOptions{MaxBytes: previewText, Items: items}
		if caps.offers("PREVIEW") {
			opts.Items = append([]FetchItem{FetchPreview}, items...)
			opts.unless = func(m *Message) bool { return m.Preview != "" }
		}
		for t, err := range c.FetchText(ctx, set, opts) {
			if t == nil {
				yield(nil, err)
				return
			}
			if t.Message.Preview == "" {
				t.Message.Preview = t.preview()
			}
			if !yield(t.Message, err) {
				return
			}
		}
	}
}

const (
	// previewText is how much of a text is looked at. HTML may have much in front of what is shown.
	previewText = 8 << 10
	// maxPreview is the longest preview in characters (RFC 8970 section 3.1).
	maxPreview = 256
)

// preview makes a preview of the text.
func (t *MessageText) preview() string {
	text := t.Text
	if t.MediaType == "text/html" {
		text = textOfHTML(text)
	}
	var words []string
	n := 0
	for line := range strings.Lines(text) {
		if line == "-- \n" {
			break
		}
		if strings.HasPrefix(line, ">") {
			continue
		}
		for word := range strings.FieldsSeq(line) {
			if words, n = append(words, word), n+len(word)+1; n > 4*maxPreview {
				break
			}
		}
	}
	runes := []rune(strings.Join(words, " "))
	return strings.TrimSpace(string(runes[:min(len(runes), maxPreview)]))
}

// textOfHTML leaves out tags, comments, and elements that are not shown. It is no parser of HTML: it serves for a preview.
func textOfHTML(s string) string {
	var b strings.Builder
	for s != "" {
		text, tag, found := strings.Cut(s, "<")
		b.WriteString(text)
		if !found {
			break
		}
		if rest, ok := strings.CutPrefix(tag, "!--"); ok {
			_, s, _ = strings.Cut(rest, "-->")
			continue
		}
		name := strings.ToLower(tag[:nameEnd(tag)])
		_, s, _ = strings.Cut(tag, ">")
		if hiddenElements[name] {
			s = behindElement(s, name)
		}
		if !inlineElements[strings.TrimPrefix(name, "/")] {
			b.WriteByte(' ')
		}
	}
	return html.UnescapeString(b.String())
}

var (
	hiddenElements = map[string]bool{"head": true, "style": true, "script": true, "title": true}
	inlineElements = map[string]bool{"a": true, "b": true, "i": true, "em": true, "strong": true, "span": true, "font": true, "u": true}
)

func nameEnd(tag string) int {
	for i, c := range tag {
		if c != '/' && (c < '0' || c > '9' && c < 'A' || c > 'Z' && c < 'a' || c > 'z') {
			return i
		}
	}
	return len(tag)
}

// behindElement returns what follows the end of an element.
func behindElement(s, name string) string {
	for {
		_, rest, found := strings.Cut(s, "</")
		if !found {
			return ""
		}
		if s = rest; len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
			_, s, _ = strings.Cut(s, ">")
			return s
		}
	}
}
