package telemetry

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"hearsay/peer/overlay"
	"hearsay/peer/wire"
)

const (
	// maxNeighbors is how many connections are remembered by name: all that a peer can have open, twice
	// over. Beyond it the oldest is forgotten, and spans that came over it name nobody.
	maxNeighbors = 1024
	// maxRecent is how many events are remembered that have no span of their own, the newest.
	maxRecent = 32
)

// neighbors remembers who is at the end of a connection, as attributes. A connection is not forgotten
// when it ends: its last messages may still be waiting for their spans. The zero value is empty.
type neighbors struct {
	attrs map[wire.Conn][]attribute.KeyValue
	order []wire.Conn // by age
}

func (n *neighbors) learn(e *overlay.Event) {
	if e.Conn == 0 || e.Peer == "" {
		return
	}
	if n.attrs == nil {
		n.attrs = map[wire.Conn][]attribute.KeyValue{}
	}
	if _, known := n.attrs[e.Conn]; !known {
		if len(n.order) == maxNeighbors {
			delete(n.attrs, n.order[0])
			n.order = slices.Delete(n.order, 0, 1)
		}
		n.order = append(n.order, e.Conn)
	}
	attrs := []attribute.KeyValue{
		keyFrom.String(Instance(e.Name, e.Peer)),
		keyPeerID.String(string(e.Peer)),
		keyPeerName.String(e.Name),
		semconv.NetworkTransportTCP,
	}
	if e.Addr.IsValid() {
		attrs = append(attrs, semconv.NetworkPeerAddress(e.Addr.Addr().String()), semconv.NetworkPeerPort(int(e.Addr.Port())))
	}
	n.attrs[e.Conn] = attrs
}

func (n *neighbors) attributes(c wire.Conn) []attribute.KeyValue { return n.attrs[c] }

// recent is the newest maxRecent of some events. The zero value is empty.
type recent[T any] struct {
	events []T
	next   int // the oldest, once all places are taken
}

func (r *recent[T]) remember(e *T) {
	if len(r.events) < maxRecent {
		r.events = append(r.events, *e)
		return
	}
	r.events[r.next] = *e
	r.next = (r.next + 1) % maxRecent
}

// all yields the events, the oldest first.
func (r *recent[T]) all(yield func(*T) bool) {
	for i := range r.events {
		if !yield(&r.events[(r.next+i)%len(r.events)]) {
			return
		}
	}
}
