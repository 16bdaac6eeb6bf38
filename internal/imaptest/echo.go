package imaptest

import (
	"errors"
	"net"
	"strings"
)

// Command is a command as parsed by this package.
type Command struct {
	Tag  string
	Name string // upper case
	Args []Arg
	Raw  string // with its literals, without its last CRLF
	Err  error  // the syntax error, if any; Args is incomplete then
}

// Arg is one argument. Text is the value of a string, whatever its form.
type Arg struct {
	Text   string
	Atom   bool  // written as an atom
	Quoted bool  // written between quotation marks
	IsList bool  // a parenthesized list, in List
	List   []Arg // elements of a parenthesized list
	Fields []Arg // fields of a section, BODY[HEADER.FIELDS (...)], whose Text has the rest
}

// Mailbox returns the argument as a mailbox name, and false if it is not a valid name.
func (a Arg) Mailbox(utf8 bool) (string, bool) {
	if utf8 {
		return a.Text, true
	}
	name, err := decodeUTF7(a.Text)
	return name, err == nil
}

// Echo sends a greeting on conn and passes each command to handle, which returns untagged responses. Every command succeeds.
// Echo returns when the connection ends, or with the error of handle. utf8 reports whether quoted strings may contain UTF-8
// after the client enabled UTF8=ACCEPT. A non-synchronizing literal is an error unless the greeting offers it.
func Echo(conn net.Conn, greeting string, utf8 bool, handle func(Command) ([]string, error)) error {
	opts := &Options{}
	var unasked int64
	switch {
	case strings.Contains(greeting, " LITERAL-"):
		unasked = 4096
	case !strings.Contains(greeting, " LITERAL+"):
		opts.NoCaps = []string{"LITERAL+"}
	}
	srv := Start(opts)
	defer srv.Close()
	defer conn.Close()
	s := newSession(srv, conn)
	s.out.WriteString(greeting + "\r\n")
	for {
		if err := s.flush(); err != nil {
			return nil
		}
		raw, err := s.readCommand()
		if err != nil {
			return nil
		}
		if raw == nil {
			return errFraming
		}
		cmd := (&parser{b: raw, utf8: utf8, maxNonSync: unasked}).command()
		lines, err := handle(cmd)
		if err != nil {
			return err
		}
		for _, line := range lines {
			s.untagged("%s", line)
		}
		s.tagged(cmd.Tag, ok("done"))
	}
}

var errFraming = errors.New("an invalid line end, or a literal that is not allowed")

// grammar is what a command allows without quotation marks, other than astrings and flags.
type grammar int

const (
	withSets grammar = 1 + iota
	withPatterns
)

var grammars = map[string]grammar{
	"UID": withSets, "FETCH": withSets, "STORE": withSets, "COPY": withSets, "MOVE": withSets, "SEARCH": withSets, "SORT": withSets, "THREAD": withSets,
	"LIST": withPatterns, "LSUB": withPatterns,
}

// command reads the tag, the name and the arguments.
func (p *parser) command() Command {
	cmd := Command{Tag: p.tag(), Raw: string(p.b)}
	p.sp()
	cmd.Name = p.word()
	p.grammar = grammars[cmd.Name]
	for p.err == nil && p.pos < len(p.b) {
		p.sp()
		cmd.Args = append(cmd.Args, p.arg())
	}
	cmd.Err = p.end()
	return cmd
}

// arg reads one argument of any kind.
func (p *parser) arg() Arg {
	switch {
	case p.peek() == '(':
		a := Arg{IsList: true}
		p.list(func() { a.List = append(a.List, p.arg()) })
		return a
	case p.atStringStart():
		return Arg{Quoted: p.peek() == '"', Text: p.str()}
	}
	a := Arg{Atom: true, Text: p.bare()}
	if strings.HasPrefix(a.Text, "BODY") && (strings.HasSuffix(a.Text, "HEADER.FIELDS") || strings.HasSuffix(a.Text, "HEADER.FIELDS.NOT")) {
		p.sp()
		p.list(func() { a.Fields = append(a.Fields, p.arg()) })
		a.Text += " " + p.run("the end of a section", isAstringChar)
	}
	return a
}

// bare parses an argument without quotation marks: a set, a flag, a pattern if the grammar allows one, or the characters of
// astrings and sections.
func (p *parser) bare() string {
	start := p.pos
	switch {
	case p.grammar == withPatterns && (p.accept('*') || p.accept('%')):
		return string(p.b[start:p.pos])
	case p.grammar == withSets && p.acceptSet():
		return string(p.b[start:p.pos])
	case p.accept('\\'):
		return `\` + p.run("a flag", isAstringChar)
	}
	return p.run("an argument", isAstringChar)
}

// acceptSet reads a set if it comes next and ends there.
func (p *parser) acceptSet() bool {
	ahead := *p
	if ahead.numSet(); ahead.err != nil || ahead.pos < len(p.b) && isAstringChar(p.b[ahead.pos]) {
		return false
	}
	p.pos = ahead.pos
	return true
}
