// Package self starts this program again in another role: a local peer, or the keeper of containers. So a lab is one
// binary, with nothing to build, to find or to have another version.
package self

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
)

// variable is the environment variable that gives a process its role.
const variable = "HEARSAY_LAB_ROLE"

var (
	mu    sync.Mutex
	roles = map[string]bool{}
)

// Main plays a role, and ends the process, if it was started to play that one. Otherwise it returns at once. It stands
// first in main, or in TestMain, and until it has been called the role cannot be played.
func Main(role string, play func() (code int)) {
	mu.Lock()
	roles[role] = true
	mu.Unlock()
	if os.Getenv(variable) != role {
		return
	}
	os.Unsetenv(variable)
	os.Exit(play())
}

// ErrNoMain is returned where a program is not prepared to play a role.
var ErrNoMain = errors.New("this program does not call Main")

// Program is this program's file. Env, added to a process's environment, has it play the role.
func Program(role string) (path, env string, err error) {
	mu.Lock()
	can := roles[role]
	mu.Unlock()
	if !can {
		return "", "", ErrNoMain
	}
	path, err = os.Executable()
	if err != nil {
		return "", "", fmt.Errorf("find this program's own file: %w", err)
	}
	if _, err := os.Stat(path); err != nil && runtime.GOOS == "linux" {
		path = "/proc/self/exe" // deleted or replaced since it was started; the kernel still has it
	}
	return path, variable + "=" + role, nil
}

// Detach keeps from a process what a terminal sends: it is to be ended by us.
func Detach(cmd *exec.Cmd) { detach(cmd) }
