package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"hearsay/peer/wire"
)

// epoch is when virtual time begins; any instant does.
var epoch = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

// World is a network and its peers. Its methods are called between events: by whoever drives Run, or by
// what was given to After.
type World struct {
	cfg   Config
	rng   *rand.Rand
	now   int64 // virtual nanoseconds since epoch
	queue queue
	hosts []*Host
	sites sites

	largeFrom int // peers; tests look ahead in smaller meshes

	byID map[wire.ID]*Host // of every run

	groups bool // the network is cut into the hosts' groups
	ruled  bool // there are rules
	rules  map[pair]*rule
	held   []*pipe // those with something that cannot pass now
	slow   []*pipe // those with something that was written while they were slow
	calm   calm
	drift  float64 // by how much the speed of any clock ever differed from 1

	Ledger Ledger
	Counts Counts

	watch     []Watcher
	failure   *Violation
	still     int // events at this very instant
	digest    uint64
	warmth    uint64 // means nothing, but that the loads behind it cannot be left out
	lastFault time.Duration
}

// Counts is what happened so far.
type Counts struct {
	Events        uint64 // calls into peers' cores: a frame, an announcement, a timer, a dial's end
	Frames        uint64 // received
	Copies        uint64 // frames with a message in them, received
	Bytes         uint64 // received on connections
	Dials         uint64
	Announcements uint64 // sent to everybody
	Answers       uint64 // announcements sent to one
	Lost          uint64 // datagrams on their way to one receiver
	Turned        uint64 // datagrams whose receiver had no room for them
}

// Violation says that a promise was broken.
type Violation struct {
	Rule string        // its name: twice, order, skipped, unexpected, slots, pair, siphoner, bounds, lost, whole, …
	At   time.Duration // since the beginning
	What string        // for a person
	Host *Host         // that it shows at, if that is known
	From *Speaker      // whose message it is about, if it is about one
	Seq  uint64
}

func (v *Violation) Error() string { return v.Rule + ": " + v.What }

// Watcher is told what happens, for accounts, traces and checks. It must not call the World's faults.
type Watcher interface {
	Observe(w *World, h *Host, o *Observation)
}

// New returns an empty world.
func New(cfg Config) *World {
	cfg.setDefaults()
	w := &World{
		cfg:    cfg,
		rng:    rand.New(rand.NewPCG(cfg.Seed, 0x6865617273617921)),
		byID:   map[wire.ID]*Host{},
		rules:  map[pair]*rule{},
		calm:   calm{since: -1},
		digest: 14695981039346656037,

		largeFrom: LargeFrom,
	}
	w.Ledger.init()
	return w
}

// Now is how much virtual time has passed.
func (w *World) Now() time.Duration { return time.Duration(w.now) }

// Time is Now as the World's own clock shows it; a peer's may run fast or slow.
func (w *World) Time() time.Time { return epoch.Add(time.Duration(w.now)) }

// Hosts are all that ever started, in the order of their numbers.
func (w *World) Hosts() []*Host { return w.hosts }

// Rand is the world's source of chance, for whoever makes its faults.
func (w *World) Rand() *rand.Rand { return w.rng }

// Failed is the first promise that was broken, or nil.
func (w *World) Failed() *Violation { return w.failure }

// Digest is a hash of everything that was sent so far, with its time. Two runs that agree in it were the
// same.
func (w *World) Digest() uint64 { return w.digest }

// Watch has o told of all that happens from now on.
func (w *World) Watch(o Watcher) { w.watch = append(w.watch, o) }

// After calls f when d has passed.
func (w *World) After(d time.Duration, f func()) {
	w.queue.push(w.now+int64(max(0, d)), evCall).call = f
}

// Run lets d pass, or less if a promise is broken: then it returns false.
func (w *World) Run(d time.Duration) bool { return w.RunTo(time.Duration(w.now) + d) }

// RunTo lets time pass until the given instant.
func (w *World) RunTo(at time.Duration) bool {
	for w.failure == nil {
		if next, ok := w.queue.next(); !ok || next > int64(at) {
			break
		}
		w.step()
	}
	if w.failure == nil {
		w.now = max(w.now, int64(at))
	}
	return w.failure == nil
}

// Until lets time pass until done, which is asked every so often, or for most. It returns how long it
// took; a negative number means that it did not happen.
func (w *World) Until(most, every time.Duration, done func() bool) time.Duration {
	begin := w.Now()
	for {
		if done() {
			return w.Now() - begin
		}
		if w.Now()-begin >= most || !w.Run(min(every, begin+most-w.Now())) {
			return -1
		}
	}
}

// stillMost is how many events one instant may have: more than any number of peers that start together cause.
const stillMost = 10_000_000

// step lets the next event happen.
func (w *World) step() {
	if len(w.queue.near) == 0 && w.large() {
		w.lookAhead()
	}
	e := w.queue.pop()
	if w.still++; e.at != w.now {
		w.now, w.still = e.at, 0
	} else if w.still == stillMost {
		w.violate("hang", fmt.Sprintf("%d events at one instant: somebody wants to be woken for ever", stillMost))
	}
	if e.host != nil && e.run != e.host.run {
		w.queue.release(e)
		return
	}
	switch e.kind {
	case evWake:
		e.host.wake(e.at)
	case evArrive:
		e.pipe.arrive(w)
	case evDial:
		w.dialled(e.dial)
	case evOpened:
		e.dial.opened(w)
	case evUnopened:
		e.dial.failed(w)
	case evDatagram:
		e.gram.arrive(w, e.first, e.last)
	case evResolved:
		e.host.resolved()
	case evStalled:
		e.pipe.stalled(w)
	case evCall:
		call := e.call
		w.queue.release(e)
		call()
		return
	}
	w.queue.release(e)
}

// Violate notes that a promise was broken, now. The first counts.
func (w *World) Violate(v Violation) {
	if w.failure == nil {
		v.At = w.Now()
		w.failure = &v
	}
}

func (w *World) violate(rule, what string) { w.Violate(Violation{Rule: rule, What: what}) }

// violateAt notes that a promise was broken at a host, about a message.
func (w *World) violateAt(h *Host, s *Speaker, seq uint64, rule, what string) {
	w.Violate(Violation{Rule: rule, What: what, Host: h, From: s, Seq: seq})
}

// between draws a duration from [least, most].
func (w *World) between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(w.rng.Int64N(int64(most-least)+1))
}

// chance is true with the given probability.
func (w *World) chance(p float64) bool { return p > 0 && w.rng.Float64() < p }
