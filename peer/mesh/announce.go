package mesh

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"hearsay/peer/planted"
	"hearsay/peer/trickle"
	"hearsay/peer/wire"
)

// The pacing of announcements. The root's own beacon, which the overlay asks for every two seconds,
// is what keeps a resting mesh findable; everybody else is quiet while that says the same.
const (
	// imin is short enough that six containers started together know each other well within a second,
	// and long enough that a hundred of them do not answer one another in one millisecond. An honest
	// guess, then measured.
	imin = 100 * time.Millisecond
	// imax is the longest silence of a peer at rest.
	imax = time.Minute
	// redundancy is RFC 6206's k: one consistent announcement heard is enough to keep quiet.
	redundancy = 1
	// seekMax is the longest silence of a peer that lacks links.
	seekMax = 10 * time.Second
)

// announcer decides when to announce: by Trickle with suppression at rest, and without suppression
// while links are lacking, since nobody else can say that for us.
type announcer struct {
	rest, seek trickle.Timer
	seeking    bool
	first      bool // nothing was said yet
	changed    bool // since the last announcement
	rng        *rand.Rand
	sample     func(wire.Context, wire.TraceID) bool
}

func newAnnouncer(now time.Time, rng *rand.Rand, sample func(wire.Context, wire.TraceID) bool) announcer {
	return announcer{
		rest:   *trickle.New(trickle.Config{Imin: imin, Imax: imax, K: redundancy}, now, rng),
		seek:   *trickle.New(trickle.Config{Imin: imin, Imax: seekMax}, now, rng),
		first:  true,
		rng:    rng,
		sample: sample,
	}
}

func (a *announcer) reset(now time.Time) {
	a.changed = true
	a.rest.Reset(now)
	a.seek.Reset(now)
}

// consistent notes announcements that said nothing that we do not say as well. Beyond redundancy more say no more.
func (a *announcer) consistent(n uint64) {
	for range min(n, redundancy) {
		a.rest.Consistent()
	}
}

func (a *announcer) deadline() time.Time {
	// The first word is said at once: waiting for a random part of Imin would only delay the joining.
	if a.first {
		return time.Unix(0, 1)
	}
	if a.seeking {
		return a.seek.Deadline()
	}
	return a.rest.Deadline()
}

// advance returns why to announce now, or nothing.
func (a *announcer) advance(now time.Time, seeking bool) (why string) {
	a.seeking = seeking
	rest, seek := a.rest.Advance(now), a.seek.Advance(now)
	if planted.On(planted.NeverQuiet) && rest {
		a.reset(now)
	}
	switch {
	case a.first:
		why = "start"
	case seeking && seek:
		why = "seeking"
	case !seeking && rest && a.changed:
		why = "change"
	case !seeking && rest:
		why = "trickle"
	}
	return why
}

// say makes one announcement, with a trace of its own that whoever learns from it will go on.
func (m *Mesh) say(now time.Time, why string, to netip.AddrPort) {
	a := m.overlay.Announcement()
	a.Leaving = why == "goodbye"
	ctx := wire.NewContext(m.announce.rng, false)
	ctx.Sampled = m.cfg.Sample != nil && m.cfg.Sample(wire.Context{}, ctx.Trace)
	if ctx.Sampled {
		a.Context = ctx
	}
	if !to.IsValid() {
		m.announce.first, m.announce.changed = false, false
	}
	m.out.Datagrams = append(m.out.Datagrams, Datagram{Data: wire.AppendAnnouncement(nil, a), To: to})
	m.out.Announced = append(m.out.Announced, Announced{At: now, Why: why, Context: a.Context, To: to})
}
