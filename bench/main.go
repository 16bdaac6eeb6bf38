// Command bench measures this library together with other IMAP clients: the CPU time of the client process, what it allocates
// and how large it grows, on answers made beforehand that another process sends. README.md shows the results.
//
//	go run . [table] [-run regexp] [-clients list] [-rounds n] [-scale x]
//	go run . dovecot [-run regexp] [-clients list] [-rounds n] [-messages n] [-mailboxes n] [-latency d]
//	go run . connections [-clients list] [-rounds n] [-plain n] [-tls n]
//	go run . scale [-messages list] [-connections list] [-rounds n]
package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"
)

func main() {
	if childMain() {
		return
	}
	args := os.Args[1:]
	name := "table"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	run, ok := commands[name]
	if !ok {
		fail(fmt.Errorf("no command %q", name))
	}
	if err := run(args); err != nil {
		fail(err)
	}
}

// commands are selected by the first word of the command line.
var commands = map[string]func([]string) error{"table": tableMain, "dovecot": dovecotMain, "connections": connectionsMain, "scale": scaleMain}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// roleVariable tells a process of this program that it is a child, and what it is to do.
const roleVariable = "IMAP_BENCH_ROLE"

// childMain does what a child is to do; false in the parent.
func childMain() bool {
	role := strings.Fields(os.Getenv(roleVariable))
	if len(role) == 0 {
		return false
	}
	if err := roles[role[0]](role[1:]); err != nil {
		fail(err)
	}
	return true
}

// roles take the words behind their name.
var roles = map[string]func([]string) error{"serve": serveRole, "client": clientRole, "crowd": crowdRole, "hold": holdRole,
	"box": boxRole, "mirror": mirrorRole, "watch": watchRole}

// serveRole is a server of one workload: it prints its address and ends with its standard input.
func serveRole(args []string) error {
	w, err := findWorkload(args[0])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	l, err := listen(nil)
	if err != nil {
		return err
	}
	go newCannedServer(w, n).serve(l)
	fmt.Println(l.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// clientRole does one workload once and prints the result.
func clientRole(args []string) error {
	work, name := args[0], args[2]
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	c := clients[name]()
	if err := c.open(account{args[3], args[4], args[5]}); err != nil {
		return err
	}
	stop, err := startProfile(work + "-" + name)
	if err != nil {
		return err
	}
	m := startMeter()
	r, err := c.run(work, n)
	m.stop(&r)
	stop()
	if errors.Is(err, errNotMeasured) {
		return json.NewEncoder(os.Stdout).Encode(nil)
	}
	if err != nil {
		return err
	}
	c.close()
	return json.NewEncoder(os.Stdout).Encode(r)
}

// profileVariable names a directory for profiles of the clients: CPU, and of connections the heap.
const profileVariable = "IMAP_BENCH_PROFILES"

// startProfile begins a profile, where they are wanted.
func startProfile(name string) (stop func(), err error) {
	dir := os.Getenv(profileVariable)
	if dir == "" {
		return func() {}, nil
	}
	f, err := os.Create(filepath.Join(dir, name+".pprof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
}

// heapProfile writes what the heap holds now, where profiles are wanted.
func heapProfile(name string) error {
	dir := os.Getenv(profileVariable)
	if dir == "" {
		return nil
	}
	f, err := os.Create(filepath.Join(dir, name+".heap.pprof"))
	if err != nil {
		return err
	}
	defer f.Close()
	return pprof.WriteHeapProfile(f)
}

// child is this program in another role.
func child(role ...any) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"="+strings.TrimSpace(fmt.Sprintln(role...)))
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// serverProcess is a server in a process of its own.
type serverProcess struct {
	addr string
	cmd  *exec.Cmd
	in   io.Closer
}

func startServer(role ...any) (*serverProcess, error) {
	cmd, err := child(role...)
	if err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &serverProcess{cmd: cmd, in: in}
	line, err := bufio.NewReader(out).ReadString('\n')
	if s.addr = strings.TrimSpace(line); err != nil {
		s.stop()
		return nil, fmt.Errorf("the server did not start: %w", err)
	}
	return s, nil
}

// stop ends the server and returns the CPU time that it used.
func (s *serverProcess) stop() time.Duration {
	s.in.Close()
	if s.cmd.Wait() != nil || s.cmd.ProcessState == nil {
		return 0
	}
	return s.cmd.ProcessState.UserTime() + s.cmd.ProcessState.SystemTime()
}

//go:embed imaplib_client.py
var imaplibProgram string

// runClient runs one workload once with one client in a process of its own. A nil result means that the client has no
// way to do it.
func runClient(work string, n int, name string, to account) (*result, error) {
	var cmd *exec.Cmd
	var err error
	if name == "imaplib" {
		cmd = exec.Command("python3", "-c", imaplibProgram, work, strconv.Itoa(n), to.addr, to.user, to.password)
		cmd.Stdin = strings.NewReader(string(pattern))
		cmd.Stderr = os.Stderr
	} else if cmd, err = child("client", work, n, name, to.addr, to.user, to.password); err != nil {
		return nil, err
	}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s with %s: %w", work, name, err)
	}
	var r *result
	if err := json.Unmarshal(out, &r); err != nil {
		return nil, fmt.Errorf("%s with %s: %w in %q", work, name, err, out)
	}
	return r, nil
}

// havePython reports whether imaplib can be measured.
func havePython() bool {
	_, err := exec.LookPath("python3")
	return err == nil && exec.Command("python3", "-c", "import imaplib").Run() == nil
}
