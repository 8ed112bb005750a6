package telemetry

import (
	"log/slog"
	"sync"
	"time"
)

// sayEvery is how often one trouble is logged while it lasts.
const sayEvery = time.Minute

// reporter counts what was lost on the way, by signal, and logs it now and then.
type reporter struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	signals map[string]*trouble // four at most: events, traces, metrics, logs
}

// trouble is what one signal has lost.
type trouble struct {
	lost   uint64    // in all
	before uint64    // when all was last well
	said   time.Time // when it was last logged; zero while all is well
}

func newReporter(log *slog.Logger, now func() time.Time) *reporter {
	return &reporter{log: log, now: now, signals: map[string]*trouble{}}
}

// failed counts n things as lost.
func (r *reporter) failed(signal string, n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.signals[signal]
	if t == nil {
		t = &trouble{}
		r.signals[signal] = t
	}
	t.lost += uint64(n)
	if now := r.now(); t.said.IsZero() || now.Sub(t.said) >= sayEvery {
		t.said = now
		r.log.Warn("telemetry: "+signal+" are being lost; the peer goes on without", "lost", t.lost-t.before, "err", err)
	}
}

// worked ends the trouble with signal, if there was any.
func (r *reporter) worked(signal string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.signals[signal]; t != nil && !t.said.IsZero() {
		r.log.Info("telemetry: "+signal+" reach the collector again", "lost", t.lost-t.before)
		t.said, t.before = time.Time{}, t.lost
	}
}

// lost is how much was lost, by signal.
func (r *reporter) lost() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	lost := map[string]uint64{}
	for signal, t := range r.signals {
		lost[signal] = t.lost
	}
	return lost
}
