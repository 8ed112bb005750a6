package telemetry

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// quick is telemetry that sends its traces to client.
func quick(client otlptrace.Client) *Telemetry {
	s, _ := readSettings(func(name string) string {
		return map[string]string{
			"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://nowhere:4317",
			"OTEL_TRACES_SAMPLER":                "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01",
		}[name]
	})
	return start(me, s, exporters{spans: client}, newReporter(slog.New(slog.DiscardHandler), time.Now))
}

// What the event loop pays for one sampled hop. It wakes our goroutine besides, at most fifty times a
// second (BenchmarkWake), which is not in here.
func BenchmarkTell(b *testing.B) {
	tel := &Telemetry{events: newQueue(true, 2048), traces: true}
	r := &tel.events.broadcast
	events := []plumtree.Event{hop}
	b.ReportAllocs()
	for b.Loop() {
		if r.len() == len(r.slots) {
			r.head.Store(r.tail.Load()) // as if all had been taken
		}
		tel.Broadcast(events...)
	}
}

// What it pays for an event that finds our goroutine asleep.
func BenchmarkWake(b *testing.B) {
	q := newQueue(true, 2048)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-q.wake:
				q.broadcast.take(func(_, _, _ *plumtree.Event) {})
			case <-stop:
				return
			}
		}
	}()
	var total time.Duration
	for b.Loop() {
		time.Sleep(100 * time.Microsecond)
		begun := time.Now()
		q.broadcast.put(&hop, q)
		total += time.Since(begun)
	}
	b.ReportMetric(float64(total.Nanoseconds())/float64(b.N), "ns/wake")
}

// What it pays once there is no room.
func BenchmarkTellWhenFull(b *testing.B) {
	q := newQueue(true, 2048)
	b.ReportAllocs()
	for b.Loop() {
		q.broadcast.put(&hop, q)
	}
}

func BenchmarkSample(b *testing.B) {
	tel := quick(encoder{})
	defer tel.Shutdown(context.Background())
	b.ReportAllocs()
	id := wire.TraceID{}
	for b.Loop() {
		id[15]++
		tel.Sample(wire.Context{}, id)
	}
}

// What a sampled hop costs besides, on another goroutine: its span, and its part of a batch as bytes.
func BenchmarkSpan(b *testing.B) {
	tel := quick(encoder{})
	defer tel.Shutdown(context.Background())
	s := &spans{batch: newBatch(encoder{}, batchSettings{max: 512, delay: time.Hour, timeout: time.Second},
		tel.guard("traces", newReporter(slog.Default(), time.Now)), me.describe(), "")}
	s.overlay(&overlay.Event{Kind: overlay.Dialled, Conn: hop.Conn, Peer: theirID, Name: "peer-2", Addr: theirAddr})
	b.ReportAllocs()
	begun := processorTime()
	for b.Loop() {
		s.broadcast(nil, &hop, nil)
	}
	b.ReportMetric(float64(processorTime()-begun)/float64(b.N), "cpu-ns/op")
}

// Two event loops on two cores that handle a delivery in 1.5 µs, first with nothing else to do, then
// telling of one hop in a hundred. Slices of both alternate, and what is compared is
// processor time, since the machine may be busy otherwise. The promise is at most a tenth of the rate.
func BenchmarkOneInHundred(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	var tels [2]*Telemetry
	for i := range tels {
		tels[i] = quick(encoder{})
		defer tels[i].Shutdown(context.Background())
	}
	work := func() (x uint64) {
		for i := range uint64(3600) {
			x = x*31 + i
		}
		return x
	}
	events := []plumtree.Event{hop}
	slice := func(tell bool) (cost float64) {
		var total atomic.Int64
		var wg sync.WaitGroup
		begun := processorTime()
		end := time.Now().Add(500 * time.Millisecond)
		for i := range tels {
			wg.Go(func() {
				n := int64(0)
				for ; n%100 != 0 || time.Now().Before(end); n++ {
					work()
					if tell && n%100 == 99 {
						tels[i].Broadcast(events...)
					}
				}
				total.Add(n)
			})
		}
		wg.Wait()
		time.Sleep(3 * gather) // what was put off is paid for too
		return float64(processorTime()-begun) / float64(total.Load())
	}
	var with, without float64
	for b.Loop() {
		without += slice(false)
		with += slice(true)
	}
	b.ReportMetric(without/float64(b.N), "cpu-ns/delivery")
	b.ReportMetric(100*(with/without-1), "%more")
}

// encoder is a client that does everything but send.
type encoder struct{}

func (encoder) Start(context.Context) error { return nil }
func (encoder) Stop(context.Context) error  { return nil }
func (encoder) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	_, err := proto.Marshal(&coltrace.ExportTraceServiceRequest{ResourceSpans: spans})
	return err
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
