package telemetry

import (
	"net/netip"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// spans turns events into spans. One goroutine owns it.
type spans struct {
	tracer  trace.Tracer // nil while traces are off
	metrics *metrics     // nil while metrics are off
	conns   neighbors
	links   recent[overlay.Event]  // what a heal tells of: Lost and Rooted
	tree    recent[plumtree.Event] // what process and catch-up tell of: Grafted and Lost
	attrs   []attribute.KeyValue   // scratch: the SDK copies them
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
		s.processed(e, pruned(before, e) || pruned(after, e))
	case plumtree.CaughtUp:
		s.caughtUp(e)
	case plumtree.Grafted, plumtree.Lost:
		s.tree.remember(e)
	}
}

func pruned(e, by *plumtree.Event) bool {
	return e != nil && e.Kind == plumtree.Pruned && e.Conn == by.Conn
}

func (s *spans) announced(e *AnnounceEvent) {
	span := s.start(spanAnnounce, trace.SpanKindProducer, &e.Context, wire.Context{}, wire.Context{}, e.At)
	if span == nil {
		return
	}
	s.add(keyWhy.String(e.Why), semconv.NetworkTransportUDP)
	s.addAddr(e.To)
	s.end(span, e.At)
}

func (s *spans) discovered(e *overlay.Event) {
	span := s.start(spanDiscover, trace.SpanKindConsumer, &e.Context, e.Parent, e.Link, e.Start)
	if span == nil {
		return
	}
	s.add(semconv.NetworkTransportUDP)
	s.addPeer(e)
	s.end(span, e.End)
}

func (s *spans) dialled(e *overlay.Event) {
	span := s.start(spanDial, trace.SpanKindClient, &e.Context, e.Parent, e.Link, e.Start)
	if span == nil {
		return
	}
	s.add(semconv.NetworkTransportTCP, keyPurpose.String(e.Purpose.String()))
	if e.By != "" {
		s.add(keyBy.String(e.By))
	}
	s.addPeer(e)
	s.fail(span, e.Outcome, string(e.Reason))
	s.end(span, e.End)
}

func (s *spans) accepted(e *overlay.Event) {
	span := s.start(spanAccept, trace.SpanKindServer, &e.Context, e.Parent, e.Link, e.Start)
	if span == nil {
		return
	}
	s.add(semconv.NetworkTransportTCP, keyPurpose.String(e.Purpose.String()), keyPriority.Bool(e.Priority))
	s.addPeer(e)
	s.fail(span, e.Outcome, string(e.Reason))
	s.end(span, e.End)
}

// fail makes the span of a broken handshake an error. A referral or a refusal is none: that is how the
// mesh spreads its load.
func (s *spans) fail(span trace.Span, outcome, reason string) {
	if outcome != "failed" && outcome != "timeout" {
		return
	}
	if reason == "" {
		reason = outcome
	}
	s.failed(span, reason)
}

func (s *spans) failed(span trace.Span, reason string) {
	s.add(semconv.ErrorTypeKey.String(reason))
	span.SetStatus(codes.Error, reason)
}

func (s *spans) healed(e *overlay.Event) {
	span := s.start(spanHeal, trace.SpanKindInternal, &e.Context, e.Parent, e.Link, e.Start)
	if span == nil {
		return
	}
	s.addPeer(e)
	// All that went wrong in this time, not only the loss that began it: often that is the whole story.
	for l := range s.links.all {
		if l.Start.Before(e.Start) || l.Start.After(e.End) {
			continue
		}
		name, peer := eventLost, keyPeerID
		if l.Kind == overlay.Rooted {
			name, peer = eventRooted, keyRoot
		}
		attrs := []attribute.KeyValue{peer.String(string(l.Peer))}
		if l.Name != "" {
			attrs = append(attrs, keyPeerName.String(l.Name))
		}
		if l.Reason != "" {
			attrs = append(attrs, keyReason.String(string(l.Reason)))
		}
		span.AddEvent(name, trace.WithTimestamp(l.Start), trace.WithAttributes(attrs...))
	}
	s.end(span, e.End)
}

func (s *spans) published(e *plumtree.Event) {
	span := s.start(spanPublish, trace.SpanKindProducer, &e.Context, e.Parent, e.Link, e.Start)
	if span == nil {
		return
	}
	s.add(publishing...)
	s.add(
		semconv.MessagingMessageID(wire.MessageID(e.Origin, e.Seq)),
		semconv.MessagingMessageBodySize(e.Size),
		keyLinks.Int(e.Links),
	)
	s.end(span, e.End)
}

func (s *spans) processed(e *plumtree.Event, pruned bool) {
	span := s.start(spanProcess, trace.SpanKindConsumer, &e.Context, e.Parent, e.Link, e.Start)
	if span == nil {
		return
	}
	s.metrics.processed(e)
	s.add(processing...)
	s.add(
		semconv.MessagingMessageID(wire.MessageID(e.Origin, e.Seq)),
		semconv.MessagingMessageBodySize(e.Size),
		keyHop.Int(e.Hops),
		keyOutcome.String(outcome(e.Outcome)),
		keyLinks.Int(e.Links),
	)
	if e.Reason != "" {
		s.add(keyReason.String(e.Reason))
	}
	if e.Held > 0 {
		s.add(keyHeld.Float64(ms(e.Held)))
	}
	if asked, ok := s.grafted(e); ok {
		s.add(keyGraft.Float64(ms(asked)))
	}
	s.add(s.conns.attributes(e.Conn)...)
	switch e.Outcome {
	case plumtree.Duplicate:
		// A duplicate is no error: until a link is pruned, it is what eager push costs.
		span.AddEvent(eventDuplicate, trace.WithTimestamp(e.End))
		if pruned {
			span.AddEvent(eventPruned, trace.WithTimestamp(e.End))
		}
	case plumtree.Dropped:
		// What is older than this peer is not owed to it.
		if e.Reason != "old" {
			s.failed(span, e.Reason)
		}
	}
	s.end(span, e.End)
}

// grafted says how long ago we asked for the message.
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

func (s *spans) caughtUp(e *plumtree.Event) {
	span := s.start(spanCatchUp, trace.SpanKindInternal, &e.Context, e.Parent, e.Link, e.Start)
	if span == nil {
		return
	}
	s.add(keyAsked.Int64(int64(e.Asked)), keyGot.Int64(int64(e.Got)))
	s.add(s.conns.attributes(e.Conn)...)
	for l := range s.tree.all {
		if l.Kind != plumtree.Lost || l.Start.Before(e.Start) || l.Start.After(e.End) {
			continue
		}
		span.AddEvent(eventLost, trace.WithTimestamp(l.Start), trace.WithAttributes(
			keyOrigin.String(string(l.Origin)), keyFirst.Int64(int64(l.From)), keyLast.Int64(int64(l.Seq)), keyReason.String(l.Reason),
		))
	}
	s.end(span, e.End)
}

// start begins a span, and an empty list of attributes. It returns nil for what was not sampled.
func (s *spans) start(name string, kind trace.SpanKind, ids *wire.Context, parent, link wire.Context, at time.Time) trace.Span {
	if s.tracer == nil || !ids.Sampled || !ids.Valid() {
		return nil
	}
	s.attrs = s.attrs[:0]
	_, span := s.tracer.Start(withIDs(ids, parent), name, trace.WithSpanKind(kind), trace.WithTimestamp(at))
	if link.Valid() {
		span.AddLink(trace.Link{SpanContext: remote(link)})
	}
	return span
}

func (s *spans) add(attrs ...attribute.KeyValue) { s.attrs = append(s.attrs, attrs...) }

// addPeer adds what all events of the overlay tell.
func (s *spans) addPeer(e *overlay.Event) {
	if e.Outcome != "" {
		s.add(keyOutcome.String(e.Outcome))
	}
	if e.Reason != "" {
		s.add(keyReason.String(string(e.Reason)))
	}
	if e.Peer != "" {
		s.add(keyPeerID.String(string(e.Peer)))
	}
	if e.Name != "" {
		s.add(keyPeerName.String(e.Name))
	}
	s.addAddr(e.Addr)
}

func (s *spans) addAddr(a netip.AddrPort) {
	if a.IsValid() {
		s.add(semconv.NetworkPeerAddress(a.Addr().String()), semconv.NetworkPeerPort(int(a.Port())))
	}
}

// end ends the span; the zero time would mean now.
func (s *spans) end(span trace.Span, at time.Time) {
	span.SetAttributes(s.attrs...)
	span.End(trace.WithTimestamp(at))
}

func outcome(o plumtree.Outcome) string {
	switch o {
	case plumtree.Delivered:
		return "delivered"
	case plumtree.Duplicate:
		return "duplicate"
	case plumtree.Dropped:
		return "dropped"
	}
	return "-"
}

// ms keeps the microseconds, which is what a LAN takes.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
