package node

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"hearsay/peer/telemetry"
)

// The mesh beside a bare TCP relay tree: the same number of processes on loopback, the same messages,
// in the same run. The tree does the least that any broadcast must do, read and write, and knows
// nothing of duplicates, order, loss or healing; the ratio to it says what those cost.
//
//	go test ./peer/node -run '^$' -bench Speed -benchtime 20x

const (
	speedPeers  = 16
	speedFanout = 3   // of the tree: what a node's own links are
	speedSize   = 100 // bytes of a message
	speedRole   = "HEARSAY_SPEED_ROLE"
	speedUp     = "HEARSAY_SPEED_UP" // whom a child connects to
)

// speedChild runs in a process of its own when speedRole is set, and obeys its standard input:
//
//	take N       count N messages; answer with the time of the last, and each one's latency
//	burst N      publish N messages as fast as can be
//	pace N       publish N messages, one each 10 ms
func speedChild() {
	var up []string
	if v := os.Getenv(speedUp); v != "" {
		up = strings.Split(v, ",")
	}
	var s speaker
	switch role := os.Getenv(speedRole); role {
	case "tree":
		s = startRelay(up)
	case "mesh":
		s = startMeshChild(up)
	default:
		panic("unknown role " + role)
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		verb, arg, _ := strings.Cut(in.Text(), " ")
		n, _ := strconv.Atoi(arg)
		switch verb {
		case "take":
			go func() { json.NewEncoder(os.Stdout).Encode(s.take(n)) }()
		case "burst":
			go s.burst(n)
		case "pace":
			go func() {
				tick := time.NewTicker(10 * time.Millisecond)
				defer tick.Stop()
				for range n {
					<-tick.C
					s.burst(1)
				}
			}()
		}
	}
}

// speaker is one process of either kind.
type speaker interface {
	burst(n int)
	take(n int) taken
}

// taken is what a process received: when the last came, and how long each took, in nanoseconds.
type taken struct {
	Last      int64
	Latencies []int64
}

func stamped() []byte {
	m := make([]byte, speedSize)
	binary.BigEndian.PutUint64(m, uint64(time.Now().UnixNano()))
	return m
}

func (t *taken) add(at int64, m []byte) {
	t.Last = at
	t.Latencies = append(t.Latencies, at-int64(binary.BigEndian.Uint64(m)))
}

// relay passes on what it reads, and no more.
type relay struct {
	down chan net.Conn // those that connected
	all  []net.Conn
	got  chan []byte
}

func startRelay(up []string) *relay {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	r := &relay{down: make(chan net.Conn, speedFanout), got: make(chan []byte, 1024)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.down <- c
		}
	}()
	if len(up) > 0 {
		c, err := net.Dial("tcp", up[0])
		if err != nil {
			panic(err)
		}
		go func() {
			for {
				buf := make([]byte, 64<<10)
				n, err := c.Read(buf)
				if err != nil {
					return
				}
				r.write(buf[:n])
				r.got <- buf[:n]
			}
		}()
	}
	fmt.Println(l.Addr())
	return r
}

func (r *relay) write(b []byte) {
	for {
		select {
		case c := <-r.down:
			r.all = append(r.all, c)
			continue
		default:
		}
		break
	}
	for _, c := range r.all {
		c.Write(b)
	}
}

func (r *relay) burst(n int) {
	// As a program would that writes many: through a buffer.
	buf := make([]byte, 0, 64<<10)
	for range n {
		buf = append(buf, stamped()...)
		if len(buf)+speedSize > cap(buf) {
			r.write(buf)
			buf = buf[:0]
		}
	}
	r.write(buf)
}

func (r *relay) take(n int) (t taken) {
	var rest []byte
	for len(t.Latencies) < n {
		rest = append(rest, <-r.got...)
		at := time.Now().UnixNano()
		for ; len(rest) >= speedSize; rest = rest[speedSize:] {
			t.add(at, rest)
		}
	}
	return t
}

// meshChild is a node.
type meshChild struct {
	n   *Node
	sub *Subscription
}

func startMeshChild(join []string) *meshChild {
	id := NewID()
	tel := telemetry.Start(telemetry.Resource{ID: id, Name: "speed"}, slog.Default())
	n, err := Start(Config{ID: id, Listen: "127.0.0.1:0", NoMulticast: true, Join: join, Telemetry: tel})
	if err != nil {
		panic(err)
	}
	fmt.Println(n.Addr())
	return &meshChild{n, n.Subscribe()}
}

func (c *meshChild) burst(n int) {
	const batch = 256
	for n > 0 {
		texts := make([][]byte, min(n, batch))
		for i := range texts {
			texts[i] = stamped()
		}
		if _, err := c.n.PublishAll(context.Background(), texts); err != nil {
			panic(err)
		}
		n -= len(texts)
	}
}

func (c *meshChild) take(n int) (t taken) {
	for len(t.Latencies) < n {
		messages, err := c.sub.Next(context.Background())
		if err != nil {
			panic(err)
		}
		at := time.Now().UnixNano()
		for i := range messages {
			t.add(at, messages[i].Text)
		}
	}
	return t
}

// speedGroup is the processes of one kind.
type speedGroup struct {
	b     *testing.B
	in    []io.Writer
	out   []*bufio.Reader
	addrs []string
}

func startSpeedGroup(b *testing.B, role string, env ...string) *speedGroup {
	b.Helper()
	g := &speedGroup{b: b}
	for i := range speedPeers {
		var up []string
		switch {
		case i > 0 && role == "tree":
			up = []string{g.addrs[(i-1)/speedFanout]}
		case role == "mesh":
			up = g.addrs[:min(i, 3)]
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), speedRole+"="+role, speedUp+"="+strings.Join(up, ","))
		cmd.Env = append(cmd.Env, env...)
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			b.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			cmd.Process.Kill()
			cmd.Wait()
		})
		g.in, g.out = append(g.in, in), append(g.out, bufio.NewReaderSize(out, 1<<20))
		addr, err := g.out[i].ReadString('\n')
		if err != nil {
			b.Fatal(err)
		}
		g.addrs = append(g.addrs, strings.TrimSpace(addr))
	}
	// The first messages find the mesh forming, and its tree unpruned.
	time.Sleep(3 * time.Second)
	g.run("pace", 100)
	g.run("burst", 1000)
	return g
}

// run has the first process speak, and returns how long it took until everybody had everything, and
// for each message how long until the last had it.
func (g *speedGroup) run(how string, count int) (took time.Duration, last []time.Duration) {
	for _, in := range g.in[1:] {
		fmt.Fprintf(in, "take %d\n", count)
	}
	time.Sleep(50 * time.Millisecond)
	begin := time.Now()
	fmt.Fprintf(g.in[0], "%s %d\n", how, count)
	last = make([]time.Duration, count)
	var end int64
	for i, out := range g.out[1:] {
		line, err := out.ReadBytes('\n')
		var t taken
		if err == nil {
			err = json.Unmarshal(line, &t)
		}
		if err != nil || len(t.Latencies) != count {
			g.b.Fatalf("process %d received %d of %d: %v", i+1, len(t.Latencies), count, err)
		}
		end = max(end, t.Last)
		for k, ns := range t.Latencies {
			last[k] = max(last[k], time.Duration(ns))
		}
	}
	return time.Duration(end - begin.UnixNano()), last
}

func median[T interface{ ~int64 | ~float64 }](of []T) T {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

// BenchmarkSpeedRate compares deliveries a second, with one speaker at full rate.
func BenchmarkSpeedRate(b *testing.B) {
	const count = 50_000
	tree, mesh := startSpeedGroup(b, "tree"), startSpeedGroup(b, "mesh")
	var ratios, rates []float64
	for b.Loop() {
		t, _ := tree.run("burst", count)
		m, _ := mesh.run("burst", count)
		ratios = append(ratios, t.Seconds()/m.Seconds())
		rates = append(rates, count*(speedPeers-1)/m.Seconds())
	}
	b.ReportMetric(median(ratios), "of-tree")
	b.ReportMetric(median(rates), "deliveries/s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSpeedLatency compares the time until the last node has a message, at 100 messages a second.
func BenchmarkSpeedLatency(b *testing.B) {
	tree, mesh := startSpeedGroup(b, "tree"), startSpeedGroup(b, "mesh")
	var ratios, micros []float64
	for b.Loop() {
		_, t := tree.run("pace", 200)
		_, m := mesh.run("pace", 200)
		ratios = append(ratios, float64(median(m))/float64(median(t)))
		micros = append(micros, float64(median(m).Microseconds()))
	}
	b.ReportMetric(median(ratios), "of-tree")
	b.ReportMetric(median(micros), "µs-to-last")
	b.ReportMetric(0, "ns/op")
}

// spanSink is a collector that counts spans and throws them away. It looks at lengths only: what is measured
// is what tracing costs the peers, and to decode a span costs more than to make it.
type spanSink struct {
	coltrace.UnimplementedTraceServiceServer
	spans atomic.Int64
}

// Name, Marshal and Unmarshal make it the codec of its own server.
func (s *spanSink) Name() string { return "proto" }

func (s *spanSink) Marshal(v any) (mem.BufferSlice, error) {
	b, err := proto.Marshal(v.(proto.Message))
	return mem.BufferSlice{mem.SliceBuffer(b)}, err
}

func (s *spanSink) Unmarshal(data mem.BufferSlice, _ any) error {
	// ExportTraceServiceRequest.resource_spans, ResourceSpans.scope_spans and ScopeSpans.spans.
	fields(data.Materialize(), 1, func(b []byte) {
		fields(b, 2, func(b []byte) {
			fields(b, 2, func([]byte) { s.spans.Add(1) })
		})
	})
	return nil
}

// fields calls f with each occurrence of a field that has a length.
func fields(b []byte, field protowire.Number, f func([]byte)) {
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return
		}
		m := protowire.ConsumeFieldValue(num, kind, b[n:])
		if m < 0 {
			return
		}
		if num == field && kind == protowire.BytesType {
			v, _ := protowire.ConsumeBytes(b[n:])
			f(v)
		}
		b = b[n+m:]
	}
}

func (s *spanSink) Export(context.Context, *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	return &coltrace.ExportTraceServiceResponse{}, nil
}

// BenchmarkSpeedTraced compares the rate with one message in a hundred traced, every hop of it, to the
// rate with telemetry switched off. What takes the spans runs on the same cores.
func BenchmarkSpeedTraced(b *testing.B) {
	const count = 50_000
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var sink spanSink
	server := grpc.NewServer(grpc.ForceServerCodecV2(&sink))
	coltrace.RegisterTraceServiceServer(server, &sink)
	go server.Serve(l)
	b.Cleanup(server.Stop)
	off := startSpeedGroup(b, "mesh")
	on := startSpeedGroup(b, "mesh", "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+l.Addr().String(),
		"OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=none",
		"OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.01")
	var ratios []float64
	runs := 0
	for b.Loop() {
		without, _ := off.run("burst", count)
		with, _ := on.run("burst", count)
		ratios = append(ratios, without.Seconds()/with.Seconds())
		runs++
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if sink.spans.Load() >= int64(runs)*count/100*speedPeers/2 {
			break
		}
	}
	if sink.spans.Load() == 0 {
		b.Fatal("no span reached the collector: this compared nothing")
	}
	b.ReportMetric(median(ratios), "of-untraced")
	b.ReportMetric(float64(sink.spans.Load())/float64(runs), "spans/op")
	b.ReportMetric(0, "ns/op")
}
