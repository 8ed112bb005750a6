package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"hearsay/lab/plots"
	"hearsay/lab/sim"
)

// simCurveCmd draws the figure by which HyParView's paper became known: how many survivors the first message
// after a failure reaches, by the share of peers that failed.
type simCurveCmd struct {
	Peers    int    `default:"1000" help:"How many peers."`
	Seeds    int    `default:"3" help:"Runs of each point, with the seeds from --seed on; what is shown is their mean."`
	Parallel int    `help:"Runs side by side; by default as many as there are cores." placeholder:"2"`
	Silent   bool   `help:"The killed go with their machines: nobody tells their neighbors."`
	Plots    string `help:"Draw pictures into this folder." placeholder:"DIR" type:"path"`
	JSON     bool   `help:"One JSON object on standard output."`
	simNetwork
}

// curveShares are the shares of peers that fail, as in the paper.
var curveShares = []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95}

const (
	maxCurveSeeds = 1000
	maxParallel   = 1024
	// curveMessages are enough for the tree to form before the failure.
	curveMessages = 20
)

// curve is what comes out.
type curve struct {
	Peers  int          `json:"peers"`
	Seed   uint64       `json:"seed"`
	Seeds  int          `json:"seeds"`
	Silent bool         `json:"silent"`
	Points []curvePoint `json:"points"`
}

// curvePoint is one share of failed peers and one way to spread messages. Each figure is the mean of its runs.
type curvePoint struct {
	Broadcast string  `json:"broadcast"`
	Failed    float64 `json:"failed"`
	Runs      int     `json:"runs"`
	Violation string  `json:"violation,omitempty"` // of the first run that broke a promise
	Largest   float64 `json:"largest_part"`        // share of the survivors, at the instant of the failure
	InSecond  float64 `json:"within_1s"`           // share of the survivors that heard the first message
	Before    float64 `json:"before_healed"`
	Reliable  float64 `json:"reliability"`
	FlowedMS  float64 `json:"flowed_ms"` // until all had heard it; -1: not in every run
	HealedMS  float64 `json:"healed_ms"`
}

func (c *simCurveCmd) plan(p *curvePoint, seed int) sim.Plan {
	cfg := c.config()
	cfg.Seed += uint64(seed)
	cfg.Flood = p.Broadcast == "flood"
	return sim.Plan{
		Config: cfg, Peers: c.Peers, Within: 10 * time.Second, Messages: curveMessages, Rate: 20, Size: 100,
		Kill: p.Failed, Silent: c.Silent,
	}
}

// points are those that are to be measured.
func (c *simCurveCmd) points() (list []curvePoint) {
	for _, share := range curveShares {
		for _, broadcast := range []string{"plumtree", "flood"} {
			list = append(list, curvePoint{Broadcast: broadcast, Failed: share})
		}
	}
	return list
}

// leastOfACurve is how many peers there must be for two to be left of the largest share that fails.
func leastOfACurve() int {
	most := curveShares[len(curveShares)-1]
	n := 2
	for float64(n)-math.Round(float64(n)*most) < 2 {
		n++
	}
	return n
}

func (c *simCurveCmd) check() error {
	if c.Parallel == 0 {
		c.Parallel = runtime.NumCPU()
	}
	switch {
	case c.Seeds < 1 || c.Seeds > maxCurveSeeds:
		return fmt.Errorf("--seeds %d: 1 to %d", c.Seeds, maxCurveSeeds)
	case c.Parallel < 1 || c.Parallel > maxParallel:
		return fmt.Errorf("--parallel %d: 1 to %d", c.Parallel, maxParallel)
	case uint64(c.Seeds-1) > math.MaxUint64-c.Seed:
		return fmt.Errorf("--seeds %d: from --seed %d on there are %d", c.Seeds, c.Seed, math.MaxUint64-c.Seed+1)
	case c.Peers < leastOfACurve():
		return fmt.Errorf("--peers %d: of fewer than %d no two are left when %s fail", c.Peers, leastOfACurve(), percent(curveShares[len(curveShares)-1]))
	}
	if err := c.simNetwork.check(); err != nil {
		return err
	}
	for _, p := range c.points() {
		plan := c.plan(&p, 0)
		if err := plan.Check(); err != nil {
			return err
		}
	}
	if c.Plots != "" {
		if err := plots.Writable(c.Plots); err != nil {
			return fmt.Errorf("--plots: %w", err)
		}
	}
	return enoughMemory(c.Peers, 0, curveMessages*(100+messageBytes), min(c.Parallel, c.Seeds*len(c.points())))
}

func (c *simCurveCmd) Run(ctx context.Context, k *kong.Context, s streams) error {
	_, err := givenOnce(k)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return misused(err)
	}
	out := c.measure(ctx, s.err)
	err = out.broken()
	if err == nil && ctx.Err() != nil {
		err = errInterrupted
	}
	err = and(err, c.tell(s.out, out))
	if c.Plots != "" {
		err = and(err, keepPictures(s.err, c.Plots, out.pictures()))
	}
	if err != nil {
		return failed(err)
	}
	return nil
}

// tell prints what was measured.
func (c *simCurveCmd) tell(w io.Writer, out *curve) error {
	if c.JSON {
		return json.NewEncoder(w).Encode(out)
	}
	return written(w, out.table)
}

// broken is the first promise that a run broke, or nil.
func (c *curve) broken() error {
	for _, p := range c.Points {
		if p.Violation != "" {
			return fmt.Errorf("%s, %s failed: %s", p.Broadcast, percent(p.Failed), p.Violation)
		}
	}
	return nil
}

// measure carries out all runs, some side by side. Those that were not finished do not count. The sums are made
// in the runs' order, not in that of their ends, since sums of fractions depend on it.
func (c *simCurveCmd) measure(ctx context.Context, w io.Writer) *curve {
	points := c.points()
	results := make([]curveRun, len(points)*c.Seeds)
	bar := newProgress(w)
	defer bar.done()
	var mu sync.Mutex // of done and bar
	done := 0
	var wg sync.WaitGroup
	jobs := make(chan int)
	for range c.Parallel {
		wg.Go(func() {
			for i := range jobs {
				r := c.one(ctx, &points[i%len(points)], i/len(points))
				if ctx.Err() == nil {
					results[i] = r
				}
				mu.Lock()
				done++
				bar.show(float64(done)/float64(len(results)), fmt.Sprintf("%d of %d runs", done, len(results)))
				mu.Unlock()
			}
		})
	}
	for i := range results {
		if ctx.Err() != nil {
			break
		}
		jobs <- i
	}
	close(jobs)
	wg.Wait()
	out := &curve{Peers: c.Peers, Seed: c.Seed, Seeds: c.Seeds, Silent: c.Silent}
	for i := range points {
		sum := curveSum{}
		for k := i; k < len(results); k += len(points) {
			sum.add(results[k])
		}
		if sum.runs > 0 {
			sum.mean(&points[i])
			out.Points = append(out.Points, points[i])
		}
	}
	return out
}

// curveRun is what came of one run; the zero value is one that was not finished.
type curveRun struct {
	figures *sim.Figures
	err     error
}

func (c *simCurveCmd) one(ctx context.Context, p *curvePoint, seed int) curveRun {
	run, err := sim.NewRun(c.plan(p, seed))
	if err != nil {
		panic("the plan was checked before: " + err.Error())
	}
	err = run.Do(func() bool { return ctx.Err() != nil })
	figures := run.Figures // a pointer to them in place would keep the whole world
	return curveRun{&figures, err}
}

// curveSum adds up the runs of a point.
type curveSum struct {
	runs                                                    int
	largest, inSecond, before, reliable, flowedMS, healedMS float64
	violation                                               string
}

func (s *curveSum) add(r curveRun) {
	f := r.figures
	if f == nil {
		return
	}
	s.runs++
	if r.err != nil && s.violation == "" {
		s.violation = r.err.Error()
	}
	s.largest += float64(max(0, f.Largest)) / float64(max(1, f.Living))
	s.inSecond += max(0, f.First.InSecond)
	s.before += max(0, f.First.Before)
	s.reliable += max(0, f.First.Reliable)
	s.flowedMS += never(f.FlowedMS)
	s.healedMS += never(f.HealedMS)
}

// never makes what did not happen outweigh whatever it is added to.
func never(ms float64) float64 {
	if ms < 0 {
		return math.Inf(1)
	}
	return ms
}

func (s *curveSum) mean(p *curvePoint) {
	n := float64(s.runs)
	p.Runs, p.Violation = s.runs, s.violation
	p.Largest, p.InSecond, p.Before, p.Reliable = s.largest/n, s.inSecond/n, s.before/n, s.reliable/n
	p.FlowedMS, p.HealedMS = -1, -1
	if !math.IsInf(s.flowedMS, 1) {
		p.FlowedMS = round3(s.flowedMS / n)
	}
	if !math.IsInf(s.healedMS, 1) {
		p.HealedMS = round3(s.healedMS / n)
	}
}

// table prints the curve for people.
func (c *curve) table(w io.Writer) {
	how := "is killed at one instant"
	if c.Silent {
		how = "goes at one instant, with its machines and without a word"
	}
	fmt.Fprintf(w, "%s peers, of which a share %s; one of the others speaks at that very instant.\n", count(c.Peers), how)
	fmt.Fprintf(w, "Shares are of the survivors, and means of %s.\n\n", c.runs())
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "failed\tbroadcast\tlargest part left\theard before one mesh\twithin 1 s\tin the end\tby all after\tone mesh after\t\n")
	for _, p := range c.Points {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", percent(p.Failed), p.Broadcast, tenth(p.Largest), tenth(p.Before),
			tenth(p.InSecond), tenth(p.Reliable), orNever(p.FlowedMS), orNever(p.HealedMS))
	}
	t.Flush()
}

// runs says how many runs points are means of.
func (c *curve) runs() string {
	if len(c.Points) == 0 {
		return "no runs: none was finished"
	}
	least, most := c.Points[0].Runs, c.Points[0].Runs
	for _, p := range c.Points {
		least, most = min(least, p.Runs), max(most, p.Runs)
	}
	if least < most {
		return fmt.Sprintf("%d to %s", least, things(most, "run"))
	}
	return things(most, "run")
}

// tenth is a share to a tenth of a percent, rounded down: 100 % is all.
func tenth(share float64) string { return fmt.Sprintf("%.1f %%", math.Floor(share*1000+1e-9)/10) }

func orNever(ms float64) string {
	if ms < 0 {
		return "never"
	}
	return span(millis(ms))
}

// pictures are the curve, and the times that belong to it.
func (c *curve) pictures() []plots.Picture {
	how := fmt.Sprintf("%s, %s of each point", things(c.Peers, "peer"), c.runs())
	if c.Silent {
		how += "; their machines go with them, without a word"
	} else {
		how += "; their kernels close the connections"
	}
	x := plots.Axis{Label: "peers that fail at one instant", Max: 1, Unit: plots.Percent}
	shares := plots.Chart{
		Name: "curve", Title: "How many survivors hear the first message after a failure", Subtitle: how,
		X: x, Y: plots.Axis{Label: "survivors", Max: 1, Unit: plots.Percent},
		Lines: []plots.Line{
			c.line("plumtree", "plumtree, within a second", func(p *curvePoint) float64 { return p.InSecond }),
			c.line("flood", "flood, within a second", func(p *curvePoint) float64 { return p.InSecond }),
			c.line("plumtree", "plumtree, in the end", func(p *curvePoint) float64 { return p.Reliable }),
		},
	}
	left := c.line("plumtree", "in the largest part at that instant: without healing no more could", func(p *curvePoint) float64 { return p.Largest })
	left.Faint, left.Dots = true, false
	shares.Lines = append(shares.Lines, left)
	times := plots.Chart{
		Name: "curve-time", Title: "How long it takes after a failure", Subtitle: how,
		X: x, Y: plots.Axis{Label: "time since the failure", Unit: plots.Millis, Log: true},
		Lines: []plots.Line{
			c.line("plumtree", "plumtree: all have heard", func(p *curvePoint) float64 { return p.FlowedMS }),
			c.line("flood", "flood: all have heard", func(p *curvePoint) float64 { return p.FlowedMS }),
			c.line("plumtree", "one mesh again", func(p *curvePoint) float64 { return p.HealedMS }),
		},
	}
	return plots.Drawable(shares, times)
}

// line is one figure of one way to spread messages, by the share that failed.
func (c *curve) line(broadcast, name string, of func(*curvePoint) float64) plots.Line {
	l := plots.Line{Name: name, Dots: true}
	for i := range c.Points {
		if p := &c.Points[i]; p.Broadcast == broadcast {
			l.Points = append(l.Points, plots.Point{X: p.Failed, Y: of(p)})
		}
	}
	return l
}
