package telemetry

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"hearsay/peer/wire"
)

func TestMain(m *testing.M) {
	// The developer's own settings are no part of the tests.
	for _, v := range os.Environ() {
		if name, _, _ := bytes.Cut([]byte(v), []byte("=")); bytes.HasPrefix(name, []byte("OTEL_")) {
			os.Unsetenv(string(name))
		}
	}
	Quiet(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

// collector is an OTLP collector that remembers what it was sent.
type collector struct {
	addr   string
	server *grpc.Server

	mu       sync.Mutex
	resource *resourcepb.Resource
	scope    *commonpb.InstrumentationScope
	spans    []*tracepb.Span
	metrics  map[string]*metricspb.Metric // the newest of each name
	logs     []*logspb.LogRecord
}

// collect starts a collector on addr, or on any free port of this machine.
func collect(t testing.TB, addr string) *collector {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{addr: l.Addr().String(), server: grpc.NewServer(), metrics: map[string]*metricspb.Metric{}}
	coltrace.RegisterTraceServiceServer(c.server, traceService{c: c})
	colmetrics.RegisterMetricsServiceServer(c.server, metricsService{c: c})
	collogs.RegisterLogsServiceServer(c.server, logsService{c: c})
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.server.Serve(l)
	}()
	t.Cleanup(func() { c.server.Stop(); <-done })
	return c
}

type traceService struct {
	coltrace.UnimplementedTraceServiceServer
	c *collector
}

func (s traceService) Export(_ context.Context, r *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	for _, rs := range r.ResourceSpans {
		s.c.resource = rs.Resource
		for _, ss := range rs.ScopeSpans {
			s.c.scope = ss.Scope
			s.c.spans = append(s.c.spans, ss.Spans...)
		}
	}
	return &coltrace.ExportTraceServiceResponse{}, nil
}

type metricsService struct {
	colmetrics.UnimplementedMetricsServiceServer
	c *collector
}

func (s metricsService) Export(_ context.Context, r *colmetrics.ExportMetricsServiceRequest) (*colmetrics.ExportMetricsServiceResponse, error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	for _, rm := range r.ResourceMetrics {
		s.c.resource = rm.Resource
		for _, sm := range rm.ScopeMetrics {
			for _, m := range sm.Metrics {
				s.c.metrics[m.Name] = m
			}
		}
	}
	return &colmetrics.ExportMetricsServiceResponse{}, nil
}

type logsService struct {
	collogs.UnimplementedLogsServiceServer
	c *collector
}

func (s logsService) Export(_ context.Context, r *collogs.ExportLogsServiceRequest) (*collogs.ExportLogsServiceResponse, error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	for _, rl := range r.ResourceLogs {
		s.c.resource = rl.Resource
		for _, sl := range rl.ScopeLogs {
			s.c.logs = append(s.c.logs, sl.LogRecords...)
		}
	}
	return &collogs.ExportLogsServiceResponse{}, nil
}

// until waits until ok, which is called with the collector locked.
func (c *collector) until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		c.mu.Lock()
		done := ok()
		c.mu.Unlock()
		if done {
			return
		}
	}
	t.Fatalf("in ten seconds there was no %s", what)
}

// span returns the span of that name once it has come, and fails if there are two.
func (c *collector) span(t testing.TB, name string) (span *tracepb.Span) {
	t.Helper()
	c.until(t, "span "+name, func() bool {
		for _, s := range c.spans {
			if s.Name == name {
				span = s
				return true
			}
		}
		return false
	})
	return span
}

func (c *collector) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.spans)
}

// attrs are attributes as a test writes them.
type attrs map[string]any

func values(kvs []*commonpb.KeyValue) attrs {
	a := attrs{}
	for _, kv := range kvs {
		switch v := kv.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			a[kv.Key] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			a[kv.Key] = int(v.IntValue)
		case *commonpb.AnyValue_DoubleValue:
			a[kv.Key] = v.DoubleValue
		case *commonpb.AnyValue_BoolValue:
			a[kv.Key] = v.BoolValue
		}
	}
	return a
}

// me is who reports in the tests.
var me = Resource{ID: "9f2c0000000000000000000000000001", Name: "peer-3", Version: "v0"}

// begin starts telemetry as a peer would, with everything sent to endpoint at once. Its log is returned.
func begin(t testing.TB, endpoint string) (*Telemetry, *logBuffer) {
	t.Helper()
	setenv(t, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
	setenv(t, "OTEL_BSP_SCHEDULE_DELAY", "10")
	setenv(t, "OTEL_BLRP_SCHEDULE_DELAY", "10")
	log := &logBuffer{}
	tel := Start(me, slog.New(slog.NewTextHandler(log, nil)))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		tel.Shutdown(ctx)
	})
	return tel, log
}

func setenv(t testing.TB, name, value string) {
	t.(interface{ Setenv(name, value string) }).Setenv(name, value)
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// ids makes a context from two small numbers.
func ids(trace, span byte) wire.Context {
	return wire.Context{Trace: wire.TraceID{15: trace}, Span: wire.SpanID{7: span}, Sampled: true}
}
