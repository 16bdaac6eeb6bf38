//go:build !unix

package main

import (
	"os/exec"
	"strings"
)

// shell is a command line that runs cmd. The servers run as other users on Unix alone.
func shell(cmd *exec.Cmd) string { return strings.Join(cmd.Args, " ") }
