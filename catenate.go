package imap

import "context"

// CatenatePart is one piece of a message that the server puts together: text of our own, or what a URL names.
type CatenatePart struct {
	text  Literal
	url   string
	isURL bool
}

// CatenateText is octets of our own. Like all of the message it has CRLF line ends.
func CatenateText(text Literal) CatenatePart { return CatenatePart{text: text} }

// CatenateURL is the message or section that a URL names, copied by the server octet for octet. MessageURL makes them.
func CatenateURL(url string) CatenatePart { return CatenatePart{url: url, isURL: true} }

// Catenate adds a message that the server puts together from pieces, most often of messages that it holds already
// (APPEND, RFC 4469; capability CATENATE; logged in). A URL that names nothing is an error with the code BADURL. It is
// Append with AppendOptions.Parts.
func (c *Client) Catenate(ctx context.Context, mailbox string, parts []CatenatePart, opts *AppendOptions) (*AppendResult, error) {
	o := AppendOptions{}
	if opts != nil {
		o = *opts
	}
	o.Parts = parts
	if len(parts) == 0 {
		return nil, unsent("APPEND", argError("no part of a message"))
	}
	return c.Append(ctx, mailbox, Literal{}, &o)
}

// encodeParts writes CATENATE with its pieces.
func (o *AppendOptions) encodeParts(e *encoder) {
	e.need("CATENATE").raw(" CATENATE (")
	if len(o.Parts) == 0 {
		e.fail(argError("no part of a message"))
	}
	size := int64(0)
	for i, part := range o.Parts {
		if i > 0 {
			e.sp()
		}
		switch {
		case part.isURL:
			e.raw("URL ").str(part.url)
		case o.UTF8:
			o.encodeData(e, part.text)
		default:
			e.raw("TEXT ")
			o.encodeData(e, part.text)
		}
		size += max(part.text.Size, 0)
	}
	e.limit(size).raw(")")
}

// MessageURL is the URL of a message on this server, or of a section of it, as CatenateURL takes it (RFC 5092). A
// UIDVALIDITY that is not 0 makes sure that the UID means the same message still.
func MessageURL(mailbox string, uidValidity uint32, uid UID, section Section) (string, error) {
	if err := section.check(); err != nil {
		return "", unsent("MessageURL", err)
	}
	var name encoder
	section.encodeName(&name)
	if name.err != nil {
		return "", unsent("MessageURL", name.err)
	}
	u := URL{Mailbox: displayName(mailbox), UIDValidity: uidValidity, UID: uid, Section: string(name.buf)}
	if section.Offset > 0 || section.Count > 0 {
		u.Partial = &URLPartial{uint64(section.Offset), uint64(section.Count)}
	}
	return u.String(), nil
}
