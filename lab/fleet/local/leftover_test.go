//go:build unix

package local

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// However a lab ends, its peers do, even one that is paused and cannot notice.
func TestNothingIsLeftBehind(t *testing.T) {
	lab := exec.Command(os.Args[0])
	lab.Env = append(os.Environ(), asLab+"=1")
	lab.Stderr = os.Stderr
	out, err := lab.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var pids []int
	if err == nil {
		err = json.Unmarshal(line, &pids)
	}
	if err != nil || len(pids) != 3 {
		lab.Process.Kill()
		t.Fatalf("the lab says %q: %v", line, err)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); err != nil {
			t.Errorf("peer %d does not run before: %v", pid, err)
		}
	}
	lab.Process.Kill()
	lab.Wait()
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		left := 0
		for _, pid := range pids {
			if runs(pid) {
				left++
			}
		}
		if left == 0 {
			return
		}
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("%d of %v are left", left, pids)
		}
	}
}

// runs reports whether a process runs: one that has ended and that nobody has waited for does not.
func runs(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return runtime.GOOS != "linux" && syscall.Kill(pid, 0) == nil
	}
	var state byte
	fmt.Sscanf(string(data[bytes.LastIndexByte(data, ')')+1:]), " %c", &state)
	return state != 'Z' && state != 'X'
}
