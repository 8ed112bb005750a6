package watch

import (
	"encoding/hex"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// The names of spans, of their events and of their attributes that the model reads: package telemetry's words.
const (
	spanPublish  = "publish mesh"
	spanProcess  = "process mesh"
	spanHeal     = "heal"
	spanDiscover = "discover"
	spanDial     = "dial"
	spanAccept   = "accept"
	spanCatchUp  = "catch-up"

	eventPruned = "pruned"
	eventLost   = "lost"

	attrMessage  = "messaging.message.id"
	attrSize     = "messaging.message.body.size"
	attrPeer     = "hearsay.peer.id"
	attrPeerName = "hearsay.peer.name"
	attrOutcome  = "hearsay.outcome"
	attrReason   = "hearsay.reason"
	attrHop      = "hearsay.hop"
	attrHeld     = "hearsay.held_ms"
	attrGraft    = "hearsay.graft_ms"
	attrPurpose  = "hearsay.purpose"
	attrBy       = "hearsay.by"
	attrAsked    = "hearsay.asked"
	attrGot      = "hearsay.got"
	attrPriority = "hearsay.priority"
	attrAddr     = "network.peer.address"
	attrPort     = "network.peer.port"
)

// Span takes a span of the peer with that ID. It may add links to it: to the fault that a heal mended.
func (m *Model) Span(peerID string, s *tracepb.Span) {
	who, ok := m.runs[peerID]
	if !ok {
		return // of somebody else who runs on this network
	}
	start, end := unixNano(s.StartTimeUnixNano), unixNano(s.EndTimeUnixNano)
	m.begin(end)
	a := attrs(s.Attributes)
	switch s.Name {
	case spanPublish:
		m.spanPublished(who, a, s, start)
	case spanProcess:
		m.spanProcessed(who, a, s, start, end)
	case spanHeal:
		m.spanHealed(who, a, s, start, end)
	case spanDiscover, spanDial, spanAccept:
		m.spanMet(who, a, s, start, end)
	case spanCatchUp:
		m.spanCaughtUp(who, a, s, start, end)
	}
}

func unixNano(ns uint64) time.Time { return time.Unix(0, int64(ns)) }

func (m *Model) spanPublished(who runRef, a attrs, s *tracepb.Span, start time.Time) {
	id := a.text(attrMessage)
	if id == "" || len(s.TraceId) != 16 {
		return
	}
	msg := m.message(id, start)
	m.publish(msg)
	msg.said, msg.spanned, msg.origin = start, true, who
	msg.trace = [16]byte(s.TraceId)
	if msg.size == 0 {
		msg.size = int(a.number(attrSize))
	}
	m.messages.touch(msg, m.now)
}

func (m *Model) spanProcessed(who runRef, a attrs, s *tracepb.Span, start, end time.Time) {
	id := a.text(attrMessage)
	if id == "" || len(s.TraceId) != 16 {
		return
	}
	msg := m.message(id, start)
	msg.trace = [16]byte(s.TraceId)
	from := m.runs[a.text(attrPeer)]
	m.messages.touch(msg, m.now)
	h := m.hop(msg, who)
	switch a.text(attrOutcome) {
	case "delivered":
		if !h.delivery() {
			m.measures.delivered++
		}
		h.at, h.from, h.traced, h.drop = end, from, true, ""
		h.links, h.held, h.asked = int(a.number(attrHop)), a.ms(attrHeld), a.ms(attrGraft)
		switch a.text(attrReason) {
		case "graft":
			h.how = howGraft
		case "catch-up":
			h.how = howCatchUp
		default:
			h.how = howEager
		}
	case "duplicate":
		if len(h.copies) < MaxCopies && !h.has(from, start) {
			h.copies = append(h.copies, further{from, start, hasEvent(s, eventPruned)})
		}
	case "dropped":
		if !h.delivery() {
			h.drop = a.text(attrReason)
		}
	}
}

// has reports whether that copy is known: an exporter sends again what it had no answer to.
func (h *hop) has(from runRef, at time.Time) bool {
	for _, c := range h.copies {
		if c.from == from && c.at.Equal(at) {
			return true
		}
	}
	return false
}

func (m *Model) spanCaughtUp(who runRef, a attrs, s *tracepb.Span, start, end time.Time) {
	asked, got := a.number(attrAsked), a.number(attrGot)
	if asked == 0 {
		return
	}
	e := Event{At: end, Kind: kindCaughtUp, Peer: who.number, Far: m.numberOf(a.text(attrPeer)), Took: millisOf(end.Sub(start)), Trace: hex.EncodeToString(s.TraceId)}
	e.Text = "asked " + m.name(e.Far) + " for " + counted(int(asked), "message") + " it lacked, and got " + itoa(int(got))
	m.note(e)
}

func hasEvent(s *tracepb.Span, name string) bool {
	for _, e := range s.Events {
		if e.Name == name {
			return true
		}
	}
	return false
}

// attrs are a span's attributes. There are a dozen at most, so they are looked through.
type attrs []*commonpb.KeyValue

func (a attrs) value(key string) *commonpb.AnyValue {
	for _, kv := range a {
		if kv.Key == key {
			return kv.Value
		}
	}
	return nil
}

func (a attrs) text(key string) string      { return a.value(key).GetStringValue() }
func (a attrs) number(key string) int64     { return a.value(key).GetIntValue() }
func (a attrs) flag(key string) bool        { return a.value(key).GetBoolValue() }
func (a attrs) ms(key string) time.Duration { return durationOf(a.value(key).GetDoubleValue()) }
func durationOf(ms float64) time.Duration   { return time.Duration(ms * float64(time.Millisecond)) }
func parseTrace(s string) (id [16]byte, k bool) {
	n, err := hex.Decode(id[:], []byte(s[:min(len(s), 32)]))
	return id, err == nil && n == 16 && len(s) == 32 && id != [16]byte{}
}
