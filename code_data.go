package imap

import (
	"errors"
	"slices"
	"strings"
)

// MailboxAnnotations reports which annotations a mailbox supports (RFC 5257 section 4.1).
type MailboxAnnotations struct {
	MaxSize   uint64 // largest value in bytes; 0: none can be set
	ReadOnly  bool
	NoPrivate bool // only shared annotations are supported
}

func parseMailboxAnnotations(args string) MailboxAnnotations {
	words := strings.Fields(strings.ToUpper(args))
	a := MailboxAnnotations{ReadOnly: slices.Contains(words, "READ-ONLY"), NoPrivate: slices.Contains(words, "NOPRIVATE")}
	if len(words) > 0 {
		a.MaxSize = codeNumber(words[0], 64)
	}
	return a
}

type (
	// NumberData is the number of HIGHESTMODSEQ, MAXCONVERTMESSAGES, MAXCONVERTPARTS, UIDNEXT, UIDVALIDITY and UNSEEN.
	NumberData uint64

	// NumbersData holds the messages of MODIFIED and DOWNGRADED: UIDs after a command by UID, else sequence numbers.
	NumbersData struct {
		UIDs UIDSet
		Seqs SeqSet
	}

	// AppendUIDData is the data of APPENDUID: the UIDs of the added messages, in their order.
	AppendUIDData struct {
		UIDValidity uint32
		UIDs        UIDSet
	}

	// CopyUIDData is the data of COPYUID: the n-th UID of Source became the n-th of Dest. The order is the server's.
	CopyUIDData struct {
		UIDValidity  uint32
		Source, Dest UIDSet
	}

	// AnnotateData is the data of ANNOTATE: TOOBIG for an annotation that is too large, or TOOMANY.
	AnnotateData struct{ Reason string }

	// BadCharsetData is the data of BADCHARSET: the character sets that the server supports, if it lists them.
	BadCharsetData struct{ Charsets []string }

	// BadEventData is the data of BADEVENT: the events that the server knows.
	BadEventData struct{ Events []NotifyEvent }

	// CapabilityData is the data of CAPABILITY.
	CapabilityData struct{ Caps Caps }

	// FlagsData is the data of PERMANENTFLAGS.
	FlagsData struct{ Flags []Flag }

	// MessageLimitData is the data of MESSAGELIMIT: the number of messages that a command processes, and the lowest UID that
	// was processed, 0 if not sent.
	MessageLimitData struct {
		Limit uint32
		UID   UID
	}

	// MetadataData is the data of METADATA. Reason is LONGENTRIES, MAXSIZE, TOOMANY or NOPRIVATE; Size is the number
	// after the first two, in bytes.
	MetadataData struct {
		Reason string
		Size   uint64
	}

	// NewNameData is the data of NEWNAME, an obsolete code of IMAP4rev1 (RFC 2060): a mailbox was renamed. The names are as
	// sent by the server.
	NewNameData struct{ Old, New string }

	// ProgressData is the data of INPROGRESS, also reported by ProgressEvent: the progress of the command with the tag, in
	// units chosen by the server. Tag is "" and a number is nil if not sent.
	ProgressData struct {
		Tag            string
		Progress, Goal *uint64
	}

	// ObjectIDData is the data of MAILBOXID and OBJECTID.
	ObjectIDData struct{ MailboxID, AccountID string }

	// ReferralData is the data of REFERRAL: URLs to use instead. The library does not follow them automatically. Raw has the
	// URLs as sent by the server, URLs those of them that can be parsed.
	ReferralData struct {
		URLs []*URL
		Raw  []string
	}

	// TagData is the data of NOUPDATE: the tag of a search.
	TagData struct{ Tag string }

	// URLData is the data of BADURL: the URL as the server repeats it.
	URLData struct{ URL string }

	// FilterData is the data of UNDEFINED-FILTER.
	FilterData struct{ Filter string }

	// URLMechData is the data of URLMECH: the mechanisms for authorizing URLs, with the data of each, or "".
	URLMechData struct{ Mechanisms map[string]string }
)

func (NumberData) codeData()         {}
func (NumbersData) codeData()        {}
func (AppendUIDData) codeData()      {}
func (CopyUIDData) codeData()        {}
func (AnnotateData) codeData()       {}
func (MailboxAnnotations) codeData() {}
func (BadCharsetData) codeData()     {}
func (BadEventData) codeData()       {}
func (CapabilityData) codeData()     {}
func (FlagsData) codeData()          {}
func (MessageLimitData) codeData()   {}
func (MetadataData) codeData()       {}
func (NewNameData) codeData()        {}
func (ObjectIDData) codeData()       {}
func (ProgressData) codeData()       {}
func (ReferralData) codeData()       {}
func (TagData) codeData()            {}
func (URLData) codeData()            {}
func (FilterData) codeData()         {}
func (URLMechData) codeData()        {}

// CodeData is the data of a response code: one of the types whose names end with Data, or MailboxAnnotations.
type CodeData interface{ codeData() }

// Data parses the arguments of the error's code. The result is nil for a code without data or one specific to the server. A
// *ProtocolError reports that the arguments do not match the code; Args has them unparsed.
func (e *Error) Data() (CodeData, error) { return readCode(e.Code, e.Args, isUIDCommand(e.Command)) }

// CodeDataOf returns the data of the response code of an error from the server, and false if it has no data of that type, or
// it cannot be parsed:
//
//	if to, ok := imap.CodeDataOf[imap.ReferralData](err); ok {
//		return to.URLs
//	}
func CodeDataOf[T CodeData](err error) (data T, ok bool) {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return data, false
	}
	read, _ := e.Data()
	data, ok = read.(T)
	return data, ok
}

func isUIDCommand(name string) bool { return strings.HasPrefix(name, "UID ") }

// codeReaders parse the arguments of codes.
var codeReaders = map[Code]func(p *parser, uid bool) (CodeData, error){
	CodeAnnotate:           readAnnotate,
	CodeAnnotations:        readAnnotations,
	CodeAppendUID:          readAppendUID,
	CodeBadCharset:         readBadCharset,
	CodeBadEvent:           readBadEvent,
	CodeBadURL:             readBadURL,
	CodeCapability:         readCapability,
	CodeCopyUID:            readCopyUID,
	CodeDowngraded:         readNumbers,
	CodeHighestModSeq:      readNumber,
	CodeInProgress:         readInProgress,
	CodeMailboxID:          readMailboxID,
	CodeMaxConvertMessages: readNumber,
	CodeMaxConvertParts:    readNumber,
	CodeMessageLimit:       readMessageLimit,
	CodeMetadata:           readMetadata,
	CodeModified:           readNumbers,
	CodeNewName:            readNewName,
	CodeNoUpdate:           readNoUpdate,
	CodeObjectID:           readObjectID,
	CodePermanentFlags:     readPermanentFlags,
	CodeReferral:           readReferral,
	CodeUIDNext:            readNumber,
	CodeUIDValidity:        readNumber,
	CodeUndefinedFilter:    readUndefinedFilter,
	CodeUnseen:             readNumber,
	CodeURLMech:            readURLMech,
}

func readCode(code Code, args string, uid bool) (CodeData, error) {
	read := codeReaders[code]
	if read == nil {
		return nil, nil
	}
	p := parserFor([]byte(args))
	data, err := read(p, uid)
	if err == nil && !p.atEnd() {
		err = p.errorf("unexpected text after the arguments of a response code")
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

func readNumber(p *parser, _ bool) (CodeData, error) {
	n, err := p.number()
	return NumberData(n), err
}

// codeSet parses a set whose order matters.
func codeSet[N UID | SeqNum](p *parser) (Set[N], error) {
	p.skipSpaces()
	set, n, err := parseSetBytes[N](p.text[p.pos:])
	if err != nil || isOpen(set) {
		return nil, p.errorf("expected a set")
	}
	p.pos += n
	return set, nil
}

func readNumbers(p *parser, uid bool) (CodeData, error) {
	if uid {
		set, err := codeSet[UID](p)
		return NumbersData{UIDs: set}, err
	}
	set, err := codeSet[SeqNum](p)
	return NumbersData{Seqs: set}, err
}

func readAppendUID(p *parser, _ bool) (CodeData, error) {
	validity, err := p.number32()
	if err != nil {
		return nil, err
	}
	uids, err := codeSet[UID](p)
	return AppendUIDData{validity, uids}, err
}

func readCopyUID(p *parser, _ bool) (CodeData, error) {
	validity, err := p.number32()
	if err != nil {
		return nil, err
	}
	source, err := codeSet[UID](p)
	if err != nil {
		return nil, err
	}
	dest, err := codeSet[UID](p)
	if err == nil && source.Len() != dest.Len() {
		err = p.errorf("sets of different lengths")
	}
	return CopyUIDData{validity, source, dest}, err
}

func readAnnotate(p *parser, _ bool) (CodeData, error) {
	reason := strings.ToUpper(string(p.word()))
	if reason == "" {
		return nil, p.errorf("expected TOOBIG or TOOMANY")
	}
	return AnnotateData{reason}, nil
}

func readAnnotations(p *parser, _ bool) (CodeData, error) {
	rest := string(p.text[p.pos:])
	p.pos = len(p.text)
	if strings.TrimSpace(rest) == "" {
		return nil, p.errorf("expected a size, NONE or READ-ONLY")
	}
	return parseMailboxAnnotations(rest), nil
}

// readList parses a list in parentheses, or without them, as some servers send it (errata 7323).
func readList(p *parser, add func(string) error) error {
	listed := p.peek() == '('
	if listed {
		if err := p.enter(); err != nil {
			return err
		}
	}
	for ; !p.atEnd() && p.peek() != ')'; p.skipSpaces() {
		s, err := p.astring()
		if err != nil {
			return err
		}
		if err := add(s); err != nil {
			return err
		}
	}
	if listed {
		return p.leave()
	}
	return nil
}

func readBadCharset(p *parser, _ bool) (CodeData, error) {
	var d BadCharsetData
	err := readList(p, func(s string) error { d.Charsets = append(d.Charsets, s); return nil })
	return d, err
}

func readBadEvent(p *parser, _ bool) (CodeData, error) {
	var d BadEventData
	err := readList(p, func(s string) error { d.Events = append(d.Events, NotifyEvent(s)); return nil })
	return d, err
}

// readBadURL parses a URL, which may have any character but "]" (RFC 4469 section 5), including parentheses.
func readBadURL(p *parser, _ bool) (CodeData, error) {
	if p.peek() == '"' {
		s, err := p.astring()
		return URLData{s}, err
	}
	s := strings.TrimSpace(string(p.text[p.pos:]))
	if p.pos = len(p.text); s == "" {
		return nil, p.errorf("expected a URL")
	}
	return URLData{s}, nil
}

func readCapability(p *parser, _ bool) (CodeData, error) {
	caps := parseCaps(string(p.text[p.pos:]), func(string) []string { return nil })
	p.pos = len(p.text)
	return CapabilityData{caps}, nil
}

func readMessageLimit(p *parser, _ bool) (CodeData, error) {
	limit, err := p.number32()
	if err != nil || p.atEnd() {
		return MessageLimitData{Limit: limit}, err
	}
	uid, err := p.number32()
	return MessageLimitData{limit, UID(uid)}, err
}

func readMetadata(p *parser, _ bool) (CodeData, error) {
	d := MetadataData{Reason: strings.ToUpper(string(p.word()))}
	if d.Reason == "" {
		return nil, p.errorf("expected LONGENTRIES, MAXSIZE, TOOMANY or NOPRIVATE")
	}
	if p.atEnd() {
		return d, nil
	}
	var err error
	d.Size, err = p.number()
	return d, err
}

// readInProgress parses (tag progress goal), each of which may be NIL, or nothing.
func readInProgress(p *parser, _ bool) (CodeData, error) {
	if p.atEnd() {
		return ProgressData{}, nil
	}
	return p.progress()
}

// progress parses as much as it can, and returns that with the error.
func (p *parser) progress() (d ProgressData, err error) {
	if err := p.enter(); err != nil {
		return d, err
	}
	if d.Tag, _, err = p.nstring(); err != nil {
		return d, err
	}
	for _, n := range []**uint64{&d.Progress, &d.Goal} {
		if p.skipSpaces(); p.isNil() {
			continue
		}
		v, err := p.number()
		if err != nil {
			return d, err
		}
		*n = &v
	}
	return d, p.leave()
}

func readNewName(p *parser, _ bool) (CodeData, error) {
	from, err := p.astring()
	if err != nil {
		return nil, err
	}
	p.skipSpaces()
	to, err := p.astring()
	return NewNameData{from, to}, err
}

func readMailboxID(p *parser, _ bool) (CodeData, error) {
	id, err := p.objectID()
	return ObjectIDData{MailboxID: id}, err
}

func readPermanentFlags(p *parser, _ bool) (CodeData, error) {
	flags, err := p.flagList()
	return FlagsData{flags}, err
}

// readReferral parses URLs separated by blanks.
func readReferral(p *parser, _ bool) (CodeData, error) {
	var d ReferralData
	d.Raw = strings.Fields(string(p.text[p.pos:]))
	p.pos = len(p.text)
	for _, s := range d.Raw {
		if u, err := ParseURL(strings.Trim(s, `"<>`)); err == nil {
			d.URLs = append(d.URLs, u)
		}
	}
	if len(d.Raw) == 0 {
		return nil, p.errorf("expected a URL")
	}
	return d, nil
}

func readNoUpdate(p *parser, _ bool) (CodeData, error) {
	tag, err := p.astring()
	return TagData{tag}, err
}

func readUndefinedFilter(p *parser, _ bool) (CodeData, error) {
	name, err := p.astring()
	return FilterData{name}, err
}

// readURLMech parses INTERNAL and other names, some with =base64 after them.
func readURLMech(p *parser, _ bool) (CodeData, error) {
	d := URLMechData{make(map[string]string)}
	for _, word := range strings.Fields(string(p.text[p.pos:])) {
		name, data, _ := strings.Cut(word, "=")
		d.Mechanisms[strings.ToUpper(name)] = data
	}
	p.pos = len(p.text)
	return d, nil
}

func readObjectID(p *parser, _ bool) (CodeData, error) {
	var d ObjectIDData
	err := p.objectIDs(d.set)
	return d, err
}

func (d *ObjectIDData) set(name, id string) {
	switch name {
	case "MAILBOXID":
		d.MailboxID = id
	case "ACCOUNTID":
		d.AccountID = id
	}
}
