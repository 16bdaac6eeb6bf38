package realserver

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestNothingIsLeft looks for processes that name the server's directory, in
// whatever session they are, and for the directory.
func TestNothingIsLeft(t *testing.T) {
	for _, name := range Names() {
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
			t.Run(name+"/"+sig.String(), func(t *testing.T) {
				Get(t, name)
				s, err := Start(name)
				if err != nil {
					t.Fatal(err)
				}
				user, password := s.User(0)
				dial(t, s, "tls").login(user, password)
				family := append(s.process.descendants(), s.process.left(nil)...)
				if len(family) == 0 || len(mentioning(t, s.dir)) == 0 {
					t.Error("the server's processes are not found")
				}
				if sig == syscall.SIGKILL {
					if err := s.Kill(); err != nil {
						t.Error(err)
					}
				}
				if err := s.Stop(); err != nil {
					t.Error(err)
				}
				if left := s.process.left(family); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
				if left := mentioning(t, s.dir); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
				if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
					t.Errorf("directory: %v", err)
				}
				if err := s.Stop(); err != nil {
					t.Errorf("second Stop: %v", err)
				}
				if _, _, err := s.NewUser(); err == nil {
					t.Error("a stopped server has new users")
				}
			})
		}
	}
}

// mentioning returns the processes whose command line, environment or working
// directory names dir.
func mentioning(t *testing.T, dir string) []string {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, p := range procs {
		cmdline, _ := os.ReadFile(filepath.Join(p, "cmdline"))
		environ, _ := os.ReadFile(filepath.Join(p, "environ"))
		cwd, _ := os.Readlink(filepath.Join(p, "cwd"))
		if strings.Contains(string(cmdline)+string(environ)+cwd, dir) {
			found = append(found, filepath.Base(p)+" "+string(cmdline))
		}
	}
	return found
}
