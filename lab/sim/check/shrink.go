package check

import (
	"slices"
	"time"

	"hearsay/lab/quantity"
)

// maxTries bounds how many schedules are run to make one smaller. Most that fail are a tenth of their size by
// then.
const maxTries = 1500

// maxEvents bounds how long that takes: half a minute, or so. Schedules of many peers are run fewer times.
const maxEvents = 20_000_000

// seedsEach is with how many seeds a smaller schedule is tried. What is left out changes what chance does to the
// rest, so that what fails with one seed may need another.
const seedsEach = 2

// Shrink returns the smallest schedule it finds that still breaks the same promise: fewer steps, then fewer
// peers in them, then a plainer network, then less time; again and again, until nothing can be left out or
// it has tried often enough. Stop may be nil.
//
// Steps are left out in halves, quarters and so on down to single ones (Zeller and Hildebrandt, Simplifying and
// Isolating Failure-Inducing Input, 2002).
func Shrink(s *Schedule, rule string, stop func() bool) *Schedule {
	k := &shrinker{best: s, rule: rule, stop: stop}
	for again := true; again && !k.tired(); {
		again = false
		for _, pass := range []func() bool{k.fewerSteps, k.fewerPeers, k.lessSaid, k.plainer, k.shorter} {
			again = pass() || again
		}
	}
	return k.best
}

type shrinker struct {
	best  *Schedule
	rule  string
	tries int
	spent uint64 // events
	stop  func() bool
}

func (k *shrinker) tired() bool {
	return k.tries >= maxTries || k.spent >= maxEvents || k.stop != nil && k.stop()
}

// try keeps a schedule if it can be, and fails as the first one did.
func (k *shrinker) try(s *Schedule) bool {
	if k.tired() || s.check() != nil {
		return false
	}
	for range seedsEach {
		k.tries++
		o := s.Run(Options{Stop: k.stop})
		k.spent += o.Events
		if o.Violation != nil && o.Violation.Rule == k.rule {
			k.best = s
			return true
		}
		if k.tired() {
			break
		}
		s = s.clone()
		s.Seed++
	}
	return false
}

// change tries a copy that was changed.
func (k *shrinker) change(f func(*Schedule)) bool {
	c := k.best.clone()
	f(c)
	return k.try(c)
}

func (k *shrinker) fewerSteps() (any bool) {
	for size := (len(k.best.Steps) + 1) / 2; size > 0; size /= 2 {
		for i := 0; i < len(k.best.Steps) && !k.tired(); {
			last := min(i+size, len(k.best.Steps))
			if k.change(func(c *Schedule) { c.Steps = slices.Delete(c.Steps, i, last) }) {
				any = true
			} else {
				i += size
			}
		}
	}
	return any
}

// fewerPeers leaves peers out of steps, and then out of the schedule.
func (k *shrinker) fewerPeers() (any bool) {
	for i := 0; i < len(k.best.Steps); i++ {
		for j := len(k.best.Steps[i].Peers) - 1; j >= 0 && len(k.best.Steps[i].Peers) > 1; j-- {
			any = k.change(func(c *Schedule) { c.Steps[i].Peers = without(c.Steps[i].Peers, j) }) || any
		}
		for j := len(k.best.Steps[i].To) - 1; j >= 0 && len(k.best.Steps[i].To) > 1; j-- {
			any = k.change(func(c *Schedule) { c.Steps[i].To = without(c.Steps[i].To, j) }) || any
		}
	}
	for n := k.best.Peers; n > 1; n-- {
		if n <= k.best.Peers {
			any = k.change(func(c *Schedule) { c.drop(n) }) || any
		}
	}
	return any
}

// drop leaves out a peer: it is in no step any more, and those behind it have the number before theirs.
func (s *Schedule) drop(n int) {
	s.Peers--
	less := func(list []int) []int {
		var keep []int
		for _, p := range list {
			switch {
			case p < n:
				keep = append(keep, p)
			case p > n:
				keep = append(keep, p-1)
			}
		}
		return keep
	}
	s.Siphoners, s.History, s.JoinPeers = less(s.Siphoners), less(s.History), less(s.JoinPeers)
	var slots []Slots
	for _, o := range s.Slots {
		if o.Peers = less(o.Peers); len(o.Peers) > 0 {
			slots = append(slots, o)
		}
	}
	s.Slots = slots
	var steps []Step
	for _, step := range s.Steps {
		all := len(step.To) == 0
		step.Peers, step.To = less(step.Peers), less(step.To)
		var groups [][]int
		for _, g := range step.Groups {
			if g = less(g); len(g) > 0 {
				groups = append(groups, g)
			}
		}
		ended := step.Verb == Partition && len(step.Groups) == 0
		step.Groups = groups
		switch {
		case step.Verb == Partition && !ended && len(groups) < 2:
		case step.Verb != Partition && (len(step.Peers) == 0 || !all && len(step.To) == 0):
		default:
			steps = append(steps, step)
		}
	}
	s.Steps = steps
}

func without(list []int, i int) []int { return slices.Delete(slices.Clone(list), i, i+1) }

// lessSaid has fewer and smaller messages published, and what is wrong last less long.
func (k *shrinker) lessSaid() (any bool) {
	for i := 0; i < len(k.best.Steps); i++ {
		for k.best.Steps[i].Count > 1 && k.change(func(c *Schedule) { c.Steps[i].Count /= 2 }) {
			any = true
		}
		if k.best.Steps[i].Verb == Send && k.best.Steps[i].Bytes > 100 {
			any = k.change(func(c *Schedule) { c.Steps[i].Bytes = 100 }) || any
		}
		for k.best.Steps[i].For > time.Second && k.change(func(c *Schedule) { c.Steps[i].For /= 2 }) {
			any = true
		}
	}
	return any
}

// plainer takes away what the network has that a LAN has not.
func (k *shrinker) plainer() (any bool) {
	for _, c := range []struct {
		is    bool
		plain func(*Schedule)
	}{
		{k.best.Loss > 0, func(c *Schedule) { c.Loss = 0 }},
		{k.best.Jitter > 0, func(c *Schedule) { c.Jitter = 0 }},
		{k.best.Bandwidth > 0, func(c *Schedule) { c.Bandwidth = 0 }},
		{k.best.Latency != quantity.Range{}, func(c *Schedule) { c.Latency = quantity.Range{} }},
		{k.best.NoMulticast, func(c *Schedule) { c.NoMulticast = false }},
		{k.best.Domains > 1, func(c *Schedule) { c.Domains = 0 }},
		{k.best.Join, func(c *Schedule) { c.Join = false }},
		{len(k.best.JoinPeers) > 0, func(c *Schedule) { c.JoinPeers = nil }},
		{k.best.Retain != 0, func(c *Schedule) { c.Retain = 0 }},
		{k.best.RetainBytes != 0, func(c *Schedule) { c.RetainBytes = 0 }},
		{len(k.best.Siphoners) > 0, func(c *Schedule) { c.Siphoners = nil }},
		{len(k.best.Slots) > 0, func(c *Schedule) { c.Slots = nil }},
		{len(k.best.History) > 0, func(c *Schedule) { c.History = nil }},
		{k.best.Links != 0 || k.best.Serve != 0, func(c *Schedule) { c.Links, c.Serve = 0, 0 }},
	} {
		any = c.is && k.change(c.plain) || any
	}
	return any
}

// shorter ends act one sooner, and has things happen one second after another where nothing waits for them.
func (k *shrinker) shorter() (any bool) {
	last := time.Millisecond
	for _, s := range k.best.Steps {
		last = max(last, s.At)
	}
	if last < k.best.End && k.change(func(c *Schedule) { c.End = last }) {
		any = true
	}
	const most = time.Second
	for i := 1; i < len(k.best.Steps); i++ {
		gap := k.best.Steps[i].At - k.best.Steps[i-1].At
		if gap <= most {
			continue
		}
		any = k.change(func(c *Schedule) {
			for j := i; j < len(c.Steps); j++ {
				c.Steps[j].At -= gap - most
			}
			c.End -= gap - most
		}) || any
	}
	return any
}
