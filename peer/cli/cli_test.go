package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hearsay/peer/api"
	"hearsay/peer/wire"
)

// The test binary is also the program: with this variable it runs as `peer`.
const asPeer = "HEARSAY_TEST_AS_PEER"

func TestMain(m *testing.M) {
	if os.Getenv(asPeer) != "" {
		os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// process is a peer that runs as a process on this machine's loopback.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	out    io.Closer // what stdout reads from
	stderr *syncBuffer
	api    string
}

// startPeer starts a peer that multicasts on lo alone, in a group of the test's own.
func startPeer(t *testing.T, group, name string, args ...string) *process {
	t.Helper()
	p := &process{t: t, stderr: &syncBuffer{}}
	p.cmd = exec.Command(os.Args[0], append([]string{"--name", name, "--group", group, "--interface", "lo", "--listen", "127.0.0.1:0"}, args...)...)
	p.cmd.Env = append(os.Environ(), asPeer+"=1", "XDG_RUNTIME_DIR="+t.TempDir())
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdout, p.out = bufio.NewReader(out), out
	p.cmd.Stderr = p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.stderr.String())
		}
	})
	until(t, 5*time.Second, name+" names its API", func() bool {
		for line := range strings.Lines(p.stderr.String()) {
			if _, at, ok := strings.Cut(line, "msg=API addr="); ok {
				p.api = strings.TrimSpace(at)
				return true
			}
		}
		return false
	})
	return p
}

// status asks the peer's API.
func (p *process) status() (s struct {
	Links    []json.RawMessage
	Messages struct{ Delivered, Published int }
}) {
	data, err := api.NewClient(p.api).Status(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *process) wantLine(want string) {
	p.t.Helper()
	got, err := p.stdout.ReadString('\n')
	if err != nil || strings.TrimSuffix(got, "\n") != want {
		p.t.Fatalf("standard output says %q (%v), want %q", got, err, want)
	}
}

func until(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within %v: %s", limit, what)
}

// syncBuffer is a buffer that a process writes while a test reads.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// freeGroup is a multicast group of the test's own, on a port below those that systems give to
// programs that ask for any.
func freeGroup() string {
	return fmt.Sprintf("239.255.%d.%d:%d", rand.IntN(250), 1+rand.IntN(250), 20000+rand.IntN(12000))
}

func TestTwoPeersFindEachOtherAndTalk(t *testing.T) {
	group := freeGroup()
	a := startPeer(t, group, "ann")
	b := startPeer(t, group, "bob")
	c := startPeer(t, group, "cat", "--json")
	all := []*process{a, b, c}
	until(t, 5*time.Second, "three peers with two links each", func() bool {
		for _, p := range all {
			if len(p.status().Links) != 2 {
				return false
			}
		}
		return true
	})
	fmt.Fprintf(a.stdin, "hello\r\n\x1b[31mred\n%s\nlast", strings.Repeat("x", wire.MaxBody+1))
	a.stdin.Close()
	b.wantLine("ann: hello")
	b.wantLine(`ann: \x1b[31mred`)
	b.wantLine("ann: last")
	var m api.Message
	line, err := c.stdout.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &m)
	}
	if err != nil || m.Name != "ann" || m.Text != "hello" || m.Seq != 1 || m.Hops < 1 || m.Hops > 2 ||
		len(m.TraceID) != 32 || len(m.Origin) != wire.IDLen || !strings.HasPrefix(m.ID, m.Origin) {
		t.Fatalf("as JSON: %s (%v)", line, err)
	}
	until(t, time.Second, "ann says that a line was too long", func() bool {
		return strings.Contains(a.stderr.String(), "too long") && strings.Contains(a.stderr.String(), "line=3")
	})

	// The clients of a running peer.
	var out, errs bytes.Buffer
	if code := Main([]string{"send", "--to", a.api, "--jaeger", "http://127.0.0.1:16686/", "from", "a", "shell"}, nil, &out, &errs); code != 0 {
		t.Fatalf("send: exit %d: %s", code, errs.String())
	}
	b.wantLine("ann: from a shell")
	if !strings.Contains(out.String(), "http://127.0.0.1:16686/trace/") {
		t.Errorf("send printed %q, without the trace's address", out.String())
	}
	for _, command := range []string{"status", "health"} {
		out.Reset()
		if code := Main([]string{command, "--to", a.api}, nil, &out, &errs); code != 0 || out.Len() == 0 {
			t.Errorf("%s: exit %d, %q, %q", command, code, out.String(), errs.String())
		}
	}

	// The end of standard input did not end ann; a signal does, cleanly.
	for i, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		p := all[i]
		begin := time.Now()
		p.cmd.Process.Signal(sig)
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("after %v: %v", sig, err)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("%v took %v", sig, took)
		}
	}
	until(t, time.Second, "cat knows that both have left", func() bool { return len(c.status().Links) == 0 })
	if !strings.Contains(c.stderr.String(), "reason=goodbye") {
		t.Error("cat did not hear a goodbye")
	}
}

// A peer whose standard output nobody reads lives on, and leaves when it is told to.
func TestUnreadOutput(t *testing.T) {
	group := freeGroup()
	a, b := startPeer(t, group, "ann"), startPeer(t, group, "bob")
	until(t, 5*time.Second, "a link", func() bool { return len(a.status().Links) == 1 })
	line := strings.Repeat("x", wire.MaxBody) + "\n"
	for range 10 {
		io.WriteString(a.stdin, line)
	}
	until(t, 5*time.Second, "bob has all", func() bool { return b.status().Messages.Delivered == 10 })
	b.cmd.Process.Signal(os.Interrupt)
	ended := make(chan error, 1)
	go func() { _, err := b.cmd.Process.Wait(); ended <- err }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(3 * flushFor):
		t.Fatal("a peer whose output is not read does not leave")
	}
	if said := b.stderr.String(); !strings.Contains(said, "standard output is not read") {
		t.Errorf("left without a word about what it did not print: %s", said)
	}
}

// A peer whose standard output is gone says goodbye and exits with 1.
func TestBrokenOutput(t *testing.T) {
	group := freeGroup()
	a, b := startPeer(t, group, "ann"), startPeer(t, group, "bob")
	until(t, 5*time.Second, "a link", func() bool { return len(a.status().Links) == 1 })
	b.out.Close()
	io.WriteString(a.stdin, "hello\n")
	b.cmd.Wait()
	if code := b.cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(b.stderr.String(), "peer: standard output: ") {
		t.Errorf("exit %d, standard error %q", code, b.stderr.String())
	}
	until(t, time.Second, "a goodbye", func() bool { return strings.Contains(a.stderr.String(), "reason=goodbye") })
}

func TestBadUsage(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var takenLink net.Listener
	for port := 60000; takenLink == nil; port++ {
		takenLink, _ = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	}
	defer takenLink.Close()
	tests := []struct {
		args []string
		want string // in the one line on standard error
	}{
		{[]string{"--links", "0"}, "--links"},
		{[]string{"--links", "300"}, "--links"},
		{[]string{"--links", "x"}, "--links"},
		{[]string{"--links", "4", "--serve", "3"}, "--serve"},
		{[]string{"--serve", "1000"}, "--serve"},
		{[]string{"--retain", "0s"}, "--retain"},
		{[]string{"--retain", "-1m"}, "--retain"},
		{[]string{"--retain-bytes", "12"}, "--retain-bytes"},
		{[]string{"--retain-bytes", "64MB"}, "--retain-bytes"},
		{[]string{"--name", "two words"}, "--name"},
		{[]string{"--name", strings.Repeat("n", 64)}, "--name"},
		{[]string{"--listen", ":80"}, "--listen"},
		{[]string{"--listen", "nonsense"}, "--listen"},
		{[]string{"--listen", takenLink.Addr().String()}, "--listen"},
		{[]string{"--group", "10.0.0.1:49152"}, "--group"},
		{[]string{"--group", "everybody"}, "--group"},
		{[]string{"--interface", "nosuch0"}, "--interface"},
		{[]string{"--join", "a b"}, "--join"},
		{[]string{"--http", taken.Addr().String()}, "--http"},
		{[]string{"--http", "nonsense"}, "--http"},
		{[]string{"--log-level", "loud"}, "--log-level"},
		{[]string{"--no-such-flag"}, "--no-such-flag"},
		{[]string{"send"}, "text"},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			args := test.args
			if args[0] != "send" {
				// What is not under test must not reach beyond this machine.
				for _, def := range [][2]string{{"--interface", "lo"}, {"--http", "none"}, {"--listen", "127.0.0.1:0"}} {
					if args[0] != def[0] {
						args = append(args, def[0], def[1])
					}
				}
			}
			var out, errs bytes.Buffer
			code := Main(args, strings.NewReader(""), &out, &errs)
			if code != exitBadUsage || out.Len() > 0 {
				t.Errorf("exit %d, standard output %q", code, out.String())
			}
			if line := errs.String(); !strings.Contains(line, test.want) || strings.Count(line, "\n") != 1 {
				t.Errorf("standard error %q: want one line that names %s", line, test.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	var out, errs bytes.Buffer
	if code := Main([]string{"--help"}, nil, &out, &errs); code != 0 || !strings.Contains(out.String(), "PEER_LINKS") {
		t.Errorf("exit %d, %q, %q", code, out.String(), errs.String())
	}
}

func TestVersion(t *testing.T) {
	t.Setenv("PEER_VERSION", "2") // whoever numbers his images so does not ask for ours
	var out, errs bytes.Buffer
	if code := Main([]string{"--version"}, nil, &out, &errs); code != 0 || out.String() != "hearsay "+Version()+"\n" {
		t.Errorf("exit %d, %q, %q", code, out.String(), errs.String())
	}
	if code := Main([]string{"health", "--to", "127.0.0.1:1"}, nil, &out, &errs); code == 0 {
		t.Error("a variable had the version printed")
	}
}

func TestAppendEscaped(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain text, \"quoted\" \\ back", "plain text, \"quoted\" \\ back"},
		{"a\nb\r\tc", `a\nb\r\tc`},
		{"\x1b]0;title\x07", `\x1b]0;title\x07`},
		{"grüße 😀", "grüße 😀"},
		{"\u0085\u202e\u2028", `\u0085\u202e\u2028`},
		{"bad \xff\xc3", `bad \xff\xc3`},
		{"\x7f\x00", `\x7f\x00`},
		{"", ""},
	}
	for _, test := range tests {
		if got := string(appendEscaped(nil, []byte(test.in))); got != test.want {
			t.Errorf("%q is shown as %q, want %q", test.in, got, test.want)
		}
	}
}

func TestReadLine(t *testing.T) {
	long := strings.Repeat("y", wire.MaxBody)
	in := "one\n\r\n\ntwo\r\n" + long + "\n" + long + "y\n" + long + "\r\nend"
	r := bufio.NewReaderSize(strings.NewReader(in), 64<<10)
	for i, want := range []struct {
		line string
		size int
	}{{"one", 3}, {"", 0}, {"", 0}, {"two", 3}, {long, wire.MaxBody}, {"", wire.MaxBody + 1}, {long, wire.MaxBody}, {"end", 3}} {
		line, size, err := readLine(r)
		if size != want.size || size <= wire.MaxBody && string(line) != want.line {
			t.Errorf("line %d: %d bytes %.10q (%v), want %d bytes %.10q", i, size, line, err, want.size, want.line)
		}
	}
}

func TestByteSize(t *testing.T) {
	for text, want := range map[string]byteSize{"64MiB": 64 << 20, "1KiB": 1024, "7": 7, "2GiB": 2 << 30} {
		var b byteSize
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%s is %d (%v), want %d", text, b, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5MiB", "9999999GiB", "1 MiB", "64mb", "1x"} {
		var b byteSize
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %d", text, b)
		}
	}
}
