package node

import (
	"cmp"
	"context"
	"maps"
	"net"
	"net/netip"
	"slices"
	"time"

	"hearsay/peer/mesh"
	"hearsay/peer/wire"
)

// Status is what a node knows of itself, in the form of GET /status.
type Status struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Addr     string         `json:"addr"`
	Root     string         `json:"root"`
	UptimeMS int64          `json:"uptime_ms"`
	Ready    bool           `json:"ready"`
	Seeking  bool           `json:"seeking"`
	Slots    SlotStatus     `json:"slots"`
	Links    []LinkStatus   `json:"links"`
	Known    []KnownStatus  `json:"known"`
	Messages MessageStatus  `json:"messages"`
	Healed   HealStatus     `json:"healed"`
	Faults   FaultStatus    `json:"faults"`
	Announce AnnounceStatus `json:"announcements"`
}

// SlotStatus is a peer's load: Out of Links wanted, In of Serve offered.
type SlotStatus struct {
	Out   int `json:"out"`
	Links int `json:"links"`
	In    int `json:"in"`
	Serve int `json:"serve"`
}

// LinkStatus is one link to a neighbor.
type LinkStatus struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Addr    string `json:"addr"`
	Dir     string `json:"dir"` // out if this peer dialled, else in
	Eager   bool   `json:"eager"`
	RTTUS   int64  `json:"rtt_us"`
	SinceMS int64  `json:"since_ms"` // its age
}

// KnownStatus is a peer in the passive view.
type KnownStatus struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Addr string `json:"addr"`
}

// MessageStatus counts messages since the start.
type MessageStatus struct {
	Published  uint64 `json:"published"`
	Delivered  uint64 `json:"delivered"`  // from others
	Duplicates uint64 `json:"duplicates"` // copies received beyond the first
	Relayed    uint64 `json:"relayed"`    // copies sent
	Missing    uint64 `json:"missing"`    // known of and not here yet
	Retained   uint64 `json:"retained"`   // kept for those who missed them
	Lost       uint64 `json:"lost"`       // owed to this peer, and no longer kept by anybody it could ask
	// RetainedBytes is the memory that Retained takes.
	RetainedBytes int64 `json:"retained_bytes"`
	// Dropped counts messages that were not delivered, by reason.
	Dropped map[string]uint64 `json:"dropped,omitempty"`
}

// HealStatus tells of lost links that were replaced.
type HealStatus struct {
	Count  uint64 `json:"count"`
	LastMS int64  `json:"last_ms"` // from the loss to the slot filled again
}

// FaultStatus counts what went wrong, by reason.
type FaultStatus struct {
	// Closed counts links and connections that this peer ended, and why; Ended those that the far side
	// ended, or that broke.
	Closed map[wire.Reason]uint64 `json:"closed,omitempty"`
	Ended  map[wire.Reason]uint64 `json:"ended,omitempty"`
	// Refused counts handshakes that this peer refused or referred elsewhere; Turned its dials that were
	// refused, referred or failed.
	Refused map[wire.Reason]uint64 `json:"refused,omitempty"`
	Turned  map[wire.Reason]uint64 `json:"turned,omitempty"`
	// Limits counts how often each named limit was reached.
	Limits map[string]uint64 `json:"limits,omitempty"`
}

// AnnounceStatus counts datagrams.
type AnnounceStatus struct {
	Sent  uint64 `json:"sent"`
	Heard uint64 `json:"heard"`
	Bad   uint64 `json:"bad"` // no announcement of this protocol version
	// Multicast is off, testing, works, or deaf: the peer does not hear its own announcements.
	Multicast string `json:"multicast"`
}

// Status returns a copy of the node's state.
func (n *Node) Status(ctx context.Context) (Status, error) {
	var s Status
	err := n.call(ctx, func(now time.Time) { s = n.status(now) })
	return s, err
}

func (n *Node) status(now time.Time) Status {
	m := n.mesh.Status(now)
	s := StatusOf(&m, now)
	s.Addr = n.ownAddr().String()
	s.Announce = AnnounceStatus{Sent: n.selfTest.sent, Heard: n.selfTest.heard, Bad: n.selfTest.bad, Multicast: n.selfTest.word(n.udp != nil)}
	n.addFaults(&s.Faults)
	return s
}

// StatusOf is a peer's account of itself in the form of GET /status, as far as the core knows it. What only
// its shell knows is the caller's to add: Addr, Announce, and what the shell counts beside the core.
func StatusOf(m *mesh.Status, now time.Time) Status {
	s := Status{
		ID: string(m.Self.ID), Name: m.Self.Name, Root: string(m.Self.Root),
		UptimeMS: now.Sub(m.Started).Milliseconds(), Ready: m.Ready, Seeking: m.Seeking,
		Slots:    SlotStatus{m.Self.Slots.Out, m.Self.Slots.Links, m.Self.Slots.In, m.Self.Slots.Serve},
		Links:    make([]LinkStatus, 0, len(m.Links)),
		Known:    make([]KnownStatus, 0, len(m.Known)),
		Messages: messageStatus(m),
		Healed:   HealStatus{m.Overlay.Healed, m.Overlay.HealedLast.Milliseconds()},
		Faults:   faultStatus(m),
	}
	for _, l := range m.Links {
		s.Links = append(s.Links, LinkStatus{
			ID: string(l.ID), Name: l.Name, Addr: l.Addr.String(), Dir: direction(l.Out), Eager: l.Eager,
			RTTUS: l.RTT.Microseconds(), SinceMS: now.Sub(l.Since).Milliseconds(),
		})
	}
	for _, k := range m.Known {
		s.Known = append(s.Known, KnownStatus{string(k.ID), k.Name, k.Addr.String()})
	}
	return s
}

// ownAddr is where others reach this peer, as far as it can tell: the listener's address, or if that
// is a wildcard the address its links use.
func (n *Node) ownAddr() netip.AddrPort {
	if !n.addr.Addr().IsUnspecified() {
		return n.addr
	}
	for _, id := range sortedKeys(n.conns) {
		if a, err := netip.ParseAddrPort(n.conns[id].net.LocalAddr().String()); err == nil {
			return netip.AddrPortFrom(a.Addr().Unmap(), n.addr.Port())
		}
	}
	return netip.AddrPortFrom(hostAddr(n.cfg.Interfaces), n.addr.Port())
}

func (s *selfTest) word(multicast bool) string {
	switch {
	case !multicast:
		return "off"
	case s.failed:
		return "deaf"
	case !s.until.IsZero():
		return "testing"
	default:
		return "works"
	}
}

func messageStatus(m *mesh.Status) MessageStatus {
	t := &m.Tree
	return MessageStatus{
		Published: t.Published, Delivered: t.Delivered, Duplicates: t.Duplicates, Relayed: t.Relayed,
		Missing: t.Missing, Retained: t.Retained, RetainedBytes: int64(t.RetainedBytes), Lost: t.Lost, Dropped: t.Dropped,
	}
}

// addFaults adds to what the core counted what the shell did.
func (n *Node) addFaults(f *FaultStatus) {
	for reason, count := range n.rejected {
		f.Closed[reason] += count
	}
	n.subs.mu.Lock()
	defer n.subs.mu.Unlock()
	if n.subs.slow > 0 {
		f.Limits["slow-subscriber"] = n.subs.slow
	}
}

// faultStatus collects what was counted, by reason, and how often each bound was met, by its name. The
// maps are copies.
func faultStatus(m *mesh.Status) FaultStatus {
	f := FaultStatus{
		Closed: m.Overlay.ClosedOurs, Ended: m.Overlay.ClosedTheirs,
		Refused: m.Overlay.Refused, Turned: m.Overlay.Turned, Limits: map[string]uint64{},
	}
	for _, counts := range []map[string]uint64{m.Overlay.Limits, m.Tree.Limits} {
		for name, count := range counts {
			f.Limits[name] += count
		}
	}
	return f
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}

// hostAddr is an address of this machine that others may reach: of the named interfaces, or else of
// any that is up; loopback only if there is nothing else.
func hostAddr(names []string) netip.Addr {
	best := netip.IPv6Unspecified()
	interfaces, err := net.Interfaces()
	if err != nil {
		return best
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || len(names) > 0 && !slices.Contains(names, i.Name) {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err != nil || !p.Addr().Is4() {
				continue
			}
			if !p.Addr().IsLoopback() {
				return p.Addr()
			}
			best = p.Addr()
		}
	}
	return best
}
