package sim

import (
	"testing"
	"time"
)

func do(t *testing.T, p Plan) *Run {
	t.Helper()
	r, err := NewRun(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Do(nil); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARunKeepsItsPromises(t *testing.T) {
	for name, spoil := range map[string]func(*Plan){
		"nothing breaks":       func(*Plan) {},
		"half are killed":      func(p *Plan) { p.Kill = 0.5 },
		"half go in silence":   func(p *Plan) { p.Kill, p.Silent = 0.5, true },
		"cut in half":          func(p *Plan) { p.Partition, p.For = true, 8*time.Second },
		"coming and going":     func(p *Plan) { p.Churn, p.For = 2, 8*time.Second },
		"all of it":            func(p *Plan) { p.Kill, p.Partition, p.Churn, p.For = 0.2, true, 1, 8*time.Second },
		"with siphoners":       func(p *Plan) { p.Siphoners, p.Kill = 5, 0.3 },
		"a flood":              func(p *Plan) { p.Flood, p.Kill = true, 0.5 },
		"packets are lost":     func(p *Plan) { p.Loss, p.Kill = 0.02, 0.2 },
		"no multicast":         func(p *Plan) { p.NoMulticast, p.Join = true, true },
		"everybody at once":    func(p *Plan) { p.Within = 0 },
		"not a word is said":   func(p *Plan) { p.Messages, p.Kill = 0, 0.2 },
		"at a given instant":   func(p *Plan) { p.At, p.Kill = 7*time.Second, 0.2 },
		"and then a rest":      func(p *Plan) { p.Rest = 20 * time.Second },
		"one message, no tree": func(p *Plan) { p.Messages = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := good()
			p.Seed = 7
			spoil(&p)
			r := do(t, p)
			f, x := &r.Figures, &r.Times
			if f.Lost+f.Duplicated+f.OutOfOrder+f.Unexpected != 0 || f.Reliable != 1 {
				t.Errorf("lost %d, duplicated %d, out of order %d, unexpected %d; reliability %v", f.Lost, f.Duplicated, f.OutOfOrder, f.Unexpected, f.Reliable)
			}
			if f.FormedMS < 0 || f.Peers != p.Peers || f.Living != p.Peers+p.Siphoners-p.victims() {
				t.Errorf("formed after %v ms; %d of %d peers live", f.FormedMS, f.Living, f.Peers)
			}
			if p.broken() != (f.HealedMS >= 0) || p.broken() != (f.CaughtMS >= 0) || p.broken() != (f.FlowedMS >= 0) || p.broken() != (f.First.Reliable == 1) {
				t.Errorf("healed %v, caught up %v, flowed %v, first %+v", f.HealedMS, f.CaughtMS, f.FlowedMS, f.First)
			}
			if (p.Rest > 0) != (f.Announce >= 0) || f.Announce > 1 {
				t.Errorf("%v announcements a second", f.Announce)
			}
			// Where packets are lost, what a link holds up is grafted from another, and comes twice in the end.
			most := 0.1
			if p.Loss > 0 {
				most = 0.5
			}
			if (p.Messages > 0) != (f.RMR >= 0) || f.RMR >= most && !p.Flood && p.Messages > warmShare || f.RMR < 1 && p.Flood && p.Messages > 0 {
				t.Errorf("rmr is %v", f.RMR)
			}
			if p.At > 0 && x.Broke < p.At || x.Broke > 0 && x.Broke < x.Said {
				t.Errorf("it broke at %v", x.Broke)
			}
			if p.lasting() && x.Ended-x.Broke < p.For {
				t.Errorf("the fault lasted from %v to %v", x.Broke, x.Ended)
			}
			if p.Partition && f.Parts < 2 {
				t.Errorf("a mesh that is cut is in %d parts", f.Parts)
			}
		})
	}
}

// Where more is said than peers keep, some of it cannot reach everybody, and nobody says that it does.
func TestWhatIsNotKeptIsGivenUp(t *testing.T) {
	p := good()
	p.Partition, p.For, p.Size, p.RetainBytes = true, 5*time.Second, 60<<10, 64<<10
	r := do(t, p)
	f := &r.Figures
	if f.GivenUp < 20*10 || r.GivenUp.CaughtUp != f.GivenUp || f.CaughtMS != -1 || f.Lost != 0 {
		t.Errorf("%d deliveries were given up, %d of them until all was caught up, after %v ms; %d were lost", f.GivenUp, r.GivenUp.CaughtUp, f.CaughtMS, f.Lost)
	}
	if want := float64(f.Delivered) / float64(f.Delivered+f.GivenUp); f.Reliable != want {
		t.Errorf("the reliability is %v, want %v", f.Reliable, want)
	}
	if r.GivenUp.Said != 0 {
		t.Errorf("%d deliveries were given up while nothing was broken", r.GivenUp.Said)
	}
	// Nothing of it is given up where everybody hears at once, however much is said all in all.
	q := good()
	q.Size, q.RetainBytes, q.Kill = 60<<10, 256<<10, 0.3
	if f := &do(t, q).Figures; f.GivenUp != 0 || f.Reliable != 1 || f.CaughtMS < 0 {
		t.Errorf("without a cut %d deliveries are given up; the reliability is %v", f.GivenUp, f.Reliable)
	}
}

// As many are killed as were asked for, as long as enough live.
func TestChurnKillsTheLiving(t *testing.T) {
	for name, test := range map[string]struct {
		spoil       func(*Plan)
		least, most int
	}{
		"among the survivors of a kill": {func(p *Plan) { p.Peers, p.Kill, p.Churn, p.For = 30, 0.6, 2, 20*time.Second }, 40, 40},
		"of three, one":                 {func(p *Plan) { p.Peers, p.Churn, p.For = 3, 1, 10*time.Second }, 2, 10},
		"on both sides of a cut":        {func(p *Plan) { p.Partition, p.Churn, p.For = true, 2, 10*time.Second }, 20, 20},
		"more than can be":              {func(p *Plan) { p.Peers, p.Churn, p.For = 10, 1000, 5*time.Second }, 8, 50},
		"seldom":                        {func(p *Plan) { p.Churn, p.For = 0.01, 10*time.Second }, 1, 1},
	} {
		p := good()
		test.spoil(&p)
		if n := do(t, p).Figures.Churned; n < test.least || n > test.most {
			t.Errorf("%s: %d were killed, want %d to %d", name, n, test.least, test.most)
		}
	}
	if n := do(t, good()).Figures.Churned; n != -1 {
		t.Errorf("without churn %d were killed", n)
	}
}

// What was not measured is -1, and a run that broke a promise does not look like one that kept them all.
func TestWhatWasNotMeasured(t *testing.T) {
	p := good()
	p.Messages = 0
	if f := &do(t, p).Figures; f.Published != 0 || f.Reliable != -1 || f.Parts != -1 || f.Largest != -1 || f.Violation != nil {
		t.Errorf("nobody spoke and nothing broke: %+v", f)
	}
	p.Loss = 0.9 // hardly a dial gets through
	r, err := NewRun(p)
	if err != nil {
		t.Fatal(err)
	}
	err = r.Do(nil)
	if v := r.Figures.Violation; err == nil || v == nil || v.Rule != "whole" || v.What == "" || v.AtMS < 30_000 {
		t.Errorf("%v is told as %+v", err, v)
	}
}

func TestTheSameSeedIsTheSameRun(t *testing.T) {
	p := good()
	p.Kill, p.Seed = 0.5, 3
	first := do(t, p)
	// Looking at a run does not change it: neither recording nor asking whether to stop.
	p.Record = true
	again, err := NewRun(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Do(func() bool { return false }); err != nil {
		t.Fatal(err)
	}
	if first.Figures != again.Figures || first.Times != again.Times {
		t.Errorf("the first run came to\n%+v\n%+v\nand the second to\n%+v\n%+v", first.Figures, first.Times, again.Figures, again.Times)
	}
	p.Seed++
	if other := do(t, p); other.Figures.Digest == first.Figures.Digest {
		t.Error("another seed gives the same run")
	}
}

func TestARunCanBeStopped(t *testing.T) {
	p := good()
	p.Kill = 0.5
	r, err := NewRun(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Do(func() bool { return r.World.Now() > 1500*time.Millisecond }); err != nil {
		t.Fatal(err)
	}
	f := &r.Figures
	if !r.Stopped || r.Phase != "one peer speaks" || r.Times.End > 2*time.Second {
		t.Errorf("stopped %v in phase %q at %v", r.Stopped, r.Phase, r.Times.End)
	}
	// What was found until then is there, and nothing else.
	if f.FormedMS < 0 || f.Published == 0 || f.Delivered == 0 || f.RMR != -1 || f.HealedMS != -1 || f.First.Reliable != -1 {
		t.Errorf("the figures are %+v", f)
	}
	if share := r.Progress(); share < 0.5 || share > 1 {
		t.Errorf("it was %v through", share)
	}
}

// The instant at which the mesh is whole is exact, and what Meshed says when it is asked at every event.
func TestWholeIsExact(t *testing.T) {
	for seed := range uint64(12) {
		w := New(Config{Seed: seed})
		var hosts []*Host
		for range 30 {
			h := w.Add(Options{})
			w.After(w.between(0, time.Second), h.Start)
			hosts = append(hosts, h)
		}
		exact := func(most time.Duration) {
			t.Helper()
			x := &wholeWatch{whole: newWhole(w), asked: -1}
			if w.Meshed() == "" {
				x.asked = w.Now()
			}
			w.watch = []Watcher{x}
			w.Run(most)
			w.watch = nil
			if x.whole.at != x.asked || x.asked < 0 {
				t.Errorf("seed %d: whole at %v, and by asking at every change at %v", seed, x.whole.at, x.asked)
			}
		}
		w.Run(time.Second)
		exact(3 * time.Second)
		for _, h := range hosts[:20] {
			h.Kill()
		}
		exact(5 * time.Second)
		w.Partition(hosts[20:25], hosts[25:])
		w.Run(10 * time.Second)
		w.Heal()
		exact(10 * time.Second)
		hosts[3].Start()
		exact(3 * time.Second)
	}
}

// wholeWatch asks Meshed at every change of a link.
type wholeWatch struct {
	whole *whole
	asked time.Duration
}

func (x *wholeWatch) Observe(w *World, h *Host, o *Observation) {
	x.whole.observe(h, o)
	if o.Link != nil && x.asked < 0 && w.Meshed() == "" {
		x.asked = w.Now()
	}
}

func TestRecording(t *testing.T) {
	p := good()
	p.Record, p.Kill = true, 0.5
	r := do(t, p)
	x := r.Recording()
	if x.Steady.Len() != x.Due || x.Due != 15*39 { // a quarter of the twenty messages is for the tree
		t.Errorf("%d of %d deliveries of steady messages were recorded, want %d", x.Steady.Len(), x.Due, 15*39)
	}
	sum := func(list []int) (n int) {
		for _, k := range list {
			n += k
		}
		return n
	}
	if sum(x.Hops) != x.Due || len(x.Hops) != r.Figures.LDHMax+1 || x.Hops[0] != 0 {
		t.Errorf("hops are %v; the last is %d", x.Hops, r.Figures.LDHMax)
	}
	if sum(x.Out) != 20 || sum(x.In) != 20 || len(x.Out) > 3+1 || len(x.In) > 6+1 {
		t.Errorf("of 20 survivors with 3 and 6 slots links are %v out and %v in", x.Out, x.In)
	}
	if len(x.First) != 19 || x.Among != 19 {
		t.Errorf("%d of %d had the first message", len(x.First), x.Among)
	}
	if len(x.Mend) < 2 || x.Mend[0].After != 0 || x.Mend[0].Parts != r.Figures.Parts || x.Mend[0].Largest != r.Figures.Largest || x.Mend[0].Living != 20 {
		t.Errorf("the mending began with %+v; the fault left %d parts", x.Mend, r.Figures.Parts)
	}
	copies := uint64(0)
	for _, s := range x.Copies {
		copies += s.Copies
	}
	if copies == 0 || copies > r.World.Counts.Copies {
		t.Errorf("%d copies were recorded, of %d", copies, r.World.Counts.Copies)
	}
	if do(t, good()).Recording() != nil {
		t.Error("there is a recording that nobody asked for")
	}
}
