//go:build unix

package main

import (
	"fmt"
	"os/exec"
	"strings"
)

// shell is a command line that runs cmd as its user.
func shell(cmd *exec.Cmd) string {
	line := strings.Join(cmd.Args, " ")
	if id := cmd.SysProcAttr; id != nil && id.Credential != nil {
		line = fmt.Sprintf("setpriv --reuid %d --regid %d --clear-groups %s", id.Credential.Uid, id.Credential.Gid, line)
	}
	return line
}
