package hook

import (
	"sync"
	"time"
)

// deadline is a point in time that may be moved while somebody waits for it.
type deadline struct {
	mu    sync.Mutex
	moved int // how often it was
	timer *time.Timer
	over  chan struct{} // closed when it has passed
}

func (d *deadline) init() { d.over = make(chan struct{}) }

func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.over
}

// set moves the deadline; the zero time is never. Who waits goes on waiting, for the new one.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if closed(d.over) {
		d.over = make(chan struct{})
	}
	d.moved++
	moved := d.moved
	switch wait := time.Until(t); {
	case t.IsZero():
	case wait <= 0:
		close(d.over)
	default:
		d.timer = time.AfterFunc(wait, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.moved == moved { // not stopped too late
				close(d.over)
			}
		})
	}
}
