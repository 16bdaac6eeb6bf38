package imap

import "slices"

// FetchBinarySize asks for the size of a part after its content-transfer-encoding was decoded by the server: what
// Section{Part: part, Binary: true} would bring (BINARY.SIZE, RFC 3516; capability BINARY). Without numbers it is the size
// of the message. Message.BinarySize has the answer. Servers may have to decode the part to know.
func FetchBinarySize(part ...int) FetchItem {
	s := Section{Part: slices.Clone(part), Binary: true}
	return fetchArg{"BINARY.SIZE", func(e *encoder) {
		if err := s.check(); err != nil {
			e.fail(err)
			return
		}
		e.raw("BINARY.SIZE[")
		s.encodeName(e)
		e.raw("]")
	}}
}

// binarySize is the value of one BINARY.SIZE.
type binarySize struct {
	part []int
	size int64
}

// BinarySize returns the size in octets that FetchBinarySize asked for, and whether it came.
func (m *Message) BinarySize(part ...int) (int64, bool) {
	for v := range extras[binarySize](m.extra) {
		if slices.Equal(v.part, part) {
			return v.size, true
		}
	}
	return 0, false
}

// parseBinarySize reads [part] and the number.
func parseBinarySize(p *parser, m *Message) error {
	if p.peek() != '[' {
		return p.errorf("expected a section")
	}
	s, err := p.section(true)
	if err != nil {
		return err
	}
	p.skipSpaces()
	n, err := p.number()
	if err != nil {
		return err
	}
	if n > 1<<63-1 {
		return p.errorf("size above 2^63-1")
	}
	m.extra = m.extra.put(binarySize{s.Part, int64(n)})
	return nil
}
