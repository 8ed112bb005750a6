package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"text/tabwriter"

	"hearsay/lab/plots"
	"hearsay/lab/scenario"
)

// Comparison is two runs side by side.
type Comparison struct {
	A, B *Data
}

// line is one figure or expectation of both.
type line struct {
	Name, A, B string
	Change     string // from A to B; empty if there is nothing to say
	Bad        bool   // of an expectation: it came true in A and not in B
	Good       bool   // and the other way round
}

// Text writes the comparison for a person at a terminal.
func (c Comparison) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\tA\tB\t\n")
	for _, l := range append(c.heads(), c.figures()...) {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", l.Name, l.A, l.B, l.Change)
	}
	fmt.Fprintln(t)
	for _, l := range c.expectations() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", l.Name, l.A, l.B, l.Change)
	}
	return t.Flush()
}

func (c Comparison) heads() []line {
	a, b := &c.A.Verdict, &c.B.Verdict
	return []line{
		{Name: "folder", A: c.A.Dir, B: c.B.Dir},
		{Name: "scenario", A: a.Scenario, B: b.Scenario},
		{Name: "engine", A: a.Engine, B: b.Engine},
		{Name: "seed", A: fmt.Sprint(a.Seed), B: fmt.Sprint(b.Seed)},
		{Name: "version", A: a.Version, B: b.Version},
		{Name: "verdict", A: word(a.OK), B: word(b.OK), Bad: a.OK && !b.OK, Good: !a.OK && b.OK},
	}
}

func word(ok bool) string {
	if ok {
		return "ok"
	}
	return "FAIL"
}

func (c Comparison) figures() (list []line) {
	a, b := figuresOf(&c.A.Verdict.Figures), figuresOf(&c.B.Verdict.Figures)
	second := map[string]figure{}
	for _, f := range b {
		second[f.Name] = f
	}
	for _, f := range a {
		g, both := second[f.Name]
		if !both {
			g.Value = "–"
		}
		delete(second, f.Name)
		list = append(list, line{Name: f.Name, A: f.Value, B: g.Value, Change: change(f.Value, g.Value)})
	}
	for _, g := range b {
		if _, only := second[g.Name]; only {
			list = append(list, line{Name: g.Name, A: "–", B: g.Value})
		}
	}
	return list
}

// change is by how much b is more or less than a.
func change(a, b string) string {
	x, errA := strconv.ParseFloat(a, 64)
	y, errB := strconv.ParseFloat(b, 64)
	switch {
	case errA != nil || errB != nil || x == y:
		return ""
	case x == 0 || math.Abs(y/x) >= 10:
		return fmt.Sprintf("%+.4g", y-x)
	}
	return fmt.Sprintf("%+.1f %%", 100*(y-x)/math.Abs(x))
}

// expectations are those of both runs: of one name and wish side by side.
func (c Comparison) expectations() (list []line) {
	used := map[int]bool{}
	b := c.B.Verdict.Expectations
	for _, e := range c.A.Verdict.Expectations {
		l := line{Name: e.Name + ": " + e.Want, A: word(e.OK) + ", " + e.Got, B: "–"}
		for i, f := range b {
			if !used[i] && f.Name == e.Name && f.Want == e.Want {
				used[i] = true
				l.B, l.Bad, l.Good = word(f.OK)+", "+f.Got, e.OK && !f.OK, !e.OK && f.OK
				break
			}
		}
		switch {
		case l.Bad:
			l.Change = "WORSE"
		case l.Good:
			l.Change = "better"
		}
		list = append(list, l)
	}
	for i, f := range b {
		if !used[i] {
			list = append(list, line{Name: f.Name + ": " + f.Want, A: "–", B: word(f.OK) + ", " + f.Got})
		}
	}
	return list
}

// Worse reports whether an expectation that came true in A did not in B.
func (c Comparison) Worse() bool {
	for _, l := range c.expectations() {
		if l.Bad {
			return true
		}
	}
	return c.A.Verdict.OK && !c.B.Verdict.OK
}

// Compared is a comparison for programs.
type Compared struct {
	A      Side     `json:"a"`
	B      Side     `json:"b"`
	Worse  []string `json:"worse"`  // expectations that came true in A and not in B
	Better []string `json:"better"` // and the other way round
	OK     bool     `json:"ok"`     // B is not worse than A
}

// Side is one of the runs.
type Side struct {
	Folder  string           `json:"folder"`
	Verdict scenario.Verdict `json:"verdict"`
}

// Object is the comparison for programs.
func (c Comparison) Object() Compared {
	o := Compared{A: Side{c.A.Dir, c.A.Verdict}, B: Side{c.B.Dir, c.B.Verdict}, Worse: []string{}, Better: []string{}, OK: !c.Worse()}
	for _, l := range c.expectations() {
		switch {
		case l.Bad:
			o.Worse = append(o.Worse, l.Name)
		case l.Good:
			o.Better = append(o.Better, l.Name)
		}
	}
	return o
}

//go:embed compare.html
var compareHTML string

var comparePage = template.Must(template.New("compare").Funcs(helpers).Parse(compareHTML))

// Page writes the comparison as one file that opens from a disk.
func (c Comparison) Page(w io.Writer) error {
	v := struct {
		Heads, Figures, Expectations []line
		Pictures                     []template.HTML
		Views                        []pair
	}{Heads: c.heads(), Figures: c.figures(), Expectations: c.expectations()}
	for _, p := range c.pictures() {
		svg, err := plots.SVG(p)
		if err != nil {
			return err
		}
		v.Pictures = append(v.Pictures, inline(svg))
	}
	for _, t := range topologies {
		if a, b := c.A.Topology[t], c.B.Topology[t]; a != "" && b != "" {
			v.Views = append(v.Views, pair{t, inlineTopology(a), inlineTopology(b)})
		}
	}
	var b bytes.Buffer
	if err := comparePage.Execute(&b, v); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// pair is what both runs looked like at one time.
type pair struct {
	When string
	A, B template.HTML
}

// pictures have both runs in each.
func (c Comparison) pictures() (all []plots.Picture) {
	both := func(of func(d *Data, who string) []plots.Line) []plots.Line {
		return append(of(c.A, "A: "), of(c.B, "B: ")...)
	}
	sub := fmt.Sprintf("A: %s, %s, seed %d. B: %s, %s, seed %d", c.A.Verdict.Scenario, c.A.Verdict.Engine, c.A.Verdict.Seed,
		c.B.Verdict.Scenario, c.B.Verdict.Engine, c.B.Verdict.Seed)
	log := plots.Axis{Unit: plots.Millis, Log: true}
	share := plots.Axis{Unit: plots.Percent, Max: 1}
	add := func(lines []plots.Line, p plots.Chart) {
		if len(lines) > 0 {
			p.Lines, p.Subtitle = lines, sub
			all = append(all, p)
		}
	}
	log.Label, share.Label = "after publishing", "share of the messages"
	add(both((*Data).latencies), plots.Chart{Name: "latency", Title: "How long did messages take?", X: log, Y: share})
	log.Label, share.Label = "after the fault, or the loss of a link", "share of the faults, or losses"
	add(both((*Data).mending), plots.Chart{Name: "healing", Title: "How long until it was mended?", X: log, Y: share})
	time := plots.Axis{Label: "time since the beginning", Unit: plots.Millis, Max: max(c.A.end(), c.B.end())}
	add(both(func(d *Data, who string) []plots.Line {
		l := d.coverage()
		for i := range l {
			l[i].Name = who + l[i].Name
		}
		return l
	}), plots.Chart{Name: "coverage", Title: "Of those whom a message was owed to, how many had it?", X: time, Y: plots.Axis{Label: "share of the peers", Unit: plots.Percent, Max: 1.05}})
	lines := both((*Data).copies)
	add(lines, plots.Chart{Name: "copies", Title: "How many copies came for each that was needed?", X: time,
		Y: plots.Axis{Label: "copies received for each delivery", Min: 0.9, Max: most(lines) * 1.1}})
	return all
}
