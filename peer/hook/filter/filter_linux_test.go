package filter

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inside is set in the process that has a network namespace of its own, in which there is a loopback interface and
// nothing else: no interface of this machine is ever touched.
const inside = "HEARSAY_TEST_OUTER_NETNS"

func TestFilter(t *testing.T) {
	here, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Skip("no network namespaces:", err)
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("no ip command:", err)
	}
	if outer := os.Getenv(inside); outer == "" {
		outside(t, here)
		return
	} else if outer == here {
		t.Fatal("this is still the outer namespace")
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Skipf("%s: %v", out, err)
	}
	mac := net.HardwareAddr{0, 0, 0, 0, 0, 0} // loopback's
	other := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	arrives := func(what string, least, most int) {
		t.Helper()
		if n := flow(t); n < least || n > most {
			t.Errorf("%s: %d of %d datagrams arrive, want %d to %d", what, n, packets, least, most)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(Clear())
	arrives("no filter", packets, packets)
	must(Set([]string{"lo"}, []Drop{{other, 1}}))
	arrives("another station is cut off", packets, packets)
	must(Set([]string{"lo"}, []Drop{{other, 0.5}, {mac, 1}}))
	arrives("cut", 0, 0)
	must(Set([]string{"lo"}, []Drop{{mac, 0.25}}))
	arrives("a quarter lost", packets*65/100, packets*85/100) // ten standard deviations
	must(Clear())
	arrives("healed", packets, packets)

	must(SetDelay("lo", 0, 0))
	if err := SetDelay("lo", 30*time.Millisecond, 0); err != nil {
		if !strings.Contains(err.Error(), "no netem") {
			t.Error(err)
		}
		t.Log("not tried here:", err)
		return
	}
	begun := time.Now()
	arrives("late", packets, packets)
	if took := time.Since(begun); took < 30*time.Millisecond {
		t.Errorf("all came within %v", took)
	}
	must(SetDelay("lo", 0, 0))
}

// outside runs the test in a namespace of its own.
func outside(t *testing.T, here string) {
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestFilter$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"="+here)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if id := os.Geteuid(); id != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if os.IsPermission(err) {
		t.Skip("a network namespace needs root or user namespaces:", err)
	}
	if err != nil {
		t.Fatalf("in a namespace of its own: %v\n%s", err, out)
	}
	t.Logf("%s", out)
}

const packets = 1000

// flow sends datagrams to ourselves and counts those that arrive.
func flow(t *testing.T) int {
	t.Helper()
	to, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	from, err := net.DialUDP("udp4", nil, to.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	buf := make([]byte, 16)
	got := 0
	for i := range packets {
		fmt.Fprint(from, i)
		if i%50 < 49 {
			continue
		}
		// A socket's buffer holds fifty. On loopback what was sent is there, unless it was dropped or is late.
		for to.SetReadDeadline(time.Now().Add(40 * time.Millisecond)); ; {
			if _, err := to.Read(buf); err != nil {
				break
			}
			if got++; (got%50) == 0 && got == i+1 {
				break
			}
		}
	}
	return got
}
