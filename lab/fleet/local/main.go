package local

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"hearsay/peer/cli"
)

// role is the environment variable that makes a peer of a process.
const role = "HEARSAY_LAB_ROLE"

// hooked says that Main was called, so that this program can be a peer.
var hooked atomic.Bool

// Main makes a peer of this process if a fleet started it to be one, and never returns then. Otherwise it returns at
// once. It stands first in main, and in a test's TestMain: a fleet's peers are the program itself in another role, so
// there is nothing to build, to find or to have another version.
func Main() {
	hooked.Store(true)
	if os.Getenv(role) != "peer" {
		return
	}
	os.Unsetenv(role)
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// executable is this program's file.
func executable() (string, error) {
	if !hooked.Load() {
		return "", errors.New("local peers are this program in another role, so its main, or TestMain, must begin with local.Main()")
	}
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program's own file: %w", err)
	}
	if _, err := os.Stat(path); err != nil && runtime.GOOS == "linux" {
		return "/proc/self/exe", nil // deleted or replaced since it was started; the kernel still has it
	}
	return path, nil
}
