package discovery

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Interfaces that come and go are tried in a network namespace of the test's own: the test runs itself
// again in a new process in a new namespace, where nothing is but a loopback interface that is down. No
// process that is in the machine's own namespace ever changes an interface.
//
//	namespace of the test            namespace of its far side
//	  near ── va ─────────────────────── vb ── far
//	  near ── e0 ── e0x (nobody)

const (
	outerNetns = "HEARSAY_TEST_OUTER_NETNS" // set in the new process: the namespace to be out of
	farGroup   = "HEARSAY_TEST_FAR_GROUP"   // set for the far side: its group
)

// inNetns reports whether this process is the one in the test's own namespace. In the other, it runs
// the test there and passes on what it said; the caller returns.
func inNetns(t *testing.T) bool {
	t.Helper()
	here, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Skip("no network namespaces:", err)
	}
	if outer := os.Getenv(outerNetns); outer != "" {
		if outer == here {
			t.Fatal("this is still the outer namespace")
		}
		return true
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("no ip command:", err)
	}
	t.Parallel()
	cmd := command(t, "^"+t.Name()+"$", outerNetns+"="+here)
	out, err := cmd.CombinedOutput()
	if os.IsPermission(err) {
		t.Skip("a network namespace needs root or user namespaces:", err)
	}
	if err != nil {
		t.Fatalf("in a namespace of its own: %v\n%s", err, out)
	}
	if strings.Contains(string(out), "--- SKIP") {
		t.Skip(string(out))
	}
	t.Logf("%s", out)
	return false
}

// command runs this test binary in a new network namespace, and a new user namespace unless we are root.
func command(t *testing.T, run string, env ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", "-test.run="+run, "-test.v", "-test.timeout=100s")
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if id := os.Geteuid(); id != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return cmd
}

// ip runs the ip command in the test's own namespace.
func ip(t *testing.T, format string, args ...any) {
	t.Helper()
	here, err := os.Readlink("/proc/self/ns/net")
	if outer := os.Getenv(outerNetns); err != nil || outer == "" || outer == here {
		t.Fatal("only in a namespace of the test's own")
	}
	line := fmt.Sprintf(format, args...)
	if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", line, err, out)
	}
}

// addVeth makes an interface with an address, whose other end is up and leads nowhere.
func addVeth(t *testing.T, name, cidr string) {
	t.Helper()
	ip(t, "link add %s type veth peer name %sx", name, name)
	ip(t, "addr add %s dev %s", cidr, name)
	ip(t, "link set %sx up", name)
	ip(t, "link set %s up", name)
}

func indexOf(t *testing.T, name string) int {
	t.Helper()
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return ifi.Index
}

// joinedNames says what is joined, as name@address.
func joinedNames(m *Multicast) string {
	var names []string
	for _, i := range m.Joined() {
		names = append(names, i.Name+"@"+i.Addr.String())
	}
	return strings.Join(names, " ")
}

func wantJoined(t *testing.T, m *Multicast, want string) {
	t.Helper()
	eventually(t, "joined "+want, func() bool { return joinedNames(m) == want })
}

// farSide is a member in yet another namespace. It answers what it hears.
type farSide struct {
	pid int
	in  io.Writer
	out *bufio.Scanner
}

func startFar(t *testing.T, group string) *farSide {
	t.Helper()
	cmd := command(t, "^TestFarSide$", farGroup+"="+group)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close() // which ends it
		if err := cmd.Wait(); err != nil {
			t.Errorf("far side: %v", err)
		}
	})
	f := &farSide{cmd.Process.Pid, in, bufio.NewScanner(out)}
	f.want(t, "ready")
	return f
}

// ip runs the ip command over there.
func (f *farSide) ip(t *testing.T, line string) {
	t.Helper()
	fmt.Fprintln(f.in, line)
	f.want(t, "done "+line)
}

func (f *farSide) want(t *testing.T, line string) {
	t.Helper()
	for f.out.Scan() {
		if f.out.Text() == line {
			return
		}
	}
	t.Fatalf("far side ended before it said %q", line)
}

// TestFarSide is the far side's process: it runs each line of its input as an ip command, and answers
// each announcement with "echo" and what it said.
func TestFarSide(t *testing.T) {
	group := os.Getenv(farGroup)
	if group == "" {
		t.Skip("only as the far side of another test")
	}
	m := open(t, Config{Group: mustGroup(group), Rescan: fast})
	fmt.Println("ready")
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
	}()
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return
			}
			ip(t, "%s", line)
			fmt.Println("done " + line)
		case d := <-m.Receive():
			if !d.Own {
				m.SendTo(append([]byte("echo "), d.Data...), d.From)
			}
		}
	}
}
