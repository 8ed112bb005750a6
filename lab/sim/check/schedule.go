package check

import (
	"slices"
	"time"

	"hearsay/lab/quantity"
	"hearsay/lab/sim"
)

// Schedule is one run: a network, its peers, and what happens to them. The zero value of a field is what a
// LAN and the peers' own defaults are.
type Schedule struct {
	Seed  uint64 // of its chance
	Found uint64 // the seed that was found to fail, of which this is a smaller schedule; it may need another chance
	Peers int    // numbered from 1
	Network
	Siphoners []int // of the peers: nobody can dial them
	History   []int // of the peers: they ask for what was said before them
	Slots     []Slots
	Steps     []Step
	End       time.Duration // of act one
}

// Slots are the flags of some peers that differ from the others' in them.
type Slots struct {
	Peers        []int
	Links, Serve int
}

// Network is what the peers run on, and the flags they all have.
type Network struct {
	Links, Serve int
	Latency      quantity.Range
	Jitter       quantity.Share
	Loss         quantity.Share
	Bandwidth    quantity.Bytes // a second
	NoMulticast  bool
	Domains      int
	Join         bool  // every peer has a name that stands for those who live
	JoinPeers    []int // every peer has these peers' addresses
	Retain       time.Duration
	RetainBytes  quantity.Bytes
}

// Limits on a schedule that is read: what no run in memory could do is a mistake.
const (
	maxPeers = 100_000
	maxSteps = 100_000
	maxEnd   = 24 * time.Hour
	maxCount = 1_000_000
	maxSpeed = 2.0
	maxLinks = 1000
)

// Step is one thing that happens. Which fields mean something depends on the verb.
type Step struct {
	At     time.Duration
	Verb   Verb
	Peers  []int   // whom; of what is wrong between peers, those who send
	To     []int   // those who receive; none is everybody else
	Both   bool    // and the other way round
	Groups [][]int // of Partition; none ends it

	Delay quantity.Spread
	Share quantity.Share
	Bytes quantity.Bytes // of Send each message's, of Slow those that pass in a second
	Count int
	Every time.Duration
	For   time.Duration
	Speed float64
}

// Verb says what happens.
type Verb string

// The verbs.
const (
	Start      Verb = "start"
	Stop       Verb = "stop"  // it says goodbye
	Kill       Verb = "kill"  // its kernel closes its connections
	Crash      Verb = "crash" // nothing answers any more
	Restart    Verb = "restart"
	Pause      Verb = "pause"
	Resume     Verb = "resume"
	Firewall   Verb = "firewall" // nobody can dial it
	Unfirewall Verb = "unfirewall"
	Skew       Verb = "skew" // its clock runs at another speed
	Send       Verb = "send"

	Partition Verb = "partition"

	// Between peers; Free ends them all.
	Cut  Verb = "cut"  // nothing passes
	Clog Verb = "clog" // streams do not, datagrams do
	Slow Verb = "slow" // so many bytes pass in a second
	Lag  Verb = "delay"
	Lose Verb = "loss"
	Flap Verb = "flap" // cut and freed by turns
	Free Verb = "free"
)

// between reports whether the verb is about what is between peers.
func (v Verb) between() bool {
	switch v {
	case Cut, Clog, Slow, Lag, Lose, Flap, Free:
		return true
	}
	return false
}

// sort puts the steps into the order in which they happen.
func (s *Schedule) sort() {
	slices.SortStableFunc(s.Steps, func(a, b Step) int { return int(a.At - b.At) })
}

// config is the World's.
func (s *Schedule) config() sim.Config {
	return sim.Config{
		Seed: s.Seed, LatencyMin: s.Latency.Min, LatencyMax: s.Latency.Max, Jitter: float64(s.Jitter),
		Bandwidth: float64(s.Bandwidth), Loss: float64(s.Loss), NoMulticast: s.NoMulticast, Domains: s.Domains,
		Join: s.Join, Links: s.Links, Serve: s.Serve, Retain: s.Retain, RetainBytes: int(s.RetainBytes),
	}
}

// clone returns a schedule that shares nothing that can change; steps are never changed in place.
func (s *Schedule) clone() *Schedule {
	c := *s
	c.Steps = slices.Clone(s.Steps)
	return &c
}
