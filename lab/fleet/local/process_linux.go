package local

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"hearsay/lab/fleet/self"
)

// spawner starts processes from one thread that lives as long as the fleet does: the kernel ends a child by Pdeathsig
// when the thread that started it ends, whatever becomes of the process.
type spawner struct {
	work chan func()
	done chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{make(chan func()), make(chan struct{})}
	go func() {
		defer close(s.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for f := range s.work {
			f()
		}
	}()
	return s
}

// start starts cmd so that it ends with this process, however that ends, and is not sent what a terminal sends.
func (s *spawner) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	self.Detach(cmd)
	err := make(chan error)
	s.work <- func() { err <- cmd.Start() }
	return <-err
}

func (s *spawner) close() {
	close(s.work)
	<-s.done
}

// stopped reports whether the kernel has stopped a process: the state in /proc/PID/stat is T.
func stopped(p *os.Process) (bool, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid))
	if err != nil {
		return false, err
	}
	// The name, in brackets, may hold anything.
	_, rest, ok := bytes.Cut(data[bytes.LastIndexByte(data, ')')+1:], []byte{' '})
	return ok && len(rest) > 0 && rest[0] == 'T', nil
}
