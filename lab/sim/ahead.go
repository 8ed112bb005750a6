package sim

// Of a mesh of thousands hardly anything is in the processor's caches when an event comes to it, and an event looks
// at dozens of places. Waiting for each in turn is most of what a large run costs. So the memory of the next few
// events is called for at a time: all those waits are then one.

const (
	// ahead is how many events are looked ahead: about as many as a processor waits for at a time.
	ahead = 16
	// LargeFrom is from how many peers on it is worth it: those of a smaller mesh are in the caches anyway.
	LargeFrom = 1000
)

func (w *World) large() bool { return len(w.hosts) >= w.largeFrom }

// lookAhead has the processor fetch what the next events will look at.
func (w *World) lookAhead() {
	var hosts [ahead]*Host
	n := 0
	for _, s := range w.queue.draw(ahead) {
		switch e := s.ev; e.kind {
		case evWake:
			hosts[n] = e.host
			n++
		case evArrive:
			hosts[n] = e.pipe.to
			n++
			for _, s := range e.pipe.segments[e.pipe.head:min(e.pipe.head+1, len(e.pipe.segments))] {
				w.warmth += uint64(len(s.frame))
			}
		}
	}
	w.warm(hosts[:n])
}

// warm has the processor fetch what some hosts' peers will look at.
func (w *World) warm(hosts []*Host) {
	sum := uint64(0)
	for _, h := range hosts {
		sum += uint64(h.run) + uint64(h.wakeAt) + uint64(h.turns)
	}
	for _, h := range hosts {
		sum += uint64(len(h.links))
		for i := range h.ends {
			sum += uint64(h.ends[i].out.last)
		}
	}
	for depth := range 4 {
		for _, h := range hosts {
			if h.alive {
				sum += h.mesh.Warm(depth)
			}
		}
	}
	w.warmth += sum
}
