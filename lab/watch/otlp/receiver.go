package otlp

import (
	"context"
	"fmt"
	"net"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"golang.org/x/net/netutil"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // what OTEL_EXPORTER_OTLP_COMPRESSION=gzip sends
)

const (
	// maxRequest bounds one request; a larger one is refused, and its sender counts it as lost. Peers send 512
	// spans at most, of about half a kilobyte.
	maxRequest = 8 << 20
	// maxConns bounds connections; each peer has one for each signal. Further ones wait in the kernel.
	maxConns = 4096
	// maxStreams bounds what one connection asks at the same time.
	maxStreams = 16
)

// Config says where a Receiver listens and what it does with what it gets.
type Config struct {
	// Addr is the address; empty means any free port of 127.0.0.1.
	Addr string
	// HTTP is where traces are taken over HTTP too, such as 127.0.0.1:4318; empty means nowhere.
	HTTP string
	// Spans is told of spans before they are kept and passed on, and may change them. It is called by several
	// goroutines. Nil is nobody.
	Spans func(*Resource, []*tracepb.Span)
	// Store keeps traces. Nil keeps none.
	Store *Store
	// Forward passes everything on. Nil does not.
	Forward *Forward
}

// Receiver is a running OTLP service.
type Receiver struct {
	cfg    Config
	addr   string
	web    *web // nil: there is none
	server *grpc.Server
	done   chan struct{}
}

// Listen starts a receiver.
func Listen(cfg Config) (*Receiver, error) {
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("receive traces on %s: %w", cfg.Addr, err)
	}
	r := &Receiver{cfg: cfg, addr: l.Addr().String(), done: make(chan struct{}),
		server: grpc.NewServer(grpc.MaxRecvMsgSize(maxRequest), grpc.MaxConcurrentStreams(maxStreams))}
	if cfg.HTTP != "" {
		if r.web, err = r.listenHTTP(cfg.HTTP); err != nil {
			l.Close()
			return nil, err
		}
	}
	coltrace.RegisterTraceServiceServer(r.server, traces{r: r})
	colmetrics.RegisterMetricsServiceServer(r.server, metrics{r: r})
	collogs.RegisterLogsServiceServer(r.server, logs{r: r})
	go func() {
		defer close(r.done)
		r.server.Serve(netutil.LimitListener(l, maxConns))
	}()
	return r, nil
}

// Addr is where the receiver listens.
func (r *Receiver) Addr() string { return r.addr }

// AddrHTTP is where it listens for HTTP; empty if it does not.
func (r *Receiver) AddrHTTP() string {
	if r.web == nil {
		return ""
	}
	return r.web.addr
}

// Endpoint is what peers are given as OTEL_EXPORTER_OTLP_ENDPOINT.
func (r *Receiver) Endpoint() string { return "http://" + r.addr }

// Close ends the service. What was received is kept, and what waits to be passed on is Forward's to send.
func (r *Receiver) Close() {
	r.web.close()
	r.server.Stop()
	<-r.done
}

// Emit takes spans of the lab's own, as if it had sent them to itself. They must not be changed afterwards.
func (r *Receiver) Emit(res *Resource, spans ...*tracepb.Span) {
	rs := &tracepb.ResourceSpans{Resource: res.proto(), ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}}}
	r.take(&coltrace.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{rs}}, false)
}

// Take takes spans that came by another way.
func (r *Receiver) Take(rs *tracepb.ResourceSpans) {
	r.take(&coltrace.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{rs}}, true)
}

// take keeps and passes on; it returns how many spans were malformed.
func (r *Receiver) take(req *coltrace.ExportTraceServiceRequest, tell bool) (rejected int) {
	for _, rs := range req.ResourceSpans {
		res := readResource(rs.Resource)
		for _, ss := range rs.ScopeSpans {
			if tell && r.cfg.Spans != nil {
				r.cfg.Spans(res, ss.Spans)
			}
			if r.cfg.Store != nil {
				rejected += r.cfg.Store.Add(res, ss.Spans)
			}
		}
	}
	r.cfg.Forward.put(req)
	return rejected
}

type traces struct {
	coltrace.UnimplementedTraceServiceServer
	r *Receiver
}

func (s traces) Export(_ context.Context, req *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	return s.r.answer(req), nil
}

// answer takes what was sent, and says what of it could not be taken.
func (r *Receiver) answer(req *coltrace.ExportTraceServiceRequest) *coltrace.ExportTraceServiceResponse {
	answer := &coltrace.ExportTraceServiceResponse{}
	if n := r.take(req, true); n > 0 {
		answer.PartialSuccess = &coltrace.ExportTracePartialSuccess{
			RejectedSpans: int64(n), ErrorMessage: "a span needs a trace id of 16 bytes and a span id of 8, not all zero",
		}
	}
	return answer
}

// metrics and logs are only passed on: without somebody who collects them they end here, so that peers need not be
// told to switch them off.
type metrics struct {
	colmetrics.UnimplementedMetricsServiceServer
	r *Receiver
}

func (s metrics) Export(_ context.Context, req *colmetrics.ExportMetricsServiceRequest) (*colmetrics.ExportMetricsServiceResponse, error) {
	s.r.cfg.Forward.put(req)
	return &colmetrics.ExportMetricsServiceResponse{}, nil
}

type logs struct {
	collogs.UnimplementedLogsServiceServer
	r *Receiver
}

func (s logs) Export(_ context.Context, req *collogs.ExportLogsServiceRequest) (*collogs.ExportLogsServiceResponse, error) {
	s.r.cfg.Forward.put(req)
	return &collogs.ExportLogsServiceResponse{}, nil
}
