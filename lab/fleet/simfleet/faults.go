package simfleet

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"hearsay/lab/fleet"
	"hearsay/lab/quantity"
	"hearsay/lab/sim"
)

// Can is always nil: the simulator can do everything.
func (f *Fleet) Can(fleet.Fault) error { return nil }

// Add starts n more peers.
func (f *Fleet) Add(_ context.Context, n int, o fleet.Options) ([]int, error) {
	if n < 0 || len(f.places)+n > sim.MaxPeers {
		return nil, fmt.Errorf("%d more peers: there can be %d", n, sim.MaxPeers)
	}
	var added []int
	for range n {
		h := f.world.Add(sim.Options{Firewalled: o.Siphoner})
		f.places = append(f.places, &place{host: h, number: h.Number})
		added = append(added, h.Number)
	}
	f.spoil()
	f.fault("scale: "+strconv.Itoa(n)+" more", added)
	for _, k := range added {
		f.start(f.places[k-1])
	}
	return added, f.broken()
}

// Start starts peers again that have ended.
func (f *Fleet) Start(_ context.Context, peers ...int) error {
	return f.each("start", peers, f.start)
}

func (f *Fleet) start(p *place) {
	if p.host.Alive() {
		return
	}
	p.run++
	p.started, p.eager, p.sent = f.Now(), nil, 0
	f.tell(p, fleet.Started, "")
	p.host.Start()
}

// Kill ends peers without a word.
func (f *Fleet) Kill(_ context.Context, peers ...int) error {
	return f.each("kill", peers, func(p *place) {
		if p.host.Alive() {
			p.host.Kill()
			f.tell(p, fleet.Ended, "kill")
		}
	})
}

// Stop has peers say goodbye and end.
func (f *Fleet) Stop(_ context.Context, peers ...int) error {
	return f.each("stop", peers, func(p *place) {
		if p.host.Alive() {
			p.host.Stop()
			f.tell(p, fleet.Ended, "stop")
		}
	})
}

// Pause stops processes, as SIGSTOP does.
func (f *Fleet) Pause(_ context.Context, peers ...int) error {
	return f.each("pause", peers, func(p *place) {
		if p.host.Alive() && !p.host.Paused() {
			p.host.Pause()
			f.tell(p, fleet.Paused, "")
		}
	})
}

// Resume lets them go on.
func (f *Fleet) Resume(_ context.Context, peers ...int) error {
	return f.each("resume", peers, func(p *place) {
		if p.host.Paused() {
			f.tell(p, fleet.Resumed, "")
			p.host.Resume()
		}
	})
}

// Partition cuts the network between groups.
func (f *Fleet) Partition(_ context.Context, groups ...[]int) error {
	var hosts [][]*sim.Host
	var words []string
	var all []int
	for _, g := range groups {
		var group []*sim.Host
		for _, n := range g {
			p, err := f.place(n)
			if err != nil {
				return err
			}
			group = append(group, p.host)
		}
		hosts, words, all = append(hosts, group), append(words, list(g)), append(all, g...)
	}
	f.world.Partition(hosts...)
	f.fault("partition "+strings.Join(words, "/"), all)
	return f.broken()
}

// Isolate cuts peers off from everybody.
func (f *Fleet) Isolate(_ context.Context, peers ...int) error {
	return f.rule("isolate", peers, func(n int) { f.isolated[n] = true })
}

// Delay makes everything late that these peers send.
func (f *Fleet) Delay(_ context.Context, by quantity.Spread, peers ...int) error {
	return f.rule("delay "+by.String(), peers, func(n int) { f.delays[n] = by })
}

// Loss drops a share of what these peers send.
func (f *Fleet) Loss(_ context.Context, share quantity.Share, peers ...int) error {
	return f.rule("loss "+share.String(), peers, func(n int) { f.losses[n] = share })
}

// Heal undoes them.
func (f *Fleet) Heal(context.Context) error {
	clear(f.isolated)
	clear(f.delays)
	clear(f.losses)
	f.world.Heal()
	f.fault("heal", nil)
	return f.broken()
}

// rule notes what is wrong with the network at some peers.
func (f *Fleet) rule(what string, peers []int, set func(int)) error {
	for _, n := range peers {
		if _, err := f.place(n); err != nil {
			return err
		}
	}
	for _, n := range peers {
		set(n)
	}
	f.spoil()
	f.fault(what+" "+list(peers), peers)
	return f.broken()
}

// spoil tells the simulator what is wrong from each peer to each other.
func (f *Fleet) spoil() {
	if len(f.isolated)+len(f.delays)+len(f.losses) == 0 {
		return
	}
	for _, a := range f.places {
		for _, b := range f.places {
			if a == b {
				continue
			}
			by := f.delays[a.number]
			wrong := sim.Spoiling{
				Cut:   f.isolated[a.number] || f.isolated[b.number],
				Delay: by.Mean - by.By, Jitter: 2 * by.By, Loss: float64(f.losses[a.number]),
			}
			if wrong != (sim.Spoiling{}) {
				f.world.Spoil(a.host, b.host, wrong)
			}
		}
	}
}

// each does something to each of the peers, if there are all of them.
func (f *Fleet) each(what string, peers []int, do func(*place)) error {
	var places []*place
	for _, n := range peers {
		p, err := f.place(n)
		if err != nil {
			return err
		}
		places = append(places, p)
	}
	f.fault(what+" "+list(peers), peers)
	for _, p := range places {
		do(p)
	}
	return f.broken()
}

func list(peers []int) string {
	var words []string
	for _, n := range peers {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, ",")
}
