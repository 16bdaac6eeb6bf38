package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// describeMachine returns what the numbers were measured on.
func describeMachine(w io.Writer) {
	model := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(info), "model name"); ok {
			line, _, _ := strings.Cut(rest, "\n")
			model = strings.Trim(line, "\t :")
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	python, err := exec.Command("python3", "--version").Output()
	if err != nil {
		python = []byte("no Python")
	}
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Fprintf(w, "%s, %d processors, %s %s %s, %s, %s, load %s\n", model, runtime.NumCPU(), runtime.GOOS, strings.TrimSpace(string(kernel)),
		runtime.GOARCH, runtime.Version(), strings.TrimSpace(string(python)), strings.TrimSpace(string(load)))
}
