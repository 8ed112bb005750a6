package node

import (
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
	for i := range e.Events {
		n.tel.Overlay(e.Events[i])
	}
	for i := range e.Broadcast.Events {
		n.tel.Broadcast(e.Broadcast.Events[i])
	}
}
