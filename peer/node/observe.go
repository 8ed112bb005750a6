package node

import (
	"context"
	"time"

	"hearsay/peer/mesh"
	"hearsay/peer/telemetry"
)

// observe hands what happened to telemetry, which never blocks.
func (n *Node) observe(e *mesh.Effects) {
	if !n.tel.Enabled() {
		return
	}
	for i := range e.Announced {
		n.tel.Announced(telemetry.AnnounceEvent(e.Announced[i]))
	}
	n.tel.Overlay(e.Events...)
	n.tel.Broadcast(e.Broadcast.Events...)
}

// metrics are the node's counters for telemetry, which asks for them now and then.
func (n *Node) metrics(ctx context.Context) (s telemetry.Snapshot, err error) {
	err = n.call(ctx, func(now time.Time) {
		m := n.mesh.Status(now)
		t := &m.Tree
		f := faultStatus(&m)
		n.addFaults(&f)
		s = telemetry.Snapshot{
			LinksOut: m.Self.Slots.Out, LinksIn: m.Self.Slots.In, Known: len(m.Known),
			Published: t.Published, Delivered: t.Delivered, Duplicates: t.Duplicates, Relayed: t.Relayed, Lost: t.Lost,
			Dropped: t.Dropped, RetainedMessages: int(t.Retained), RetainedBytes: t.RetainedBytes,
			Grafts: t.Grafts, Prunes: t.Prunes, Announced: n.selfTest.sent, Heard: n.selfTest.heard,
			Refused: m.Overlay.Refused, Turned: m.Overlay.Turned,
			ClosedOurs: m.Overlay.ClosedOurs, ClosedTheirs: m.Overlay.ClosedTheirs,
			Limits: f.Limits,
		}
	})
	return s, err
}
