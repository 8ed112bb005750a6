package graph

import (
	"bytes"
	"image/color"
	"math"
	"strconv"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The sizes of a picture, in points.
const (
	gap    = 62.0 // between neighbors on a circle
	dot    = 15.0 // a peer's radius
	legend = 46.0 // below
	title  = 30.0 // above
	least  = 380.0
	dpi    = 120
)

var (
	paper = color.White
	ink   = color.Gray{0x22}
	soft  = color.Gray{0x70}
	red   = color.RGBA{0xC0, 0x1C, 0x28, 255}
	// Okabe and Ito's colours, a part each. The circles tell parts apart for who sees few.
	tints = []color.Color{
		color.RGBA{0x00, 0x72, 0xB2, 255}, color.RGBA{0xD5, 0x5E, 0x00, 255}, color.RGBA{0x00, 0x9E, 0x73, 255},
		color.RGBA{0xCC, 0x79, 0xA7, 255}, color.RGBA{0xE6, 0x9F, 0x00, 255}, color.RGBA{0x56, 0xB4, 0xE9, 255},
	}
)

// SVG is the graph as shapes.
func (g *Graph) SVG() ([]byte, error) {
	p := g.picture()
	c := vgsvg.New(p.width, p.height)
	p.paint(draw.New(c))
	var b bytes.Buffer
	_, err := c.WriteTo(&b)
	return b.Bytes(), err
}

// PNG is the graph as pixels.
func (g *Graph) PNG() ([]byte, error) {
	p := g.picture()
	c := vgimg.NewWith(vgimg.UseWH(p.width, p.height), vgimg.UseDPI(dpi))
	p.paint(draw.New(c))
	var b bytes.Buffer
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(&b)
	return b.Bytes(), err
}

// picture is a graph whose nodes have their places, in points, from the lower left.
type picture struct {
	*Graph
	at            map[int]vg.Point
	width, height vg.Length
	c             draw.Canvas
}

func (g *Graph) picture() *picture {
	places, w, h := g.layout()
	p := &picture{Graph: g, at: map[int]vg.Point{}, width: vg.Length(max(least, w*gap)), height: vg.Length(h*gap + legend + title)}
	left := (p.width - vg.Length(w*gap)) / 2
	for n, at := range places {
		p.at[n] = vg.Point{X: left + vg.Length(at.x*gap), Y: p.height - title - vg.Length(at.y*gap)}
	}
	return p
}

func letters(size float64, colour color.Color, bold bool) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return text.Style{Color: colour, Font: font.From(f, vg.Length(size)), Handler: plot.DefaultTextHandler, XAlign: draw.XCenter, YAlign: draw.YCenter}
}

func (p *picture) paint(c draw.Canvas) {
	p.c = c
	c.SetColor(paper)
	c.Fill(c.Rectangle.Path())
	c.FillText(letters(12, ink, true), vg.Point{X: p.width / 2, Y: p.height - title/2}, p.Title)
	for _, e := range p.Edges {
		p.edge(e)
	}
	for _, n := range p.Nodes {
		p.node(n)
	}
	p.legend()
}

// style is how a link looks: payload is a full line, announcements a dashed one, what one end alone knows of is red.
func style(e Edge) draw.LineStyle {
	switch {
	case e.Half:
		return draw.LineStyle{Color: red, Width: 1.4, Dashes: []vg.Length{2, 2.5}}
	case e.Eager:
		return draw.LineStyle{Color: ink, Width: 1.6}
	}
	return draw.LineStyle{Color: soft, Width: 1.1, Dashes: []vg.Length{5, 3.5}}
}

func (p *picture) edge(e Edge) {
	a, okA := p.at[e.From]
	b, okB := p.at[e.To]
	if okA && okB && a != b {
		p.arrow(a, b, dot, style(e))
	}
}

// arrow draws a line between two places, clear of what stands there, with a tip at its end.
func (p *picture) arrow(a, b vg.Point, clear vg.Length, s draw.LineStyle) {
	long := vg.Length(math.Hypot(float64(b.X-a.X), float64(b.Y-a.Y)))
	ux, uy := (b.X-a.X)/long, (b.Y-a.Y)/long
	const tip, half = 8, 3.2
	from := vg.Point{X: a.X + ux*clear, Y: a.Y + uy*clear}
	to := vg.Point{X: b.X - ux*(clear+2), Y: b.Y - uy*(clear+2)}
	neck := vg.Point{X: to.X - ux*tip, Y: to.Y - uy*tip}
	p.c.StrokeLine2(s, from.X, from.Y, neck.X, neck.Y)
	p.c.FillPolygon(s.Color, []vg.Point{to, {X: neck.X - uy*half, Y: neck.Y + ux*half}, {X: neck.X + uy*half, Y: neck.Y - ux*half}})
}

func (p *picture) node(n Node) {
	at := p.at[n.Number]
	ring := func(r vg.Length, s draw.LineStyle) {
		var path vg.Path
		path.Move(vg.Point{X: at.X + r, Y: at.Y})
		path.Arc(at, r, 0, 2*math.Pi)
		path.Close()
		p.c.SetLineStyle(s)
		p.c.Stroke(path)
	}
	disc := func(colour color.Color) {
		var path vg.Path
		path.Move(vg.Point{X: at.X + dot, Y: at.Y})
		path.Arc(at, dot, 0, 2*math.Pi)
		path.Close()
		p.c.SetColor(colour)
		p.c.Fill(path)
	}
	number := letters(10.5, paper, true)
	switch {
	case !n.Alive:
		disc(paper)
		ring(dot, draw.LineStyle{Color: soft, Width: 1.2, Dashes: []vg.Length{3, 3}})
		number.Color = soft
	case n.Paused:
		disc(paper)
		ring(dot, draw.LineStyle{Color: ink, Width: 1.6})
		number.Color = ink
	default:
		disc(tints[max(0, n.Part-1)%len(tints)])
	}
	if n.Root {
		ring(dot+3.5, draw.LineStyle{Color: ink, Width: 1.6})
	}
	if n.Siphoner {
		ring(dot+3.5, draw.LineStyle{Color: red, Width: 1.4, Dashes: []vg.Length{2, 2.5}})
	}
	p.c.FillText(number, at, strconv.Itoa(n.Number))
}

// legend says what the lines and rings mean.
func (p *picture) legend() {
	const sample, space = 30, 8
	words := letters(9, ink, false)
	words.XAlign = draw.XLeft
	x, y := vg.Length(14), vg.Length(legend-14)
	for _, l := range []struct {
		text string
		edge Edge
	}{{"payload", Edge{Eager: true}}, {"announcements", Edge{}}, {"one end alone knows", Edge{Half: true}}} {
		p.arrow(vg.Point{X: x, Y: y}, vg.Point{X: x + sample, Y: y}, 0, style(l.edge))
		p.c.FillText(words, vg.Point{X: x + sample + space, Y: y}, l.text)
		x += sample + 2*space + 10 + words.Width(l.text)
	}
	p.c.FillText(words, vg.Point{X: 14, Y: y - 16}, "arrow: from who dialled   ring: root   red ring: siphoner   hollow: paused   dashed: ended")
}
