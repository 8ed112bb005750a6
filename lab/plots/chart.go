package plots

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

func (c Chart) name() string { return c.Name }

// errEmpty: a picture of nothing would only puzzle.
var errEmpty = errors.New("there is nothing to draw")

func (c Chart) empty() bool {
	return !slices.ContainsFunc(c.Lines, func(l Line) bool {
		return slices.ContainsFunc(l.Points, func(p Point) bool { return finite(p, c.X, c.Y) })
	})
}

func (c Chart) draw(to draw.Canvas) error {
	_, err := c.plot(to)
	return err
}

// plot draws, and returns the place of the curves.
func (c Chart) plot(to draw.Canvas) (inside draw.Canvas, err error) {
	if c.empty() {
		return to, errEmpty
	}
	p := plot.New()
	p.BackgroundColor = nil
	keys, err := c.curves(p)
	if err != nil {
		return to, err
	}
	c.X.set(&p.X)
	c.Y.set(&p.Y)
	return finish(p, frame(to, c.Title, c.Subtitle, keys), c.Marks), nil
}

// curves adds the lines, and returns what the legend says of them.
func (c Chart) curves(p *plot.Plot) (keys []key, err error) {
	for i, l := range c.Lines {
		var xys plotter.XYs
		for _, at := range l.Points {
			if finite(at, c.X, c.Y) {
				xys = append(xys, plotter.XY(at))
			}
		}
		if len(xys) == 0 {
			continue
		}
		line, err := plotter.NewLine(xys)
		if err != nil {
			return nil, err
		}
		line.LineStyle = stroke(i, l.Faint)
		if l.Step {
			line.StepStyle = plotter.PostStep
		}
		p.Add(line)
		k := key{name: l.Name, line: &line.LineStyle}
		if l.Dots {
			dots, err := plotter.NewScatter(xys)
			if err != nil {
				return nil, err
			}
			dots.GlyphStyle = draw.GlyphStyle{Color: line.Color, Radius: 3, Shape: glyphs[i%len(glyphs)]}
			p.Add(dots)
			k.dot = &dots.GlyphStyle
		}
		if l.Name != "" {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// finish draws a plot with its grid beneath it and its marks. Their names stand above it, in as many rows as
// keep them apart: inside they would cover curves.
func finish(p *plot.Plot, to draw.Canvas, marks []Mark) (inside draw.Canvas) {
	// Gonum keeps room for an upright label where the middle of the axis' numbers is. At one of decades that is far up.
	label := p.Y.Label.Text
	_, decades := p.Y.Scale.(plot.LogScale)
	beside := to
	if decades && label != "" {
		p.Y.Label.Text = ""
		to.Min.X += p.Y.Label.TextStyle.Height(label) + p.Y.Label.TextStyle.FontExtents().Descent + p.Y.Label.Padding
	}
	rows := place(p, p.DataCanvas(to), marks)
	to.Max.Y -= vg.Length(len(rows)) * rowSkip
	inside = p.DataCanvas(to)
	if to.Min.X > beside.Min.X {
		s := p.Y.Label.TextStyle
		s.Rotation += math.Pi / 2
		to.FillText(s, vg.Point{X: beside.Min.X + s.Height(label), Y: (inside.Min.Y + inside.Max.Y) / 2}, label)
	}
	under(p, inside, marks)
	p.Draw(to)
	over(p, inside, marks)
	s := letters(9, ink, false)
	for i, row := range rows {
		for _, n := range row {
			c := vg.Point{X: n.left, Y: inside.Max.Y + 4 + vg.Length(len(rows)-1-i)*rowSkip}
			to.FillText(s, c, n.text)
		}
	}
	return inside
}

const rowSkip = 12

// under draws what lies beneath the curves: a line for each tick of the upright axis, and bands.
func under(p *plot.Plot, c draw.Canvas, marks []Mark) {
	x, y := p.Transforms(&c)
	for _, m := range marks {
		if m.Until > m.At {
			a, b := max(x(m.At), c.Min.X), min(x(m.Until), c.Max.X)
			c.SetColor(band)
			c.Fill(vg.Rectangle{Min: vg.Point{X: a, Y: c.Min.Y}, Max: vg.Point{X: b, Y: c.Max.Y}}.Path())
		}
	}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		if at := y(t.Value); t.Label != "" && c.ContainsY(at) {
			c.StrokeLine2(draw.LineStyle{Color: grid, Width: 0.6}, c.Min.X, at, c.Max.X, at)
		}
	}
}

// over draws the lines of marks.
func over(p *plot.Plot, c draw.Canvas, marks []Mark) {
	x, _ := p.Transforms(&c)
	line := draw.LineStyle{Color: soft, Width: 0.9, Dashes: []vg.Length{3, 3}}
	for _, m := range marks {
		for _, at := range []float64{m.At, max(m.At, m.Until)} {
			if near(&c, x(at)) {
				c.StrokeLine2(line, x(at), c.Min.Y, x(at), c.Max.Y+2)
			}
		}
	}
}

// name is where the name of a mark stands.
type name struct {
	text        string
	left, right vg.Length
}

// place finds a place for each name, the first row to be the highest.
func place(p *plot.Plot, c draw.Canvas, marks []Mark) (rows [][]name) {
	x, _ := p.Transforms(&c)
	s := letters(9, ink, false)
	for _, m := range sorted(marks) {
		at := x(m.At)
		if m.Name == "" || !near(&c, at) {
			continue
		}
		w := s.Width(m.Name)
		n := name{m.Name, max(c.Min.X, min(at-4, c.Max.X-w)), 0}
		n.right = n.left + w
		row := slices.IndexFunc(rows, func(row []name) bool { return row[len(row)-1].right+10 < n.left })
		if row < 0 {
			row = len(rows)
			rows = append(rows, nil)
		}
		rows[row] = append(rows[row], n)
	}
	return rows
}

// near reports whether an upright line is within the picture, with some tolerance for its edges.
func near(c *draw.Canvas, x vg.Length) bool { return x > c.Min.X-0.5 && x < c.Max.X+0.5 }

func sorted(marks []Mark) []Mark {
	return slices.SortedFunc(slices.Values(marks), func(a, b Mark) int {
		switch {
		case a.At < b.At:
			return -1
		case a.At > b.At:
			return 1
		}
		return 0
	})
}

// ECDF is the curve of what share of some values is at most so large.
func ECDF(name string, values []float64) Line {
	v := slices.Sorted(slices.Values(values))
	l := Line{Name: name, Step: true}
	for i, x := range v {
		if i == 0 {
			l.Points = append(l.Points, Point{x, 0})
		}
		if i+1 == len(v) || v[i+1] != x {
			l.Points = append(l.Points, Point{x, float64(i+1) / float64(len(v))})
		}
	}
	return l
}
