package scenario

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// spansFor is how long the last spans may take to come: a peer sends them every five seconds.
const spansFor = 8 * time.Second

// traced counts messages whose trace is one tree over all who have it.
type traced struct {
	whole, of int
	first     string // what is wrong with the first that is not
	dropped   int    // spans that there was no room for
}

// step is a span of a message, as far as it matters here.
type step struct {
	parent    string
	peer      string // the peer's ID
	published bool
	delivered bool
}

// traced looks at the spans that were collected.
func (r *run) traced() traced {
	r.mu.Lock()
	defer r.mu.Unlock()
	index, dropped := r.indexSpans()
	t := traced{dropped: dropped}
	for i, s := range r.ledger.said {
		f := &r.judged.fates[i]
		if !s.accepted || f.owed == 0 {
			continue
		}
		t.of++
		if why := r.whole(index[s.trace], s); why == "" {
			t.whole++
		} else if t.first == "" {
			t.first = fmt.Sprintf("message %d: %s", s.n, why)
		}
	}
	return t
}

// indexSpans finds the spans of the messages, by trace and span.
func (r *run) indexSpans() (index map[string]map[string]step, dropped int) {
	index = map[string]map[string]step{}
	for _, s := range r.ledger.said {
		if s.trace != "" {
			index[s.trace] = map[string]step{}
		}
	}
	if r.cfg.Spans == nil {
		return index, 0
	}
	all, dropped := r.cfg.Spans()
	for _, rs := range all {
		peer := ""
		for _, kv := range rs.Resource.GetAttributes() {
			if kv.Key == "hearsay.id" {
				peer = kv.Value.GetStringValue()
			}
		}
		for _, ss := range rs.ScopeSpans {
			for _, sp := range ss.Spans {
				if of := index[hex.EncodeToString(sp.TraceId)]; of != nil {
					of[string(sp.SpanId)] = step{
						parent: string(sp.ParentSpanId), peer: peer, published: sp.Name == "publish mesh",
						delivered: sp.Name == "process mesh" && outcome(sp) == "delivered",
					}
				}
			}
		}
	}
	return index, dropped
}

func outcome(s *tracepb.Span) string {
	for _, kv := range s.Attributes {
		if kv.Key == "hearsay.outcome" {
			return kv.Value.GetStringValue()
		}
	}
	return ""
}

// whole says why the spans of a message are not one tree over all who live and have it, or nothing.
func (r *run) whole(spans map[string]step, s *said) string {
	if s.trace == "" {
		return "it has no trace"
	}
	of := map[string]string{} // the span in which a peer delivered it
	for id, sp := range spans {
		if sp.delivered {
			of[sp.peer] = id
		}
	}
	for _, h := range s.heard {
		if !h.life.lives() || h.life.siphoner {
			continue
		}
		id, known := of[h.life.id]
		if !known {
			return fmt.Sprintf("the trace lacks the delivery at %s", h.life)
		}
		// No trace is deeper than it has spans.
		for range spans {
			if spans[id].published {
				break
			}
			id = spans[id].parent
		}
		if !spans[id].published {
			return fmt.Sprintf("the way back from %s does not lead to its publication", h.life)
		}
	}
	return ""
}

// awaitSpans waits until the spans are there that an expectation is about, or will not come any more.
func (r *run) awaitSpans(ctx context.Context) {
	if !r.sc.Traced() || r.virtual || len(r.fails) > 0 {
		return
	}
	r.say("waiting for the last spans")
	r.until(ctx, spansFor, func() bool { t := r.traced(); return t.whole == t.of || t.dropped > 0 })
}
