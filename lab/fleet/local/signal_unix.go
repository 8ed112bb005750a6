//go:build unix

package local

import (
	"os"
	"os/exec"
	"syscall"
)

// detach keeps from a process what a terminal sends: ending peers is the fleet's to do.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
func freeze(p *os.Process) error    { return p.Signal(syscall.SIGSTOP) }
func thaw(p *os.Process) error      { return p.Signal(syscall.SIGCONT) }

// canPause says why processes cannot be paused here.
func canPause() error { return nil }
