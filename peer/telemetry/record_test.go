package telemetry

import (
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// TestRecorder wants the spans of a peer without an event loop to be those that it would have sent.
func TestRecorder(t *testing.T) {
	r := NewRecorder(Resource{ID: theirID, Name: "peer-2", Version: "test"})
	msg, first, second := someContext(1), someContext(1), someContext(1)
	first.Span[0], second.Span[0] = 2, 3
	r.Announced(&AnnounceEvent{At: at(0), Why: "start", Context: someContext(9)})
	r.Overlay(&overlay.Event{Kind: overlay.Accepted, Start: at(1), End: at(2), Context: someContext(8), Conn: 4, Peer: theirID, Name: "peer-1", Outcome: "linked"})
	r.Broadcast(&plumtree.Event{Kind: plumtree.Processed, Start: at(3), End: at(4), Context: first, Parent: msg, Conn: 4, Origin: origin, Seq: 1, Outcome: plumtree.Delivered})
	r.Broadcast(&plumtree.Event{Kind: plumtree.Processed, Start: at(5), End: at(5), Context: second, Parent: msg, Conn: 4, Origin: origin, Seq: 1, Outcome: plumtree.Duplicate})
	if r.Len() != 3 {
		t.Errorf("%d spans are made before the duplicate's neighbor is known, want 3", r.Len()) // announce, accept, process
	}
	r.Broadcast(&plumtree.Event{Kind: plumtree.Pruned, Start: at(5), End: at(5), Conn: 4, Origin: origin, Seq: 1})
	for range 2 { // the second look must not find the last one twice
		got := r.Spans()
		spans := got.ScopeSpans[0].Spans
		var names []string
		for _, s := range spans {
			names = append(names, s.Name)
		}
		if want := []string{"announce", "accept", "process mesh", "process mesh"}; len(spans) != 4 || names[0] != want[0] || names[1] != want[1] || names[3] != want[3] {
			t.Fatalf("the spans are %q, want %q", names, want)
		}
		if e := spans[3].Events; len(e) != 2 || e[1].Name != "pruned" {
			t.Errorf("the duplicate has the events %v, want duplicate and pruned", e)
		}
		if from := textOf(spans[2], "hearsay.from"); from != Instance("peer-1", theirID) {
			t.Errorf("the first copy came from %q, want peer-1's instance", from)
		}
		if got.ScopeSpans[0].Scope.GetName() != scope || len(got.Resource.Attributes) != 4 {
			t.Errorf("scope %v, resource %v", got.ScopeSpans[0].Scope, got.Resource)
		}
	}
}

func TestRecorderForgets(t *testing.T) {
	r := NewRecorder(Resource{ID: theirID, Name: "peer-2", Version: "test"})
	r.Overlay(&overlay.Event{Kind: overlay.Accepted, Start: at(1), End: at(2), Context: someContext(8), Conn: 4, Peer: theirID, Name: "peer-1", Outcome: "linked"})
	process := &plumtree.Event{Kind: plumtree.Processed, Start: at(3), End: at(4), Context: someContext(1), Conn: 4, Origin: origin, Seq: 1, Outcome: plumtree.Delivered}
	r.Broadcast(process)
	r.Forget()
	if got := r.Spans().ScopeSpans[0].Spans; r.Len() != 0 || len(got) != 0 {
		t.Errorf("%d spans are left: %v", r.Len(), got)
	}
	r.Broadcast(process)
	if got := r.Spans().ScopeSpans[0].Spans; len(got) != 1 || textOf(got[0], "hearsay.from") != Instance("peer-1", theirID) {
		t.Errorf("then there are %v, want one that came from peer-1", got)
	}
}

func someContext(n byte) wire.Context {
	return wire.Context{Trace: wire.TraceID{n}, Span: wire.SpanID{n}, Sampled: true}
}

func textOf(s *tracepb.Span, key string) string {
	for _, kv := range s.Attributes {
		if kv.Key == key {
			return kv.Value.GetStringValue()
		}
	}
	return ""
}
