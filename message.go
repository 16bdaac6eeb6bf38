package imap

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/go-imaplib/imap/internal/ascii"
	"github.com/go-imaplib/imap/internal/mimetext"
)

// unfold joins the lines of a header field (RFC 5322 section 2.2.3).
func unfold(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", "", "\n", "").Replace(s)
}

// ParseAddressList parses the value of a header field with addresses, such as From, Cc or Delivered-To, as fetched by a
// Section. Names are decoded, comments are dropped, and the members of groups are in the list without their group. Invalid
// addresses are dropped, so the list may be empty. The addresses in an Envelope are parsed already.
func ParseAddressList(value string) []Address {
	p := &addressParser{s: unfold(value)}
	for p.at < len(p.s) {
		p.step()
	}
	p.end()
	return p.list
}

// addressParser parses address lists (RFC 5322 section 3.4) as they occur in real mail.
type addressParser struct {
	s       string
	at      int
	list    []Address
	words   []string // before an angle bracket, or the address itself
	comment string   // the last one
	angle   string   // the text in angle brackets
}

// step parses one token.
func (p *addressParser) step() {
	switch c := p.s[p.at]; c {
	case ' ', '\t':
		p.at++
	case ',', ';':
		p.at++
		p.end()
	case ':':
		p.at++
		p.words = nil // these were the name of a group
	case '"':
		p.words = append(p.words, p.until('"'))
	case '(':
		p.comment = p.nested()
	case '<':
		p.angle = p.until('>')
	default:
		n := strings.IndexAny(p.s[p.at:], " \t,;:\"(<")
		if n < 0 {
			n = len(p.s) - p.at
		}
		p.word(p.s[p.at : p.at+n])
		p.at += n
	}
}

// word adds text without quotes. Next to "@" and "." it is joined to the previous word.
func (p *addressParser) word(w string) {
	const longest = 1000 // longer than any address
	if n := len(p.words); n > 0 && len(p.words[n-1]) < longest {
		before := p.words[n-1]
		if w[0] == '@' || w[0] == '.' || strings.HasSuffix(before, "@") || strings.HasSuffix(before, ".") && strings.Contains(before+w, "@") {
			p.words[n-1] = before + w
			return
		}
	}
	p.words = append(p.words, w)
}

// until returns the text up to the closing character, with escapes decoded.
func (p *addressParser) until(end byte) string {
	var b strings.Builder
	for p.at++; p.at < len(p.s); p.at++ {
		switch c := p.s[p.at]; {
		case c == end:
			p.at++
			return b.String()
		case c == '\\' && p.at+1 < len(p.s):
			p.at++
			b.WriteByte(p.s[p.at])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// nested parses a comment, which may contain others.
func (p *addressParser) nested() string {
	start, depth := p.at+1, 0
	for ; p.at < len(p.s); p.at++ {
		switch p.s[p.at] {
		case '\\':
			p.at++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				p.at++
				return p.s[start : p.at-1]
			}
		}
	}
	p.at = len(p.s)
	return p.s[min(start, len(p.s)):]
}

// end adds an address made of the tokens read so far.
func (p *addressParser) end() {
	name, addr := strings.Join(p.words, " "), strings.TrimSpace(p.angle)
	if addr == "" && len(p.words) > 0 {
		name, addr = "", p.words[len(p.words)-1]
		if !strings.Contains(addr, "@") && len(p.words) > 1 {
			addr = strings.Join(p.words, " ")
		}
	}
	if strings.HasPrefix(addr, "@") { // a route
		if _, rest, ok := strings.Cut(addr, ":"); ok {
			addr = rest
		}
	}
	mailbox, host := addr, ""
	if i := strings.LastIndexByte(addr, '@'); i >= 0 {
		mailbox, host = addr[:i], addr[i+1:]
	}
	if mailbox != "" {
		name = cmp.Or(name, p.comment)
		p.list = append(p.list, Address{DecodeText(strings.TrimSpace(name)), mailbox, host})
	}
	p.words, p.comment, p.angle = nil, "", ""
}

// DecodeText decodes the text of a header field in the same way as an Envelope: encoded words (RFC 2047), also broken
// ones, and bytes above 127. The result is valid UTF-8 without line breaks. It is for header fields fetched by a
// Section, and for BodyStructure.Description.
func DecodeText(s string) string { return mimetext.Decoder{}.Text(s) }

// ---- values without a field

// extra is a list of values of extensions for which a message or mailbox has no field. The newest is first, so that
// adding one takes constant time.
type extra struct {
	value any
	older *extra
}

// put adds a value.
func (x *extra) put(value any) *extra { return &extra{value, x} }

// join adds the values of more.
func (x *extra) join(more *extra) *extra {
	if x == nil || more == nil {
		return cmp.Or(x, more)
	}
	for value := range extras[any](more) {
		x = x.put(value)
	}
	return x
}

// extras returns an iterator over the values of one type, the oldest first.
func extras[T any](x *extra) iter.Seq[T] {
	return func(yield func(T) bool) {
		var values []T
		for x := x; x != nil; x = x.older {
			if v, ok := x.value.(T); ok {
				values = append(values, v)
			}
		}
		for _, v := range slices.Backward(values) {
			if !yield(v) {
				return
			}
		}
	}
}

// merge adds the data of another response for the same message.
func (g *GmailData) merge(more *GmailData) {
	if more.MessageID != 0 {
		g.MessageID = more.MessageID
	}
	if more.ThreadID != 0 {
		g.ThreadID = more.ThreadID
	}
	if more.Labels != nil {
		g.Labels = more.Labels
	}
}

// slots returns the memory of the parts of a message in bytes, without their texts.
func (m *Message) slots() int {
	n := messageCost + sliceCost*len(m.Flags)
	if m.Envelope != nil {
		n += m.Envelope.slots()
	}
	return n + m.BodyStructure.slots()
}

func (env *Envelope) slots() int {
	n := 256 + sliceCost*len(env.raw)
	for _, list := range env.lists() {
		n += addressCost * len(list)
	}
	return n
}

func (env *Envelope) lists() [6][]Address {
	return [...][]Address{env.From, env.Sender, env.ReplyTo, env.To, env.CC, env.BCC}
}

// texts returns the number of bytes in the texts of a message.
func (m *Message) texts() int {
	n := len(m.Preview) + len(m.EmailID) + len(m.ThreadID)
	for _, f := range m.Flags {
		n += len(f)
	}
	for _, s := range m.Sections {
		n += sectionCost + len(s.Bytes)
		for _, field := range s.Section.Fields {
			n += sliceCost + len(field)
		}
		for _, field := range s.Section.NotFields {
			n += sliceCost + len(field)
		}
	}
	if m.Gmail != nil {
		for _, label := range m.Gmail.Labels {
			n += sliceCost + len(label)
		}
	}
	for x := range extras[interface{ texts() int }](m.extra) {
		n += x.texts()
	}
	if m.Envelope != nil {
		n += m.Envelope.texts()
	}
	return n + m.BodyStructure.texts()
}

func (env *Envelope) texts() int {
	n := len(env.DateText) + len(env.Subject) + len(env.InReplyTo) + len(env.MessageID)
	for _, s := range env.raw {
		n += len(s)
	}
	for _, list := range env.lists() {
		for _, a := range list {
			n += len(a.Name) + len(a.Mailbox) + len(a.Host)
		}
	}
	return n
}

func (m *Message) gmail() *GmailData {
	if m.Gmail == nil {
		m.Gmail = new(GmailData)
	}
	return m.Gmail
}

// Message is a message, with the items that were fetched. SeqNum and UID are always set. The caller owns it.
type Message struct {
	SeqNum        SeqNum
	UID           UID
	Flags         []Flag
	Envelope      *Envelope
	InternalDate  time.Time // when the server received it
	Size          int64     // bytes
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

// SectionData is the body of one section. Bytes is nil if the server sent NIL.
type SectionData struct {
	Section Section
	Bytes   []byte
}

// GmailData is the data of Gmail's extensions (X-GM-EXT-1).
type GmailData struct {
	MessageID, ThreadID uint64
	Labels              []string // decoded from modified UTF-7
}

// Envelope holds decoded header text for display (RFC 9051 section 7.5.2, ENVELOPE). Subject and the names are valid
// UTF-8 without line breaks, so that they can be written to a log or a header: folding is undone, any other CR or LF
// becomes a blank, and other control characters become U+FFFD, except five that windows-1252 does not define (U+0081,
// U+008D, U+008F, U+0090, U+009D). Encoded words in any character set of golang.org/x/text are decoded; others are not
// changed. Text that declares no character set and is not UTF-8 is decoded with Options.FallbackCharset. Raw returns
// the original texts.
//
// Date is zero if the field is missing or cannot be parsed; it is UTC if the field has no zone, or an unknown one.
// DateText is the original field. MessageID, InReplyTo and the addresses are as received, MessageID and InReplyTo with
// angle brackets.
type Envelope struct {
	Date                               time.Time
	DateText                           string
	Subject                            string
	From, Sender, ReplyTo, To, CC, BCC []Address
	InReplyTo, MessageID               string

	raw []string // the original subject and names of all addresses; nil if decoding changed none
}

// RawEnvelope holds the texts of an Envelope as sent by the server, for programs that decode them differently. The
// names are in the order of the addresses.
type RawEnvelope struct {
	Date, Subject                      string
	From, Sender, ReplyTo, To, CC, BCC []string // names
}

// Raw returns the original texts. The lists of addresses of env must not have been changed.
func (env *Envelope) Raw() RawEnvelope {
	raw := RawEnvelope{Date: env.DateText, Subject: env.Subject}
	var names []string
	if env.raw != nil {
		raw.Subject, names = env.raw[0], env.raw[1:]
	}
	lists := env.lists()
	for i, to := range [...]*[]string{&raw.From, &raw.Sender, &raw.ReplyTo, &raw.To, &raw.CC, &raw.BCC} {
		for _, a := range lists[i] {
			name := a.Name
			if len(names) > 0 {
				name, names = names[0], names[1:]
			}
			*to = append(*to, name)
		}
	}
	return raw
}

// Address is a mailbox, or the start (Host "", Mailbox set) or end (both "") of a group. Name is decoded; Mailbox and
// Host are as received, an internationalized domain in either form (xn--…, or Unicode if UTF-8 is enabled).
type Address struct{ Name, Mailbox, Host string }

// Addr returns mailbox@host, or only the part that exists. It omits placeholders that servers send for a missing part.
// For the Unicode form of an internationalized domain use golang.org/x/net/idna: idna.Display.ToUnicode(a.Host).
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

// isPlaceholder reports whether s is a placeholder for a missing part of an address: MISSING_DOMAIN of Dovecot, or
// .MISSING-HOST-NAME of UW and Exchange.
func isPlaceholder(s string) bool {
	switch strings.ToUpper(s) {
	case "MISSING_DOMAIN", "MISSING_MAILBOX", ".MISSING-HOST-NAME.", "UNSPECIFIED-DOMAIN", ".SYNTAX-ERROR.":
		return true
	}
	return false
}

// envelope parses an ENVELOPE. Missing and malformed fields are empty.
func (p *parser) envelope() (*Envelope, error) {
	if p.isNil() {
		return nil, nil
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	env := p.pieces().envelopes.one()
	var err error
	if env.DateText, err = p.envelopeText(); err != nil {
		return nil, err
	}
	if t, ok := mimetext.ParseDate(env.DateText); ok {
		env.Date = t
	} else if env.DateText != "" {
		p.tolerate("date that cannot be read")
	}
	if env.Subject, err = p.envelopeText(); err != nil {
		return nil, err
	}
	all, err := p.envelopeAddresses(env)
	if err != nil {
		return nil, err
	}
	env.decode(p.textDecoder(), all)
	if env.InReplyTo, err = p.envelopeText(); err != nil {
		return nil, err
	}
	if p.skipSpaces(); p.peek() == ')' && !p.plainBackslash && (strings.Contains(env.Subject, `" NIL`) || strings.Contains(env.InReplyTo, `" "`)) {
		return nil, p.errorf("a string continues in the next one") // as in address
	}
	if env.MessageID, err = p.envelopeText(); err != nil {
		return nil, err
	}
	for p.skipSpaces(); p.peek() != ')'; p.skipSpaces() {
		p.tolerate("too many fields in an envelope")
		if err := p.skipValue(); err != nil {
			return nil, err
		}
	}
	return env, p.leave()
}

// decode decodes the subject and the names of all addresses, and stores the original texts.
func (env *Envelope) decode(d mimetext.Decoder, all []Address) {
	if subject := d.Text(env.Subject); subject != env.Subject {
		env.keepRaw(all)
		env.Subject = subject
	}
	var name, text string // of the address before: the sender and the one to reply to mostly are the author
	for i := range all {
		if all[i].Name != name {
			name = all[i].Name
			text = d.Text(name)
		}
		if text != name {
			env.keepRaw(all)
			all[i].Name = text
		}
	}
}

// keepRaw stores the original texts before the first of them is changed.
func (env *Envelope) keepRaw(all []Address) {
	if env.raw != nil {
		return
	}
	env.raw = make([]string, 1, 1+len(all))
	env.raw[0] = env.Subject
	for _, a := range all {
		env.raw = append(env.raw, a.Name)
	}
}

// envelopeText parses a string. It returns "" if the envelope has ended already or has a list instead.
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

// envelopeAddresses parses the six lists into one slice and divides it.
func (p *parser) envelopeAddresses(env *Envelope) ([]Address, error) {
	slab := &p.pieces().addresses
	all := slab.tail()
	var ends [6]int
	for i := range ends {
		var err error
		if all, err = p.addressList(all); err != nil {
			slab.drop(all)
			return nil, err
		}
		ends[i] = len(all)
	}
	if len(all) == 0 {
		return nil, nil
	}
	all = slab.keep(all)
	from := 0
	for i, list := range [...]*[]Address{&env.From, &env.Sender, &env.ReplyTo, &env.To, &env.CC, &env.BCC} {
		if ends[i] > from {
			*list = all[from:ends[i]:ends[i]]
		}
		from = ends[i]
	}
	return all, nil
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
			return all, p.errorf("too many addresses")
		}
		all = append(all, a)
	}
	return all, p.leave()
}

// skipAddressSpace skips the space that Outlook.com sends between addresses.
func (p *parser) skipAddressSpace() {
	if p.peek() == ' ' {
		p.tolerate("space between addresses")
		p.skipSpaces()
	}
}

// address parses one address. More than four strings are parts of a name whose quotes were lost (an unnamed server).
func (p *parser) address() (Address, error) {
	if err := p.enter(); err != nil {
		return Address{}, err
	}
	var parts [4]string
	var glued [4]bool // whether a string directly follows the previous one
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
		p.tolerate("too many fields in an address")
		if parts[1] != "" && !glued[1] {
			parts[0] += " "
		}
		parts = [4]string{parts[0] + parts[1], parts[2], parts[3], s}
		glued = [4]bool{false, glued[2], glued[3], joined}
	}
	if n < len(parts) {
		if !p.plainBackslash && (n == 2 && strings.Contains(parts[0], `" NIL "`) || n == 3 && strings.Contains(parts[2], `" "`)) {
			return Address{}, p.errorf("a string continues in the next one") // a backslash at its end was taken for an escape
		}
		p.tolerate("envelope or address that ends early")
	}
	return p.makeAddress(parts[0], parts[2], parts[3]), p.leave()
}

// makeAddress corrects errors of Gmail: an address instead of the name, and angle brackets.
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
	return Address{name, mailbox, host}
}

// ---- flags

// Flag is a message flag: a system flag, which starts with a backslash, or a keyword (RFC 9051 section 2.3.2). Servers
// ignore the case of flags; the constants have the usual spelling, and the library returns system flags in that spelling.
type Flag string

// The system flags.
const (
	FlagSeen     Flag = `\Seen`
	FlagAnswered Flag = `\Answered`
	FlagFlagged  Flag = `\Flagged`
	FlagDeleted  Flag = `\Deleted`
	FlagDraft    Flag = `\Draft`
	FlagRecent   Flag = `\Recent` // set by the server only
	FlagAny      Flag = `\*`      // in Mailbox.PermanentFlags: new keywords can be created
)

// Keywords that mail programs share (RFC 9051 section 2.3.2, RFC 5788, RFC 9979). Mailbox.PermanentFlags reports which of
// them a mailbox can store.
const (
	FlagForwarded     Flag = "$Forwarded"     // the message was forwarded (RFC 5550)
	FlagMDNSent       Flag = "$MDNSent"       // a disposition notification was sent, or must not be sent (RFC 3503)
	FlagJunk          Flag = "$Junk"          // the user marked it as spam (RFC 9051)
	FlagNotJunk       Flag = "$NotJunk"       // the user marked it as not spam (RFC 9051)
	FlagPhishing      Flag = "$Phishing"      // likely an attempt at fraud (RFC 9051)
	FlagImportant     Flag = "$Important"     // likely important for the user (RFC 8457)
	FlagSubmitPending Flag = "$SubmitPending" // about to be sent (RFC 5550)
	FlagSubmitted     Flag = "$Submitted"     // sent (RFC 5550)

	FlagAutoSent        Flag = "$autosent"        // sent by a program for the user (RFC 9979, as all that follow)
	FlagCanUnsubscribe  Flag = "$canunsubscribe"  // sent by a list from which the user can unsubscribe
	FlagFollowed        Flag = "$followed"        // the user follows the thread
	FlagHasAttachment   Flag = "$hasattachment"   // has attachments
	FlagHasMemo         Flag = "$hasmemo"         // there is a memo about it
	FlagHasNoAttachment Flag = "$hasnoattachment" // has no attachments
	FlagImported        Flag = "$imported"        // came from another mailbox
	FlagIsTrusted       Flag = "$istrusted"       // the sender was verified
	FlagMailBit0        Flag = "$MailFlagBit0"    // with the next two: the colour of \Flagged
	FlagMailBit1        Flag = "$MailFlagBit1"
	FlagMailBit2        Flag = "$MailFlagBit2"
	FlagMaskedEmail     Flag = "$maskedemail"  // arrived at an address made for one sender
	FlagMemo            Flag = "$memo"         // is a memo about another message
	FlagMuted           Flag = "$muted"        // the user ignores the thread
	FlagNew             Flag = "$new"          // to be shown as new, such as a message that was snoozed
	FlagNotify          Flag = "$notify"       // the user wants a notification
	FlagUnsubscribed    Flag = "$unsubscribed" // the user has unsubscribed from the list that sent it
)

// Keywords that are not registered and that programs set all the same: Thunderbird and the servers that learn from it.
const (
	FlagLabel1             Flag = "$Label1" // a tag with a meaning chosen by the user, by default "important"
	FlagLabel2             Flag = "$Label2" // "work" at first
	FlagLabel3             Flag = "$Label3" // "personal" at first
	FlagLabel4             Flag = "$Label4" // "to do" at first
	FlagLabel5             Flag = "$Label5" // "later" at first
	FlagThunderbirdJunk    Flag = "Junk"    // what FlagJunk means
	FlagThunderbirdNotJunk Flag = "NonJunk" // what FlagNotJunk means
)

// systemFlags are the spellings to which parsed flags are mapped.
var systemFlags = []Flag{FlagSeen, FlagAnswered, FlagFlagged, FlagDeleted, FlagDraft, FlagRecent, FlagAny}

// systemFlag returns the usual spelling of a system flag in any case.
func systemFlag(b []byte) (Flag, bool) {
	if len(b) == 0 || b[0] != '\\' {
		return "", false
	}
	for _, f := range systemFlags {
		if ascii.EqualFold(b, string(f)) {
			return f, true
		}
	}
	return "", false
}

// validFlag reports whether a flag can be sent: an atom, with or without a leading backslash. \* cannot.
func validFlag(f Flag) bool { return isAtom(strings.TrimPrefix(string(f), `\`)) }

// settable returns the flags that a client may set: only the server sets \Recent (RFC 3501 section 2.3.2).
func settable(flags []Flag) []Flag {
	if !slices.ContainsFunc(flags, isRecent) {
		return flags
	}
	return slices.DeleteFunc(slices.Clone(flags), isRecent)
}

func isRecent(f Flag) bool { return ascii.EqualFold(string(f), string(FlagRecent)) }

// isAtom reports whether s is an atom of the grammar, so that it can be sent without quotes. It allows "]", which occurs in
// flags and section names that servers send.
func isAtom(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ' || c >= 0x7f:
			return false
		case c == '(' || c == ')' || c == '{' || c == '%' || c == '*' || c == '"' || c == '\\':
			return false
		}
	}
	return s != ""
}
