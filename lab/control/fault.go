package control

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/quantity"
)

// FaultRequest is something to be done to peers, or to what is between them.
type FaultRequest struct {
	// Fault is kill, stop, start, restart, pause, resume, partition, isolate, heal, delay, loss, churn or scale.
	Fault string `json:"fault"`
	// Peers are those whom it befalls: see fleet.Select.
	Peers string `json:"peers,omitempty"`
	// Groups are those of a partition: 1,2,3/4,5,6. One group alone is cut off from all others.
	Groups string           `json:"groups,omitempty"`
	By     *quantity.Spread `json:"by,omitempty"`    // of delay: 50ms±10ms
	Share  *quantity.Share  `json:"share,omitempty"` // of loss: 5%
	Rate   *quantity.Rate   `json:"rate,omitempty"`  // of churn: 1/s
	For    string           `json:"for,omitempty"`   // of churn: 60s
	Count  int              `json:"count,omitempty"` // of scale
	// Wait answers once it is known how the mesh took it, and not as soon as it is done.
	Wait bool `json:"wait,omitempty"`
}

// deed is something that was done.
type deed struct {
	kind   string // of the fault, as watch.Fault calls it
	said   string // what was done, in a sentence without its full stop
	peers  []int
	root   bool // among them was the root
	before int  // the newest fault before it
	cut    bool // the network was, before it
	by     *quantity.Spread
}

func (s *Server) fault(w http.ResponseWriter, r *http.Request) {
	var q FaultRequest
	if !take(w, r, &q) {
		return
	}
	ctx := s.ctx
	if q.Wait {
		ctx = r.Context() // who no longer waits for the end of a churn wants none
	}
	o, err := s.Fault(ctx, q)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, o)
}

// Fault does what is asked for. With Wait it returns how the mesh took it, otherwise what was done; the rest is said
// later.
func (s *Server) Fault(ctx context.Context, q FaultRequest) (*Outcome, error) {
	if q.Fault == "churn" {
		return s.churn(ctx, q)
	}
	d, err := s.do(q)
	if err != nil {
		return nil, err
	}
	if q.Wait {
		o := s.aftermath(ctx, d)
		o.Fault = q.Fault
		s.say(o.Text)
		return o, nil
	}
	s.work.Go(func() { s.say(s.aftermath(s.ctx, d).Text) })
	return &Outcome{Fault: q.Fault, Peers: d.peers, Text: d.said + ".", OK: true, NoticedMS: -1, FlowedMS: -1, SlotsMS: -1, HealedMS: -1}, nil
}

// do does it. What is begun is finished, whoever goes away meanwhile.
func (s *Server) do(q FaultRequest) (*deed, error) {
	f := s.cfg.Fleet
	d := &deed{kind: q.Fault, before: s.lastFault(), cut: len(s.cfg.Watch.State().Cut) > 0}
	if err := f.Can(fleet.Fault(q.Fault)); err != nil {
		return nil, err
	}
	switch q.Fault {
	case "heal":
		s.churns.stop()
		d.said = "Nothing is cut, late or lost any more"
		return d, f.Heal(s.ctx)
	case "partition":
		return d, s.partition(d, q.Groups)
	case "scale":
		return d, s.scale(d, q.Count)
	}
	var err error
	before := f.Peers()
	if d.peers, err = s.chooseFor(q.Fault, before, q.Peers); err != nil {
		return nil, usageError{err}
	}
	who := names(before, d.peers)
	if d.root = q.Fault != "resume" && q.Fault != "start" && s.hasRoot(d.peers); d.root {
		who = s.nameRoot(before, d.peers)
	}
	switch q.Fault {
	case "kill":
		d.said = who + " killed"
		return d, f.Kill(s.ctx, d.peers...)
	case "stop":
		d.said = who + " stopped"
		return d, f.Stop(s.ctx, d.peers...)
	case "start":
		d.said = who + " started"
		return d, f.Start(s.ctx, d.peers...)
	case "restart":
		d.said, d.kind = who+" restarted", "start"
		if err := f.Stop(s.ctx, d.peers...); err != nil {
			return nil, err
		}
		return d, f.Start(s.ctx, d.peers...)
	case "pause":
		d.said = who + " paused"
		return d, f.Pause(s.ctx, d.peers...)
	case "resume":
		d.said = who + " goes on"
		if len(d.peers) > 1 {
			d.said = who + " go on"
		}
		return d, f.Resume(s.ctx, d.peers...)
	case "isolate":
		d.said = who + " cut off from everybody, by TCP and multicast"
		return d, f.Isolate(s.ctx, d.peers...)
	case "delay":
		if q.By == nil {
			return nil, usageError{errors.New("delay: say by how much: 50ms or 50ms±10ms")}
		}
		d.said, d.root, d.by = fmt.Sprintf("What %s comes %v late", sending(before, d.peers), *q.By), false, q.By
		return d, f.Delay(s.ctx, *q.By, d.peers...)
	case "loss":
		if q.Share == nil {
			return nil, usageError{errors.New("loss: say how much: 5%")}
		}
		d.said, d.root = fmt.Sprintf("%v of what %s is lost", *q.Share, sending(before, d.peers)), false
		return d, f.Loss(s.ctx, *q.Share, d.peers...)
	}
	return nil, usageError{fmt.Errorf("there is no fault %q: there are kill, stop, start, restart, pause, resume, partition, isolate, heal, delay, loss, churn and scale", q.Fault)}
}

// choose finds the peers that people mean.
func (s *Server) choose(what string, ended bool) ([]int, error) {
	return chosen(what, func(rng *rand.Rand) ([]int, error) { return fleet.Select(s.cfg.Fleet.Peers(), what, ended, rng) })
}

func chosen(what string, choose func(*rand.Rand) ([]int, error)) ([]int, error) {
	if strings.TrimSpace(what) == "" {
		return nil, errors.New("say which peers: 3 or peer-3, 1,2, root, any, random 2, half or all")
	}
	list, err := choose(rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%q is nobody now", what)
	}
	return list, err
}

// chooseFor finds the peers that something is to be done to. All of them must be such that it can be done to them: what
// anybody can see beforehand is bad usage, and no failure.
func (s *Server) chooseFor(fault string, peers []fleet.Peer, what string) ([]int, error) {
	list, err := chosen(what, func(rng *rand.Rand) ([]int, error) { return fleet.SelectFor(fault, peers, what, rng) })
	if err != nil {
		return nil, err
	}
	return list, fits(fault, peers, list)
}

// fits says which of these peers something cannot be done to, and why.
func fits(fault string, peers []fleet.Peer, list []int) error {
	for _, p := range peers {
		if !slices.Contains(list, p.Number) {
			continue
		}
		switch {
		case p.Alive && fault == "start":
			return fmt.Errorf("%s runs already", p.Name)
		case fault == "start":
		case !p.Alive:
			return fmt.Errorf("%s has ended (start it again with: lab start %d)", p.Name, p.Number)
		case !p.Paused && fault == "resume":
			return fmt.Errorf("%s is not paused", p.Name)
		case !p.Paused:
		case fault == "pause":
			return fmt.Errorf("%s is paused already", p.Name)
		case fault == "stop" || fault == "restart":
			return fmt.Errorf("%s is paused and would not hear it: resume it first, or kill it", p.Name)
		case fault == "send":
			return fmt.Errorf("%s is paused and cannot speak: resume it first (lab resume %d)", p.Name, p.Number)
		}
	}
	return nil
}

// partition reads groups and cuts between them.
func (s *Server) partition(d *deed, groups string) error {
	var all [][]int
	var words []string
	peers := s.cfg.Fleet.Peers()
	chosen := map[int]bool{}
	for _, word := range strings.Split(groups, "/") {
		g, err := s.choose(word, true)
		if err != nil {
			return usageError{err}
		}
		for _, n := range g {
			if chosen[n] {
				return usageError{fmt.Errorf("peer-%d stands in two groups", n)}
			}
			chosen[n] = true
		}
		all = append(all, g)
	}
	if len(all) == 1 {
		var rest []int
		for _, p := range peers {
			if p.Alive && !chosen[p.Number] {
				rest = append(rest, p.Number)
			}
		}
		if len(rest) == 0 {
			return usageError{fmt.Errorf("%q is everybody: say two groups, as 1,2,3/4,5,6", groups)}
		}
		all = [][]int{rest, all[0]}
	}
	for _, g := range all {
		words = append(words, names(peers, g))
	}
	d.said = "The network is cut, TCP and multicast: " + strings.Join(words, " | ")
	for _, g := range all[1:] {
		d.peers = append(d.peers, g...)
	}
	return s.cfg.Fleet.Partition(s.ctx, all...)
}

// maxScale is how many peers may be asked for where the engine does not say how many it can have.
const maxScale = 10000

// sending is names as the subject of what they send.
func sending(all []fleet.Peer, peers []int) string {
	if len(peers) == 1 {
		return names(all, peers) + " sends"
	}
	return names(all, peers) + " send"
}

// scale has so many peers live: first those start again that have ended, then new ones; or those with the highest
// numbers stop.
func (s *Server) scale(d *deed, count int) error {
	f := s.cfg.Fleet
	most := maxScale
	if m, ok := f.(interface{ Most() int }); ok {
		most = m.Most()
	}
	if count < 1 || count > most {
		return usageError{fmt.Errorf("scale: %d is no number of peers (1 to %d)", count, most)}
	}
	var living, dead []int
	for _, p := range f.Peers() {
		if p.Alive {
			living = append(living, p.Number)
		} else {
			dead = append(dead, p.Number)
		}
	}
	more := count - len(living)
	switch {
	case more == 0:
		return usageError{fmt.Errorf("there are %d peers already", count)}
	case more < 0:
		d.kind, d.peers = "stop", living[len(living)+more:]
		if err := fits("stop", f.Peers(), d.peers); err != nil {
			return usageError{err}
		}
		d.root = s.hasRoot(d.peers)
		d.said = fmt.Sprintf("%s left: %s stopped", counted(count, "peer"), names(f.Peers(), d.peers))
		return f.Stop(s.ctx, d.peers...)
	}
	again := dead[:min(more, len(dead))]
	if len(again) > 0 {
		d.kind = "start"
		if err := f.Start(s.ctx, again...); err != nil {
			return err
		}
	}
	d.peers = slices.Clone(again)
	if n := more - len(again); n > 0 {
		d.kind = "scale"
		added, err := f.Add(s.ctx, n, fleet.Options{})
		if err != nil {
			return err
		}
		d.peers = append(d.peers, added...)
	}
	d.said = fmt.Sprintf("%d peers: %s started", count, names(f.Peers(), d.peers))
	return nil
}

// hasRoot reports whether one of these is the root.
func (s *Server) hasRoot(peers []int) bool {
	return slices.ContainsFunc(s.cfg.Watch.Figures().Roots, func(n int) bool { return slices.Contains(peers, n) })
}

// nameRoot is names, with the root marked.
func (s *Server) nameRoot(all []fleet.Peer, peers []int) string {
	all = slices.Clone(all)
	roots := s.cfg.Watch.Figures().Roots
	for i := range all {
		if slices.Contains(roots, all[i].Number) && slices.Contains(peers, all[i].Number) {
			all[i].Name += " (root)"
		}
	}
	return names(all, peers)
}

// lastFault is the number of the newest fault that is known.
func (s *Server) lastFault() int {
	if all := s.cfg.Watch.Faults(); len(all) > 0 {
		return all[len(all)-1].Number
	}
	return 0
}

// duration reads how long something lasts.
func duration(text string, def time.Duration) (time.Duration, error) {
	if text == "" {
		return def, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > 24*time.Hour {
		return 0, usageError{errors.New(strconv.Quote(text) + " is no length of time: write it as 60s or 5m (up to a day)")}
	}
	return d, nil
}
