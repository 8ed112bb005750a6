package trickle

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Unix(1_000_000, 0)

// talk is a conversation with a Timer whose clock the test moves.
type talk struct {
	*testing.T
	*Timer
	now time.Time
}

func newTalk(t *testing.T, cfg Config, seed uint64) *talk {
	return &talk{t, New(cfg, start, rand.New(rand.NewPCG(seed, seed))), start}
}

// to moves the clock to when the timer wants it, and checks whether it transmits.
func (k *talk) to(why string, transmit bool) {
	k.Helper()
	k.now = k.Timer.Deadline()
	if got := k.Advance(k.now); got != transmit {
		k.Fatalf("%s: transmits is %v after %v", why, got, k.now.Sub(start))
	}
}

// interval checks the interval that has just begun.
func (k *talk) interval(why string, want time.Duration) {
	k.Helper()
	t := k.Timer.Deadline().Sub(k.now)
	if k.Interval() != want || t < want/2 || t >= want {
		k.Fatalf("%s: I is %v, t is at %v; want I %v", why, k.Interval(), t, want)
	}
}

func TestDoublesToImax(t *testing.T) {
	k := newTalk(t, Config{Imin: 100 * time.Millisecond, Imax: time.Second, K: 1}, 1)
	for _, want := range []time.Duration{100, 200, 400, 800, 1000, 1000} {
		k.interval("rule 5 doubles I, and cuts it at Imax", want*time.Millisecond)
		k.to("rule 4: nothing was heard", true)
		k.to("the interval ends", false)
	}
}

func TestSuppression(t *testing.T) {
	k := newTalk(t, Config{Imin: time.Second, Imax: time.Minute, K: 2}, 1)
	k.Consistent()
	k.to("rule 4: c is 1, below k", true)
	k.Consistent()
	k.Consistent()
	k.to("the interval ends", false)
	k.to("rule 2: what was heard in the last interval does not count", true)
	k.to("the interval ends", false)
	k.Consistent()
	k.Consistent()
	k.to("rule 4: c is k", false)
	k.to("the interval ends", false)
	k.Consistent()
	k.Consistent()
	k.Consistent()
	k.to("rule 4: c is over k", false)
}

func TestNoSuppression(t *testing.T) {
	k := newTalk(t, Config{Imin: time.Second, Imax: time.Minute}, 1)
	for range 1000 {
		k.Consistent()
	}
	k.to("k of 0 is infinite", true)
}

func TestReset(t *testing.T) {
	k := newTalk(t, Config{Imin: time.Second, Imax: time.Minute, K: 1}, 1)
	before := *k.Timer
	k.Reset(start.Add(time.Second / 4))
	if *k.Timer != before {
		t.Error("rule 6: at Imin a reset does nothing")
	}
	k.to("t", true)
	k.to("the interval ends", false)
	k.interval("the second", 2*time.Second)
	k.Consistent()
	k.now = k.now.Add(time.Second / 2)
	k.Reset(k.now)
	k.interval("rule 6 begins an interval of Imin", time.Second)
	k.to("rule 2: c is 0 again", true)
	k.now = k.now.Add(time.Millisecond)
	k.Reset(k.now)
	k.to("rule 6: a second reset in the same interval does not make us transmit again", false)
	k.interval("and it doubles", 2*time.Second)
}

// A reset after t of a longer interval makes room for another transmission: there is news.
func TestResetAfterTransmission(t *testing.T) {
	k := newTalk(t, Config{Imin: time.Second, Imax: time.Minute, K: 1}, 1)
	k.to("t", true)
	k.to("the interval ends", false)
	k.to("t", true)
	k.Reset(k.now)
	k.interval("rule 6", time.Second)
	k.to("the news", true)
}

func TestEarly(t *testing.T) {
	k := newTalk(t, Config{Imin: time.Second, Imax: time.Minute, K: 1}, 1)
	before := *k.Timer
	if k.Advance(k.Timer.Deadline().Add(-1)) || *k.Timer != before {
		t.Error("before Deadline something happens")
	}
}

// A process that was suspended transmits once, not once for each interval that it missed.
func TestLate(t *testing.T) {
	k := newTalk(t, Config{Imin: time.Second, Imax: time.Minute, K: 1}, 1)
	k.now = start.Add(time.Hour)
	if !k.Advance(k.now) {
		t.Error("what was due is not transmitted")
	}
	k.interval("the next begins now", 2*time.Second)
	if k.Advance(k.now) {
		t.Error("it is transmitted twice")
	}
}

func TestHugeIntervals(t *testing.T) {
	k := newTalk(t, Config{Imin: math.MaxInt64/2 + 1, Imax: math.MaxInt64, K: 1}, 1)
	k.to("t", true)
	k.to("the interval ends", false)
	if k.Interval() != math.MaxInt64 {
		t.Errorf("doubling overflows to %v", k.Interval())
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []Config{{}, {Imin: 1}, {Imin: -1, Imax: 1}, {Imin: 2, Imax: 1}, {Imin: 1, Imax: 1, K: -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v is taken", cfg)
				}
			}()
			New(cfg, start, rand.New(rand.NewPCG(1, 1)))
		}()
	}
	New(Config{Imin: 1, Imax: 1}, start, rand.New(rand.NewPCG(1, 1))) // the shortest there is
}

// Same seed, same run.
func TestDeterminism(t *testing.T) {
	cfg := Config{Imin: time.Second, Imax: time.Minute, K: 1}
	a, b, other := newTalk(t, cfg, 1), newTalk(t, cfg, 1), newTalk(t, cfg, 2)
	same := true
	for range 20 {
		if a.Timer.Deadline() != b.Timer.Deadline() {
			t.Fatal("one seed, two runs")
		}
		same = same && a.Timer.Deadline() == other.Timer.Deadline()
		a.Advance(a.Timer.Deadline())
		b.Advance(b.Timer.Deadline())
		other.Advance(other.Timer.Deadline())
	}
	if same {
		t.Error("two seeds, one run: t is not drawn from rng")
	}
}

// Whatever happens in whatever order: Deadline lies ahead and within Imax, I keeps its bounds, and
// there is never more than one transmission in an interval.
func TestAlways(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{Imin: time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(time.Minute)).Draw(t, "Imin")), K: rapid.IntRange(0, 3).Draw(t, "K")}
		cfg.Imax = cfg.Imin + time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "more"))
		seed := rapid.Uint64().Draw(t, "seed")
		now, heard, last := start, 0, time.Time{}
		tr := New(cfg, now, rand.New(rand.NewPCG(seed, 0)))
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				tr.Consistent()
				heard++
				continue
			case 1:
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(cfg.Imax)).Draw(t, "wait")))
				begins := tr.Interval() > cfg.Imin
				tr.Reset(now)
				if begins {
					heard, last = 0, time.Time{}
				}
				if tr.Interval() != cfg.Imin {
					t.Fatalf("I is %v after a reset", tr.Interval())
				}
			default:
				if tr.Deadline().After(now) {
					now = tr.Deadline()
				}
				begins := !now.Before(tr.end)
				if tr.Advance(now) {
					if !last.IsZero() {
						t.Fatalf("transmits at %v and %v of one interval", last.Sub(start), now.Sub(start))
					}
					if cfg.K > 0 && heard >= cfg.K {
						t.Fatalf("transmits after hearing %d of %d", heard, cfg.K)
					}
					last = now
				}
				if begins {
					heard, last = 0, time.Time{}
				}
				if !tr.Deadline().After(now) {
					t.Fatalf("Deadline is %v after now", tr.Deadline().Sub(now))
				}
			}
			if tr.Interval() < cfg.Imin || tr.Interval() > cfg.Imax || tr.Deadline().Sub(now) > cfg.Imax {
				t.Fatalf("I is %v, Deadline in %v, of %+v", tr.Interval(), tr.Deadline().Sub(now), cfg)
			}
		}
	})
}
