package otlp

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	// MaxWaiting and MaxWaitingBytes bound what waits for the collector, in requests and in bytes. Beyond them what
	// comes is dropped and counted: nobody waits for a collector.
	MaxWaiting      = 1024
	MaxWaitingBytes = 16 << 20
	// exportFor is how long one request may take, the collector's restart included.
	exportFor = 10 * time.Second
	// retryEvery is the pause before a request is sent again to a collector that is not there.
	retryEvery = 500 * time.Millisecond
	// flushFor is how long Close goes on sending.
	flushFor = 2 * time.Second
	// sayEvery is how often a collector that takes nothing is spoken of.
	sayEvery = time.Minute
)

// Forward passes requests on to somebody else's collector. Nil passes nothing on.
type Forward struct {
	target Target
	conn   *grpc.ClientConn
	log    *slog.Logger

	mu      sync.Mutex
	waiting []proto.Message
	bytes   int
	closing bool
	stats   ForwardStats
	said    time.Time

	more chan struct{} // something waits, or closing was set
	life context.Context
	end  context.CancelFunc
	done chan struct{}
}

// ForwardStats counts requests.
type ForwardStats struct {
	Sent    uint64 `json:"sent"`
	Dropped uint64 `json:"dropped"` // the queue was full, or the collector did not take them
}

// NewForward connects to a collector, which need not be there yet.
func NewForward(t Target, log *slog.Logger) (*Forward, error) {
	conn, err := grpc.NewClient(t.Address, grpc.WithTransportCredentials(t.credentials), grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(2*maxRequest)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Variable, err)
	}
	f := &Forward{target: t, conn: conn, log: log, more: make(chan struct{}, 1), done: make(chan struct{})}
	f.life, f.end = context.WithCancel(context.Background())
	go f.run()
	return f, nil
}

// put leaves a request for the collector. It never blocks.
func (f *Forward) put(req proto.Message) {
	if f == nil {
		return
	}
	size := proto.Size(req)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing || len(f.waiting) >= MaxWaiting || f.bytes+size > MaxWaitingBytes {
		f.stats.Dropped++
		return
	}
	f.waiting = append(f.waiting, req)
	f.bytes += size
	f.wake()
}

func (f *Forward) wake() {
	select {
	case f.more <- struct{}{}:
	default:
	}
}

// take returns what is to be sent next; ok is false once there is nothing and never will be.
func (f *Forward) take() (req proto.Message, ok bool) {
	for {
		f.mu.Lock()
		if len(f.waiting) > 0 {
			req = f.waiting[0]
			f.waiting[0] = nil
			f.waiting = f.waiting[1:]
			f.bytes -= proto.Size(req)
			f.mu.Unlock()
			return req, true
		}
		closing := f.closing
		f.mu.Unlock()
		if closing {
			return nil, false
		}
		<-f.more
	}
}

func (f *Forward) run() {
	defer close(f.done)
	for {
		req, ok := f.take()
		if !ok {
			return
		}
		err := f.send(req)
		f.mu.Lock()
		if err == nil {
			f.stats.Sent++
		} else {
			f.stats.Dropped++
		}
		f.mu.Unlock()
	}
}

// send sends one request, again and again while the collector is not there.
func (f *Forward) send(req proto.Message) error {
	ctx, cancel := context.WithTimeout(f.life, exportFor)
	defer cancel()
	ctx = metadata.NewOutgoingContext(ctx, f.target.headers)
	for {
		err := f.export(ctx, req)
		f.say(err)
		if code := status.Code(err); code != codes.Unavailable && code != codes.ResourceExhausted {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retryEvery):
		}
	}
}

func (f *Forward) export(ctx context.Context, req proto.Message) (err error) {
	switch req := req.(type) {
	case *coltrace.ExportTraceServiceRequest:
		_, err = coltrace.NewTraceServiceClient(f.conn).Export(ctx, req)
	case *colmetrics.ExportMetricsServiceRequest:
		_, err = colmetrics.NewMetricsServiceClient(f.conn).Export(ctx, req)
	case *collogs.ExportLogsServiceRequest:
		_, err = collogs.NewLogsServiceClient(f.conn).Export(ctx, req)
	}
	return err
}

// say tells of a collector that does not take what it is sent, now and then.
func (f *Forward) say(err error) {
	if err == nil || f.life.Err() != nil || time.Since(f.said) < sayEvery {
		return
	}
	f.said = time.Now()
	f.log.Warn("traces are not passed on: is "+f.target.Variable+" right, and does the collector run?", "endpoint", f.target.Address, "err", err)
}

// Stats says how passing on fares.
func (f *Forward) Stats() ForwardStats {
	if f == nil {
		return ForwardStats{}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stats
}

// Close sends what waits, for a short while, and ends the connection.
func (f *Forward) Close() {
	if f == nil {
		return
	}
	f.mu.Lock()
	f.closing = true
	f.mu.Unlock()
	f.wake()
	timer := time.AfterFunc(flushFor, f.end)
	<-f.done
	timer.Stop()
	f.end()
	f.conn.Close()
}
