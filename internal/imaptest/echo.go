package imaptest

import (
	"net"
	"strings"
)

// Command is a command as the parser of this package reads it.
type Command struct {
	Name string // upper case
	Args []Arg
}

// Arg is one argument. Text is what a string stands for, however it was written.
type Arg struct {
	Text   string
	Atom   bool  // written as an atom
	IsList bool  // then List holds it
	List   []Arg // of a parenthesised list
	Fields []Arg // of a section, BODY[HEADER.FIELDS (...)], whose Text has what stands around them
}

// Mailbox returns the argument as a mailbox name; false for what is no name.
func (a Arg) Mailbox(utf8 bool) (string, bool) {
	if utf8 {
		return a.Text, true
	}
	name, err := decodeUTF7(a.Text)
	return name, err == nil
}

// Echo greets the client on conn and gives each command to handle, which returns untagged responses. Every command
// succeeds. Echo returns when the connection ends, or with the error of a command that cannot be read: by then nothing
// of it was handled. utf8 says whether quoted strings may hold UTF-8 once the client enabled UTF8=ACCEPT.
func Echo(conn net.Conn, greeting string, utf8 bool, handle func(Command) []string) error {
	srv := Start(nil)
	defer srv.Close()
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
			continue
		}
		p := &parser{b: raw, utf8: utf8}
		tag := p.tag()
		cmd, bad := p.command()
		if bad != nil {
			conn.Close()
			return bad
		}
		for _, line := range handle(cmd) {
			s.untagged("%s", line)
		}
		s.tagged(tag, ok("done"))
	}
}

// command reads the name and the arguments.
func (p *parser) command() (Command, error) {
	p.sp()
	cmd := Command{Name: p.word()}
	for p.err == nil && p.pos < len(p.b) {
		p.sp()
		cmd.Args = append(cmd.Args, p.arg())
	}
	return cmd, p.end()
}

// arg reads one argument of any kind. An atom may hold what sections, flags, sets and patterns are made of.
func (p *parser) arg() Arg {
	switch {
	case p.peek() == '(':
		a := Arg{IsList: true}
		p.list(func() { a.List = append(a.List, p.arg()) })
		return a
	case p.atStringStart():
		return Arg{Text: p.str()}
	}
	a := Arg{Atom: true, Text: p.run("an argument", isArgChar)}
	if strings.HasPrefix(a.Text, "BODY") && (strings.HasSuffix(a.Text, "HEADER.FIELDS") || strings.HasSuffix(a.Text, "HEADER.FIELDS.NOT")) {
		p.sp()
		p.list(func() { a.Fields = append(a.Fields, p.arg()) })
		a.Text += " " + p.run("the end of a section", isArgChar)
	}
	return a
}

// isArgChar is for what sections, flags, sets and patterns are made of.
func isArgChar(c byte) bool { return isAtomChar(c) || strings.IndexByte(`]\%*[<>`, c) >= 0 }
