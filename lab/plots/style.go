package plots

import (
	"image/color"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
)

// Okabe and Ito's colours, those first that differ most.
var colours = []color.Color{
	color.RGBA{0x00, 0x72, 0xB2, 255}, // blue
	color.RGBA{0xD5, 0x5E, 0x00, 255}, // vermilion
	color.RGBA{0x00, 0x9E, 0x73, 255}, // green
	color.RGBA{0xCC, 0x79, 0xA7, 255}, // purple
	color.RGBA{0xE6, 0x9F, 0x00, 255}, // orange
	color.RGBA{0x56, 0xB4, 0xE9, 255}, // sky
}

// dashes tell curves apart without colours.
var dashes = [][]vg.Length{nil, {7, 3}, {2, 2.5}, {9, 3, 2, 3}}

// glyphs likewise.
var glyphs = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.CrossGlyph{}}

var (
	ink     = color.Gray{0x22}
	soft    = color.Gray{0x60}
	grid    = color.Gray{0xE2}
	band    = color.Gray{0xEF}
	compare = color.Gray{0x9A} // of curves that are there to compare with
)

func letters(size float64, colour color.Color, bold bool) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return text.Style{Color: colour, Font: font.From(f, vg.Length(size)), Handler: plot.DefaultTextHandler}
}

// stroke is how the i-th curve of a picture is drawn.
func stroke(i int, faint bool) draw.LineStyle {
	s := draw.LineStyle{Color: colours[i%len(colours)], Width: 1.8, Dashes: dashes[i%len(dashes)]}
	if faint {
		s.Color, s.Width, s.Dashes = compare, 1.3, dashes[2]
	}
	return s
}

// key is one entry of the legend.
type key struct {
	name string
	line *draw.LineStyle // of a curve,
	dot  *draw.GlyphStyle
	fill color.Color // or of bars
}

// Around a picture.
const (
	margin   = 14
	lineSkip = 5
)

// frame draws what stands above a picture, title, subtitle and legend, and returns the place below them.
func frame(c draw.Canvas, title, subtitle string, keys []key) draw.Canvas {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, margin, -margin, margin-4, -margin+2)
	down := func(s text.Style, text string, gap vg.Length) {
		if text == "" {
			return
		}
		s.YAlign = draw.YTop
		box := s.Rectangle(text)
		c.FillText(s, vg.Point{X: c.Min.X, Y: c.Max.Y}, text)
		c.Max.Y -= box.Size().Y + gap
	}
	down(letters(13, ink, true), title, lineSkip)
	down(letters(9.5, soft, false), subtitle, lineSkip+1)
	return legend(c, keys)
}

// legend draws the entries in rows.
func legend(c draw.Canvas, keys []key) draw.Canvas {
	s := letters(9.5, ink, false)
	s.YAlign = draw.YCenter
	const thumb, gap, row = 24, 16, 13
	x, rows := c.Min.X, vg.Length(0)
	for _, k := range keys {
		w := thumb + 5 + s.Width(k.name)
		if k.fill != nil && x == c.Min.X {
			x -= 10
		}
		if x > c.Min.X && x+w > c.Max.X {
			x = c.Min.X
			rows++
		}
		y := c.Max.Y - rows*row - row/2
		k.draw(&c, vg.Rectangle{Min: vg.Point{X: x, Y: y - 4}, Max: vg.Point{X: x + thumb, Y: y + 4}})
		c.FillText(s, vg.Point{X: x + thumb + 5, Y: y}, k.name)
		x += w + gap
	}
	if len(keys) > 0 {
		c.Max.Y -= (rows+1)*row + 6
	}
	return c
}

func (k key) draw(c *draw.Canvas, r vg.Rectangle) {
	middle := (r.Min.Y + r.Max.Y) / 2
	if k.line != nil {
		c.StrokeLine2(*k.line, r.Min.X, middle, r.Max.X, middle)
	}
	if k.dot != nil {
		c.DrawGlyphNoClip(*k.dot, vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: middle})
	}
	if k.fill != nil {
		r.Min.X += 10
		c.SetColor(k.fill)
		c.Fill(r.Path())
	}
}
