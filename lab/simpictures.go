package main

import (
	"fmt"
	"time"

	"hearsay/lab/plots"
	"hearsay/lab/sim"
)

// pictures are those of a run: those for which there is something to draw. A mesh that was whole at once after the
// fault, for one, has no healing that could be seen.
func pictures(r *sim.Run) []plots.Picture {
	x := r.Recording()
	if x == nil {
		return nil
	}
	how := fmt.Sprintf("%s peers, %s, seed %d", count(r.Plan.Peers), broadcastOf(&r.Plan), r.Plan.Seed)
	var list []plots.Picture
	if x.Steady.Len() > 0 || len(x.First) > 0 {
		list = append(list, coverage(r, x, how))
	}
	if len(x.Mend) > 1 {
		list = append(list, mending(r, x, how))
	}
	if len(x.Hops) > 0 {
		list = append(list, hops(r, x, how))
	}
	if len(x.Out) > 1 || len(x.In) > 1 {
		list = append(list, degrees(r, x, how))
	}
	return plots.Drawable(append(list, copiesOver(r, x, how))...)
}

func broadcastOf(p *sim.Plan) string {
	if p.Flood {
		return "flood"
	}
	return "plumtree"
}

// coverage is who has heard a message after how long.
func coverage(r *sim.Run, x *sim.Recording, how string) plots.Chart {
	c := plots.Chart{
		Name: "coverage", Title: "How soon everybody has heard", Subtitle: how,
		X: plots.Axis{Label: "time since the message was published", Log: true, Unit: plots.Millis},
		Y: plots.Axis{Label: "peers that have heard it", Max: 1, Unit: plots.Percent},
	}
	steady := plots.Line{Name: "while nothing was broken", Step: true}
	x.Steady.Each(func(at time.Duration, upTo int) {
		steady.Points = append(steady.Points, plots.Point{X: inMillis(at), Y: float64(upTo) / float64(x.Due)})
	})
	c.Lines = append(c.Lines, steady)
	if len(x.First) > 0 {
		first := plots.Line{Name: "the first message after " + faultName(&r.Plan), Step: true}
		first.Points = []plots.Point{{X: inMillis(x.First[0])}}
		for i, at := range x.First {
			first.Points = append(first.Points, plots.Point{X: inMillis(at), Y: float64(i+1) / float64(x.Among)})
		}
		c.Lines = append(c.Lines, first)
	}
	if t := &r.Times; t.Healed > t.Ended && len(x.First) > 0 {
		c.Marks = append(c.Marks, plots.Mark{At: inMillis(t.Healed - t.Ended), Name: "one mesh again"})
	}
	holdOn(&c)
	return c
}

// holdOn draws each curve on to where the last thing happens, and some. One that ends with a step up, where its dashes
// happen to leave a gap, would seem to end below.
func holdOn(c *plots.Chart) {
	const some = 1.05
	last := 0.0
	for _, m := range c.Marks {
		last = max(last, m.At)
	}
	for _, l := range c.Lines {
		for _, p := range l.Points {
			last = max(last, p.X)
		}
	}
	for i := range c.Lines {
		if l := &c.Lines[i]; len(l.Points) > 0 {
			l.Points = append(l.Points, plots.Point{X: last * some, Y: l.Points[len(l.Points)-1].Y})
		}
	}
}

func faultName(p *sim.Plan) string {
	switch {
	case p.Partition:
		return "the halves were joined"
	case p.Churn > 0:
		return "the churn"
	case p.Silent:
		return fmt.Sprintf("%s went silent", percent(p.Kill))
	}
	return fmt.Sprintf("%s were killed", percent(p.Kill))
}

// mending is how much of the mesh is in its largest part again after how long.
func mending(r *sim.Run, x *sim.Recording, how string) plots.Chart {
	c := plots.Chart{
		Name: "healing", Title: "How the mesh becomes one again after " + faultName(&r.Plan),
		Subtitle: fmt.Sprintf("%s; at that instant it was in %s parts", how, count(r.Figures.Parts)),
		X:        plots.Axis{Label: "time since the fault, or its end", Log: true, Unit: plots.Millis},
		Y:        plots.Axis{Label: "living peers in its largest part", Max: 1, Unit: plots.Percent},
	}
	largest := plots.Line{Step: true}
	healed := inMillis(r.Times.Healed - r.Times.Ended)
	for _, m := range x.Mend {
		// What was at the instant itself stands at the left edge, since an axis of decades has no zero.
		at := max(inMillis(m.After), inMillis(x.Mend[1].After)/2)
		if r.Times.Healed < 0 || at < healed {
			largest.Points = append(largest.Points, plots.Point{X: at, Y: float64(m.Largest) / float64(m.Living)})
		}
	}
	if r.Times.Healed >= 0 {
		largest.Points = append(largest.Points, plots.Point{X: healed, Y: 1}, plots.Point{X: healed * 2, Y: 1})
		c.Marks = append(c.Marks, plots.Mark{At: healed, Name: "one mesh, after " + span(r.Times.Healed-r.Times.Ended)})
	}
	c.Lines = []plots.Line{largest}
	return c
}

// hops is how many links deliveries came over.
func hops(r *sim.Run, x *sim.Recording, how string) plots.Bars {
	all := 0
	for _, n := range x.Hops {
		all += n
	}
	b := plots.Bars{
		Name: "hops", Title: "How many links from the speaker", Subtitle: fmt.Sprintf("%s; the last to hear is %s away", how, things(len(x.Hops)-1, "link")),
		X: plots.Axis{Label: "links that the message came over", Min: 1}, Y: plots.Axis{Label: "deliveries", Unit: plots.Percent},
		Sets: []plots.BarSet{{}},
	}
	for _, n := range x.Hops[1:] {
		b.Sets[0].Values = append(b.Sets[0].Values, float64(n)/float64(all))
	}
	return b
}

// degrees is how many links peers have, out and in.
func degrees(r *sim.Run, x *sim.Recording, how string) plots.Bars {
	shares := func(counts []int) (list []float64) {
		all := 0
		for _, n := range counts {
			all += n
		}
		for _, n := range counts {
			list = append(list, float64(n)/float64(all))
		}
		return list
	}
	return plots.Bars{
		Name: "degree", Title: "How many links peers have in the end", Subtitle: how,
		X: plots.Axis{Label: "links"}, Y: plots.Axis{Label: "peers", Unit: plots.Percent},
		Sets: []plots.BarSet{
			{Name: fmt.Sprintf("out: that it opened (at most %d)", r.Plan.Links), Values: shares(x.Out)},
			{Name: fmt.Sprintf("in: that it serves (at most %d)", r.Plan.Serve), Values: shares(x.In)},
		},
	}
}

// copiesOver is what a delivery costs, over the run.
func copiesOver(r *sim.Run, x *sim.Recording, how string) plots.Chart {
	line := plots.Line{Points: perDelivery(x.Copies, uint64(max(1, r.Figures.Living-1)))}
	c := plots.Chart{
		Name: "copies", Title: "Copies of a message that peers receive, for each that they need", Subtitle: how,
		X: plots.Axis{Label: "virtual time", Unit: plots.Millis}, Y: plots.Axis{Label: "copies per delivery"},
		Lines: []plots.Line{line},
	}
	if n := len(line.Points); n > 0 {
		most := 2.0
		for _, p := range line.Points {
			most = max(most, p.Y*1.1)
		}
		c.X.Min, c.X.Max, c.Y.Max = line.Points[0].X, max(line.Points[n-1].X, line.Points[0].X+1), most
	}
	t := &r.Times
	if t.Broke >= 0 {
		m := plots.Mark{At: inMillis(t.Broke), Name: broke(&r.Plan)}
		if t.Ended > t.Broke {
			m.Until = inMillis(t.Ended)
		}
		c.Marks = append(c.Marks, m)
	}
	if t.Healed >= 0 {
		c.Marks = append(c.Marks, plots.Mark{At: inMillis(t.Healed), Name: "one mesh"})
	}
	return c
}

// perDelivery is how many copies there were for each delivery. A point stands for so many deliveries at least, such as
// those of one message to everybody: the few copies of a moment in which hardly anything is delivered say nothing of what a message costs.
func perDelivery(samples []sim.CopySample, least uint64) (points []plots.Point) {
	var sum sim.CopySample
	for _, s := range samples {
		sum.Until, sum.Copies, sum.Delivered = s.Until, sum.Copies+s.Copies, sum.Delivered+s.Delivered
		if sum.Delivered >= least {
			points = append(points, plots.Point{X: inMillis(sum.Until), Y: float64(sum.Copies) / float64(sum.Delivered)})
			sum = sim.CopySample{}
		}
	}
	return points
}

func inMillis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
