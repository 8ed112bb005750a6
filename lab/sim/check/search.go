package check

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"hearsay/lab/sim"
)

// Search runs the schedules of many seeds, several side by side.
type Search struct {
	From, Seeds uint64
	Least, Most int // peers
	Parallel    int
	Enough      int // so many violations end the search; 0 is MaxFound
	// Stop is asked now and then, by several goroutines; true ends the search with what was found so far.
	Stop func() bool
	// Tell is told after each run, by one goroutine at a time.
	Tell func(*Result)
}

// MaxFound is how many violations end a search: a protocol that breaks a promise so often is not helped by
// more of them.
const MaxFound = 20

// Result is what a search has come to.
type Result struct {
	Seeds    uint64 // that were run
	Idle     uint64 // of these, the runs that prove nothing, since nothing was at stake
	Faults   int    // that took effect
	AtStake  int    // messages that were under way while one did
	Messages int
	Events   uint64
	Virtual  time.Duration
	Healed   time.Duration // how long a mesh took to be whole after the last fault, at most
	Slowest  uint64        // the seed that it was, if Healed is not 0
	Found    []Found       // in the order of their seeds
	Stopped  bool          // before all seeds were run
	Enough   bool          // since there were violations enough
}

// Found is a promise that a seed breaks.
type Found struct {
	Seed      uint64
	Schedule  *Schedule
	Violation *sim.Violation
}

// Run searches.
func (s *Search) Run() *Result {
	r := &Result{}
	next, enough := s.From, s.Enough
	if enough == 0 {
		enough = MaxFound
	}
	var mu sync.Mutex // of r and next
	take := func() (seed uint64, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if next-s.From >= s.Seeds {
			return 0, false
		}
		r.Enough = r.Enough || len(r.Found) >= enough
		if r.Stopped = r.Stopped || r.Enough || s.Stop != nil && s.Stop(); r.Stopped {
			return 0, false
		}
		next++
		return next - 1, true
	}
	var wg sync.WaitGroup
	for range max(1, s.Parallel) {
		wg.Go(func() {
			for {
				seed, ok := take()
				if !ok {
					return
				}
				schedule := Make(seed, s.Least, s.Most)
				o := schedule.Run(Options{Stop: s.Stop})
				mu.Lock()
				r.add(seed, schedule, o)
				if s.Tell != nil {
					s.Tell(r)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.SortFunc(r.Found, func(a, b Found) int { return cmp.Compare(a.Seed, b.Seed) })
	return r
}

func (r *Result) add(seed uint64, s *Schedule, o *Outcome) {
	r.Seeds++
	if o.Idle() && o.Violation == nil {
		r.Idle++
	}
	r.Faults += o.Faults
	r.AtStake += o.AtStake
	r.Messages += o.Messages
	r.Events += o.Events
	r.Virtual += o.Virtual
	if o.Healed > r.Healed || o.Healed == r.Healed && seed < r.Slowest {
		r.Healed, r.Slowest = o.Healed, seed
	}
	if o.Violation != nil {
		r.Found = append(r.Found, Found{seed, s, o.Violation})
	}
}
