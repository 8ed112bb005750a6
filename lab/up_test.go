package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hearsay/lab/control"
)

// shell is a lab that runs as a person would have it run, and what it wrote.
type shell struct {
	t      *testing.T
	in     *io.PipeWriter
	cancel func()
	code   chan int
	mu     sync.Mutex
	out    bytes.Buffer
	again  chan struct{}
}

func (s *shell) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.again)
	s.again = make(chan struct{})
	return s.out.Write(p)
}

// up starts a lab, and waits until its peers are a mesh.
func up(t *testing.T, args ...string) *shell {
	t.Helper()
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	in, typed := io.Pipe()
	s := &shell{t: t, in: typed, cancel: cancel, code: make(chan int, 1), again: make(chan struct{})}
	go func() { s.code <- run(ctx, append([]string{"up"}, args...), streams{in, s, s}) }()
	t.Cleanup(func() {
		cancel()
		typed.Close()
		in.Close()
	})
	s.wait("meshed:")
	return s
}

// wait waits until the lab has written something.
func (s *shell) wait(text string) {
	s.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		out, again := s.out.String(), s.again
		s.mu.Unlock()
		if strings.Contains(out, text) {
			return
		}
		select {
		case <-again:
		case code := <-s.code:
			s.t.Fatalf("it ended with %d: %s", code, out)
		case <-timeout:
			s.t.Fatalf("it never wrote %q: %s", text, out)
		}
	}
}

// ends wants the lab to end with a code.
func (s *shell) ends(code int) {
	s.t.Helper()
	select {
	case got := <-s.code:
		if got != code {
			s.t.Errorf("it ended with %d, want %d", got, code)
		}
	case <-time.After(10 * time.Second):
		s.t.Fatal("it does not end")
	}
}

// lab runs one command, in another shell so to speak.
func command(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, streams{strings.NewReader(""), &o, &e})
	return code, o.String(), e.String()
}

// want wants a command to end well, and to say all of this.
func want(t *testing.T, args string, says ...string) string {
	t.Helper()
	code, out, errs := command(t, strings.Fields(args)...)
	if code != 0 || errs != "" {
		t.Errorf("lab %s: exit %d, %q, %q", args, code, out, errs)
	}
	for _, s := range says {
		if !strings.Contains(out, s) {
			t.Errorf("lab %s says %q, want %q in it", args, out, s)
		}
	}
	return out
}

// wantBad wants a command to end with a code and one line that says something.
func wantBad(t *testing.T, code int, says string, args ...string) {
	t.Helper()
	got, out, errs := command(t, args...)
	if got != code || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, says) {
		t.Errorf("lab %s: exit %d, %q, %q; want %d and one line with %q", strings.Join(args, " "), got, out, errs, code, says)
	}
}

func TestTheFirstMinute(t *testing.T) {
	s := up(t, "--peers", "5")
	fmt.Fprintln(s.in, "hello")
	s.wait(`"hello" from peer-1: all 4 in `)
	fmt.Fprintln(s.in, "caf\xe9")
	s.wait("not sent: the text is not UTF-8")
	want(t, "--version", "hearsay ")
	want(t, "status", "peer-5", "root", "meshed", "1 part", "http://127.0.0.1:")
	want(t, "send --from 3 are you all there", `"are you all there" from peer-3: all 4 in`, "trace ")
	want(t, "explain last", `"are you all there" from peer-3`, "heard by 4 of 4")

	var o control.Outcome
	out := want(t, "kill root --json")
	if err := json.Unmarshal([]byte(out), &o); err != nil || o.Fault != "kill" || len(o.Peers) != 1 || !o.OK || strings.Count(out, "\n") != 1 {
		t.Errorf("as JSON: %s (%v)", out, err)
	}
	s.wait("(root) killed.") // the first shell is told too
	want(t, "start dead", "started.")
	want(t, "partition 1 2 / 3,4,5", "peer-1, peer-2 | peer-3, peer-4, peer-5", "each side was whole")
	code, out, errs := command(t, "send", "--from", "peer-1", "half")
	if code != 1 || !strings.Contains(out, "missed by") || errs != "" {
		t.Errorf("through a cut: exit %d, %q, %q", code, out, errs)
	}
	want(t, "heal", "Nothing is cut")
	want(t, "delay 20ms+-5ms 1", "What peer-1 sends comes 20ms±5ms late.")
	want(t, "loss 1% 1 2", "1% of what peer-1, peer-2 send is lost.")
	wantBad(t, 2, "-5ms is below zero", "delay", "-5ms", "1")
	wantBad(t, 2, "-1% is below zero", "loss", "-1%", "1")
	wantBad(t, 2, "-1/s is below zero", "churn", "-1/s")
	wantBad(t, 2, "(1 to 512)", "scale", "600")
	wantBad(t, 2, "not UTF-8", "send", "\xff")
	want(t, "send bell\arings", `"bell\x07rings" from peer-1`)
	want(t, "heal")
	want(t, "restart random 2", "restarted.")
	want(t, "scale 6", "6 peers: peer-6 started.")
	want(t, "churn 10/s --for 500ms", "killed and started again")

	want(t, "top", "PEER", "LINKS") // there is no terminal
	want(t, "graph", "peer-6", "> dialled")
	want(t, "graph --dot", "digraph")
	want(t, "graph --svg", "<svg")
	file := filepath.Join(t.TempDir(), "mesh.png")
	want(t, "graph -o "+file)
	picture, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer picture.Close()
	if _, err := png.Decode(picture); err != nil {
		t.Errorf("the picture: %v", err)
	}

	wantBad(t, 2, "there are peer-1, peer-2", "kill", "peer-9")
	wantBad(t, 2, "by a name that ends so", "graph", "-o", "mesh.bmp")
	wantBad(t, 2, "no delay", "delay", "soon", "1")
	wantBad(t, 2, "no share", "loss", "5", "1")
	wantBad(t, 2, "several peers", "send", "--from", "all", "x")
	wantBad(t, 2, "no lab \"other\"", "status", "--lab", "other")

	want(t, "down", "has ended")
	s.ends(0)
	wantBad(t, 2, "no lab is running", "status")
}

func TestCtrlC(t *testing.T) {
	s := up(t, "--peers", "2", "--name", "mine")
	st := want(t, "status --json --lab mine")
	var status control.Status
	if err := json.Unmarshal([]byte(st), &status); err != nil || status.Name != "mine" {
		t.Fatalf("%s: %v", st, err)
	}
	wantBad(t, 2, `a lab "mine" is running already`, "up", "--name", "mine")
	s.in.Close() // the end of standard input is not the lab's
	want(t, "status")
	peers := children(t)
	s.cancel()
	s.ends(0)
	left := children(t)
	for _, pid := range peers {
		if slices.Contains(left, pid) {
			t.Errorf("process %d, a peer's, goes on", pid)
		}
	}
	if runtime.GOOS == "linux" && len(peers) < len(status.Peers) {
		t.Errorf("%d processes were %d peers", len(peers), len(status.Peers))
	}
}

// children are the processes that this one has started: by proc_pid_stat(5), and none where there is no such thing.
// Their addresses would not tell whether they have ended: peers of other tests may have taken them since.
func children(t *testing.T) (list []int) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		_, rest, _ := strings.Cut(string(data), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(os.Getpid()) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			list = append(list, pid)
		}
	}
	return list
}

func TestCommandsWithoutALab(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	for _, args := range []string{
		"status", "send hi", "kill root", "stop 1", "start 1", "restart 1", "pause 1", "resume 1", "partition 1/2", "isolate 1",
		"heal", "delay 5ms 1", "loss 5% 1", "churn 1/s", "scale 3", "graph", "top", "explain last", "down",
	} {
		wantBad(t, 2, "no lab is running here", strings.Fields(args)...)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	wantBad(t, 2, "choose another with --port", "up", "--port", port)
	wantBad(t, 2, "--peers 0", "up", "--peers", "0")
	wantBad(t, 2, "--port 99999: ports are", "up", "--port", "99999")
	wantBad(t, 2, "--links", "up", "--peers", "1", "--set", "links=0")
	wantBad(t, 2, "(and so for 2 more)", "up", "--peers", "3", "--set", "links=0")
	wantBad(t, 2, "--name of the peers", "up", "--set", "name=x")
	wantBad(t, 2, "--engine", "up", "--engine", "kubernetes")
	wantBad(t, 2, "--own and --project", "up", "--engine", "docker", "--own", "--project", "x")
	t.Setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
	wantBad(t, 3, "no Docker engine answers", "up", "--engine", "docker")
	wantBad(t, 3, "no Docker engine answers", "up", "--engine", "docker", "--own")
}

func TestSimulatedLab(t *testing.T) {
	s := up(t, "--engine", "sim", "--peers", "8")
	fmt.Fprintln(s.in, "hello")
	s.wait(`"hello" from peer-1: all 7 in `)
	want(t, "kill root", "(root) killed.")
	want(t, "down")
	s.ends(0)
}

func TestJoinPeers(t *testing.T) {
	for words, want := range map[string]string{
		"1 2": "1,2", "random 2": "random 2", "1, 2": "1,2", "root random 2 7": "root,random 2,7", "1,2 peer-3": "1,2,peer-3", "half": "half",
	} {
		if got := joinPeers(strings.Fields(words)); got != want {
			t.Errorf("%q is %q, want %q", words, got, want)
		}
	}
}
