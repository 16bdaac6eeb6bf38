package imap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-imaplib/imap/internal/ascii"
	"github.com/go-imaplib/imap/internal/wire"
)

// command is one command on its way: what it needs, how its arguments are written, what it takes of the untagged
// responses, and how it ended. The fields below the line are guarded by engine.mu.
type command struct {
	name            string
	states          stateMask
	exclusive       bool   // waits for all before it and holds all behind it
	byNumber        bool   // has message sequence numbers in it: waits for what may expunge
	numbers         bool   // those are the caller's: they mean what they meant when the call began
	noExpunge       bool   // the server may not send EXPUNGE while it runs (FETCH, STORE, SEARCH by number)
	writes          bool   // fails in a mailbox that is read-only
	inMailbox       bool   // may act on the selected mailbox, whatever states says
	ignoresLiterals bool   // long literals that come while it runs are news, and dropped (IDLE)
	changes         effect // what it changes of the session
	exchange        bool   // what is said while it runs stays out of the log
	asks            bool   // the server is to answer with a continuation first
	weight          int    // what a response of its answer costs beside its octets, where that is much
	batch           bool   // what is in the buffer already is read at once: results go to a queue
	pipelined       bool   // sent by a pipeline, and need not leave at once
	partial         bool   // its caller looks for MESSAGELIMIT and goes on
	encode          func(*encoder)
	answer          answer // takes what comes for the command; nil takes nothing
	// finish applies the tagged response to the session. It runs in the order of the wire, before the caller sees the
	// response and also when the command was abandoned, with engine.mu held.
	finish func(s *status)

	moves     *moves   // of numbers, until it is sent
	secrets   []string // are masked wherever the server repeats them
	mailbox   string   // which STATUS is about
	seqs      SeqSet   // the messages by number, of FETCH, STORE, COPY and MOVE
	absent    bool     // none of seqs is there: that a server refuses them is no error
	once      string   // the name of the untagged response of which one answers it
	heard     bool     // that has come
	rows      string   // the name of the untagged responses of which any number answers it: two such commands cannot overlap
	farewell  string   // what ends it, where it asks
	tag       string
	size      int // octets sent, literals not counted
	status    status
	err       error
	done      bool
	abandoned bool
	goAhead   bool   // a continuation came for it
	readOnce  bool   // a reader that cannot be read again was read for it; of the sender
	challenge []byte // what the continuation said
	bye       bool   // of LOGOUT: the server said BYE
	proved    bool   // of an exchange that was abandoned: there is nothing left to check in the server's OK
	leave     bool   // somebody wants this IDLE to end
	leaving   bool   // farewell was sent
	queued    int64  // octets of results that wait for a suspended loop
	kept      int64  // octets that the answer to a SELECT holds
	taken     int64  // octets of the answer of a command that keeps all of it
	changed   chan struct{}
}

// notify wakes who waits for a change of the command.
func (cmd *command) notify() {
	if cmd.changed != nil {
		close(cmd.changed)
		cmd.changed = nil
	}
}

// watchChange returns a channel that is closed at the next change.
func (cmd *command) watchChange() <-chan struct{} {
	if cmd.changed == nil {
		cmd.changed = make(chan struct{})
	}
	return cmd.changed
}

// stateMask is a set of states.
type stateMask uint8

const (
	inNotAuth  stateMask = 1 << NotAuthenticated
	inAuth     stateMask = 1<<Authenticated | 1<<Selected
	inSelected stateMask = 1 << Selected
	inAny                = inNotAuth | inAuth
)

// ---- encoding

// encoder writes the arguments of a command. It is the only way for octets to the wire: what cannot be sent as it was
// meant is an error, and nothing of the command leaves.
type encoder struct {
	buf        []byte
	cuts       []cut
	masks      []mask // what the trace does not show
	err        error
	table      *table
	caps       Caps
	capsKnown  bool
	charset    func(string) (string, error) // of search text beyond ASCII
	utf8       bool                         // UTF8=ACCEPT or IMAP4rev2 is on: quoted strings and names hold UTF-8
	utf8Append bool                         // UTF8=ACCEPT is on: messages are sent as such
	enabled    map[string]bool              // extensions that are on
	moves      *moves                       // of the messages whose numbers the command holds, nil where others see to that
}

// cut is a literal that is not in the buffer: its octets follow buf[:at].
type cut struct {
	at   int
	data Literal
	sync bool
}

// mask hides a part of the buffer in the trace.
type mask struct {
	from, to int
	text     string
}

const (
	// literalMinus is the largest literal that LITERAL- lets go without asking (RFC 7888).
	literalMinus = 4096
	// inlineOutgoing is the largest literal that is copied into the command.
	inlineOutgoing = 4 << 10
	// maxQuoted is the longest string sent quoted. Servers limit the length of a line (RFC 2683 section 3.2.1.5).
	maxQuoted = 1000
)

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

// raw writes text of the library's own.
func (e *encoder) raw(s string) *encoder {
	e.buf = append(e.buf, s...)
	return e
}

// word writes a space and text of the library's own.
func (e *encoder) word(s string) *encoder { return e.sp().raw(s) }

// number writes a number.
func (e *encoder) number(n uint64) *encoder {
	e.buf = strconv.AppendUint(e.buf, n, 10)
	return e
}

// atom writes s as it is, if it is an atom.
func (e *encoder) atom(what, s string) *encoder {
	if !isAtom(s) {
		e.fail(argError("%s is not an atom", what))
	}
	return e.raw(s)
}

// str writes s as a quoted string, or as a literal where it holds what quoted strings cannot.
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

// escapeQuoted is s as it stands in a quoted string.
func escapeQuoted(s string) string {
	if !strings.ContainsAny(s, `"\`) {
		return s
	}
	return quotedEscapes.Replace(s)
}

var quotedEscapes = strings.NewReplacer(`"`, `\"`, `\`, `\\`)

// quotable reports whether a quoted string can hold s.
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

// astring writes s as an atom where it is one, else as a string.
func (e *encoder) astring(s string) *encoder {
	if isAtom(s) && len(s) <= maxQuoted && !ascii.EqualFold(s, "NIL") {
		return e.raw(s)
	}
	return e.str(s)
}

// secret writes s as a string that no trace shows. It is quoted where that is possible: there are servers that misread
// LOGIN with literals.
func (e *encoder) secret(s string) *encoder {
	from, masks := len(e.buf), len(e.masks)
	e.str(s)
	e.masks = append(e.masks[:masks], mask{from, len(e.buf), "[redacted]"})
	return e
}

// mailbox writes a mailbox name: in modified UTF-7, in UTF-8 where that is on, or exactly as a server sent it.
func (e *encoder) mailbox(name string) *encoder {
	if name == "" || name == rawPrefix {
		e.fail(argError("an empty mailbox name"))
		return e
	}
	return e.anyMailbox(name)
}

// anyMailbox writes the name of a mailbox where the empty one means something.
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
	return e.astring(EncodeMailboxName(name))
}

// rawPrefix marks a mailbox name made by RawMailbox. It cannot stand in a name: no name holds NUL.
const rawPrefix = "\x00raw\x00"

// RawMailbox makes a mailbox argument of a name exactly as a server sent it (ListEntry.Raw), for names that are not
// valid modified UTF-7: every method that takes a mailbox name sends it back octet for octet.
func RawMailbox(wire string) string { return rawPrefix + wire }

func rawMailbox(name string) (wire string, ok bool) { return strings.CutPrefix(name, rawPrefix) }

// day writes a date. Its year has four digits.
func (e *encoder) day(t time.Time) *encoder {
	e.checkYear(t)
	e.buf = appendDate(e.buf, t)
	return e
}

// internalDate writes a date with its time, in quotes. Its year and its offset have four digits.
func (e *encoder) internalDate(t time.Time) *encoder {
	t = inMinutes(t)
	e.checkYear(t)
	if _, offset := t.Zone(); max(offset, -offset) >= 100*60*60 {
		e.fail(argError("a date with an offset of 100 hours or more"))
	}
	e.buf = appendInternalDate(e.buf, t)
	return e
}

func (e *encoder) checkYear(t time.Time) {
	if y := t.Year(); y < 0 || y > 9999 {
		e.fail(argError("a date in the year %d", y))
	}
}

// flags writes a parenthesised list of flags.
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
	}
	if seqs, byNumber := s.(SeqSet); byNumber {
		if e.enabled["UIDONLY"] {
			e.fail(ErrUIDOnly)
		}
		s = e.moved(seqs)
	}
	e.buf = appendNumSet(e.buf, s)
	return e
}

// errCapsUnknown says that the server has to be asked for its capabilities first.
var errCapsUnknown = errors.New("the capabilities are not known")

// need fails unless one of the capabilities is there, if there has to be any.
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

// unasked reports whether a literal may go without the server's leave (RFC 7888).
func (e *encoder) unasked(size int64) bool {
	return e.caps.Has("LITERAL+") || size <= literalMinus && (e.caps.Has("LITERAL-") || e.caps.Has("IMAP4REV2"))
}

// literal writes l: in the command if it is small and need not be asked for, else as a cut. A binary literal is a
// literal8, which may hold NUL (RFC 3516).
func (e *encoder) literal(l Literal, binary bool) *encoder {
	if err := l.check(); err != nil {
		e.fail(err)
		return e
	}
	if binary {
		e.raw("~")
	}
	free := e.unasked(l.Size)
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

// Atom is sent as it is (flags, sets, parenthesised text: what the server's grammar wants). CR, LF, NUL and a literal
// header at its end are refused.
type Atom string

// checkAtom refuses what would end the command or announce a literal.
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

// ---- sending

// newEncoder makes an encoder for what the server is known to take. The caller holds the send token.
func (e *engine) newEncoder() *encoder {
	e.enc = e.looseEncoder()
	return &e.enc
}

// looseEncoder is newEncoder for who only checks arguments, and does not hold the send token.
func (e *engine) looseEncoder() encoder {
	e.mu.Lock()
	defer e.mu.Unlock()
	enc := encoder{table: e.table, caps: e.caps, capsKnown: e.capsKnown}
	if len(e.enabled) > 0 {
		enc.enabled, enc.utf8Append = e.enabled, e.enabled["UTF8=ACCEPT"]
		enc.utf8 = e.utf8
	}
	return enc
}

// transmit sends an encoded command. The caller holds the send token. Without literals to ask for, a pipelined command
// may stay in the buffer for a while.
func (e *engine) transmit(ctx context.Context, cmd *command, enc *encoder) error {
	e.enlist(cmd)
	e.out = append(append(append(append(e.out, cmd.tag...), ' '), cmd.name...), enc.buf[:enc.firstCut()]...)
	if e.conn.Tracing() {
		e.traceCommand(ctx, cmd, enc)
	}
	cmd.size += len(enc.buf)
	for i := range enc.cuts {
		if refused, err := e.sendLiteral(ctx, cmd, &enc.cuts[i]); err != nil || refused {
			return err
		}
		e.out = append(e.out, enc.between(i)...)
	}
	e.out = append(e.out, "\r\n"...)
	if cmd.pipelined && len(enc.cuts) == 0 && len(e.out) < flushSize {
		e.flushLater()
		return nil
	}
	return e.flush(ctx)
}

func (enc *encoder) firstCut() int {
	if len(enc.cuts) == 0 {
		return len(enc.buf)
	}
	return enc.cuts[0].at
}

// between is the text behind literal i.
func (enc *encoder) between(i int) []byte {
	if i+1 < len(enc.cuts) {
		return enc.buf[enc.cuts[i].at:enc.cuts[i+1].at]
	}
	return enc.buf[enc.cuts[i].at:]
}

const (
	// flushSize is how much of pipelined commands is collected before it is sent.
	flushSize = 4 << 10
	// outKept is the largest buffer for commands that is kept for the next.
	outKept = 1 << 10
	// chunkSize is the piece in which literals are sent that come slowly. Each is a sign of life of its own.
	chunkSize = 64 << 10
)

// flush sends what was collected. The caller holds the send token.
func (e *engine) flush(ctx context.Context) error {
	if e.pending.Swap(false) {
		e.later.Stop()
	}
	if len(e.out) == 0 {
		return nil
	}
	e.mu.Lock()
	e.held = 0
	e.mu.Unlock()
	err := e.write(ctx, e.out)
	e.out = e.out[:0]
	if cap(e.out) > outKept {
		e.out = nil
	}
	if err != nil {
		return err
	}
	e.conn.ExpectAnswer()
	return nil
}

// sendLiteral sends one literal; a synchronizing one only after the server said +. A command that the server refused
// instead is finished, and nothing of the literal leaves. One that is refused later is sent to its end all the same,
// because the server reads on to there.
func (e *engine) sendLiteral(ctx context.Context, cmd *command, c *cut) (refused bool, err error) {
	if c.sync {
		e.ask(cmd)
		if err := e.flush(ctx); err != nil {
			return false, err
		}
		if err := e.awaitGoAhead(ctx, cmd); err != nil {
			return false, e.fail(err) // the server will wait for octets that nobody sends
		}
		if !cmd.allowed(e) {
			return true, nil
		}
	}
	cmd.readOnce = cmd.readOnce || c.data.readOnce()
	if err := e.copyLiteral(ctx, c.data); err != nil {
		return false, e.fail(err)
	}
	return false, nil
}

// allowed reports whether the continuation came, be the command at its end or not.
func (cmd *command) allowed(e *engine) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return cmd.goAhead
}

// copyLiteral sends exactly the announced octets.
func (e *engine) copyLiteral(ctx context.Context, l Literal) error {
	if data, ok := l.R.(bytesReader); ok {
		return e.writeChunks(ctx, data)
	}
	src := newSource(l, e.conn.Done())
	defer src.end()
	if l.Size <= chunkSize/2 {
		// What is small goes in one write with the text around it.
		data, err := src.next(ctx, l.Size)
		if err == nil {
			e.out = append(e.out, data...)
		}
		return err
	}
	if err := e.flush(ctx); err != nil {
		return err
	}
	for left := l.Size; left > 0; {
		data, err := src.next(ctx, left)
		if err != nil {
			return err
		}
		if err := e.write(ctx, data); err != nil {
			return err
		}
		left -= int64(len(data))
	}
	e.conn.ExpectAnswer()
	return nil
}

// writeChunks sends data that is in memory.
func (e *engine) writeChunks(ctx context.Context, data []byte) error {
	if len(data) <= chunkSize/2 {
		e.out = append(e.out, data...)
		return nil
	}
	if err := e.flush(ctx); err != nil {
		return err
	}
	for len(data) > 0 {
		n := min(len(data), largeChunk)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := e.write(ctx, data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	e.conn.ExpectAnswer()
	return nil
}

var errShortLiteral = errors.New("the reader of a literal ended before its announced size; the connection is closed")

func shortLiteral(err error) error {
	if err == nil {
		return nil
	}
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return errShortLiteral
	}
	return fmt.Errorf("reading a literal to send: %w", err)
}

// traceCommand logs a command with its secrets masked and its literals as their size.
func (e *engine) traceCommand(ctx context.Context, cmd *command, enc *encoder) {
	var b strings.Builder
	b.WriteString(cmd.tag + " " + cmd.name)
	at := 0
	for _, m := range enc.masks {
		b.Write(enc.buf[at:m.from])
		b.WriteString(m.text)
		at = m.to
	}
	b.Write(enc.buf[at:])
	e.conn.Trace(ctx, "C", strings.ReplaceAll(b.String(), "\r\n", ""))
}

// nextTag makes a tag. It starts with a letter, because there are servers that refuse others (Coremail).
func (e *engine) nextTag() string {
	e.tags++
	if e.tags == math.MaxUint32 {
		e.tags = 1
	}
	var tag [20]byte
	return string(strconv.AppendUint(append(tag[:0], 'A'), e.tags, 10))
}
