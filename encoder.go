package imap

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-imaplib/imap/internal/ascii"
	"github.com/go-imaplib/imap/internal/datetime"
	"github.com/go-imaplib/imap/internal/utf7"
	"github.com/go-imaplib/imap/internal/wire"
)

var quotedEscapes = strings.NewReplacer(`"`, `\"`, `\`, `\\`)

// cut is a literal that is not in the buffer: its data follows buf[:at].
type cut struct {
	at   int
	data Literal
	sync bool
}

// mask is a part of the buffer that the trace does not show.
type mask struct {
	from, to int
	text     string
}

const (
	// literalMinus is the size of the largest non-synchronizing literal with LITERAL- (RFC 7888).
	literalMinus = 4096
	// inlineOutgoing is the size of the largest literal that is copied into the command.
	inlineOutgoing = 4 << 10
	// maxQuoted is the length of the longest quoted string. Servers limit the length of a line (RFC 2683 section 3.2.1.5).
	maxQuoted = 1000
)

// escapeQuoted returns s escaped for a quoted string.
func escapeQuoted(s string) string {
	if !strings.ContainsAny(s, `"\`) {
		return s
	}
	return quotedEscapes.Replace(s)
}

// rawPrefix marks a mailbox name made by RawMailbox. It cannot be a part of a name, because names cannot contain NUL.
const rawPrefix = "\x00raw\x00"

func rawMailbox(name string) (wire string, ok bool) { return strings.CutPrefix(name, rawPrefix) }

// errCapsUnknown reports that the capabilities must be requested first.
var errCapsUnknown = errors.New("the capabilities are not known")

// Atom is an argument that is sent as it is: flags, sets, parenthesized text, or anything else in the server's grammar. It
// must not contain CR, LF or NUL, or end with a literal header.
type Atom string

// checkAtom fails for an Atom that would end the command or announce a literal.
func checkAtom(a Atom) error {
	if strings.ContainsAny(string(a), "\r\n\x00") {
		return argError("CR, LF or NUL in an Atom")
	}
	if strings.HasSuffix(strings.TrimRight(string(a), " "), "}") {
		if i := strings.LastIndexByte(string(a), '{'); i >= 0 {
			if _, n := wire.LiteralHeader([]byte(strings.TrimRight(string(a[i:]), " ") + "\r\n")); n > 0 {
				return argError("a literal header at the end of an Atom")
			}
		}
	}
	return nil
}

// strings writes a parenthesized list of strings.
func (e *encoder) strings(list []string) *encoder {
	e.raw("(")
	for i, s := range list {
		if i > 0 {
			e.sp()
		}
		e.astring(s)
	}
	return e.raw(")")
}

// needUTF8 fails unless UTF8=ACCEPT is enabled, without which servers must refuse such a message.
func (e *encoder) needUTF8() *encoder {
	e.need("UTF8=ACCEPT")
	if !e.utf8 {
		e.fail(&CapabilityError{Name: "UTF8=ACCEPT", Off: true})
	}
	return e
}

// needBinary fails unless the server lists BINARY: IMAP4rev2 includes only its FETCH items.
func (e *encoder) needBinary() *encoder {
	if e.need("BINARY"); !e.caps.Has("BINARY") {
		e.fail(&CapabilityError{Name: "BINARY"})
	}
	return e
}

// hidden writes text that traces do not show.
func (e *encoder) hidden(s string) *encoder {
	e.masks = append(e.masks, mask{len(e.buf), len(e.buf) + len(s), "[redacted]"})
	return e.raw(s)
}

// ---- encoding

// encoder writes the arguments of a command. Every command is written by an encoder: if an argument cannot be sent as
// intended, it records an error, and nothing of the command is sent.
type encoder struct {
	buf        []byte
	cuts       []cut
	masks      []mask // parts that the trace does not show
	err        error
	table      *table
	caps       Caps
	capsKnown  bool
	charset    func(string) (string, error) // encodes search text beyond ASCII
	utf8       bool                         // UTF8=ACCEPT or IMAP4rev2 is enabled: quoted strings and names are UTF-8
	utf8Append bool                         // UTF8=ACCEPT is enabled: messages are sent in the form for UTF-8
	enabled    map[string]bool              // enabled extensions
	moved      func(SeqSet) (SeqSet, error) // converts a set of sequence numbers to current ones, or nil

	noNumbers error // why sequence numbers cannot be used, or nil

	saveLeft bool // "$" is the result of a search that was given up
}

// errSaveLeft reports that "$" is not what the caller takes it for.
var errSaveLeft = errors.New("the saved result is that of a search that was given up")

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// sp writes a space.
func (e *encoder) sp() *encoder {
	e.buf = append(e.buf, ' ')
	return e
}

// raw writes text from the library.
func (e *encoder) raw(s string) *encoder {
	e.buf = append(e.buf, s...)
	return e
}

// word writes a space and text from the library.
func (e *encoder) word(s string) *encoder { return e.sp().raw(s) }

// number writes a number.
func (e *encoder) number(n uint64) *encoder {
	e.buf = strconv.AppendUint(e.buf, n, 10)
	return e
}

// atom writes s, which must be an atom. what names the argument in the error.
func (e *encoder) atom(what, s string) *encoder {
	if !isAtom(s) {
		e.fail(argError("%s is not an atom", what))
	}
	return e.raw(s)
}

// str writes s as a quoted string, or as a literal if a quoted string cannot represent it.
func (e *encoder) str(s string) *encoder {
	if strings.IndexByte(s, 0) >= 0 {
		e.fail(argError("NUL in a string"))
		return e
	}
	if len(s) > maxQuoted || !e.quotable(s) {
		return e.literal(LiteralString(s), false)
	}
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, escapeQuoted(s)...)
	e.buf = append(e.buf, '"')
	return e
}

// quotable reports whether a quoted string can represent s.
func (e *encoder) quotable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c == '\r' || c == '\n' {
			return false
		} else if c >= 0x80 {
			return e.utf8 && utf8.ValidString(s) && !strings.ContainsAny(s, "\r\n")
		}
	}
	return true
}

// astring writes s as an atom if it is one, else as a string.
func (e *encoder) astring(s string) *encoder {
	if isAtom(s) && len(s) <= maxQuoted && !ascii.EqualFold(s, "NIL") {
		return e.raw(s)
	}
	return e.str(s)
}

// secret writes s as a string that traces do not show. It is quoted if possible, because some servers misread LOGIN with
// literals.
func (e *encoder) secret(s string) *encoder {
	from, masks := len(e.buf), len(e.masks)
	e.str(s)
	e.masks = append(e.masks[:masks], mask{from, len(e.buf), "[redacted]"})
	return e
}

// mailbox writes a mailbox name: in modified UTF-7, in UTF-8 if that is enabled, or exactly as a server sent it.
func (e *encoder) mailbox(name string) *encoder {
	if name == "" || name == rawPrefix {
		e.fail(argError("an empty mailbox name"))
		return e
	}
	return e.anyMailbox(name)
}

// anyMailbox writes a mailbox name that may be empty.
func (e *encoder) anyMailbox(name string) *encoder {
	if wire, ok := rawMailbox(name); ok {
		return e.astring(wire)
	}
	if !utf8.ValidString(name) || strings.IndexByte(name, 0) >= 0 {
		e.fail(argError("the mailbox name is not valid UTF-8, or holds NUL"))
		return e
	}
	if strings.EqualFold(name, "INBOX") {
		return e.raw("INBOX")
	}
	if e.utf8 {
		return e.astring(name)
	}
	return e.astring(utf7.Encode(name))
}

// day writes a date, whose year must have four digits.
func (e *encoder) day(t time.Time) *encoder {
	e.checkYear(t)
	e.buf = datetime.AppendDate(e.buf, t)
	return e
}

// internalDate writes a date with its time, in quotes. Its year and its offset must have four digits.
func (e *encoder) internalDate(t time.Time) *encoder {
	t = datetime.InMinutes(t)
	e.checkYear(t)
	if _, offset := t.Zone(); max(offset, -offset) >= 100*60*60 {
		e.fail(argError("a date with an offset of 100 hours or more"))
	}
	e.buf = datetime.AppendInternalDate(e.buf, t)
	return e
}

func (e *encoder) checkYear(t time.Time) {
	if y := t.Year(); y < 0 || y > 9999 {
		e.fail(argError("a date in the year %d", y))
	}
}

// flags writes a parenthesized list of flags.
func (e *encoder) flags(flags []Flag) *encoder {
	e.raw("(")
	for i, f := range flags {
		if i > 0 {
			e.sp()
		}
		if !validFlag(f) {
			e.fail(argError("a flag is not an atom"))
		}
		e.raw(string(f))
	}
	return e.raw(")")
}

// set writes a set of messages.
func (e *encoder) set(s NumSet) *encoder {
	if err := validSet(s); err != nil {
		e.fail(err)
		return e
	}
	if s == SavedResult {
		e.need("SEARCHRES")
		if e.saveLeft {
			e.fail(errSaveLeft)
		}
	}
	if seqs, byNumber := s.(SeqSet); byNumber {
		if e.noNumbers != nil {
			e.fail(e.noNumbers)
		}
		s = e.now(seqs)
	}
	e.buf = appendNumSet(e.buf, s)
	return e
}

// now converts a set from the start of the call to current numbers. The encoder fails if they are not known, and if none of
// the messages exists any more.
func (e *encoder) now(set SeqSet) SeqSet {
	if e.moved == nil {
		return set
	}
	now, err := e.moved(set)
	if err != nil {
		e.fail(err)
		return set
	}
	return now
}

// need fails unless the server has one of the capabilities, or names is empty.
func (e *encoder) need(names ...string) *encoder {
	for _, n := range names {
		if e.caps.offers(n) {
			return e
		}
	}
	if len(names) == 0 {
		return e
	}
	if !e.capsKnown {
		e.fail(errCapsUnknown)
		return e
	}
	e.fail(&CapabilityError{Name: names[0]})
	return e
}

// isNonSync reports whether a literal may be sent without waiting for a continuation (RFC 7888).
func (e *encoder) isNonSync(size int64) bool {
	return e.caps.Has("LITERAL+") || size <= literalMinus && e.caps.offers("LITERAL-")
}

// literal writes l: into the command if it is small and non-synchronizing, else as a cut. A binary literal is a literal8,
// which may contain NUL (RFC 3516).
func (e *encoder) literal(l Literal, binary bool) *encoder {
	if err := l.check(); err != nil {
		e.fail(err)
		return e
	}
	if binary {
		e.raw("~")
	}
	free := e.isNonSync(l.Size)
	e.raw("{").number(uint64(l.Size))
	if free {
		e.raw("+")
	}
	e.raw("}\r\n")
	if data, ok := l.R.(bytesReader); (ok && l.Size <= inlineOutgoing || l.Size == 0) && free {
		from := len(e.buf)
		e.buf = append(e.buf, data...)
		e.masks = append(e.masks, mask{from, len(e.buf), ""})
		return e
	}
	e.cuts = append(e.cuts, cut{len(e.buf), l, !free})
	return e
}

// arg writes an argument of Do.
func (e *encoder) arg(v any) *encoder {
	switch v := v.(type) {
	case nil:
		return e.raw("NIL")
	case Atom:
		if err := checkAtom(v); err != nil {
			e.fail(err)
		}
		return e.raw(string(v))
	case string:
		if wire, ok := rawMailbox(v); ok {
			return e.astring(wire)
		}
		return e.astring(v)
	case Flag:
		return e.oneFlag(v)
	case []byte:
		return e.literal(LiteralBytes(v), false)
	case Literal:
		return e.literal(v, false)
	case time.Time:
		return e.internalDate(v)
	case NumSet:
		return e.nonEmptySet(v)
	case []any:
		return e.list(v)
	}
	return e.integer(v)
}

func (e *encoder) oneFlag(f Flag) *encoder {
	if !validFlag(f) {
		e.fail(argError("a flag is not an atom"))
	}
	return e.raw(string(f))
}

func (e *encoder) nonEmptySet(s NumSet) *encoder {
	if emptySet(s) {
		e.fail(argError("an empty set"))
		return e
	}
	return e.set(s)
}

func (e *encoder) list(items []any) *encoder {
	e.raw("(")
	for i, v := range items {
		if i > 0 {
			e.sp()
		}
		e.arg(v)
	}
	return e.raw(")")
}

func (e *encoder) integer(v any) *encoder {
	n := int64(0)
	switch v := v.(type) {
	case int:
		n = int64(v)
	case int32:
		n = int64(v)
	case int64:
		n = v
	case uint32:
		n = int64(v)
	case uint64:
		return e.number(v)
	case uint:
		return e.number(uint64(v))
	case UID:
		n = int64(v)
	case SeqNum:
		n = int64(v)
	default:
		e.fail(argError("an argument of type %T cannot be sent", v))
		return e
	}
	if n < 0 {
		e.fail(argError("a negative number"))
		return e
	}
	return e.number(uint64(n))
}

// asks reports whether a literal is sent only after a continuation.
func (enc *encoder) asks() bool {
	for i := range enc.cuts {
		if enc.cuts[i].sync {
			return true
		}
	}
	return false
}

func (enc *encoder) firstCut() int {
	if len(enc.cuts) == 0 {
		return len(enc.buf)
	}
	return enc.cuts[0].at
}

// between returns the text after literal i.
func (enc *encoder) between(i int) []byte {
	if i+1 < len(enc.cuts) {
		return enc.buf[enc.cuts[i].at:enc.cuts[i+1].at]
	}
	return enc.buf[enc.cuts[i].at:]
}

// quotedName writes an ASCII name in quotes, where the grammar does not allow a literal.
func (e *encoder) quotedName(s string) *encoder {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			e.fail(argError("a name that cannot be quoted"))
			return e
		}
	}
	return e.raw(`"` + escapeQuoted(s) + `"`)
}

// needRev1 fails if IMAP4rev2 is enabled, which has no \Recent (RFC 9051 appendix E).
func (e *encoder) needRev1() *encoder {
	if e.enabled["IMAP4REV2"] {
		e.fail(errRev2)
	}
	return e
}

var errRev2 = fmt.Errorf("IMAP4rev2, which is on, has none of this: %w", &CapabilityError{Name: "IMAP4rev1"})

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}
