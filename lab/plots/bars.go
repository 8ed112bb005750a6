package plots

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

func (b Bars) name() string { return b.Name }

func (b Bars) empty() bool {
	_, most := b.size()
	return most == 0
}

// size is how many bars stand side by side, and the highest of them.
func (b Bars) size() (n int, most float64) {
	for _, s := range b.Sets {
		n = max(n, len(s.Values))
		for _, v := range s.Values {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				most = max(most, v)
			}
		}
	}
	return n, most
}

func (b Bars) draw(to draw.Canvas) error {
	if b.empty() {
		return errEmpty
	}
	n, most := b.size()
	p := plot.New()
	p.BackgroundColor = nil
	first := b.X.Min
	b.X.each = n <= 24
	b.X.Min, b.X.Max = first-0.7, first+float64(n)-0.3
	if b.Y.Max == 0 {
		b.Y.Max = most * 1.12
	}
	b.X.set(&p.X)
	b.Y.set(&p.Y)
	var keys []key
	for i, s := range b.Sets {
		p.Add(barsAt{s.Values, first, i, len(b.Sets), b.Y})
		if s.Name != "" {
			keys = append(keys, key{name: s.Name, fill: colours[i%len(colours)]})
		}
	}
	finish(p, frame(to, b.Title, b.Subtitle, keys), b.Marks)
	return nil
}

// barsAt draws one of several sets side by side: gonum's bars have a width in points, which does not know how
// many there are.
type barsAt struct {
	values []float64
	first  float64
	k, of  int
	axis   Axis
}

// Plot makes it a plot.Plotter.
func (b barsAt) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	each := 0.8 / float64(b.of)
	s := letters(8.5, soft, false)
	s.XAlign, s.YAlign = draw.XCenter, draw.YBottom
	var last vg.Rectangle // the place of the label before
	for i, v := range b.values {
		if !(v > 0) {
			continue
		}
		left := b.first + float64(i) - 0.4 + each*float64(b.k)
		r := vg.Rectangle{Min: vg.Point{X: x(left) + 0.5, Y: y(0)}, Max: vg.Point{X: x(left+each) - 0.5, Y: y(v)}}
		c.SetColor(colours[b.k%len(colours)])
		c.Fill(r.Path())
		// A number above its bar, where it has room: a bar too small to be seen is told by it alone.
		label := b.label(v)
		at := vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: r.Max.Y + 2}
		place := s.Rectangle(label).Add(at)
		crowded := place.Min.X < last.Max.X+1 && place.Min.Y < last.Max.Y && last.Min.Y < place.Max.Y
		if !crowded && s.Width(label) < x(left+1)-x(left)+6 && (b.of == 1 || s.Width(label) < r.Size().X+4) {
			c.FillText(s, at, label)
			last = place
		}
	}
}

func (b barsAt) label(v float64) string {
	if b.axis.Unit == Percent {
		switch {
		case v < 0.001:
			return "<0.1 %"
		case v < 0.1:
			return number(math.Round(v*1000)/10) + " %"
		}
		return number(math.Round(v*100)) + " %"
	}
	return b.axis.write(v)
}
