package discovery

import (
	"net"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// deafAfter is how long our own announcement may take to come back. The kernel hands it over
	// within microseconds; what takes time is our being scheduled.
	deafAfter = time.Second
	// deafMax is the longest time between two attempts to mend an interface that stays deaf.
	deafMax = time.Minute
)

// member is the group joined on one interface. Only the watcher makes and ends them; the fields below
// the line are for everyone.
type member struct {
	place
	patience time.Duration // how long an announcement may stay unheard before we join again

	// ---
	awaited atomic.Int64 // when the oldest announcement not heard since was sent, by Multicast.uptime; or 0
	hears   atomic.Bool  // the last one that could be, was heard
	mute    atomic.Bool  // the last one could not be sent
}

// watcher is what the goroutine that watches the interfaces remembers between two looks.
type watcher struct {
	failed  map[string]string // interfaces of the last look that could not be joined, and why
	surplus int               // interfaces beyond MaxInterfaces at the last look
	broken  bool              // the last look failed
	mended  time.Duration     // when others were last told because an interface was deaf
}

// Joined returns the interfaces on which the group is joined now, by index.
func (m *Multicast) Joined() []Interface {
	members := m.joined()
	out := make([]Interface, len(members))
	for i, p := range members {
		out[i] = Interface{Name: p.Name, Index: p.Index, Addr: p.addrs[0], Hears: p.hears.Load()}
	}
	return out
}

func (m *Multicast) joined() []*member { return *m.members.Load() }

func (m *Multicast) watchInterfaces() {
	tick := time.NewTicker(m.rescan)
	defer tick.Stop()
	for {
		select {
		case <-m.closing:
			return
		case <-tick.C:
		case <-m.look:
		}
		if m.watch() {
			select {
			case m.changes <- struct{}{}:
			default: // one is waiting to be told
			}
		}
	}
}

// lookNow asks for a look at the interfaces because one did not do what it should.
func (m *Multicast) lookNow() {
	select {
	case m.look <- struct{}{}:
	default: // already asked
	}
}

// watch compares the interfaces with those joined, leaves what has gone and joins what is new. It
// reports whether others should hear from us again.
func (m *Multicast) watch() (tell bool) {
	found, err := m.survey()
	if err != nil {
		// Rather keep what we have than leave everything because the kernel was short of memory.
		return false
	}
	now := m.uptime()
	failed := make(map[string]string)
	next := make([]*member, 0, len(found))
	for _, p := range m.joined() {
		i := slices.IndexFunc(found, func(q place) bool { return p.same(&q) })
		if i >= 0 {
			found = slices.Delete(found, i, i+1)
			if p.deaf(now) {
				tell = m.mend(p, now) || tell
				p = m.tryJoin(p.place, min(2*p.patience, deafMax), failed)
			} else if p.hears.Load() {
				p.patience = deafAfter
			}
			if p != nil {
				next = append(next, p)
			}
			continue
		}
		m.leave(p.Interface)
		m.log.Info("multicast left", "interface", p.Name, "index", p.Index, "addr", p.addrs[0])
		tell = true
	}
	for _, q := range found {
		if p := m.tryJoin(q, deafAfter, failed); p != nil {
			m.log.Info("multicast joined", "interface", p.Name, "index", p.Index, "addr", p.addrs[0], "group", m.group)
			next = append(next, p)
			tell = true
		}
	}
	m.watcher.failed = failed
	slices.SortFunc(next, func(a, b *member) int { return a.Index - b.Index })
	m.members.Store(&next)
	return tell
}

// survey lists the interfaces that should be joined now, and logs what keeps it from that.
func (m *Multicast) survey() ([]place, error) {
	found, err := places(m.names)
	if err != nil {
		m.counters.errors.Add(1)
		if !m.watcher.broken {
			m.log.Warn("network interfaces cannot be listed; keeping those joined", "error", err)
		}
		m.watcher.broken = true
		return nil, err
	}
	m.watcher.broken = false
	surplus := max(0, len(found)-MaxInterfaces)
	if surplus > m.watcher.surplus {
		m.log.Warn("too many network interfaces; name those to use", "used", MaxInterfaces, "left", surplus)
	}
	m.watcher.surplus = surplus
	return found[:len(found)-surplus], nil
}

// mend leaves the group on an interface that does not hear us, to join it again. An interface may go
// and come back between two looks, and look no different, but its membership went with it.
//
// It reports whether others should be told: when there was something to lose, and once a minute at
// most. A whole network that is too busy to hear itself would otherwise announce ever more.
func (m *Multicast) mend(p *member, now time.Duration) (tell bool) {
	m.leave(p.Interface)
	if !p.hears.Load() {
		return false
	}
	m.log.Info("multicast is not heard any more; joining again", "interface", p.Name, "index", p.Index)
	if m.watcher.mended != 0 && now-m.watcher.mended < deafMax {
		return false
	}
	m.watcher.mended = now
	return true
}

// tryJoin joins, or notes in failed why it could not; the next look tries again.
func (m *Multicast) tryJoin(p place, patience time.Duration, failed map[string]string) *member {
	err := m.join(p.Interface)
	if err == nil {
		m.counters.joins.Add(1)
		return &member{place: p, patience: patience}
	}
	m.counters.errors.Add(1)
	failed[p.Name] = err.Error()
	if m.watcher.failed[p.Name] != err.Error() {
		m.log.Warn("multicast cannot be joined", "interface", p.Name, "index", p.Index, "error", err)
	}
	return nil
}

// join joins, if need be after leaving: a membership may have outlived its interface.
func (m *Multicast) join(ifi net.Interface) error {
	err := m.shared.JoinGroup(&ifi, m.groupAddr())
	if err != nil {
		m.leave(ifi)
		err = m.shared.JoinGroup(&ifi, m.groupAddr())
	}
	return err
}

// leave leaves. That fails on some systems when the interface is gone, and is needed on Linux, where
// its membership counts against the socket's limit until it is left by its old index.
func (m *Multicast) leave(ifi net.Interface) { _ = m.shared.LeaveGroup(&ifi, m.groupAddr()) }

func (m *Multicast) groupAddr() *net.UDPAddr { return net.UDPAddrFromAddrPort(m.group) }

// uptime is a clock that nobody sets. It is never zero.
func (m *Multicast) uptime() time.Duration { return time.Since(m.opened) + 1 }

// sentAt notes that an announcement is on its way, and should come back.
func (p *member) sentAt(now time.Duration) { p.awaited.CompareAndSwap(0, int64(now)) }

// unsent takes sentAt back: what was not sent will not be heard.
func (p *member) unsent(now time.Duration) { p.awaited.CompareAndSwap(int64(now), 0) }

// heard notes that our own announcement came back.
func (p *member) heard() {
	p.awaited.Store(0)
	p.hears.Store(true)
}

func (p *member) deaf(now time.Duration) bool {
	since := time.Duration(p.awaited.Load())
	return since != 0 && now-since > p.patience
}
