package hook

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Rules are the faults of one peer's network. The zero value is none.
type Rules struct {
	// CutAll cuts the peer off from everybody. Cut cuts it off from those who listen at these addresses: the far
	// side must have the same rule, since a datagram is known by its sender's address alone.
	CutAll bool     `json:"cut_all,omitempty"`
	Cut    []string `json:"cut,omitempty"`
	// Only are the addresses of those who belong to the lab, if there are any: nobody is at any other. Ports are used
	// again, and whoever dials where a dead peer was might join the mesh of another lab on this machine.
	Only []string `json:"only,omitempty"`
	// Delay makes everything late that this peer sends, by a time that differs by up to Jitter either way.
	Delay  time.Duration `json:"delay_ns,omitempty"`
	Jitter time.Duration `json:"jitter_ns,omitempty"`
	// Loss is the share of what this peer sends that does not arrive: datagrams are gone, and what TCP sends
	// comes later, as by its retransmission.
	Loss float64 `json:"loss,omitempty"`
	// Lossy is the share that is lost of what comes from stations. It is a Hand's, which in place of what goes out
	// filters what comes in.
	Lossy map[string]float64 `json:"lossy,omitempty"`
}

// maxDelay bounds what a rule may add.
const maxDelay = time.Minute

// Stopped counts what rules have stopped since the peer began, so that a fault shows that it took effect.
type Stopped struct {
	Held      int    `json:"held"`      // connections that a cut holds now
	Dials     uint64 `json:"dials"`     // dials that a cut had fail
	Datagrams uint64 `json:"datagrams"` // datagrams that a cut or loss took
	Late      uint64 `json:"late"`      // writes and datagrams that went out late, by delay or loss
}

// state is a set of rules in force. It is never changed: the next takes its place.
type state struct {
	Rules
	cut     map[netip.AddrPort]bool
	only    map[netip.AddrPort]bool
	changed chan struct{} // closed once it is no longer in force
}

func newState(r Rules) (*state, error) {
	s := &state{Rules: r, changed: make(chan struct{})}
	var err error
	if s.cut, err = addrs(r.Cut); err != nil {
		return nil, fmt.Errorf("cut: %w", err)
	}
	if s.only, err = addrs(r.Only); err != nil {
		return nil, fmt.Errorf("only: %w", err)
	}
	if r.Delay < 0 || r.Jitter < 0 || r.Jitter > r.Delay || r.Delay > maxDelay || !(r.Loss >= 0 && r.Loss <= 1) {
		return nil, errors.New("delay, jitter or loss is out of bounds")
	}
	return s, nil
}

func addrs(list []string) (map[netip.AddrPort]bool, error) {
	set := make(map[netip.AddrPort]bool, len(list))
	for _, a := range list {
		addr, err := netip.ParseAddrPort(a)
		if err != nil {
			return nil, err
		}
		set[addr] = true
	}
	return set, nil
}

// stranger reports whether whoever listens at an address is not of this lab.
func (s *state) stranger(at netip.AddrPort) bool { return len(s.only) > 0 && !s.only[at] }

// cuts reports whether nothing passes between us and who listens at far; the zero address is of somebody unknown.
func (s *state) cuts(far netip.AddrPort) bool { return s.CutAll || s.cut[far] }

// easy reports whether what we send to far goes out at once.
func (s *state) easy(far netip.AddrPort) bool { return s.Delay == 0 && s.Loss == 0 && !s.cuts(far) }

// lost draws whether one packet is.
func (s *state) lost() bool { return s.Loss > 0 && rand.Float64() < s.Loss }

// late draws how late one packet is.
func (s *state) late() time.Duration {
	if s.Jitter == 0 {
		return s.Delay
	}
	return s.Delay - s.Jitter + rand.N(2*s.Jitter+1)
}

// retransmitAfter is what a lost segment costs: Linux's least time-out (TCP_RTO_MIN), doubled each time, at most
// maxRetransmits times.
const (
	retransmitAfter = 200 * time.Millisecond
	maxRetransmits  = 6
)

// lateStream is late for a piece of a stream, which arrives in the end.
func (s *state) lateStream() time.Duration {
	d := s.late()
	wait := retransmitAfter
	for range maxRetransmits {
		if !s.lost() {
			break
		}
		d += wait
		wait *= 2
	}
	return d
}

// law is the rules in force, and what they have stopped.
type law struct {
	now                    atomic.Pointer[state]
	dials, datagrams, late atomic.Uint64

	mu    sync.Mutex
	links map[*link]struct{} // open ones
}

func (l *law) init() {
	none, _ := newState(Rules{})
	l.now.Store(none)
	l.links = map[*link]struct{}{}
}

// set puts rules into force.
func (l *law) set(r Rules) error {
	s, err := newState(r)
	if err != nil {
		return err
	}
	close(l.now.Swap(s).changed)
	return nil
}

func (l *law) stopped() *Stopped {
	s := &Stopped{Dials: l.dials.Load(), Datagrams: l.datagrams.Load(), Late: l.late.Load()}
	now := l.now.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range l.links {
		if now.cuts(k.far) {
			s.Held++
		}
	}
	return s
}
