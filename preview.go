package imap

// FetchPreviewLazy asks for previews that the server has at hand, and does not make it compute others (PREVIEW (LAZY), RFC
// 8970; capability PREVIEW). Of a message whose preview is not at hand Message.PreviewPending is true.
func FetchPreviewLazy() FetchItem {
	return fetchArg{"PREVIEW", func(e *encoder) { e.raw("PREVIEW (LAZY)") }}
}

// FetchPreviewFuzzy asks for previews of a server that has them in the form before the RFC (PREVIEW (FUZZY); capability
// PREVIEW=FUZZY, of Dovecot). Message.Preview has the answer.
func FetchPreviewFuzzy() FetchItem {
	return fetchArg{"PREVIEW=FUZZY", func(e *encoder) { e.need("PREVIEW=FUZZY").raw("PREVIEW (FUZZY)") }}
}

// previewPending is the value NIL of PREVIEW.
type previewPending struct{}

// PreviewPending reports whether the server has no preview of the message yet. FetchPreview makes it compute one. A message
// of which no preview can be made has an empty one.
func (m *Message) PreviewPending() bool {
	for range extras[previewPending](m.extra) {
		return true
	}
	return false
}

// parsePreview reads a text, or (FUZZY text), the form before the RFC.
func parsePreview(p *parser, m *Message) (err error) {
	if p.isNil() {
		m.extra = m.extra.put(previewPending{})
		return nil
	}
	if p.peek() != '(' {
		m.Preview, _, err = p.nstring()
		return err
	}
	p.tolerate("list for a string")
	if err := p.enter(); err != nil {
		return err
	}
	for ; p.peek() != ')'; p.skipSpaces() {
		if m.Preview, _, err = p.nstring(); err != nil {
			return err
		}
	}
	return p.leave()
}
