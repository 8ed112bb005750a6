package report

import (
	"bytes"
	"fmt"
	"html"
	"math"

	"hearsay/lab/scenario"
)

// The size of a topology's picture, in the units of its view box.
const (
	topoSide   = 420.0
	topoLegend = 76.0
)

// tints tell parts apart: Okabe and Ito's colours, as on all pictures. Numbers tell them apart for who sees few.
var tints = []string{"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"}

// topoStyle is the pictures' style, for light and dark.
const topoStyle = `.topo{--ink:#1f2328;--soft:#6e7781;--paper:#ffffff;font-family:system-ui,"Liberation Sans",Arial,sans-serif}
@media (prefers-color-scheme:dark){.topo{--ink:#e6edf3;--soft:#9198a1;--paper:#0d1117}}
.topo text{fill:var(--ink)} .topo .t-soft{fill:var(--soft)} .topo .t-paper{fill:var(--paper)}
.topo .t-eager{stroke:var(--ink);stroke-width:1.8} .topo .t-lazy{stroke:var(--soft);stroke-width:1.2;stroke-dasharray:5 4}
.topo .t-half{stroke:#d1242f;stroke-width:1.6;stroke-dasharray:2 3} .topo .t-tip{fill:var(--soft)}
.topo .t-dead{fill:none;stroke:var(--soft);stroke-width:1.4;stroke-dasharray:3 3} .topo .t-cross{stroke:#d1242f;stroke-width:2.2}
.topo .t-num{fill:#fff;font-weight:600;text-anchor:middle}`

// Topology draws who had links to whom. Everybody keeps his place from picture to picture.
func Topology(t *scenario.Topology) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg class="topo" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" role="img" aria-label="%s">`+"\n<style>%s</style>\n",
		topoSide, topoSide+topoLegend, html.EscapeString(words(t)), topoStyle)
	fmt.Fprintf(&b, `<rect class="t-paper" width="%g" height="%g"/>`+"\n", topoSide, topoSide+topoLegend)
	d := drawing{&b, t, map[int]int{}, map[int]int{}}
	d.place()
	for _, l := range t.Links {
		d.link(l)
	}
	for i := range t.Peers {
		d.peer(i)
	}
	d.legend()
	b.WriteString("</svg>\n")
	return b.Bytes()
}

type drawing struct {
	*bytes.Buffer
	t     *scenario.Topology
	index map[int]int // of a peer's number
	tint  map[int]int // of a part
}

// place numbers the parts, the largest first; those of one keep the order of their first peers.
func (d *drawing) place() {
	size := map[int]int{}
	var order []int
	for i, p := range d.t.Peers {
		d.index[p.Number] = i
		if !p.Alive {
			continue
		}
		if size[p.Part]++; size[p.Part] == 1 {
			order = append(order, p.Part)
		}
	}
	for n := 0; len(order) > 0; n++ {
		largest := 0
		for i := range order {
			if size[order[i]] > size[order[largest]] {
				largest = i
			}
		}
		d.tint[order[largest]] = n
		order = append(order[:largest], order[largest+1:]...)
	}
}

func (d *drawing) at(i int) (x, y float64) {
	a := 2*math.Pi*float64(i)/float64(len(d.t.Peers)) - math.Pi/2
	r := topoSide/2 - 38
	return topoSide/2 + r*math.Cos(a), topoSide/2 + r*math.Sin(a)
}

// radius is a dot's: smaller where there are many.
func (d *drawing) radius() float64 { return min(17, max(4, 2.2*topoSide/2/float64(len(d.t.Peers)))) }

func (d *drawing) link(l scenario.TopologyLink) {
	i, known := d.index[l.From]
	j, too := d.index[l.To]
	if !known || !too {
		return
	}
	x1, y1 := d.at(i)
	x2, y2 := d.at(j)
	class := "t-lazy"
	switch {
	case l.Half:
		class = "t-half"
	case l.Eager:
		class = "t-eager"
	}
	length := math.Hypot(x2-x1, y2-y1)
	ux, uy := (x2-x1)/length, (y2-y1)/length
	r := d.radius() + 2
	fmt.Fprintf(d, `<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`+"\n", class, x1+ux*r, y1+uy*r, x2-ux*r, y2-uy*r)
	// The tip points at who was dialled.
	tx, ty := x2-ux*r, y2-uy*r
	fmt.Fprintf(d, `<path class="t-tip" d="M%.1f %.1fL%.1f %.1fL%.1f %.1fZ"/>`+"\n",
		tx, ty, tx-ux*8-uy*3.5, ty-uy*8+ux*3.5, tx-ux*8+uy*3.5, ty-uy*8-ux*3.5)
}

func (d *drawing) peer(i int) {
	p := d.t.Peers[i]
	x, y := d.at(i)
	r := d.radius()
	fmt.Fprintf(d, `<g><title>%s</title>`, html.EscapeString(describe(d.t, i)))
	defer d.WriteString("</g>\n")
	if !p.Alive {
		fmt.Fprintf(d, `<circle class="t-dead" cx="%.1f" cy="%.1f" r="%.1f"/><path class="t-cross" d="M%.1f %.1fL%.1f %.1fM%.1f %.1fL%.1f %.1f"/>`,
			x, y, r, x-r/2, y-r/2, x+r/2, y+r/2, x-r/2, y+r/2, x+r/2, y-r/2)
		d.name(i, x, y, r)
		return
	}
	fill := tints[d.tint[p.Part]%len(tints)]
	fmt.Fprintf(d, `<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/>`, x, y, r, fill)
	if p.Siphoner {
		fmt.Fprintf(d, `<path class="t-paper" d="M%.1f %.1fA%.1f %.1f 0 0 1 %.1f %.1fZ" opacity="0.6"/>`, x, y-r, r, r, x, y+r)
	}
	if p.Paused {
		fmt.Fprintf(d, `<path class="t-paper" d="M%.1f %.1fh%.1fv%.1fh-%.1fZM%.1f %.1fh%.1fv%.1fh-%.1fZ"/>`,
			x-r*0.45, y-r/2, r*0.3, r, r*0.3, x+r*0.15, y-r/2, r*0.3, r, r*0.3)
	}
	if p.Root {
		fmt.Fprintf(d, `<circle cx="%.1f" cy="%.1f" r="%.1f" fill="none" stroke="%s" stroke-width="1.6"/>`, x, y, r+4, fill)
	}
	d.name(i, x, y, r)
}

// name writes a peer's number into its dot, or beside it if there is no room or something else is there.
func (d *drawing) name(i int, x, y, r float64) {
	p := d.t.Peers[i]
	if r >= 9 && p.Alive && !p.Paused && !p.Siphoner {
		fmt.Fprintf(d, `<text class="t-num" x="%.1f" y="%.1f" font-size="%.1f">%d</text>`, x, y+r*0.33, r*0.95, p.Number)
		return
	}
	if len(d.t.Peers) > 60 {
		return
	}
	ux, uy := (x-topoSide/2)/(topoSide/2-38), (y-topoSide/2)/(topoSide/2-38)
	fmt.Fprintf(d, `<text x="%.1f" y="%.1f" font-size="11" text-anchor="middle">%d</text>`, x+ux*(r+12), y+uy*(r+12)+4, p.Number)
}

func (d *drawing) legend() {
	y := topoSide + 14
	fmt.Fprintf(d, `<text x="14" y="%.1f" font-size="12.5" font-weight="600">%s</text>`+"\n", y, html.EscapeString(words(d.t)))
	y += 20
	item := func(x float64, class, what string) {
		fmt.Fprintf(d, `<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/><text class="t-soft" x="%.1f" y="%.1f" font-size="11">%s</text>`+"\n",
			class, x, y-4, x+24, y-4, x+29, y, what)
	}
	item(14, "t-eager", "eager")
	item(90, "t-lazy", "lazy")
	item(160, "t-half", "known to one end")
	fmt.Fprintf(d, `<text class="t-soft" x="295" y="%.1f" font-size="11">▸ who was dialled</text>`+"\n", y)
	for _, line := range []string{
		"ring: root · cross: ended · bars: paused · half: cannot be dialled",
		"a colour for each part: its peers reach each other over links",
	} {
		y += 17
		fmt.Fprintf(d, `<text class="t-soft" x="14" y="%.1f" font-size="11">%s</text>`+"\n", y, line)
	}
}

// words is the picture in one line.
func words(t *scenario.Topology) string {
	living, parts := 0, map[int]bool{}
	for _, p := range t.Peers {
		if p.Alive {
			living++
			if !p.Siphoner {
				parts[p.Part] = true
			}
		}
	}
	what := "one part"
	if len(parts) != 1 {
		what = fmt.Sprintf("%d parts", len(parts))
	}
	return fmt.Sprintf("%.2f s: %d peers live, %d links, %s", t.At.Seconds(), living, len(t.Links), what)
}

// describe is a peer in one line.
func describe(t *scenario.Topology, i int) string {
	p := t.Peers[i]
	s := p.Name
	for _, w := range []struct {
		so   bool
		what string
	}{{!p.Alive, "ended"}, {p.Paused, "paused"}, {p.Root, "root"}, {p.Siphoner, "cannot be dialled"}} {
		if w.so {
			s += ", " + w.what
		}
	}
	return s
}
