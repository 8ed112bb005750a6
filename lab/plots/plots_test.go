package plots

import (
	"bytes"
	"errors"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

func chart() Chart {
	return Chart{
		Name: "coverage", Title: "Who has heard it?", Subtitle: "Ten peers",
		X: Axis{Label: "after publishing", Log: true, Unit: Millis}, Y: Axis{Label: "peers", Max: 1, Unit: Percent},
		Lines: []Line{
			{Name: "while nothing is broken", Step: true, Points: []Point{{0.2, 0.1}, {1, 0.5}, {3, 1}}},
			{Name: "the first after the fault", Dots: true, Points: []Point{{0.2, 0}, {10, 0.3}, {300, 1}}},
		},
		Marks: []Mark{{At: 20, Name: "healed"}, {At: 25, Name: "told"}, {At: 0.5, Until: 2, Name: "cut"}},
	}
}

func bars() Bars {
	return Bars{Name: "hops", Title: "How far?", X: Axis{Label: "links", Min: 1}, Y: Axis{Label: "peers", Unit: Percent},
		Sets: []BarSet{{Name: "out", Values: []float64{0.25, 0.5, 0.25}}, {Name: "in", Values: []float64{0, 0.9, 0.0001}}}}
}

func TestPicturesAreWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	if err := Writable(dir); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, chart(), bars()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"coverage", "hops"} {
		b, err := os.ReadFile(filepath.Join(dir, name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if s := img.Bounds().Size(); s.X != 1080 || s.Y != 630 {
			t.Errorf("%s is %v pixels large", name, s)
		}
	}
	svg, err := os.ReadFile(filepath.Join(dir, "coverage.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"Who has heard it?", "Ten peers", "after publishing", "100 %", "1 ms", "10 ms", "healed", "the first after the fault", "Arial"} {
		if !strings.Contains(string(svg), text) {
			t.Errorf("the SVG does not say %q", text)
		}
	}
}

// The same data are the same picture, byte for byte: a report that is made again is no news.
func TestPicturesAreTheSame(t *testing.T) {
	for _, f := range []func(Picture) ([]byte, error){SVG, PNG} {
		a, err := f(chart())
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := f(chart()); !bytes.Equal(a, b) {
			t.Error("drawn twice, it differs")
		}
	}
}

func TestWhatCannotBeDrawn(t *testing.T) {
	nothing := chart()
	for i := range nothing.Lines {
		nothing.Lines[i].Points = []Point{{math.NaN(), 1}, {math.Inf(1), 1}, {-1, 1}} // an axis of decades has no -1
	}
	if _, err := SVG(nothing); !errors.Is(err, errEmpty) {
		t.Errorf("a chart of nothing: %v", err)
	}
	if _, err := SVG(Bars{Sets: []BarSet{{Values: []float64{0, math.NaN()}}}}); !errors.Is(err, errEmpty) {
		t.Errorf("bars of nothing: %v", err)
	}
	if _, err := SVG(Chart{Lines: []Line{{Points: []Point{{1, 1}}}}}); err != nil {
		t.Errorf("a chart of one point: %v", err)
	}
}

// One that cannot be drawn leaves no half of the others behind.
func TestAllOfThePicturesOrNone(t *testing.T) {
	empty := Chart{Name: "empty"}
	dir := t.TempDir()
	if err := Write(dir, chart(), empty); !errors.Is(err, errEmpty) || !strings.Contains(err.Error(), "picture empty") {
		t.Errorf("an empty one is written: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the folder holds %v, %v", left, err)
	}
	some := Drawable(empty, chart(), Bars{Name: "none"}, bars())
	if names := Names(some...); len(names) != 2 || names[0] != "coverage" || names[1] != "hops" {
		t.Errorf("of four, two of them empty, %v can be drawn", names)
	}
}

func TestWritableSaysWhatIsNot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Writable(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file in place of the folder: %v", err)
	}
}

// An axis of decades leaves the curves as much room as another.
func TestNoEmptyBand(t *testing.T) {
	room := func(log bool) vg.Length {
		c := chart()
		c.Marks, c.Y = nil, Axis{Label: "time since the failure", Min: 0.2, Max: 100, Unit: Millis, Log: log}
		c.Lines = []Line{{Name: "all have heard", Dots: true, Points: []Point{{1, 0.3}, {2, 60}}}}
		inside, err := c.plot(draw.New(vgsvg.New(width, height)))
		if err != nil {
			t.Fatal(err)
		}
		return inside.Max.Y - inside.Min.Y
	}
	if plain, log := room(false), room(true); log < plain-3 || log > plain+3 {
		t.Errorf("the curves have %v points of room, and %v at an axis of decades", plain, log)
	}
	svg, err := SVG(Chart{Y: Axis{Label: "upright", Log: true}, Lines: []Line{{Points: []Point{{1, 1}, {2, 9}}}}})
	if err != nil || !strings.Contains(string(svg), ">upright<") {
		t.Errorf("the label of an axis of decades is missing: %v", err)
	}
}

// What is written above bars does not run into what stands beside it.
func TestLabelsKeepApart(t *testing.T) {
	var values []float64
	for range 20 {
		values = append(values, 0.0005)
	}
	svg, err := SVG(Bars{Name: "hops", X: Axis{Label: "links", Min: 1}, Y: Axis{Max: 1, Unit: Percent}, Sets: []BarSet{{Values: values}}})
	if err != nil {
		t.Fatal(err)
	}
	var at []float64
	for _, m := range regexp.MustCompile(`<text x="([0-9.]+)"[^>]*>&lt;0.1 %<`).FindAllStringSubmatch(string(svg), -1) {
		x, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, x)
	}
	if len(at) < 8 {
		t.Fatalf("%d of 20 bars are labelled", len(at))
	}
	wide := float64(letters(8.5, soft, false).Width("<0.1 %"))
	for i := 1; i < len(at); i++ {
		if at[i]-at[i-1] < wide {
			t.Errorf("labels %g wide stand at %v", wide, at)
		}
	}
}

func TestNumbersAtAnAxis(t *testing.T) {
	for _, test := range []struct {
		unit Unit
		v    float64
		want string
	}{
		{Plain, 0, "0"}, {Plain, 1234567, "1,234,567"}, {Plain, -1000, "-1,000"}, {Plain, 0.1 + 0.2, "0.3"}, {Plain, 999, "999"},
		{Percent, 1, "100 %"}, {Percent, 0.125, "12.5 %"},
		{Millis, 0, "0"}, {Millis, 0.05, "50 µs"}, {Millis, 0.1, "0.1 ms"}, {Millis, 200, "200 ms"}, {Millis, 1500, "1.5 s"}, {Millis, 120_000, "2 min"},
	} {
		if got := (Axis{Unit: test.unit}).write(test.v); got != test.want {
			t.Errorf("%v is written %q, want %q", test.v, got, test.want)
		}
	}
}

func TestTicks(t *testing.T) {
	labels := func(a Axis, least, most float64) (s string) {
		for _, tick := range a.Ticks(least, most) {
			if tick.Label != "" {
				s += tick.Label + " "
			}
		}
		return strings.TrimSpace(s)
	}
	for _, test := range []struct {
		axis        Axis
		least, most float64
		want        string
	}{
		{Axis{Unit: Percent}, 0, 1, "0 % 20 % 40 % 60 % 80 % 100 %"},
		{Axis{Log: true, Unit: Millis}, 0.1, 1000, "0.1 ms 1 ms 10 ms 100 ms 1 s"},
		{Axis{Log: true, Unit: Millis}, 0.5, 20, "0.5 ms 1 ms 2 ms 5 ms 10 ms 20 ms"}, // decades alone would be two
		{Axis{each: true}, 0.3, 12.7, "1 2 3 4 5 6 7 8 9 10 11 12"},
		{Axis{}, 0, 9, "0 2 4 6 8"},
		{Axis{}, 0.3, 4.7, "1 2 3 4"}, // whole things are not halved
		{Axis{}, 0, 0.7, "0 0.2 0.4 0.6"},
	} {
		if got := labels(test.axis, test.least, test.most); got != test.want {
			t.Errorf("from %v to %v: %s, want %s", test.least, test.most, got, test.want)
		}
	}
}

func TestECDF(t *testing.T) {
	got := ECDF("", []float64{3, 1, 2, 2}).Points
	want := []Point{{1, 0}, {1, 0.25}, {2, 0.75}, {3, 1}}
	if len(got) != len(want) {
		t.Fatalf("%v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if l := ECDF("", nil); len(l.Points) != 0 {
		t.Errorf("of nothing: %v", l.Points)
	}
}

// Marks are found in the order in which they happened, whoever lists them.
func TestMarksAreSorted(t *testing.T) {
	if m := sorted([]Mark{{At: 2}, {At: 1}, {At: 3}}); m[0].At != 1 || m[2].At != 3 {
		t.Error(m)
	}
}
