package local

import (
	"errors"
	"fmt"
	"os"

	"hearsay/lab/fleet/self"
	"hearsay/peer/cli"
)

// role is what a process is that a fleet starts.
const role = "peer"

// Main makes a peer of this process if a fleet started it to be one, and never returns then. Otherwise it returns at
// once. It stands first in main, and in a test's TestMain.
func Main() {
	self.Main(role, func() int { return cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr) })
}

// program is this program's file, and what makes a peer of it.
func program() (path, env string, err error) {
	path, env, err = self.Program(role)
	if errors.Is(err, self.ErrNoMain) {
		err = fmt.Errorf("local peers are this program in another role, so its main, or TestMain, must begin with local.Main(): %w", err)
	}
	return path, env, err
}
