package imap

import (
	"net/mail"
	"strings"
	"time"
)

// Message is owned by the caller. SeqNum and UID are always set; other fields hold what was asked for.
type Message struct {
	SeqNum        SeqNum
	UID           UID
	Flags         []Flag
	Envelope      *Envelope
	InternalDate  time.Time // when the server got it
	Size          int64     // octets
	BodyStructure *BodyStructure
	ModSeq        uint64    // RFC 7162
	EmailID       string    // RFC 8474
	ThreadID      string    // RFC 8474
	Preview       string    // RFC 8970
	SaveDate      time.Time // RFC 8514
	Sections      []SectionData
	Gmail         *GmailData

	extra *extra
}

// SectionData is the body of one section. Bytes is nil where the server said NIL.
type SectionData struct {
	Section Section
	Bytes   []byte
}

// GmailData is what only Gmail has (X-GM-EXT-1).
type GmailData struct {
	MessageID, ThreadID uint64
	Labels              []string // decoded from modified UTF-7
}

// Envelope holds decoded header text (RFC 9051 section 7.5.2, ENVELOPE). Encoded words are decoded with every character
// set that golang.org/x/text has; one of another stays as it is. Date is zero when missing or malformed. MessageID and
// InReplyTo keep their angle brackets.
type Envelope struct {
	Date                               time.Time
	Subject                            string
	From, Sender, ReplyTo, To, CC, BCC []Address
	InReplyTo, MessageID               string
}

// Address is a mailbox, or the start (Host "", Mailbox set) or end (both "") of a group.
type Address struct{ Name, Mailbox, Host string }

// Addr returns mailbox@host, or the side that there is. What servers put in the place of a missing side is left out.
func (a Address) Addr() string {
	mailbox, host := a.Mailbox, a.Host
	if isPlaceholder(mailbox) {
		mailbox = ""
	}
	if isPlaceholder(host) {
		host = ""
	}
	if mailbox == "" || host == "" {
		return mailbox + host
	}
	return mailbox + "@" + host
}

// isPlaceholder reports whether a server stands in for a missing side of an address: Dovecot's MISSING_DOMAIN, UW's and
// Exchange's .MISSING-HOST-NAME.
func isPlaceholder(s string) bool {
	switch strings.ToUpper(s) {
	case "MISSING_DOMAIN", "MISSING_MAILBOX", ".MISSING-HOST-NAME.", "UNSPECIFIED-DOMAIN", ".SYNTAX-ERROR.":
		return true
	}
	return false
}

// envelope reads an ENVELOPE. What is missing at its end is empty, and so is what is of another shape.
func (p *parser) envelope() (*Envelope, error) {
	if p.isNil() {
		return nil, nil
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	env := p.pieces().envelopes.one()
	date, err := p.envelopeText()
	if err != nil {
		return nil, err
	}
	if env.Date = parseHeaderDate(date); date != "" && env.Date.IsZero() {
		p.tolerate("date that cannot be read")
	}
	if env.Subject, err = p.envelopeText(); err != nil {
		return nil, err
	}
	env.Subject = decodeText(env.Subject)
	if err := p.envelopeAddresses(env); err != nil {
		return nil, err
	}
	if env.InReplyTo, err = p.envelopeText(); err != nil {
		return nil, err
	}
	if env.MessageID, err = p.envelopeText(); err != nil {
		return nil, err
	}
	for p.skipSpaces(); p.peek() != ')'; p.skipSpaces() {
		p.tolerate("more in an envelope than it has")
		if err := p.skipValue(); err != nil {
			return nil, err
		}
	}
	return env, p.leave()
}

// envelopeText reads a string, "" where the envelope has ended already or holds a list instead.
func (p *parser) envelopeText() (string, error) {
	p.skipSpaces()
	switch p.peek() {
	case ')':
		p.tolerate("envelope or address that ends early")
		return "", nil
	case '(':
		p.tolerate("list for a string")
		return "", p.skipValue()
	}
	return p.strictNString()
}

// envelopeAddresses reads the six lists into one slice and parts it.
func (p *parser) envelopeAddresses(env *Envelope) error {
	slab := &p.pieces().addresses
	all := slab.tail()
	var ends [6]int
	for i := range ends {
		var err error
		if all, err = p.addressList(all); err != nil {
			slab.drop(all)
			return err
		}
		ends[i] = len(all)
	}
	if len(all) == 0 {
		return nil
	}
	all = slab.keep(all)
	from := 0
	for i, list := range [...]*[]Address{&env.From, &env.Sender, &env.ReplyTo, &env.To, &env.CC, &env.BCC} {
		if ends[i] > from {
			*list = all[from:ends[i]:ends[i]]
		}
		from = ends[i]
	}
	return nil
}

// addressList appends the addresses of one list. NIL, () and a string (QQ's short form) are none.
func (p *parser) addressList(all []Address) ([]Address, error) {
	p.skipSpaces()
	if p.peek() != '(' {
		if p.peek() == ')' {
			p.tolerate("envelope or address that ends early")
			return all, nil
		}
		_, _, kind, err := p.raw()
		if kind != kindNil {
			p.tolerate("string for a list of addresses")
		}
		return all, err
	}
	if err := p.enter(); err != nil {
		return all, err
	}
	if p.peek() == ')' {
		p.tolerate("empty list of addresses")
	}
	grouped := false
	for p.skipSpaces(); p.peek() != ')'; p.skipAddressSpace() {
		if p.peek() != '(' {
			p.tolerate("string for an address") // NIL from SmarterMail
			if err := p.skipString(); err != nil {
				return all, err
			}
			continue
		}
		if p.text[p.pos-1] == ' ' && len(all) > 0 {
			p.tolerate("space between parentheses") // Outlook.com
		}
		a, err := p.address()
		if err != nil {
			return all, err
		}
		if a.Host == "" && a.Name == "" && a.Mailbox == "" && !grouped {
			p.tolerate("end of a group that did not start")
			continue
		}
		if a.Host == "" && a.Name == "" {
			grouped = a.Mailbox != ""
		}
		if len(all) >= maxListed {
			return all, p.errorf("more addresses than any message has")
		}
		all = append(all, a)
	}
	return all, p.leave()
}

// skipAddressSpace steps over the space that Outlook.com puts between addresses.
func (p *parser) skipAddressSpace() {
	if p.peek() == ' ' {
		p.tolerate("space between addresses")
		p.skipSpaces()
	}
}

// address reads one address. More than four strings are parts of a name whose quotes were lost (an unnamed server).
func (p *parser) address() (Address, error) {
	if err := p.enter(); err != nil {
		return Address{}, err
	}
	var parts [4]string
	var glued [4]bool // to the one before
	n := 0
	for ; p.peek() != ')'; n++ {
		joined := n > 0 && p.text[p.pos-1] != ' '
		s, err := p.envelopeText()
		if err != nil {
			return Address{}, err
		}
		p.skipSpaces()
		if n < len(parts) {
			parts[n], glued[n] = s, joined
			continue
		}
		p.tolerate("more in an address than it has")
		if parts[1] != "" && !glued[1] {
			parts[0] += " "
		}
		parts = [4]string{parts[0] + parts[1], parts[2], parts[3], s}
		glued = [4]bool{false, glued[2], glued[3], joined}
	}
	if n < len(parts) {
		p.tolerate("envelope or address that ends early")
	}
	return p.makeAddress(parts[0], parts[2], parts[3]), p.leave()
}

// makeAddress puts right what Gmail mixes up: an address in the place of the name, and angle brackets.
func (p *parser) makeAddress(name, mailbox, host string) Address {
	if host == "" && len(name) > 2 && name[0] == '<' && name[len(name)-1] == '>' {
		if m, h, ok := strings.Cut(name[1:len(name)-1], "@"); ok {
			p.tolerate("name and address exchanged")
			name, mailbox, host = mailbox, m, h
		}
	}
	if len(mailbox) > 0 && mailbox[0] == '<' || len(host) > 0 && host[len(host)-1] == '>' {
		p.tolerate("angle brackets around an address")
		mailbox, host = strings.TrimPrefix(mailbox, "<"), strings.TrimSuffix(host, ">")
	}
	return Address{decodeText(name), mailbox, host}
}

// parseHeaderDate parses the Date field of a message, zero if it is none.
func parseHeaderDate(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	if t, ok := parseExactHeaderDate(s); ok {
		return t
	}
	t, err := mail.ParseDate(strings.TrimSpace(s))
	if err != nil {
		return time.Time{}
	}
	if name, _ := t.Zone(); obsoleteZones[name] != 0 {
		zone := time.FixedZone(name, obsoleteZones[name]*3600)
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone)
	}
	return t
}

// obsoleteZones are the hours of the zones that RFC 5322 section 4.3 names, which package net/mail takes for UTC, or for
// what the name means where the program runs.
var obsoleteZones = map[string]int{
	"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}

// parseExactHeaderDate parses "[Mon, ]2 Jan 2006 15:04:05 +hhmm[ (comment)]" without allocating.
func parseExactHeaderDate(s string) (time.Time, bool) {
	if len(s) > 5 && s[3] == ',' && s[4] == ' ' {
		s = s[5:]
	}
	if len(s) > 0 && s[0] == ' ' {
		s = s[1:]
	}
	day := 0
	for len(s) > 0 && isDigit(s[0]) && day < 10 {
		day = day*10 + int(s[0]-'0')
		s = s[1:]
	}
	const form = " Jan 2006 15:04:05 +hhmm"
	if len(s) < len(form) || len(s) > len(form) && s[len(form)] != ' ' || s[0] != ' ' || s[4] != ' ' || s[9] != ' ' ||
		s[12] != ':' || s[15] != ':' || s[18] != ' ' {
		return time.Time{}, false
	}
	var b [len(form)]byte
	copy(b[:], s)
	month, year := monthNumber(b[1:4]), digits(b[5:9])
	hour, minute, second := digits(b[10:12]), digits(b[13:15]), digits(b[16:18])
	zone, ok := parseZone(b[19:24])
	if !ok || min(month, year, hour, minute, second) < 0 || day == 0 || len(s) > len(form)+1 && s[len(form)+1] != '(' {
		return time.Time{}, false
	}
	return dateOf(year, month, day, hour, minute, second, zone)
}
