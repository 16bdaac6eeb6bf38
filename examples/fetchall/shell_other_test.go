//go:build !unix

package main

import (
	"os/exec"
	"strings"
)

// shell is a command line that runs cmd. Only on Unix the servers run as other users.
func shell(cmd *exec.Cmd) string { return strings.Join(cmd.Args, " ") }
