package plots

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// set makes one of gonum's axes look like ours.
func (a Axis) set(to *plot.Axis) {
	to.Label.Text = a.Label
	to.Label.TextStyle.Font = letters(10, ink, false).Font
	to.Label.TextStyle.Color = ink
	to.Label.Padding = 5
	to.Tick.Label.Font = letters(9.5, ink, false).Font
	to.Tick.Label.Color = ink
	to.Tick.LineStyle.Color = soft
	to.Tick.Length = 4
	to.LineStyle.Color = soft
	to.LineStyle.Width = vg.Points(0.7)
	to.Padding = 0
	to.Tick.Marker = a
	if a.Min != a.Max {
		to.Min, to.Max = a.Min, a.Max
	}
	if a.Log {
		to.Scale = plot.LogScale{}
		// From a round number to a round number: a curve that begins at an odd one looks like one that was cut off.
		to.Min, to.Max = 1/niceStep(1/to.Min), niceStep(to.Max)
		if to.Min == to.Max {
			to.Max *= 10
		}
		return
	}
	if to.Min == to.Max {
		to.Max++
	}
}

// Ticks makes an Axis a plot.Ticker.
func (a Axis) Ticks(least, most float64) []plot.Tick {
	if a.Log {
		return a.decades(least, most)
	}
	step := niceStep((most - least) / 6)
	if a.Unit == Plain && step < 1 && most-least > 4 || a.each {
		step = 1
	}
	var ticks []plot.Tick
	for i := math.Ceil(least/step - 1e-9); i*step <= most+step*1e-9; i++ {
		v := i*step + 0 // not -0
		ticks = append(ticks, plot.Tick{Value: v, Label: a.write(v)})
	}
	return ticks
}

func (a Axis) decades(least, most float64) (ticks []plot.Tick) {
	few := most/least < 500 // then there would be hardly a label at decades alone
	for d := math.Floor(math.Log10(least)); d <= math.Ceil(math.Log10(most)); d++ {
		for k := 1.0; k < 10; k++ {
			v := math.Pow(10, d) * k
			if v < least*(1-1e-9) || v > most*(1+1e-9) {
				continue
			}
			t := plot.Tick{Value: v}
			if k == 1 || few && (k == 2 || k == 5) {
				t.Label = a.write(v)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// niceStep is the next of 1, 2 and 5 times a power of ten.
func niceStep(v float64) float64 {
	if !(v > 0) {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, k := range []float64{1, 2, 5} {
		if v <= k*p*(1+1e-9) {
			return k * p
		}
	}
	return 10 * p
}

// write is a number as a person reads it at this axis.
func (a Axis) write(v float64) string {
	switch a.Unit {
	case Percent:
		return number(v*100) + " %"
	case Millis:
		switch {
		case v >= 60_000:
			return number(v/60_000) + " min"
		case v >= 1000:
			return number(v/1000) + " s"
		case v < 0.1 && v > 0:
			return number(v*1000) + " µs"
		case v == 0:
			return "0"
		}
		return number(v) + " ms"
	}
	return number(v)
}

// number groups thousands, and leaves away what arithmetic has added behind the point.
func number(v float64) string {
	s := strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
	whole, part, _ := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if part != "" {
		whole += "." + part
	}
	return sign + whole
}
