// Package plots draws the lab's pictures, for the simulator and for the reports of runs alike: lines over
// time, shares as steps, bars. Every picture has a title that says what is seen, axes with their units, a
// legend, and colours that those can tell apart who see few (Okabe and Ito's), and dashes for those who print.
package plots

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Point is a place in a picture.
type Point struct{ X, Y float64 }

// Line is one curve. Points are drawn in their order.
type Line struct {
	Name   string // in the legend; a curve without one is not in it
	Points []Point
	Step   bool // each value holds until the next
	Dots   bool // mark each point: few were measured
	Faint  bool // for what is there to compare with
}

// Mark is something that happened: a line across the picture, or a band if it lasted.
type Mark struct {
	At, Until float64 // Until 0 is none
	Name      string
}

// Axis is what one direction means.
type Axis struct {
	Label    string // with the unit
	Min, Max float64
	Log      bool // to the base of ten
	Unit     Unit // how the numbers at the axis are written
	each     bool // every whole number is written
}

// Unit says how numbers at an axis are written.
type Unit int

// The units.
const (
	Plain   Unit = iota
	Percent      // 0.5 is 50 %
	Millis       // 0.5 is 0.5 ms, 60000 is 1 min
)

// Chart is a picture of curves.
type Chart struct {
	Name     string // of its files
	Title    string // what is seen
	Subtitle string // how it came about
	X, Y     Axis
	Lines    []Line
	Marks    []Mark
}

// Bars is a picture of counts or shares, by whole numbers.
type Bars struct {
	Name     string
	Title    string
	Subtitle string
	X, Y     Axis // of X the label counts, and Min: the first number
	Sets     []BarSet
	Marks    []Mark
}

// BarSet is bars of one colour, at X.Min and the whole numbers after it.
type BarSet struct {
	Name   string
	Values []float64
}

// The size of pictures: as wide as a page's text, with letters that can be read there.
const (
	width  = 7.2 * vg.Inch
	height = 4.2 * vg.Inch
	dpi    = 150
)

// Picture is a picture that can be drawn.
type Picture interface {
	name() string
	empty() bool // there is nothing to draw, which is then an error
	draw(draw.Canvas) error
}

// Drawable are those pictures in which there is something to draw.
func Drawable(pictures ...Picture) []Picture {
	return slices.DeleteFunc(slices.Clone(pictures), Picture.empty)
}

// Names are the names of pictures' files.
func Names(pictures ...Picture) (list []string) {
	for _, p := range pictures {
		list = append(list, p.name())
	}
	return list
}

// Writable makes a folder for pictures, and sees to it that something can be written there: before the work
// that is to be drawn.
func Writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return err
	}
	f.Close()
	return os.Remove(f.Name())
}

// Write writes each picture into a folder, as NAME.svg and NAME.png. If one of them cannot be drawn, none is written.
func Write(dir string, pictures ...Picture) error {
	type file struct {
		name string
		data []byte
	}
	var files []file
	for _, p := range pictures {
		svg, err := SVG(p)
		if err != nil {
			return err
		}
		png, err := PNG(p)
		if err != nil {
			return err
		}
		files = append(files, file{p.name() + ".svg", svg}, file{p.name() + ".png", png})
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// PNG is a picture as pixels.
func PNG(p Picture) ([]byte, error) {
	c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
	if err := paint(p, draw.New(c)); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(&b)
	return b.Bytes(), err
}

// SVG is a picture as shapes.
func SVG(p Picture) ([]byte, error) {
	c := vgsvg.New(width, height)
	if err := paint(p, draw.New(c)); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, err
	}
	return family.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif")), nil
}

// family is the name of the font that pictures are measured with. Who has not got it has one of the others,
// whose letters are as wide.
var family = regexp.MustCompile(`font-family:Liberation Sans[^;"]*`)

func paint(p Picture, c draw.Canvas) error {
	if err := p.draw(c); err != nil {
		return fmt.Errorf("picture %s: %w", p.name(), err)
	}
	return nil
}

// finite reports whether a point can be drawn at these axes.
func finite(p Point, x, y Axis) bool {
	ok := func(v float64, a Axis) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) && (!a.Log || v > 0) }
	return ok(p.X, x) && ok(p.Y, y)
}
