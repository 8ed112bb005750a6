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

// neighbor is who is at the end of a connection.
type neighbor struct {
	context wire.Context // of our dial or accept
	attrs   []byte       // encoded
}

// neighbors remembers them. A connection is not forgotten when it ends: its last messages may still be
// waiting for their spans. The zero value is empty.
type neighbors struct {
	known map[wire.Conn]neighbor
	order []wire.Conn // by age
}

func (n *neighbors) learn(e *overlay.Event) {
	if e.Conn == 0 || e.Peer == "" {
		return
	}
	if n.known == nil {
		n.known = map[wire.Conn]neighbor{}
	}
	if _, known := n.known[e.Conn]; !known {
		if len(n.order) == maxNeighbors {
			delete(n.known, n.order[0])
			n.order = slices.Delete(n.order, 0, 1)
		}
		n.order = append(n.order, e.Conn)
	}
	attrs := []attribute.KeyValue{keyFrom.String(Instance(e.Name, e.Peer)), keyPeerID.String(string(e.Peer))}
	if e.Addr.IsValid() {
		attrs = append(attrs, semconv.NetworkPeerAddress(e.Addr.Addr().String()), semconv.NetworkPeerPort(int(e.Addr.Port())))
	}
	n.known[e.Conn] = neighbor{e.Context, encoded(attrs...)}
}

// of returns the zero neighbor for a connection that is not known.
func (n *neighbors) of(c wire.Conn) neighbor { return n.known[c] }

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
