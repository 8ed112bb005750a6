package simfleet

import (
	"encoding/hex"
	"fmt"

	"hearsay/lab/fleet"
	"hearsay/lab/sim"
	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// watcher is the fleet as the simulator sees it.
type watcher Fleet

// Observe turns what a peer's core said into events of the fleet, and into spans.
func (x *watcher) Observe(_ *sim.World, h *sim.Host, o *sim.Observation) {
	if h == nil || h.Number > len(x.places) {
		return
	}
	f := (*Fleet)(x)
	p := f.places[h.Number-1]
	f.spans.observe(p, o)
	switch {
	case o.Delivery != nil:
		d := o.Delivery
		m := message(d.Origin, d.Name, d.Seq, d.Hops, d.Publisher, d.Body)
		f.Emit(fleet.Event{At: f.Now(), Kind: fleet.Delivered, Peer: p.number, Run: p.run, Message: m})
	case o.Link != nil:
		f.link(p, o.Link)
	case o.Overlay != nil:
		f.overlay(p, o.Overlay)
	case o.Broadcast != nil:
		f.broadcast(p, o.Broadcast)
	case o.Announced != nil:
		p.sent++
	}
}

func (f *Fleet) link(p *place, e *overlay.Effect) {
	kind, reason := fleet.LinkDown, string(e.Reason)
	if e.Action == overlay.Up {
		kind, reason = fleet.LinkUp, "in"
		if e.Link.Out {
			reason = "out"
		}
	}
	f.Emit(fleet.Event{At: f.Now(), Kind: kind, Peer: p.number, Run: p.run, Far: string(e.Link.ID), Reason: reason})
}

func (f *Fleet) overlay(p *place, e *overlay.Event) {
	event := fleet.Event{At: f.Now(), Peer: p.number, Run: p.run}
	switch e.Kind {
	case overlay.Rooted:
		event.Kind, event.Far = fleet.Rooted, string(e.Peer)
	case overlay.Healed:
		event.Kind, event.Took, event.Reason = fleet.Healed, e.End.Sub(e.Start), e.Outcome
	case overlay.Dialled:
		event.Kind, event.Reason = fleet.Log, fmt.Sprintf("dialled %s for a %v by %s: %s %s", e.Addr, e.Purpose, e.By, e.Outcome, e.Reason)
	case overlay.Accepted:
		event.Kind, event.Reason = fleet.Log, fmt.Sprintf("was dialled by %s for a %v: %s %s", named(e.Name, e.Peer), e.Purpose, e.Outcome, e.Reason)
	default:
		return
	}
	f.Emit(event)
}

func (f *Fleet) broadcast(p *place, e *plumtree.Event) {
	switch e.Kind {
	case plumtree.Published:
		f.traced = e.Context
	case plumtree.Lost:
		f.Emit(fleet.Event{At: f.Now(), Kind: fleet.Log, Peer: p.number, Run: p.run,
			Reason: fmt.Sprintf("messages %d to %d of %s can no longer be had: %s", e.From, e.Seq, e.Origin, e.Reason)})
	}
}

func named(name string, id wire.ID) string {
	if name == "" {
		return id.Short()
	}
	return name
}

// tell tells of a peer's process.
func (f *Fleet) tell(p *place, k fleet.Kind, reason string) {
	f.Emit(fleet.Event{At: f.Now(), Kind: k, Peer: p.number, Run: p.run, Reason: reason})
}

// fault tells what the fleet does.
func (f *Fleet) fault(what string, peers []int) {
	f.Emit(fleet.Event{At: f.Now(), Kind: fleet.Faulted, Reason: what, Peers: peers})
}

// lookAtLinks tells which links have become eager or lazy.
func (f *Fleet) lookAtLinks() {
	for _, p := range f.places {
		if !p.host.Alive() || p.host.Paused() {
			continue
		}
		s := p.host.Status()
		now := make(map[string]bool, len(s.Links))
		for _, l := range s.Links {
			id := string(l.ID)
			now[id] = l.Eager
			if was, known := p.eager[id]; known && was == l.Eager {
				continue
			}
			kind := fleet.LinkLazy
			if l.Eager {
				kind = fleet.LinkEager
			}
			f.Emit(fleet.Event{At: f.Now(), Kind: kind, Peer: p.number, Run: p.run, Far: id})
		}
		p.eager = now
	}
}

func message(o wire.Origin, name string, seq uint64, hops int, ctx wire.Context, text []byte) *fleet.Message {
	m := &fleet.Message{ID: wire.MessageID(o, seq), Origin: string(o.ID()), Name: name, Seq: seq, Hops: hops, Text: string(text)}
	if ctx.Valid() {
		m.TraceID = hex.EncodeToString(ctx.Trace[:])
	}
	return m
}
