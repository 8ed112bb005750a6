package control

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/watch"
)

const (
	// mendWithin is how long the mesh may take to get over a fault before we say that it has not. It needs three
	// seconds after a silent one.
	mendWithin = 15 * time.Second
	// slotsWithin is how long we wait to see whether a mending comes that fills slots again. Not every fault makes
	// one.
	slotsWithin = time.Second
	// question is what we have a peer say after a fault: how soon it is everywhere is how soon messages flow.
	question = "are you there?"
)

// Outcome is what was done, and how the mesh took it. Times are from the fault on, in milliseconds; what is not known is
// negative.
type Outcome struct {
	Fault     string  `json:"fault"`
	Peers     []int   `json:"peers"`
	Text      string  `json:"text"`
	OK        bool    `json:"ok"`        // the mesh is whole, as far as it can be, and everybody hears who should
	Neighbors int     `json:"neighbors"` // peers that were linked to those whom it befell, and live
	Links     int     `json:"links"`     // that it ended
	NoticedMS float64 `json:"noticed_ms"`
	FlowedMS  float64 `json:"flowed_ms"`
	SlotsMS   float64 `json:"slots_ms"`
	HealedMS  float64 `json:"healed_ms"`
	Root      int     `json:"root"` // who is the root now; 0 if there is none, or several
}

// wants is what there is to wait for after a fault.
type wants struct{ noticed, healed, flowed, slots bool }

var after = map[string]wants{
	"kill": {true, true, true, true}, "stop": {true, true, true, true}, "pause": {true, true, true, false},
	"partition": {noticed: true, healed: true}, "isolate": {noticed: true, healed: true},
	"start": {healed: true, flowed: true}, "resume": {healed: true, flowed: true}, "scale": {healed: true, flowed: true},
	"heal": {healed: true, flowed: true},
}

// aftermath waits until the mesh has got over a deed, and tells how.
func (s *Server) aftermath(ctx context.Context, d *deed) *Outcome {
	o := &Outcome{Fault: d.kind, Peers: d.peers, OK: true, NoticedMS: -1, FlowedMS: -1, SlotsMS: -1, HealedMS: -1}
	if o.Peers == nil {
		o.Peers = []int{}
	}
	if d.by != nil {
		s.late(ctx, d, o)
		return o
	}
	want := after[d.kind]
	if want == (wants{}) {
		o.Text = d.said + "."
		return o
	}
	id := ""
	if want.flowed {
		if from, err := s.speaker(""); err == nil {
			p, _ := s.cfg.Fleet.Publish(ctx, from, []byte(question))
			id = p.ID
		}
	}
	ctx, cancel := context.WithTimeout(ctx, mendWithin)
	defer cancel()
	begun := time.Now()
	var why string
	nobody := false // runs any more, and nothing is to be waited for
	s.cfg.Watch.Until(ctx, func(m *watch.Model) bool {
		f := d.find(m.Faults())
		if f == nil {
			return false
		}
		o.Neighbors, o.Links, o.NoticedMS, o.HealedMS, o.SlotsMS = f.Neighbors, f.Links, f.Noticed, f.Healed, f.Slots
		if o.FlowedMS < 0 && id != "" {
			if a, err := m.Account(id); err == nil && reached(m, a) {
				o.FlowedMS = max(0, float64(a.Said.UnixMicro())/1000-f.At+a.TookMS)
			}
		}
		figures := m.Figures()
		why = figures.Why
		o.Root = 0
		if len(figures.Roots) == 1 {
			o.Root = figures.Roots[0]
		}
		if nobody = want.noticed && m.Running() == 0; nobody {
			return true
		}
		return !(want.noticed && f.Neighbors > 0 && f.Noticed < 0 || want.healed && f.Healed < 0 || id != "" && o.FlowedMS < 0 ||
			want.slots && f.Slots < 0 && time.Since(begun) < slotsWithin || d.root && want.slots && o.Root == 0 && len(m.Cut()) == 0)
	})
	if nobody {
		o.Text = d.said + ". Nobody runs any more."
		return o
	}
	o.OK = !(want.healed && o.HealedMS < 0 || id != "" && o.FlowedMS < 0)
	o.Text = s.tell(d, o, want, id != "", why)
	return o
}

// find is the fault that a deed made.
func (d *deed) find(all []watch.Fault) *watch.Fault {
	for i := len(all) - 1; i >= 0 && all[i].Number > d.before; i-- {
		if f := &all[i]; f.Kind == d.kind && (len(d.peers) == 0 || slices.ContainsFunc(f.Peers, func(n int) bool { return slices.Contains(d.peers, n) })) {
			return f
		}
	}
	return nil
}

// reached reports whether a message is with everybody who can have it now: one who is paused cannot, nor one who is cut
// off from its publisher.
func reached(m *watch.Model, a *watch.Account) bool {
	side := slices.IndexFunc(m.Cut(), func(g []int) bool { return slices.Contains(g, a.From) })
	return !slices.ContainsFunc(a.Missing, func(x watch.Missing) bool {
		return !m.Paused(x.Peer) && (side < 0 || slices.Contains(m.Cut()[side], x.Peer))
	})
}

// tell says it in sentences.
func (s *Server) tell(d *deed, o *Outcome, want wants, asked bool, why string) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	whose := "Its"
	if len(d.peers) != 1 {
		whose = "Their"
	}
	if want.noticed {
		switch {
		case o.Neighbors == 0 && across(d.kind):
			add("no link led across")
		case o.Neighbors == 0:
			add("nobody was linked to %s", map[string]string{"Its": "it", "Their": "them"}[whose])
		case across(d.kind) && o.NoticedMS < 0:
			add("not all of the %s across were given up within %v", counted(o.Links, "link"), mendWithin)
		case across(d.kind):
			add("the %s across were given up at both ends within %s", counted(o.Links, "link"), millis(o.NoticedMS))
		case o.NoticedMS < 0:
			add("not all of %s %s noticed within %v", strings.ToLower(whose), counted(o.Neighbors, "neighbor"), mendWithin)
		default:
			add("%s %s noticed in %s", whose, counted(o.Neighbors, "neighbor"), millis(o.NoticedMS))
		}
	}
	switch {
	case asked && o.FlowedMS < 0:
		add("a message was not everywhere after %v", mendWithin)
	case asked && want.noticed:
		add("messages flowed again after %s", millis(o.FlowedMS))
	case asked:
		add("a message was everywhere after %s", millis(o.FlowedMS))
	}
	switch {
	case want.healed && o.HealedMS < 0:
		add("not whole after %v: %s", mendWithin, why)
	case across(d.kind):
		add("each side was whole after %s", millis(o.HealedMS))
	case d.kind == "heal" && o.HealedMS == 0 && d.cut:
		add("whole at once") // its links came before the word that nothing is cut any more
	case d.kind == "heal" && o.HealedMS == 0:
		add("the mesh was whole already")
	case want.healed && !want.slots:
		add("whole after %s", millis(o.HealedMS))
	}
	if want.slots && o.SlotsMS >= 0 {
		add("slots full after %s", millis(o.SlotsMS))
	}
	if d.root && o.Root > 0 && !slices.Contains(d.peers, o.Root) {
		add("%s is root", nameOf(s.cfg.Fleet.Peers(), o.Root))
	}
	text := strings.Join(parts, "; ")
	if text == "" {
		return d.said + "."
	}
	return d.said + ". " + strings.ToUpper(text[:1]) + text[1:] + "."
}

// across reports whether a fault ends links that both of whose ends live.
func across(kind string) bool { return kind == "partition" || kind == "isolate" }

func nameOf(peers []fleet.Peer, number int) string { return names(peers, []int{number}) }
