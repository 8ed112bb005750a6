package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearsay/lab/sim"
	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// Account is a Watcher that keeps what happens in a run, so that a person can be told what led to a
// violation.
type Account struct {
	lines  []happening
	byName map[wire.ID]*sim.Host
}

// happening is one line of the account.
type happening struct {
	at   time.Duration
	host *sim.Host // nil for the network
	far  *sim.Host // of a link
	from wire.ID   // whose message it is about
	seq  uint64    // and its number
	last uint64    // or the last of some
	kind kind
	text string
}

// kind is how much a line matters.
type kind uint8

const (
	faults     kind = iota // what was done to the peers and the network
	said                   // what was published
	heard                  // what was delivered
	links                  // links that came and went
	trees                  // grafts, prunes, and what was given up
	membership             // dials that came to nothing, roots, heals
)

// maxLines is how many lines of an account are told; of more, those around the violation.
const maxLines = 90

// NewAccount returns an empty account.
func NewAccount() *Account { return &Account{byName: map[wire.ID]*sim.Host{}} }

// Observe notes what happened.
func (a *Account) Observe(w *sim.World, h *sim.Host, o *sim.Observation) {
	l := happening{at: w.Now(), host: h}
	switch {
	case o.Fault == "start":
		a.byName[h.ID()] = h
		return
	case o.Published > 0:
		l.kind, l.from, l.seq = said, h.ID(), o.Published
		l.text = fmt.Sprintf("says number %d", o.Published)
	case o.Delivery != nil:
		d := o.Delivery
		l.kind, l.from, l.seq = heard, d.Origin.ID(), d.Seq
		l.text = fmt.Sprintf("hears number %d of %s, %d links away", d.Seq, a.name(d.Origin.ID()), d.Hops)
	case o.Link != nil:
		l.kind, l.far = links, a.byName[o.Link.Link.ID]
		l.text = a.link(o.Link)
	case o.Broadcast != nil:
		if l.text = a.tree(o.Broadcast); l.text == "" {
			return
		}
		l.kind, l.from, l.seq, l.last = trees, o.Broadcast.Origin.ID(), o.Broadcast.From, o.Broadcast.Seq
	case o.Overlay != nil:
		if l.text = a.membership(o.Overlay); l.text == "" {
			return
		}
		l.kind, l.far = membership, a.byName[o.Overlay.Peer]
	default:
		return
	}
	a.lines = append(a.lines, l)
}

// step notes what a schedule does; the World's own word for it says less.
func (a *Account) step(at time.Duration, text string) {
	a.lines = append(a.lines, happening{at: at, kind: faults, text: text})
}

func (a *Account) name(id wire.ID) string {
	if h := a.byName[id]; h != nil {
		return h.Name
	}
	return id.Short()
}

func (a *Account) link(e *overlay.Effect) string {
	far := a.name(e.Link.ID)
	switch {
	case e.Action == overlay.Down:
		return fmt.Sprintf("loses its link with %s: %s", far, e.Reason)
	case e.Link.Out:
		return "has a link to " + far
	}
	return "has a link from " + far
}

func (a *Account) tree(e *plumtree.Event) string {
	switch e.Kind {
	case plumtree.Grafted:
		return fmt.Sprintf("grafts for numbers %d to %d of %s", e.From, e.Seq, a.name(e.Origin.ID()))
	case plumtree.Pruned:
		return fmt.Sprintf("prunes the link on which number %d of %s came again", e.Seq, a.name(e.Origin.ID()))
	case plumtree.CaughtUp:
		return fmt.Sprintf("has caught up: %d messages asked for, %d came", e.Asked, e.Got)
	case plumtree.Lost:
		return fmt.Sprintf("gives up numbers %d to %d of %s: %s", e.From, e.Seq, a.name(e.Origin.ID()), e.Reason)
	}
	return ""
}

func (a *Account) membership(e *overlay.Event) string {
	switch {
	case e.Kind == overlay.Rooted:
		return "follows " + a.name(e.Peer)
	case e.Kind == overlay.Dialled && e.Outcome != "linked":
		who := a.name(e.Peer)
		if e.Peer == "" {
			who = e.Addr.String()
		}
		return strings.TrimSpace(fmt.Sprintf("dials %s (%s): %s %s", who, e.Purpose, e.Outcome, e.Reason))
	case e.Kind == overlay.Healed:
		return fmt.Sprintf("has healed: %s", e.Outcome)
	}
	return ""
}

// Around is the account of what led to a violation: all faults, what concerns the message and the peer that
// it is about, and what happened last.
func (a *Account) Around(v *sim.Violation) string {
	var list []happening
	matters := func(l *happening) bool {
		about := v.From != nil && l.from == v.From.Origin.ID() && l.seq <= v.Seq && v.Seq <= max(l.seq, l.last)
		switch l.kind {
		case faults:
			return true
		case said, heard:
			return about || v.From == nil && v.At-l.at < time.Second
		case trees:
			return about || v.Rule == "rmr" && v.At-l.at < time.Second
		case links:
			return v.Host == nil || l.host == v.Host || l.far == v.Host
		}
		return v.From == nil && (v.Host == nil || l.host == v.Host)
	}
	for _, l := range a.lines {
		if matters(&l) {
			list = append(list, l)
		}
	}
	for k := membership; len(list) > maxLines && k > said; k-- { // the least important go first, and of them the oldest
		surplus := len(list) - maxLines
		list = slices.DeleteFunc(list, func(l happening) bool {
			if l.kind == k && surplus > 0 {
				surplus--
				return true
			}
			return false
		})
	}
	return a.write(list) + fmt.Sprintf("%s  %-8s  %s: %s\n", clock(v.At), "", v.Rule, v.What)
}

// All is everything.
func (a *Account) All() string { return a.write(a.lines) }

func (a *Account) write(list []happening) string {
	slices.SortStableFunc(list, func(x, y happening) int { return cmp.Compare(x.at, y.at) })
	var b strings.Builder
	for _, l := range list {
		name := ""
		if l.host != nil {
			name = l.host.Name
		}
		fmt.Fprintf(&b, "%s  %-8s  %s\n", clock(l.at), name, l.text)
	}
	return b.String()
}

func clock(d time.Duration) string { return fmt.Sprintf("%11.6f s", d.Seconds()) }
