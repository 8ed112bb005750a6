package integration_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// Six peers report to a collector, and that to Jaeger, as compose.yaml has it.
//
//	peer-1 ─ peer-2 ─ peer-3
//	  │    ╳    │    ╳   │    ─── OTLP ──► otel-collector ───► jaeger
//	peer-4 ─ peer-5 ─ peer-6
//
// One message is one trace, a span for every hop; so is a discovery, and a healing. With the default of three links out, six peers
// are all linked to each other, no message travels far and no lost link can be replaced: so they have two here.
func TestTrace(t *testing.T) {
	m := newMesh(t, Traced, Env("PEER_LINKS", "2"), Env("PEER_SERVE", "4"))
	m.grow(6)
	m.awaitMeshed(10 * time.Second)
	j := m.tracing.query()
	services := m.services(j)

	t.Run("message", func(t *testing.T) {
		for _, p := range m.peers {
			s, err := p.say("who told you?")
			must(t, "publish", err)
			m.awaitMessageTree(t, j, s, services, "")
		}
	})
	t.Run("message with a caller", func(t *testing.T) {
		// Somebody's own program is in the middle of something, and publishes.
		const trace, caller = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
		s, err := m.peers[2].sayIn("as part of something greater", "00-"+trace+"-"+caller+"-01")
		must(t, "publish", err)
		if s.Receipt.TraceID != trace {
			t.Fatalf("published in trace %s, and the receipt says %s", trace, s.Receipt.TraceID)
		}
		m.awaitMessageTree(t, j, s, services, caller)
	})
	t.Run("discovery", func(t *testing.T) {
		eventually(t, 20*time.Second, "a trace of a discovery", func() error {
			return someTrace(j, services, "discover", discovery)
		})
	})
	t.Run("heal", func(t *testing.T) {
		m.kill(m.mostServed())
		m.awaitMeshed(healTime)
		eventually(t, 20*time.Second, "a trace of a healing", func() error {
			return someTrace(j, services, "heal", healing)
		})
	})
}

// mostServed is the peer that serves the most links: as many others lose an outgoing one when it dies.
func (m *Mesh) mostServed() *Peer {
	m.t.Helper()
	all, err := m.statuses()
	must(m.t, "statuses", err)
	most := 0
	for i, s := range all {
		if s.Slots.In > all[most].Slots.In {
			most = i
		}
	}
	return m.up()[most]
}

func (tr *Tracing) query() jaeger { return jaeger{tr.jaeger.url} }

// sayIn publishes as say does, in a caller's trace.
func (p *Peer) sayIn(words, traceparent string) (*Said, error) {
	p.talk.Lock()
	defer p.talk.Unlock()
	s := p.mesh.ledger.begin(p.living(), words)
	receipt, err := p.http().publish(context.Background(), s.Text, traceparent)
	p.mesh.ledger.settle(s, receipt, err)
	return s, err
}

// services waits until Jaeger knows each peer by a service name of its own, and returns them by peer.
func (m *Mesh) services(j jaeger) map[string]string {
	m.t.Helper()
	found := map[string]string{}
	eventually(m.t, 20*time.Second, "Jaeger lists every peer as a service", func() error {
		all, err := j.services()
		if err != nil {
			return err
		}
		for _, p := range m.up() {
			want := p.name + "-" + p.peerID()[:4]
			if !slices.Contains(all, want) {
				return fmt.Errorf("%s is not among %v", want, all)
			}
			found[p.name] = want
		}
		return nil
	})
	return found
}

// awaitMessageTree waits until Jaeger has the whole tree of what was said.
func (m *Mesh) awaitMessageTree(t *testing.T, j jaeger, s *Said, services map[string]string, above string) {
	t.Helper()
	if len(s.Receipt.TraceID) != 32 {
		t.Fatalf("%q has the trace id %q", s.Text, s.Receipt.TraceID)
	}
	var peers []string
	for _, p := range m.up() {
		peers = append(peers, services[p.name])
	}
	var last Trace
	took := eventually(t, 20*time.Second, fmt.Sprintf("trace %s is the tree of %q", s.Receipt.TraceID, s.Text), func() error {
		trace, err := j.trace(s.Receipt.TraceID)
		if err != nil {
			return err
		}
		last = trace
		if err := messageTree(trace, services[s.By.Peer], peers, above); err != nil {
			return fmt.Errorf("%w in %v", err, trace)
		}
		return nil
	})
	for _, span := range last.Spans {
		if span.tag("messaging.message.id") != s.Receipt.ID {
			t.Errorf("%s at %s has the message id %q, and the receipt says %s", span.Name, span.Service, span.tag("messaging.message.id"), s.Receipt.ID)
		}
	}
	m.events.add("trace %s is whole after %v: %d spans", s.Receipt.TraceID, took.Round(time.Millisecond), len(last.Spans))
}

// someTrace looks for a trace that satisfies a check, among those in which a peer has a span of that name.
func someTrace(j jaeger, services map[string]string, operation string, check func(Trace) error) error {
	var errs []error
	for _, service := range services {
		traces, err := j.search(service, operation)
		errs = append(errs, err)
		for _, t := range traces {
			err := check(t)
			if err == nil {
				return nil
			}
			errs = append(errs, fmt.Errorf("%w in %v", err, t))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return fmt.Errorf("no span %q", operation)
}

// discovery wants announce → discover → dial → accept, each the other's parent: the first and last at one peer, those between at another.
func discovery(t Trace) error {
	byID := spansByID(t)
	for _, accept := range t.Spans {
		if accept.Name != "accept" {
			continue
		}
		dial := byID[accept.parent()]
		discover := byID[dial.parent()]
		announce := byID[discover.parent()]
		if dial.Name == "dial" && discover.Name == "discover" && announce.Name == "announce" &&
			announce.parent() == "" && announce.Service == accept.Service && discover.Service == dial.Service && dial.Service != accept.Service {
			return nil
		}
	}
	return errors.New("no accept below a dial below a discover below another peer's announce")
}

// healing wants a heal with the dial that mended it beneath, answered by an accept at another peer, and a link to the loss.
func healing(t Trace) error {
	byID := spansByID(t)
	for _, accept := range t.Spans {
		dial := byID[accept.parent()]
		heal := byID[dial.parent()]
		if accept.Name != "accept" || dial.Name != "dial" || heal.Name != "heal" || heal.Service != dial.Service || dial.Service == accept.Service {
			continue
		}
		if !slices.ContainsFunc(heal.References, func(r Reference) bool { return r.Type == "FOLLOWS_FROM" }) {
			return errors.New("the heal links to no loss")
		}
		return nil
	}
	return errors.New("no accept below a dial below a heal")
}

func spansByID(t Trace) map[string]Span {
	m := map[string]Span{}
	for _, s := range t.Spans {
		m[s.SpanID] = s
	}
	delete(m, "") // no span's parent
	return m
}
