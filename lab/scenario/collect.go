package scenario

import (
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/watch/otlp"
)

// maxSpans bounds the spans that are kept of a run, some 150 MB. Those after it are passed on, counted, and not
// kept.
const maxSpans = 100_000

// Collector keeps the spans that peers send during a run, and passes them on if somebody else collects too.
type Collector struct {
	receiver *otlp.Receiver
	forward  *otlp.Forward

	mu      sync.Mutex
	kept    []*tracepb.ResourceSpans
	n       int
	dropped int
}

// NewCollector listens on a free port: of this machine's loopback, or of the given host's address.
func NewCollector(host string) (*Collector, error) {
	c, addr := &Collector{}, ""
	if host != "" {
		addr = net.JoinHostPort(host, "0")
	}
	target, wanted, err := otlp.ReadTarget(os.Getenv)
	if err != nil {
		return nil, err
	}
	if wanted {
		if c.forward, err = otlp.NewForward(target, slog.New(slog.DiscardHandler)); err != nil {
			return nil, err
		}
	}
	if c.receiver, err = otlp.Listen(otlp.Config{Addr: addr, Spans: c.keep, Forward: c.forward}); err != nil {
		if c.forward != nil {
			c.forward.Close()
		}
		return nil, err
	}
	return c, nil
}

func (c *Collector) keep(from *otlp.Resource, spans []*tracepb.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n+len(spans) > maxSpans {
		c.dropped += len(spans)
		return
	}
	c.n += len(spans)
	var attrs []*commonpb.KeyValue
	for _, kv := range [][2]string{{"service.name", from.Service}, {"service.instance.id", from.Instance}, {"hearsay.id", from.PeerID}} {
		attrs = append(attrs, otlp.String(kv[0], kv[1]))
	}
	c.kept = append(c.kept, &tracepb.ResourceSpans{
		Resource:   &resourcepb.Resource{Attributes: attrs},
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}},
	})
}

// Spans are all that have come so far, and how many there was no room for.
func (c *Collector) Spans() (all []*tracepb.ResourceSpans, dropped int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.kept), c.dropped
}

// Endpoint is what peers are given as OTEL_EXPORTER_OTLP_ENDPOINT.
func (c *Collector) Endpoint() string { return c.receiver.Endpoint() }

// Close ends the service.
func (c *Collector) Close() {
	c.receiver.Close()
	if c.forward != nil {
		c.forward.Close()
	}
}
