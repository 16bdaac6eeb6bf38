package realserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A launchSpec is what to run and as which user.
type launchSpec struct {
	argv []string
	as   identity // ignored unless as.drop is set
	stop syscall.Signal
}

// A process is a running server: the leader of a session and its descendants.
type process struct {
	pid  int
	stop syscall.Signal
	done chan struct{} // closed when the leader has ended
}

// maxFiles is high enough for some thousand connections, and low enough for
// servers that close every possible descriptor when they fork.
const maxFiles = "8192"

// startProcess runs spec in a session of its own, with its output in the file out.
func startProcess(spec launchSpec, out string) (*process, error) {
	f, err := os.OpenFile(out, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	script := "ulimit -n " + maxFiles + ` 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"`
	cmd := exec.Command("/bin/sh", append([]string{"-c", script}, spec.argv...)...)
	cmd.Env = []string{"PATH=" + systemPath}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: spec.stop}
	setIdentity(cmd, spec.as)

	p := &process{stop: spec.stop, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Pdeathsig refers to the thread that started the child, not to the
		// process: the thread must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// setIdentity makes cmd run as id.
func setIdentity(cmd *exec.Cmd, id identity) {
	if !id.drop {
		return
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(id.uid), Gid: uint32(id.gid)}
}

// alive reports whether the leader is running.
func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill ends the processes of the server at once.
func (p *process) kill() error { return p.end(syscall.SIGKILL, 0) }

// shutDown asks the server to end, and kills the remaining processes after a while.
func (p *process) shutDown() error { return p.end(p.stop, 10*time.Second) }

// end sends sig to the leader, waits for its end for at most grace, and kills the
// remaining processes of the server.
func (p *process) end(sig syscall.Signal, grace time.Duration) error {
	// This must come first: a descendant that left the session cannot be found
	// after its parents have ended.
	family := p.descendants()
	if p.alive() && sig != syscall.SIGKILL {
		syscall.Kill(p.pid, sig)
		for t := time.Now(); p.alive() && time.Since(t) < grace; {
			time.Sleep(10 * time.Millisecond)
		}
	}
	for t := time.Now(); time.Since(t) < 10*time.Second; {
		left := p.left(family)
		if len(left) == 0 && !p.alive() {
			return nil
		}
		for _, id := range left {
			syscall.Kill(id.pid, syscall.SIGKILL)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("processes %v of %d do not end", p.left(family), p.pid)
}

// A processID survives the reuse of pids.
type processID struct {
	pid   int
	start string // in ticks since boot
}

// A processInfo is what the kernel reports about a process.
type processInfo struct {
	processID
	parent, session int
	cpu             int64 // ticks, including those of children that have ended
}

// left returns the processes of the session, and those of family, that still
// exist, except zombies.
func (p *process) left(family []processID) []processID {
	var ids []processID
	for _, info := range processes() {
		if info.session == p.pid || slices.Contains(family, info.processID) {
			ids = append(ids, info.processID)
		}
	}
	return ids
}

// ticksPerSecond is the unit of /proc/PID/stat, the same on every Linux that Go runs on.
const ticksPerSecond = 100

// cpuTime returns the processor time that the processes of the server have used so far. Processes that have ended are counted
// with their parents.
func (p *process) cpuTime() (time.Duration, error) {
	family, ticks := p.descendants(), int64(0)
	for _, info := range processes() {
		if info.session == p.pid || slices.Contains(family, info.processID) {
			ticks += info.cpu
		}
	}
	if ticks == 0 && !p.alive() {
		return 0, errStopped
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// descendants returns the children of the leader, their children and so on.
func (p *process) descendants() []processID {
	all := processes()
	parents := map[int]bool{p.pid: true}
	var ids []processID
	for {
		n := len(ids)
		for _, info := range all {
			if parents[info.parent] && !parents[info.pid] {
				parents[info.pid] = true
				ids = append(ids, info.processID)
			}
		}
		if len(ids) == n {
			return ids
		}
	}
}

// processes lists the processes of the machine that are not zombies.
func processes() []processInfo {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	var all []processInfo
	for _, dir := range dirs {
		info, err := readProcess(dir)
		if err == nil {
			all = append(all, info)
		}
	}
	return all
}

func readProcess(dir string) (info processInfo, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return info, err
	}
	// The name, in parentheses, may hold anything, so count from its end.
	_, rest, _ := strings.Cut(string(b[max(0, strings.LastIndex(string(b), ")")):]), " ")
	f := strings.Fields(rest)
	if len(f) < 20 || f[0] == "Z" || f[0] == "X" {
		return info, errors.New("no process")
	}
	if info.pid, err = strconv.Atoi(filepath.Base(dir)); err != nil {
		return info, err
	}
	if info.parent, err = strconv.Atoi(f[1]); err != nil {
		return info, err
	}
	if info.session, err = strconv.Atoi(f[3]); err != nil {
		return info, err
	}
	info.start = f[19]
	// utime, stime, and both of children that were waited for.
	for _, ticks := range f[11:15] {
		n, err := strconv.ParseInt(ticks, 10, 64)
		if err != nil {
			return info, err
		}
		info.cpu += n
	}
	return info, nil
}
