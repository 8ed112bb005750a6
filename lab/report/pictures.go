package report

import (
	"fmt"
	"math"

	"hearsay/lab/plots"
	"hearsay/lab/scenario"
)

// leastMS is what a time of nothing counts as where an axis is logarithmic.
const leastMS = 0.01

// pictures are those that a run has something to show in.
func (d *Data) pictures() (all []plots.Picture) {
	marks := d.marks()
	sub := fmt.Sprintf("%s. Engine %s, seed %d", d.Verdict.Scenario, d.Verdict.Engine, d.Verdict.Seed)
	x := plots.Axis{Label: "time since the beginning", Unit: plots.Millis, Max: d.end()}
	if c := d.coverage(); len(c) > 0 {
		all = append(all, plots.Chart{
			Name: "coverage", Title: "Of those whom a message was owed to, how many had it?", Subtitle: sub,
			X: x, Y: plots.Axis{Label: "share of the peers", Unit: plots.Percent, Max: 1.15}, Lines: c, Marks: marks,
		})
	}
	if l := d.latencies(""); len(l) > 0 {
		all = append(all, plots.Chart{
			Name: "latency", Title: "How long did messages take?", Subtitle: sub,
			X: plots.Axis{Label: "after publishing", Unit: plots.Millis, Log: true}, Y: plots.Axis{Label: "share of the messages, or deliveries", Unit: plots.Percent, Max: 1}, Lines: l,
		})
	}
	if l := d.mending(""); len(l) > 0 {
		all = append(all, plots.Chart{
			Name: "healing", Title: "How long until it was mended?", Subtitle: sub,
			X: plots.Axis{Label: "after the fault, or the loss of a link", Unit: plots.Millis, Log: true}, Y: plots.Axis{Label: "share of the faults, or losses", Unit: plots.Percent, Max: 1}, Lines: l,
		})
	}
	if c := d.copies(""); len(c) > 0 {
		all = append(all, plots.Chart{
			Name: "copies", Title: "How many copies came for each that was needed?", Subtitle: sub,
			X: x, Y: plots.Axis{Label: "copies received for each delivery", Min: 0.9, Max: most(c) * 1.15}, Lines: c, Marks: marks,
		})
	}
	if m := d.mesh(); len(m) > 0 {
		all = append(all, plots.Chart{
			Name: "mesh", Title: "What did the mesh look like?", Subtitle: sub,
			X: x, Y: plots.Axis{Label: "count", Max: most(m) * 1.2}, Lines: m, Marks: marks,
		})
	}
	return all
}

func most(lines []plots.Line) (v float64) {
	v = 1
	for _, l := range lines {
		for _, p := range l.Points {
			v = max(v, p.Y)
		}
	}
	return v
}

// end is when the last thing happened that a picture over time shows.
func (d *Data) end() float64 {
	end := 1.0
	for _, s := range d.Samples {
		end = max(end, ms(s.At))
	}
	for i := range d.Info.Marks {
		end = max(end, ms(d.Info.Marks[i].End))
	}
	return end
}

// undoes says which step ends what others began.
var undoes = map[string]string{"partition": "heal", "isolate": "heal", "delay": "heal", "loss": "heal", "pause": "resume"}

// marks are the steps that shook the mesh: as bands where they lasted.
func (d *Data) marks() (list []plots.Mark) {
	all := d.Info.Marks
	for i := range all {
		m := &all[i]
		if m.Kind == "begin" {
			continue
		}
		mark := plots.Mark{At: ms(m.At), Name: m.Kind}
		switch end := until(all[i+1:], undoes[m.Kind]); {
		case end != nil:
			mark.Until = ms(end.End)
		case m.End > m.At:
			mark.Until = ms(m.End)
		case undoes[m.Kind] != "":
			mark.Until = d.end()
		}
		list = append(list, mark)
	}
	return list
}

func until(marks []scenario.Mark, kind string) *scenario.Mark {
	for i := range marks {
		if marks[i].Kind == kind {
			return &marks[i]
		}
	}
	return nil
}

// buckets is into how many pieces the time of a run is cut for curves.
const buckets = 60

// coverage is the share of those whom messages were owed to that had them, by when these were said.
func (d *Data) coverage() []plots.Line {
	width := max(d.end()/buckets, 100)
	var owed, soon, made [buckets + 1]float64
	for _, m := range d.Messages {
		b := min(buckets, max(0, int(m.SaidMS/width)))
		owed[b] += m.Owed
		soon[b] += m.Soon
		made[b] += m.Made
	}
	within := plots.Line{Name: "within a second"}
	ever := plots.Line{Name: "in the end"}
	for b := range owed {
		if owed[b] == 0 {
			continue
		}
		x := (float64(b) + 0.5) * width
		within.Points = append(within.Points, plots.Point{X: x, Y: soon[b] / owed[b]})
		ever.Points = append(ever.Points, plots.Point{X: x, Y: made[b] / owed[b]})
	}
	if len(ever.Points) == 0 {
		return nil
	}
	return []plots.Line{within, ever}
}

// latencies are how long messages took to the last peer, and to each. who tells runs apart, where there are two.
func (d *Data) latencies(who string) (lines []plots.Line) {
	var calm, all []float64
	for _, m := range d.Messages {
		if m.Owed > 0 && m.Made == m.Owed && m.LastMS >= 0 {
			all = append(all, max(leastMS, m.LastMS))
			if m.Steady {
				calm = append(calm, max(leastMS, m.LastMS))
			}
		}
	}
	each := make([]float64, 0, len(d.After))
	for _, v := range d.After {
		each = append(each, max(leastMS, v))
	}
	add := func(name string, values []float64) {
		if len(values) > 0 {
			lines = append(lines, plots.ECDF(fmt.Sprintf("%s%s (%d)", who, name, len(values)), values))
		}
	}
	add("to the last peer, nothing broken", calm)
	add("to the last peer, all messages", all)
	if who == "" {
		add("each delivery", each)
	}
	return lines
}

// mending are how long the mesh took to be whole, and peers to have their links again.
func (d *Data) mending(who string) (lines []plots.Line) {
	var whole, flowed []float64
	for i := range d.Info.Marks {
		m := &d.Info.Marks[i]
		if m.Kind == "begin" {
			continue
		}
		if m.Meshed >= 0 {
			whole = append(whole, max(leastMS, ms(m.Meshed)))
		}
		if m.Flowed >= 0 {
			flowed = append(flowed, max(leastMS, ms(m.Flowed)))
		}
	}
	heals := make([]float64, 0, len(d.Heals))
	for _, v := range d.Heals {
		heals = append(heals, max(leastMS, v))
	}
	for _, c := range []struct {
		name   string
		values []float64
	}{{"the mesh is whole", whole}, {"a message is everywhere", flowed}, {"a peer has its links again", heals}} {
		if len(c.values) > 0 {
			l := plots.ECDF(fmt.Sprintf("%s%s (%d)", who, c.name, len(c.values)), c.values)
			l.Dots = len(c.values) <= 12
			lines = append(lines, l)
		}
	}
	return lines
}

// copies are how many copies came for each delivery, over time.
func (d *Data) copies(who string) []plots.Line {
	width := max(d.end()/buckets, 500)
	l := plots.Line{Name: who + "copies for each delivery"}
	var last *scenario.Sample
	for i := range d.Samples {
		s := &d.Samples[i]
		if last == nil {
			last = s
			continue
		}
		if ms(s.At-last.At) < width {
			continue
		}
		if got := float64(s.Delivered) - float64(last.Delivered); got > 0 {
			more := float64(s.Duplicates) - float64(last.Duplicates)
			l.Points = append(l.Points, plots.Point{X: ms(s.At+last.At) / 2, Y: 1 + max(0, more)/got})
		} else {
			l.Points = append(l.Points, plots.Point{X: ms(s.At+last.At) / 2, Y: math.NaN()})
		}
		last = s
	}
	for _, p := range l.Points {
		if !math.IsNaN(p.Y) {
			return []plots.Line{l}
		}
	}
	return nil
}

// mesh is who lived, and into how many parts and by how many links they were one.
func (d *Data) mesh() []plots.Line {
	living := plots.Line{Name: "living peers", Step: true}
	parts := plots.Line{Name: "parts", Step: true}
	links := plots.Line{Name: "links", Step: true}
	for _, s := range d.Samples {
		x := ms(s.At)
		living.Points = append(living.Points, plots.Point{X: x, Y: float64(s.Living)})
		parts.Points = append(parts.Points, plots.Point{X: x, Y: float64(s.Parts)})
		links.Points = append(links.Points, plots.Point{X: x, Y: float64(s.Links)})
	}
	if len(d.Samples) == 0 {
		return nil
	}
	return []plots.Line{living, parts, links}
}
