// Package trickle paces what peers say to all others: the Trickle algorithm, RFC 6206.
//
// A peer that has something new to say says it soon, then at intervals that double; and it keeps
// silent in an interval in which enough others have said the same. So news spreads at once, and a
// network that is at rest is nearly quiet, however many peers it has.
//
// It is pure: it is handed the time and the source of randomness, and says when it wants to be called.
// The names in quotation marks are the RFC's.
package trickle

import (
	"math/rand/v2"
	"time"
)

// Config is the RFC's three parameters (section 4.1).
type Config struct {
	// Imin is "the minimum interval size". It must be above zero.
	Imin time.Duration
	// Imax is the maximum interval size itself. The RFC writes it "as a number of doublings of the
	// minimum interval size", of which it "specifies" this time; here it need not be a power of two
	// times Imin, as the last doubling is cut short (rule 5). It must not be below Imin.
	Imax time.Duration
	// K is "the redundancy constant": with K consistent transmissions heard in an interval, ours is
	// suppressed. Zero stands for infinity, nothing is ever suppressed, as RPL has it (RFC 6550 section
	// 8.3.1).
	K int
}

// Timer is one run of the algorithm. New makes it.
type Timer struct {
	cfg   Config
	rng   *rand.Rand
	i     time.Duration // "I, the current interval size"
	t     time.Time     // "t, a time within the current interval"
	end   time.Time     // of the current interval
	c     int           // "c, a counter"
	after bool          // t is over in this interval
}

// New starts the algorithm with an interval of Imin, since a peer that has just started is news. It
// panics if cfg breaks its own rules.
func New(cfg Config, now time.Time, rng *rand.Rand) *Timer {
	if cfg.Imin <= 0 || cfg.Imax < cfg.Imin || cfg.K < 0 {
		panic("trickle: Imin is above zero, Imax at least Imin, K not negative")
	}
	tr := &Timer{cfg: cfg, rng: rng}
	// Rule 1: "When the algorithm starts execution, it sets I to a value in the range of [Imin, Imax].
	// The algorithm then begins the first interval."
	tr.begin(now, cfg.Imin)
	return tr
}

// begin begins an interval.
func (tr *Timer) begin(now time.Time, i time.Duration) {
	// Rule 2: "When an interval begins, Trickle resets c to 0 and sets t to a random point in the
	// interval, taken from the range [I/2, I). The interval ends at I."
	half := i / 2
	tr.i, tr.c, tr.after = i, 0, false
	tr.t = now.Add(half + time.Duration(tr.rng.Int64N(int64(i-half))))
	tr.end = now.Add(i)
}

// Consistent says that a transmission was heard that says what ours would.
func (tr *Timer) Consistent() {
	// Rule 3: "Whenever Trickle hears a transmission that is "consistent", it increments the counter c."
	tr.c++
}

// Reset says that something was heard that is inconsistent, or that there is news of our own.
func (tr *Timer) Reset(now time.Time) {
	// Rule 6: "If Trickle hears a transmission that is "inconsistent" and I is greater than Imin, it
	// resets the Trickle timer. To reset the timer, Trickle sets I to Imin and starts a new interval as
	// in step 2. If I is equal to Imin when Trickle hears an "inconsistent" transmission, Trickle does
	// nothing. Trickle can also reset its timer in response to external "events"."
	if tr.i > tr.cfg.Imin {
		tr.begin(now, tr.cfg.Imin)
	}
}

// Deadline is when Advance wants to be called next. It is never the zero time.
func (tr *Timer) Deadline() time.Time {
	if tr.after {
		return tr.end
	}
	return tr.t
}

// Interval is the current interval's length, I.
func (tr *Timer) Interval() time.Duration { return tr.i }

// Advance says that it is now, and reports whether to transmit. Before Deadline it does nothing.
func (tr *Timer) Advance(now time.Time) (transmit bool) {
	if !tr.after && !now.Before(tr.t) {
		// Rule 4: "At time t, Trickle transmits if and only if the counter c is less than the redundancy
		// constant k."
		transmit = tr.cfg.K == 0 || tr.c < tr.cfg.K
		tr.after = true
	}
	if !now.Before(tr.end) {
		// Rule 5: "When the interval I expires, Trickle doubles the interval length. If this new interval
		// length would be longer than the time specified by Imax, Trickle sets the interval length I to be
		// the time specified by Imax."
		//
		// The next interval begins now and not when this one ended: a process that was suspended for an
		// hour owes nobody the transmissions of that hour.
		i := tr.cfg.Imax
		if tr.i <= tr.cfg.Imax/2 {
			i = 2 * tr.i
		}
		tr.begin(now, i)
	}
	return transmit
}
