package otlp

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen starts a receiver that ends with the test.
func listen(t *testing.T, cfg Config) *Receiver {
	t.Helper()
	r, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// dial connects to it as a peer's exporter would.
func dial(t *testing.T, r *Receiver) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(r.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// span is one of trace n.
func span(trace, id byte, name string) *tracepb.Span {
	return &tracepb.Span{
		TraceId: []byte{15: trace}, SpanId: []byte{7: id}, Name: name, Kind: tracepb.Span_SPAN_KIND_CONSUMER,
		StartTimeUnixNano: uint64(1000 * int(id)), EndTimeUnixNano: uint64(1000*int(id) + 500),
	}
}

func request(spans ...*tracepb.Span) *coltrace.ExportTraceServiceRequest {
	res := &Resource{Service: "peer", Instance: "peer-1-ab12", PeerID: "ab12"}
	return &coltrace.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: res.proto(), ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}},
	}}}
}

func TestReceive(t *testing.T) {
	store := NewStore()
	var told []*Resource
	r := listen(t, Config{Store: store, Spans: func(res *Resource, spans []*tracepb.Span) {
		told = append(told, res)
		spans[0].Attributes = append(spans[0].Attributes, String("hearsay.outcome", "delivered"))
	}})
	conn := dial(t, r)
	client := coltrace.NewTraceServiceClient(conn)
	answer, err := client.Export(t.Context(), request(span(1, 2, "process mesh"), span(1, 1, "publish mesh"), span(2, 0, "no id")), grpc.UseCompressor(gzip.Name))
	if err != nil {
		t.Fatal(err)
	}
	if n := answer.GetPartialSuccess().GetRejectedSpans(); n != 1 {
		t.Errorf("%d spans were rejected, and one has no id", n)
	}
	if len(told) != 1 || *told[0] != (Resource{"peer", "peer-1-ab12", "ab12"}) {
		t.Errorf("told of %+v", told)
	}
	got := store.Trace(TraceID{15: 1})
	if len(got) != 2 || got[0].Name != "publish mesh" || got[1].Name != "process mesh" {
		t.Fatalf("the trace is %+v", got)
	}
	if s := got[1]; s.Attrs["hearsay.outcome"] != "delivered" || s.Who != "peer-1-ab12" || s.Start != 2 || s.Kind != "consumer" {
		t.Errorf("the span is %+v", s)
	}
	// An exporter whose answer was lost sends everything again.
	client.Export(t.Context(), request(span(1, 2, "process mesh")))
	if got = store.Trace(TraceID{15: 1}); len(got) != 2 {
		t.Errorf("after a repetition the trace has %d spans", len(got))
	}
	if _, err = colmetrics.NewMetricsServiceClient(conn).Export(t.Context(), &colmetrics.ExportMetricsServiceRequest{}); err != nil {
		t.Error("metrics:", err)
	}
	if _, err = collogs.NewLogsServiceClient(conn).Export(t.Context(), &collogs.ExportLogsServiceRequest{}); err != nil {
		t.Error("logs:", err)
	}
}

func TestStoreForgets(t *testing.T) {
	res := &Resource{Instance: "a"}
	for _, test := range []struct {
		what   string
		limits limits
		want   int // traces kept
	}{
		{"few traces", limits{1 << 20, 3, 10}, 3},
		{"few bytes", limits{1000, 1000, 10}, 7},
	} {
		s := NewStore()
		s.limits = test.limits
		for i := range byte(200) {
			s.Add(res, []*tracepb.Span{span(i+1, 1, "process mesh")})
		}
		st := s.Stats()
		if st.Traces != test.want || st.Forgotten != uint64(200-test.want) || st.Bytes > test.limits.bytes {
			t.Errorf("%s: %+v", test.what, st)
		}
		if s.Trace(TraceID{15: 200}) == nil || s.Trace(TraceID{15: 200 - byte(test.want)}) != nil {
			t.Errorf("%s: not the oldest were forgotten", test.what)
		}
		if len(s.order) > 2*test.want+2 {
			t.Errorf("%s: %d names are kept of %d traces", test.what, len(s.order), test.want)
		}
		n := 0
		s.All(func(*Resource, *tracepb.Span) { n++ })
		if n != test.want {
			t.Errorf("%s: All told of %d spans", test.what, n)
		}
	}
	s := NewStore()
	s.limits.spans = 2
	s.Add(res, []*tracepb.Span{span(1, 1, "a"), span(1, 2, "b"), span(1, 3, "c")})
	if st := s.Stats(); st.Overfull != 1 || len(s.Trace(TraceID{15: 1})) != 2 {
		t.Errorf("a trace that is too long: %+v", st)
	}
}

func TestForward(t *testing.T) {
	theirs := NewStore()
	collector := listen(t, Config{Store: theirs})
	target, ok, err := ReadTarget(env{envEndpoint: collector.Endpoint()}.get)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	f, err := NewForward(target, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ours := listen(t, Config{Forward: f, Store: NewStore()})
	if _, err = coltrace.NewTraceServiceClient(dial(t, ours)).Export(t.Context(), request(span(1, 1, "publish mesh"))); err != nil {
		t.Fatal(err)
	}
	ours.Emit(&Resource{Service: "lab"}, span(1, 2, "fault"))
	f.Close() // sends what waits
	if got := theirs.Trace(TraceID{15: 1}); len(got) != 2 || got[1].Who != "lab" {
		t.Errorf("the collector got %+v", got)
	}
	if st := f.Stats(); st.Sent != 2 || st.Dropped != 0 {
		t.Errorf("%+v", st)
	}
}

// TestForwardNobody has a collector that is not there: nobody waits, and what does not fit is counted.
func TestForwardNobody(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	var log words
	target, _, _ := ReadTarget(env{envEndpoint: "http://" + addr}.get)
	f, err := NewForward(target, slog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	const more = 50
	for range MaxWaiting + more {
		f.put(request(span(1, 1, "a")))
	}
	f.mu.Lock()
	waiting, dropped := len(f.waiting), f.stats.Dropped
	f.mu.Unlock()
	if waiting > MaxWaiting || dropped < more-1 || dropped > more {
		t.Errorf("%d wait and %d were dropped", waiting, dropped)
	}
	for end := time.Now().Add(10 * time.Second); log.count() == 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	begin := time.Now()
	f.Close()
	if took := time.Since(begin); took > flushFor+5*time.Second {
		t.Errorf("closing took %v", took)
	}
	if st := f.Stats(); st.Sent != 0 || st.Dropped != MaxWaiting+more {
		t.Errorf("%+v", st)
	}
	if n := log.count(); n != 1 {
		t.Errorf("%d lines of log tell of it, and not one", n)
	}
}

// words is a log that remembers what it was told.
type words struct {
	mu   sync.Mutex
	said []string
}

func (w *words) Enabled(context.Context, slog.Level) bool { return true }
func (w *words) WithAttrs([]slog.Attr) slog.Handler       { return w }
func (w *words) WithGroup(string) slog.Handler            { return w }
func (w *words) Handle(_ context.Context, r slog.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, r.Message)
	return nil
}

func (w *words) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.said)
}
