package sim

import (
	"fmt"
	"math"
	"time"

	"hearsay/lab/quantity"
	"hearsay/peer/wire"
)

// Plan is one run: a mesh forms, one peer speaks, something breaks, the mesh heals while people go on talking,
// and then it may rest. Faults compose: peers can be killed at the moment of a cut, and come and go during it.
type Plan struct {
	Config
	Peers     int
	Within    time.Duration // the peers start one by one within this time
	Messages  int           // by one peer, while nothing is broken
	Rate      float64       // of them in a second
	Size      int           // of each in bytes
	At        time.Duration // when something breaks; zero is when all the messages are through
	Kill      float64       // the share of the peers that is killed then, at one instant
	Silent    bool          // with their machines: no kernel is left that would tell their neighbors
	Partition bool          // the network is cut into halves then, by number
	For       time.Duration // how long the cut, or the churn, lasts
	Churn     float64       // peers killed in a second, each started again a few seconds later
	Siphoners int           // peers beside the others that nobody can dial
	Rest      time.Duration // in the end nothing happens for so long, and announcements are counted
	Record    bool          // keep what pictures are drawn from
}

// Limits on a plan.
const (
	MaxPeers    = 1 << 20 // addresses of 10.0.0.0/8 go further, nobody's patience does
	maxMessages = 1 << 20
	maxRate     = quantity.MaxRate
	maxChurn    = 1000
	maxRest     = 24 * time.Hour
	maxStarting = time.Hour
)

// dialTrips is how often something crosses the network until a dial is through: the connection there and back, and
// then both sides' words of who they are.
const dialTrips = 4

// broken reports whether the plan breaks anything.
func (p *Plan) broken() bool { return p.Kill > 0 || p.lasting() }

// lasting reports whether something that the plan breaks stays broken for a while.
func (p *Plan) lasting() bool { return p.Partition || p.Churn > 0 }

// victims is how many peers are killed at once.
func (p *Plan) victims() int { return int(math.Round(float64(p.Peers) * p.Kill)) }

// spoken is when the messages are through, if the mesh forms at once.
func (p *Plan) spoken() time.Duration {
	return p.Within + time.Duration(float64(p.Messages)/p.Rate*float64(time.Second))
}

// Check finds what is impossible in a plan, or contradicts itself. The error names the flag of the lab that
// is to be changed.
func (p *Plan) Check() error {
	for _, check := range []func() error{p.checkPeers, p.checkMessages, p.checkFaults, p.checkNetwork} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) checkPeers() error {
	switch {
	case p.Peers < 2 || p.Peers > MaxPeers:
		return fmt.Errorf("--peers %d: a mesh has 2 to %d peers", p.Peers, MaxPeers)
	case p.Siphoners < 0 || p.Siphoners > p.Peers:
		return fmt.Errorf("--siphoners %d: at most as many as --peers, %d", p.Siphoners, p.Peers)
	case p.Within < 0 || p.Within > maxStarting:
		return fmt.Errorf("--within %v: up to %v", p.Within, maxStarting)
	case p.Links < 0 || p.Serve < 0 || p.Links > wire.MaxSlots || p.Serve > wire.MaxSlots:
		return fmt.Errorf("--links %d, --serve %d: 1 to %d", p.Links, p.Serve, wire.MaxSlots)
	case p.Links != 0 && p.Serve != 0 && p.Serve < p.Links:
		return fmt.Errorf("--serve %d is below --links %d: a mesh of such peers runs out of slots", p.Serve, p.Links)
	case p.Retain < 0 || p.Retain > maxRest:
		return fmt.Errorf("--retain %v: up to %v", p.Retain, maxRest)
	}
	return nil
}

func (p *Plan) checkMessages() error {
	switch {
	case p.Messages < 0 || p.Messages > maxMessages:
		return fmt.Errorf("--messages %d: 0 to %d", p.Messages, maxMessages)
	case !(p.Rate > 0 && p.Rate <= maxRate):
		return fmt.Errorf("--rate %v: more than 0 and at most %.0f messages a second", quantity.Rate(p.Rate), float64(maxRate))
	case float64(max(1, p.Messages))/p.Rate > maxRest.Seconds():
		return fmt.Errorf("--rate %v: %d messages would take longer than %v: say fewer --messages or a higher --rate", quantity.Rate(p.Rate), p.Messages, maxRest)
	case p.Size < 0 || p.Size > wire.MaxBody:
		return fmt.Errorf("--size %dB: up to %dB", p.Size, wire.MaxBody)
	case p.Rest < 0 || p.Rest > maxRest:
		return fmt.Errorf("--rest %v: up to %v", p.Rest, maxRest)
	}
	return nil
}

func (p *Plan) checkFaults() error {
	retain := p.Retain
	if retain == 0 {
		retain = defaultRetain
	}
	switch {
	case !(p.Kill >= 0 && p.Kill <= 1):
		return fmt.Errorf("--kill: a share of the peers, 0%% to 100%%, that leaves two of them")
	case p.Kill > 0 && p.victims() == 0:
		return fmt.Errorf("--kill: so small a share of %d peers is none of them", p.Peers)
	case p.Peers-p.victims() < 2:
		return fmt.Errorf("--kill: of %d peers fewer than two would be left", p.Peers)
	case p.Silent && p.Kill == 0:
		return fmt.Errorf("--silent: says how peers die, and nobody is killed: say --kill 80%% too")
	case !(p.Churn >= 0 && p.Churn <= maxChurn):
		return fmt.Errorf("--churn %v: at most %d a second", quantity.Rate(p.Churn), maxChurn)
	case p.Churn > 0 && p.Churn*maxRest.Seconds() < 1:
		return fmt.Errorf("--churn %v: at least one in %v", quantity.Rate(p.Churn), maxRest)
	case p.Churn > 0 && p.Peers-p.victims() <= churnLeaves:
		return fmt.Errorf("--churn: %d peers always stay, and of %d that live nobody is left to be killed: say more --peers", churnLeaves, p.Peers-p.victims())
	case p.lasting() && p.For <= 0:
		return fmt.Errorf("--for: say how long the partition or the churn lasts, such as --for 120s")
	case p.For > 0 && !p.lasting():
		return fmt.Errorf("--for %v: nothing lasts so long: say --partition half or --churn 1/s too", p.For)
	case p.For >= maxRest:
		return fmt.Errorf("--for %v: less than %v, for which peers can keep what is said", p.For, maxRest)
	case p.For >= retain:
		return fmt.Errorf("--for %v: what is said is kept for %v only: say --retain %v", p.For, retain, min(2*p.For, maxRest))
	case p.At != 0 && !p.broken():
		return fmt.Errorf("--at %v: nothing breaks then: say --kill, --partition or --churn too", p.At)
	case p.At < 0 || p.At > maxRest:
		return fmt.Errorf("--at %v: up to %v", p.At, maxRest)
	case p.At != 0 && p.At < p.spoken():
		return fmt.Errorf("--at %v: the peers start and %d messages are said until %v: say --at %v, fewer --messages or a higher --rate",
			p.At, p.Messages, p.spoken(), p.spoken()+time.Second)
	}
	return nil
}

func (p *Plan) checkNetwork() error {
	switch {
	case float64(p.LatencyMax)*(1+p.Jitter)*dialTrips >= float64(dialFor):
		most := time.Duration(float64(dialFor) / dialTrips / (1 + p.Jitter)).Truncate(10 * time.Millisecond)
		return fmt.Errorf("--latency %v: a dial takes %d trips and is given up after %v, so those peers never meet: up to %v", p.LatencyMax, dialTrips, dialFor, most)
	case !(p.Loss >= 0 && p.Loss <= 0.9):
		return fmt.Errorf("--loss: 0%% to 90%%")
	case p.Domains < 0 || p.Domains > p.Peers:
		return fmt.Errorf("--domains %d: 1 to the number of peers, %d", p.Domains, p.Peers)
	case p.Domains > 1 && !p.Join:
		return fmt.Errorf("--domains %d: multicast does not pass from one to another, so those peers never meet: say --join too", p.Domains)
	case p.NoMulticast && !p.Join:
		return fmt.Errorf("--no-multicast: those peers never meet: say --join too")
	}
	return nil
}
