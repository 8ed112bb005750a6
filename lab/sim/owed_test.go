package sim

import (
	"testing"
	"time"
)

// peers starts some on a LAN and lets them mesh.
func peers(t *testing.T, cfg Config, n int) *World {
	t.Helper()
	w := New(cfg)
	for range n {
		w.Add(Options{}).Start()
	}
	if !w.Run(10*time.Second) || w.Meshed() != "" {
		t.Fatalf("%d peers: %v, %s", n, w.Failed(), w.Meshed())
	}
	return w
}

// pretend has a message published in the ledger alone: its publisher's peer knows nothing of it, so it reaches
// nobody.
func (h *Host) pretend() {
	l := &h.w.Ledger
	seq := uint64(1)
	if k := l.runs[h.origin].speaker; k >= 0 {
		seq += uint64(len(l.Speakers[k].Messages))
	}
	l.publish(h.w, h, seq, []byte("lost"))
}

// What reaches nobody is owed to whom the promises say, and to nobody else.
func TestOwed(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  Config
		do   func(w *World)
		want int
	}{
		{"a publisher that lives owes it to all others", Config{}, func(w *World) {
			w.hosts[0].pretend()
			w.Run(time.Second)
		}, 3},
		{"but not to who starts later", Config{}, func(w *World) {
			w.hosts[0].pretend()
			w.Run(time.Millisecond)
			w.Add(Options{}).Start()
			w.hosts[3].Kill()
			w.hosts[3].Start()
			w.Run(time.Second)
		}, 2},
		{"nor to siphoners", Config{}, func(w *World) {
			w.hosts[2].Firewall(true)
			w.hosts[0].pretend()
		}, 2},
		{"it dies with a publisher that had no time", Config{}, func(w *World) {
			w.hosts[0].pretend()
			w.Run(settled / 2)
			w.hosts[0].Kill()
		}, 0},
		{"a second in peace is time", Config{}, func(w *World) {
			w.hosts[0].pretend()
			w.Run(settled + time.Millisecond)
			w.hosts[0].Kill()
		}, 3},
		{"a second just after a fault is not", Config{}, func(w *World) {
			w.hosts[3].Kill()
			w.Run(3 * time.Second)
			w.hosts[0].pretend()
			w.Run(settled + time.Millisecond)
			w.hosts[0].Kill()
		}, 0},
		{"nor while one goes on", Config{}, func(w *World) {
			w.hosts[3].Pause()
			w.Run(20 * time.Second)
			w.hosts[0].pretend()
			w.Run(5 * time.Second)
			w.hosts[0].Kill()
		}, 0},
		{"nor where packets are lost", Config{Loss: 0.001}, func(w *World) {
			w.hosts[0].pretend()
			w.Run(5 * time.Second)
			w.hosts[0].Kill()
		}, 0},
		{"after the window nothing is owed", Config{Retain: 10 * time.Second}, func(w *World) {
			w.hosts[0].pretend()
			w.Run(9500 * time.Millisecond)
		}, 0},
		{"and before it is", Config{Retain: 10 * time.Second}, func(w *World) {
			w.hosts[0].pretend()
			w.Run(8500 * time.Millisecond)
		}, 3},
		{"what more was said than is kept is not", Config{RetainBytes: 64 << 10}, func(w *World) {
			w.hosts[0].pretend()
			for range 200 {
				w.hosts[1].pretend()
			}
		}, 0},
		{"but what is said then is", Config{RetainBytes: 64 << 10}, func(w *World) {
			for range 200 {
				w.hosts[1].pretend()
			}
			w.Ledger.Through()
			w.hosts[0].pretend()
		}, 3},
		{"clocks that differ make it doubtful who is older", Config{}, func(w *World) {
			w.hosts[1].Skew(1.1)
			w.Run(100 * time.Second)
			w.Add(Options{}).Start()
			w.Run(time.Second)
			w.hosts[0].pretend() // the newcomer is as old as a clock that is a tenth too fast may make this
			w.Run(10 * time.Second)
		}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := peers(t, test.cfg, 4)
			test.do(w)
			if n, list := w.Missing(1); n != test.want || n > 0 && len(list) != 1 {
				t.Errorf("%d deliveries are missing: %v; want %d", n, list, test.want)
			}
		})
	}
}

// A peer that wants to be woken at once, again and again, does not stop the clock for ever.
func TestHang(t *testing.T) {
	w := peers(t, Config{}, 2)
	var again func()
	again = func() { w.After(0, again) }
	again()
	if w.Run(time.Second) || w.Failed() == nil || w.Failed().Rule != "hang" {
		t.Errorf("it goes on: %v", w.Failed())
	}
}

// Whom nobody can find has nobody to tell, however long it lives.
func TestOwedByWhoIsAlone(t *testing.T) {
	w := New(Config{NoMulticast: true})
	for range 2 {
		w.Add(Options{}).Start()
	}
	w.Run(time.Second)
	w.hosts[0].pretend()
	w.Run(10 * settled)
	w.hosts[0].Kill()
	if n, list := w.Missing(1); n != 0 {
		t.Errorf("%d are missing: %v", n, list)
	}
}
