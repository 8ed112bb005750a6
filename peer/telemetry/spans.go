package telemetry

import (
	"net/netip"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// spans turns events into spans. One goroutine owns it.
type spans struct {
	batch   *batch   // nil while traces are off
	metrics *metrics // nil while metrics are off
	conns   neighbors
	links   recent[overlay.Event]  // what a heal tells of: Lost and Rooted
	tree    recent[plumtree.Event] // what process and catch-up tell of: Grafted and Lost
}

// overlay makes the span of an event, or remembers it for a later one.
func (s *spans) overlay(e *overlay.Event) {
	switch e.Kind {
	case overlay.Discovered:
		s.discovered(e)
	case overlay.Dialled:
		s.conns.learn(e)
		s.dialled(e)
	case overlay.Accepted:
		s.conns.learn(e)
		s.accepted(e)
	case overlay.Healed:
		s.metrics.healed(e)
		s.healed(e)
	case overlay.Lost, overlay.Rooted:
		s.links.remember(e)
	}
}

// broadcast is likewise. Its neighbors tell whether a duplicate got its link pruned.
func (s *spans) broadcast(before, e, after *plumtree.Event) {
	switch e.Kind {
	case plumtree.Published:
		s.published(e)
	case plumtree.Processed:
		s.metrics.processed(e)
		s.processed(e, pruned(before, e) || pruned(after, e))
	case plumtree.CaughtUp:
		s.caughtUp(e)
	case plumtree.Grafted, plumtree.Lost:
		s.tree.remember(e)
	}
}

func pruned(e, by *plumtree.Event) bool {
	return e != nil && e.Kind == plumtree.Pruned && e.Conn == by.Conn && e.Seq == by.Seq && e.Origin == by.Origin
}

// start begins a span; it returns nil for what is not recorded.
func (s *spans) start(name string, kind tracepb.Span_SpanKind, ids wire.Context, at time.Time) *span {
	if s.batch == nil || !ids.Sampled || !ids.Valid() {
		return nil
	}
	return s.batch.span(name, kind, ids, at)
}

func (s *spans) announced(e *AnnounceEvent) {
	span := s.start(nameAnnounce, tracepb.Span_SPAN_KIND_PRODUCER, e.Context, e.At)
	if span == nil {
		return
	}
	span.string(keyWhy, e.Why)
	span.add(overUDP)
	span.addr(e.To)
	span.end(e.At)
}

func (s *spans) discovered(e *overlay.Event) {
	span := s.start(nameDiscover, tracepb.Span_SPAN_KIND_CONSUMER, e.Context, e.Start)
	if span == nil {
		return
	}
	span.parent(e.Parent, true)
	span.link(e.Link)
	span.add(overUDP)
	span.peer(e)
	span.end(e.End)
}

func (s *spans) dialled(e *overlay.Event) {
	span := s.start(nameDial, tracepb.Span_SPAN_KIND_CLIENT, e.Context, e.Start)
	if span == nil {
		return
	}
	span.parent(e.Parent, false)
	span.link(e.Link)
	span.string(keyBy, e.By)
	span.handshake(e)
}

func (s *spans) accepted(e *overlay.Event) {
	span := s.start(nameAccept, tracepb.Span_SPAN_KIND_SERVER, e.Context, e.Start)
	if span == nil {
		return
	}
	span.parent(e.Parent, true)
	span.link(e.Link)
	span.bool(keyPriority, e.Priority)
	span.handshake(e)
}

// handshake adds what both ends of one tell. A broken one is an error; a referral or a refusal is none,
// since that is how the mesh spreads its load.
func (s *span) handshake(e *overlay.Event) {
	s.add(overTCP)
	s.string(keyPurpose, e.Purpose.String())
	s.peer(e)
	if e.Outcome == "failed" || e.Outcome == "timeout" {
		reason := string(e.Reason)
		if reason == "" {
			reason = e.Outcome
		}
		s.string(semconv.ErrorTypeKey, reason)
		s.fail(reason)
	}
	s.end(e.End)
}

func (s *spans) healed(e *overlay.Event) {
	span := s.start(nameHeal, tracepb.Span_SPAN_KIND_INTERNAL, e.Context, e.Start)
	if span == nil {
		return
	}
	span.parent(e.Parent, false)
	span.link(e.Link)
	span.peer(e)
	// All that went wrong in this time, not only the loss that began it: often that is the whole story.
	for l := range s.links.all {
		if within(l.Start, e.Start, e.End) {
			span.setback(l)
		}
	}
	span.end(e.End)
}

// setback tells of a lost link or a change of root.
func (s *span) setback(e *overlay.Event) {
	name, peer := eventLost, keyPeerID
	if e.Kind == overlay.Rooted {
		name, peer = eventRooted, keyRoot
	}
	attrs := []attribute.KeyValue{peer.String(string(e.Peer))}
	if e.Name != "" {
		attrs = append(attrs, keyPeerName.String(e.Name))
	}
	if e.Reason != "" {
		attrs = append(attrs, keyReason.String(string(e.Reason)))
	}
	s.event(name, e.Start, attrs...)
}

func (s *spans) published(e *plumtree.Event) {
	span := s.start(namePublish, tracepb.Span_SPAN_KIND_PRODUCER, e.Context, e.Start)
	if span == nil {
		return
	}
	span.parent(e.Parent, true)
	span.link(e.Link)
	span.add(publishing)
	span.message(e)
	span.end(e.End)
}

func (s *spans) processed(e *plumtree.Event, pruned bool) {
	span := s.start(nameProcess, tracepb.Span_SPAN_KIND_CONSUMER, e.Context, e.Start)
	if span == nil {
		return
	}
	span.parent(e.Parent, true)
	span.link(e.Link)
	span.add(processing)
	span.message(e)
	span.add(s.conns.of(e.Conn).attrs)
	span.int(keyHop, e.Hops)
	span.string(keyOutcome, outcome(e.Outcome))
	span.string(keyReason, e.Reason)
	if e.Held > 0 {
		span.double(keyHeld, ms(e.Held))
	}
	if ago, ok := s.grafted(e); ok {
		span.double(keyGraft, ms(ago))
	}
	switch e.Outcome {
	case plumtree.Duplicate:
		// A duplicate is no error: until a link is pruned, it is what eager push costs.
		span.event(eventDuplicate, e.End)
		if pruned {
			span.event(eventPruned, e.End)
		}
	case plumtree.Dropped:
		// What is older than this peer is not owed to it; anything else is a limit that was met.
		if e.Reason != "old" {
			span.string(semconv.ErrorTypeKey, e.Reason)
			span.fail(e.Reason)
		}
	}
	span.end(e.End)
}

func (s *span) message(e *plumtree.Event) {
	s.string(semconv.MessagingMessageIDKey, wire.MessageID(e.Origin, e.Seq))
	s.int(semconv.MessagingMessageBodySizeKey, e.Size)
	s.int(keyLinks, e.Links)
}

// grafted says how long before its arrival we asked for a message.
func (s *spans) grafted(e *plumtree.Event) (ago time.Duration, ok bool) {
	if e.Reason != "graft" {
		return 0, false
	}
	for g := range s.tree.all {
		if g.Kind == plumtree.Grafted && g.Origin == e.Origin && g.From <= e.Seq && e.Seq <= g.Seq && !g.Start.After(e.Start) {
			ago, ok = e.Start.Sub(g.Start), true
		}
	}
	return ago, ok
}

// caughtUp puts a catch-up beneath the dial or accept of its link, if that is known and recorded:
// nobody else has heard of its trace, while that one shows why it was needed.
func (s *spans) caughtUp(e *plumtree.Event) {
	link := s.conns.of(e.Conn)
	ids, parent := e.Context, e.Parent
	if link.context.Sampled && ids.Valid() {
		ids.Trace, ids.Sampled, parent = link.context.Trace, true, link.context
	}
	span := s.start(nameCatchUp, tracepb.Span_SPAN_KIND_INTERNAL, ids, e.Start)
	if span == nil {
		return
	}
	span.parent(parent, false)
	span.link(e.Link)
	span.int(keyAsked, int(e.Asked))
	span.int(keyGot, int(e.Got))
	span.add(link.attrs)
	for l := range s.tree.all {
		if l.Kind == plumtree.Lost && within(l.Start, e.Start, e.End) {
			span.event(eventLost, l.Start, keyOrigin.String(string(l.Origin)),
				keyFirst.Int64(int64(l.From)), keyLast.Int64(int64(l.Seq)), keyReason.String(l.Reason))
		}
	}
	span.end(e.End)
}

// peer adds what all events of the overlay tell.
func (s *span) peer(e *overlay.Event) {
	s.string(keyOutcome, e.Outcome)
	s.string(keyReason, string(e.Reason))
	s.string(keyPeerID, string(e.Peer))
	s.string(keyPeerName, e.Name)
	s.addr(e.Addr)
}

func (s *span) addr(a netip.AddrPort) {
	if a.IsValid() {
		s.string(semconv.NetworkPeerAddressKey, a.Addr().String())
		s.int(semconv.NetworkPeerPortKey, int(a.Port()))
	}
}

func within(t, start, end time.Time) bool { return !t.Before(start) && !t.After(end) }

// ms keeps the microseconds, which is what a LAN takes.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
