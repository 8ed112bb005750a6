package sim

import (
	"hearsay/peer/mesh"
	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
)

// Observation is something that a peer's core said: one of its fields is set. It is good until the watcher
// returns.
type Observation struct {
	Overlay   *overlay.Event
	Broadcast *plumtree.Event
	Announced *mesh.Announced
	Link      *overlay.Effect // Up or Down
	Delivery  *plumtree.Delivery
	Published uint64 // the number of a message that the peer has just published
	Fault     string // not a peer's word: what was done to it, or to the network if there is no host
}

func (w *World) observe(h *Host, o *Observation) {
	for _, x := range w.watch {
		x.Observe(w, h, o)
	}
}

// note tells watchers of a fault.
func (w *World) note(h *Host, fault string) {
	w.disturb()
	if len(w.watch) > 0 {
		w.observe(h, &Observation{Fault: fault})
	}
}

// digestFrame adds what is sent to the digest of the run.
func (w *World) digestFrame(h *Host, b []byte) {
	// FNV-1a over words: a hash of every byte would cost more than the peers do.
	const prime = 1099511628211
	d := w.digest
	d = (d ^ uint64(w.now)) * prime
	d = (d ^ uint64(h.Number)<<32 ^ uint64(len(b))) * prime
	for len(b) >= 8 {
		x := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		d = (d ^ x) * prime
		b = b[8:]
	}
	for _, c := range b {
		d = (d ^ uint64(c)) * prime
	}
	w.digest = d
}
