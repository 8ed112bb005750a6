package telemetry

import (
	"maps"
	"net/netip"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

const (
	theirID = wire.ID("77770000000000000000000000000002")
	origin  = wire.Origin("aaaa0000000000000000000000000003.1")
)

var (
	theirAddr = netip.MustParseAddrPort("172.18.0.3:49153")
	t0        = time.Unix(1_700_000_000, 123_456_789)
)

func at(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }

// want is a span as a test expects it; event times are left out.
type want struct {
	name         string
	kind         tracepb.Span_SpanKind
	ids, parent  wire.Context
	link         wire.Context
	start, end   time.Time
	status       tracepb.Status_StatusCode
	attrs        attrs
	events       []string
	eventDetails []attrs
}

func (w want) check(t *testing.T, s *tracepb.Span) {
	t.Helper()
	if wire.TraceID(s.TraceId) != w.ids.Trace || wire.SpanID(s.SpanId) != w.ids.Span {
		t.Errorf("ids are %x %x, want those that the core decided: %x %x", s.TraceId, s.SpanId, w.ids.Trace, w.ids.Span)
	}
	switch {
	case !w.parent.Valid():
		if len(s.ParentSpanId) != 0 {
			t.Errorf("it has the parent %x, want none", s.ParentSpanId)
		}
	case len(s.ParentSpanId) != 8 || wire.SpanID(s.ParentSpanId) != w.parent.Span:
		t.Errorf("parent is %x, want %x", s.ParentSpanId, w.parent.Span)
	}
	switch {
	case !w.link.Valid():
		if len(s.Links) != 0 {
			t.Errorf("it has links %v, want none", s.Links)
		}
	case len(s.Links) != 1 || wire.SpanID(s.Links[0].SpanId) != w.link.Span || wire.TraceID(s.Links[0].TraceId) != w.link.Trace:
		t.Errorf("links are %v, want one to %x", s.Links, w.link.Span)
	default:
		// Or Jaeger would take a link to the parent for the only word about it.
		if child := values(s.Links[0].Attributes)["opentracing.ref_type"] == "child_of"; child != (w.link == w.parent) {
			t.Errorf("the link says that it is the parent: %v, want %v", child, w.link == w.parent)
		}
	}
	if s.Kind != w.kind {
		t.Errorf("kind is %v, want %v", s.Kind, w.kind)
	}
	if w.end == w.start {
		w.end = w.end.Add(1)
	}
	if s.StartTimeUnixNano != uint64(w.start.UnixNano()) || s.EndTimeUnixNano != uint64(w.end.UnixNano()) {
		t.Errorf("it lasts from %d to %d, want %d to %d", s.StartTimeUnixNano, s.EndTimeUnixNano, w.start.UnixNano(), w.end.UnixNano())
	}
	if s.Status.GetCode() != w.status {
		t.Errorf("status is %v, want %v", s.Status, w.status)
	}
	if got := values(s.Attributes); !maps.Equal(got, w.attrs) {
		t.Errorf("attributes are\n%v, want\n%v", got, w.attrs)
	}
	var events []string
	for i, e := range s.Events {
		events = append(events, e.Name)
		if i < len(w.eventDetails) && !maps.Equal(values(e.Attributes), w.eventDetails[i]) {
			t.Errorf("event %s says %v, want %v", e.Name, values(e.Attributes), w.eventDetails[i])
		}
	}
	if len(events) != len(w.events) || len(w.events) > 0 && events[0] != w.events[0] {
		t.Errorf("events are %v, want %v", events, w.events)
	}
}

func TestSpans(t *testing.T) {
	linked := overlay.Event{
		Kind: overlay.Dialled, Start: at(1), End: at(3), Context: ids(1, 2), Parent: ids(1, 1), Conn: 7,
		Peer: theirID, Name: "peer-2", Addr: theirAddr, By: "announcement", Outcome: "linked",
	}
	peer := attrs{
		"hearsay.peer.id": string(theirID), "hearsay.peer.name": "peer-2",
		"network.peer.address": "172.18.0.3", "network.peer.port": 49153,
	}
	message := attrs{
		"messaging.system": "hearsay", "messaging.destination.name": "mesh",
		"messaging.message.id": string(origin) + ".5", "messaging.message.body.size": 100,
		"network.peer.address": "172.18.0.3", "network.peer.port": 49153,
		"hearsay.from": "peer-2-7777", "hearsay.peer.id": string(theirID),
		"messaging.operation.name": "process", "messaging.operation.type": "process",
	}
	with := func(base attrs, more attrs) attrs {
		a := maps.Clone(base)
		maps.Copy(a, more)
		return a
	}
	hop := plumtree.Event{
		Kind: plumtree.Processed, Start: at(20), End: at(23), Context: ids(4, 5), Parent: ids(4, 4), Link: ids(4, 3),
		Conn: 7, Origin: origin, Seq: 5, Size: 100, Hops: 2, Outcome: plumtree.Delivered, Reason: "eager", Links: 3,
	}

	for name, test := range map[string]struct {
		overlay   []overlay.Event
		announced []AnnounceEvent
		broadcast []plumtree.Event
		want      want
	}{
		"announce": {
			announced: []AnnounceEvent{{At: at(0), Why: "start", Context: ids(1, 1)}},
			want: want{name: "announce", kind: tracepb.Span_SPAN_KIND_PRODUCER, ids: ids(1, 1), start: at(0), end: at(0),
				attrs: attrs{"hearsay.why": "start", "network.transport": "udp"}},
		},
		"an answer to one": {
			announced: []AnnounceEvent{{At: at(0), Why: "answer", Context: ids(1, 1), To: theirAddr}},
			want: want{name: "announce", kind: tracepb.Span_SPAN_KIND_PRODUCER, ids: ids(1, 1), start: at(0), end: at(0),
				attrs: attrs{"hearsay.why": "answer", "network.transport": "udp", "network.peer.address": "172.18.0.3", "network.peer.port": 49153}},
		},
		"discover": {
			overlay: []overlay.Event{{Kind: overlay.Discovered, Start: at(1), End: at(1), Context: ids(1, 2), Parent: ids(1, 1),
				Peer: theirID, Name: "peer-2", Addr: theirAddr, Reason: "new-peer"}},
			want: want{name: "discover", kind: tracepb.Span_SPAN_KIND_CONSUMER, ids: ids(1, 2), parent: ids(1, 1), start: at(1), end: at(1),
				attrs: with(peer, attrs{"network.transport": "udp", "hearsay.reason": "new-peer"})},
		},
		"dial": {
			overlay: []overlay.Event{linked},
			want: want{name: "dial", kind: tracepb.Span_SPAN_KIND_CLIENT, ids: ids(1, 2), parent: ids(1, 1), start: at(1), end: at(3),
				attrs: with(peer, attrs{"network.transport": "tcp", "hearsay.by": "announcement", "hearsay.purpose": "link", "hearsay.outcome": "linked"})},
		},
		"a failed dial is an error": {
			overlay: []overlay.Event{{Kind: overlay.Dialled, Start: at(1), End: at(3), Context: ids(1, 2), Addr: theirAddr,
				Purpose: wire.PurposeUrgent, By: "join", Outcome: "failed", Reason: wire.ReasonRefused}},
			want: want{name: "dial", kind: tracepb.Span_SPAN_KIND_CLIENT, ids: ids(1, 2), start: at(1), end: at(3), status: tracepb.Status_STATUS_CODE_ERROR,
				attrs: attrs{"network.transport": "tcp", "network.peer.address": "172.18.0.3", "network.peer.port": 49153, "hearsay.by": "join",
					"hearsay.purpose": "urgent", "hearsay.outcome": "failed", "hearsay.reason": "refused", "error.type": "refused"}},
		},
		"a referral is no error": {
			overlay: []overlay.Event{{Kind: overlay.Accepted, Start: at(1), End: at(3), Context: ids(1, 3), Parent: ids(1, 2), Conn: 8,
				Peer: theirID, Name: "peer-2", Addr: theirAddr, Outcome: "referred", Reason: wire.ReasonFull}},
			want: want{name: "accept", kind: tracepb.Span_SPAN_KIND_SERVER, ids: ids(1, 3), parent: ids(1, 2), start: at(1), end: at(3),
				attrs: with(peer, attrs{"network.transport": "tcp", "hearsay.purpose": "link", "hearsay.priority": false, "hearsay.outcome": "referred", "hearsay.reason": "full"})},
		},
		"heal tells of the losses in its time": {
			overlay: []overlay.Event{
				{Kind: overlay.Lost, Start: at(5), End: at(5), Peer: "too early"},
				{Kind: overlay.Lost, Start: at(10), End: at(10), Peer: theirID, Name: "peer-2", Reason: wire.ReasonReset},
				{Kind: overlay.Rooted, Start: at(15), End: at(15), Peer: "root"},
				{Kind: overlay.Healed, Start: at(10), End: at(40), Context: ids(2, 1), Link: ids(1, 2), Outcome: "linked", Peer: theirID},
			},
			want: want{name: "heal", kind: tracepb.Span_SPAN_KIND_INTERNAL, ids: ids(2, 1), link: ids(1, 2), start: at(10), end: at(40),
				attrs:  attrs{"hearsay.outcome": "linked", "hearsay.peer.id": string(theirID)},
				events: []string{"lost", "rooted"},
				eventDetails: []attrs{
					{"hearsay.peer.id": string(theirID), "hearsay.peer.name": "peer-2", "hearsay.reason": "reset"},
					{"hearsay.root": "root"},
				}},
		},
		"publish": {
			broadcast: []plumtree.Event{{Kind: plumtree.Published, Start: at(20), End: at(21), Context: ids(4, 3), Parent: ids(4, 1),
				Origin: origin, Seq: 5, Size: 100, Links: 2}},
			want: want{name: "publish mesh", kind: tracepb.Span_SPAN_KIND_PRODUCER, ids: ids(4, 3), parent: ids(4, 1), start: at(20), end: at(21),
				attrs: attrs{"messaging.system": "hearsay", "messaging.destination.name": "mesh", "messaging.operation.name": "publish",
					"messaging.operation.type": "send", "messaging.message.id": string(origin) + ".5", "messaging.message.body.size": 100, "hearsay.links": 2}},
		},
		"process": {
			overlay:   []overlay.Event{linked},
			broadcast: []plumtree.Event{hop},
			want: want{name: "process mesh", kind: tracepb.Span_SPAN_KIND_CONSUMER, ids: ids(4, 5), parent: ids(4, 4), link: ids(4, 3), start: at(20), end: at(23),
				attrs: with(message, attrs{"hearsay.hop": 2, "hearsay.outcome": "delivered", "hearsay.reason": "eager", "hearsay.links": 3})},
		},
		"a graft says how long it took, and a held message how long it waited": {
			overlay: []overlay.Event{linked},
			broadcast: []plumtree.Event{
				{Kind: plumtree.Grafted, Start: at(18), End: at(18), Conn: 7, Origin: origin, From: 1, Seq: 9},
				func() plumtree.Event {
					e := hop
					e.Reason, e.Held = "graft", 1500*time.Microsecond
					return e
				}(),
			},
			want: want{name: "process mesh", kind: tracepb.Span_SPAN_KIND_CONSUMER, ids: ids(4, 5), parent: ids(4, 4), link: ids(4, 3), start: at(20), end: at(23),
				attrs: with(message, attrs{"hearsay.hop": 2, "hearsay.outcome": "delivered", "hearsay.reason": "graft", "hearsay.links": 3, "hearsay.graft_ms": 2.0, "hearsay.held_ms": 1.5})},
		},
		"the first hop's parent is the publication": {
			overlay: []overlay.Event{linked},
			broadcast: []plumtree.Event{func() plumtree.Event {
				e := hop
				e.Hops, e.Parent = 1, e.Link
				return e
			}()},
			want: want{name: "process mesh", kind: tracepb.Span_SPAN_KIND_CONSUMER, ids: ids(4, 5), parent: ids(4, 3), link: ids(4, 3), start: at(20), end: at(23),
				attrs: with(message, attrs{"hearsay.hop": 1, "hearsay.outcome": "delivered", "hearsay.reason": "eager", "hearsay.links": 3})},
		},
		"a duplicate is no error, and may prune": {
			overlay: []overlay.Event{linked},
			broadcast: []plumtree.Event{
				func() plumtree.Event {
					e := hop
					e.Outcome, e.Reason, e.Links = plumtree.Duplicate, "", 0
					return e
				}(),
				{Kind: plumtree.Pruned, Start: at(23), End: at(23), Conn: 7, Origin: origin, From: 5, Seq: 5},
			},
			want: want{name: "process mesh", kind: tracepb.Span_SPAN_KIND_CONSUMER, ids: ids(4, 5), parent: ids(4, 4), link: ids(4, 3), start: at(20), end: at(23),
				attrs:  with(message, attrs{"hearsay.hop": 2, "hearsay.outcome": "duplicate", "hearsay.links": 0}),
				events: []string{"duplicate", "pruned"}},
		},
		"a drop is an error": {
			overlay: []overlay.Event{linked},
			broadcast: []plumtree.Event{func() plumtree.Event {
				e := hop
				e.Outcome, e.Reason, e.Links = plumtree.Dropped, "hold-full", 0
				return e
			}()},
			want: want{name: "process mesh", kind: tracepb.Span_SPAN_KIND_CONSUMER, ids: ids(4, 5), parent: ids(4, 4), link: ids(4, 3), start: at(20), end: at(23), status: tracepb.Status_STATUS_CODE_ERROR,
				attrs: with(message, attrs{"hearsay.hop": 2, "hearsay.outcome": "dropped", "hearsay.reason": "hold-full", "error.type": "hold-full", "hearsay.links": 0})},
		},
		"unless it was not owed": {
			overlay: []overlay.Event{linked},
			broadcast: []plumtree.Event{func() plumtree.Event {
				e := hop
				e.Outcome, e.Reason, e.Links = plumtree.Dropped, "old", 0
				return e
			}()},
			want: want{name: "process mesh", kind: tracepb.Span_SPAN_KIND_CONSUMER, ids: ids(4, 5), parent: ids(4, 4), link: ids(4, 3), start: at(20), end: at(23),
				attrs: with(message, attrs{"hearsay.hop": 2, "hearsay.outcome": "dropped", "hearsay.reason": "old", "hearsay.links": 0})},
		},
		"catch-up tells of what is gone": {
			overlay: []overlay.Event{linked},
			broadcast: []plumtree.Event{
				{Kind: plumtree.Lost, Start: at(25), End: at(25), Origin: origin, From: 6, Seq: 8, Reason: "expired"},
				{Kind: plumtree.CaughtUp, Start: at(20), End: at(30), Context: ids(1, 9), Parent: ids(1, 2), Conn: 7, Asked: 5, Got: 2},
			},
			want: want{name: "catch-up", kind: tracepb.Span_SPAN_KIND_INTERNAL, ids: ids(1, 9), parent: ids(1, 2), start: at(20), end: at(30),
				attrs: attrs{"hearsay.asked": 5, "hearsay.got": 2, "hearsay.from": "peer-2-7777", "hearsay.peer.id": string(theirID),
					"network.peer.address": "172.18.0.3", "network.peer.port": 49153},
				events: []string{"lost"},
				eventDetails: []attrs{
					{"hearsay.origin": string(origin), "hearsay.first": 6, "hearsay.last": 8, "hearsay.reason": "expired"},
				}},
		},
		"a catch-up goes beneath the link's dial": {
			overlay:   []overlay.Event{linked},
			broadcast: []plumtree.Event{{Kind: plumtree.CaughtUp, Start: at(20), End: at(30), Context: ids(8, 9), Conn: 7, Asked: 5, Got: 5}},
			want: want{name: "catch-up", kind: tracepb.Span_SPAN_KIND_INTERNAL, ids: ids(1, 9), parent: ids(1, 2), start: at(20), end: at(30),
				attrs: attrs{"hearsay.asked": 5, "hearsay.got": 5, "hearsay.from": "peer-2-7777", "hearsay.peer.id": string(theirID),
					"network.peer.address": "172.18.0.3", "network.peer.port": 49153}},
		},
		"a name that is no text costs only itself": {
			overlay: []overlay.Event{{Kind: overlay.Discovered, Start: at(1), End: at(1), Context: ids(1, 2), Name: "pe\xffer"}},
			want: want{name: "discover", kind: tracepb.Span_SPAN_KIND_CONSUMER, ids: ids(1, 2), start: at(1), end: at(1),
				attrs: attrs{"network.transport": "udp", "hearsay.peer.name": "pe\uFFFDer"}},
		},
		"a parent in another trace is none": {
			overlay: []overlay.Event{{Kind: overlay.Discovered, Start: at(1), End: at(1), Context: ids(1, 2), Parent: ids(9, 1)}},
			want: want{name: "discover", kind: tracepb.Span_SPAN_KIND_CONSUMER, ids: ids(1, 2), start: at(1), end: at(1),
				attrs: attrs{"network.transport": "udp"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := collect(t, "127.0.0.1:0")
			tel, _ := begin(t, "http://"+c.addr)
			tel.Overlay(test.overlay...)
			tel.Announced(test.announced...)
			tel.Broadcast(test.broadcast...)
			test.want.check(t, c.span(t, test.want.name))
		})
	}
}

func TestUnsampledMakesNoSpan(t *testing.T) {
	c := collect(t, "127.0.0.1:0")
	tel, _ := begin(t, "http://"+c.addr)
	unsampled := ids(1, 1)
	unsampled.Sampled = false
	tel.Overlay(overlay.Event{Kind: overlay.Dialled, Start: at(1), End: at(2)}, overlay.Event{Kind: overlay.Healed, Start: at(1), End: at(2), Context: unsampled})
	tel.Announced(AnnounceEvent{At: at(0)})
	tel.Broadcast(plumtree.Event{Kind: plumtree.Published, Start: at(1), End: at(2), Context: unsampled})
	// What comes after it has come, so that it would have too.
	tel.Overlay(overlay.Event{Kind: overlay.Accepted, Start: at(1), End: at(2), Context: ids(1, 1)})
	c.span(t, "accept")
	if n := c.count(); n != 1 {
		t.Errorf("%d spans came, want only the sampled one", n)
	}
}

func TestResource(t *testing.T) {
	for name, test := range map[string]struct {
		env  map[string]string
		want attrs
	}{
		"by itself": {nil, attrs{"service.name": "peer", "service.instance.id": "peer-3-9f2c", "service.version": "v0", "hearsay.id": string(me.ID)}},
		"the environment wins": {
			map[string]string{"OTEL_SERVICE_NAME": "billing", "OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=b1,team=x"},
			attrs{"service.name": "billing", "service.instance.id": "b1", "team": "x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range test.env {
				t.Setenv(k, v)
			}
			c := collect(t, "127.0.0.1:0")
			tel, _ := begin(t, "http://"+c.addr)
			tel.Announced(AnnounceEvent{At: at(0), Context: ids(1, 1)})
			c.span(t, "announce")
			c.mu.Lock()
			defer c.mu.Unlock()
			got := values(c.resource.Attributes)
			for k, v := range test.want {
				if got[k] != v {
					t.Errorf("%s is %v, want %v", k, got[k], v)
				}
			}
			if c.scope.Name != scope || c.scope.Version != "v0" {
				t.Errorf("scope is %v", c.scope)
			}
		})
	}
}
