package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearsay/lab/plots"
	"hearsay/lab/scenario"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed style.css
	pageCSS string

	page = template.Must(template.New("page").Funcs(helpers).Parse(pageHTML))
)

// helpers are what the templates call.
var helpers = template.FuncMap{
	"css":     func() template.CSS { return template.CSS(pageCSS) },
	"topocss": func() template.CSS { return template.CSS(topoStyle) },
	"took":    took,
	"secs":    func(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) },
	"since":   since,
	"join":    strings.Join,
}

// Build makes the pictures and the page of a folder anew, from what else is in it.
func Build(dir string) (*Data, error) {
	d, err := Load(dir)
	if err != nil {
		return nil, err
	}
	pictures := d.pictures()
	if len(pictures) > 0 {
		if err := plots.Writable(filepath.Join(dir, dirPlots)); err != nil {
			return nil, err
		}
		if err := plots.Write(filepath.Join(dir, dirPlots), pictures...); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	if err := d.page(&b, pictures); err != nil {
		return nil, err
	}
	return d, os.WriteFile(filepath.Join(dir, fileReport), b.Bytes(), 0o644)
}

// slowest is how many of the messages that took longest are shown.
const slowest = 10

func (d *Data) page(w io.Writer, pictures []plots.Picture) error {
	v := struct {
		*Data
		Failed   int
		Figures  []figure
		Pictures []template.HTML
		Views    []view
		Missed   []message
		Slowest  []message
		Files    []string
	}{Data: d, Figures: figuresOf(&d.Verdict.Figures), Missed: d.missed(), Slowest: d.slow(), Files: d.files()}
	for _, e := range d.Verdict.Expectations {
		if !e.OK {
			v.Failed++
		}
	}
	for _, p := range pictures {
		svg, err := plots.SVG(p)
		if err != nil {
			return err
		}
		v.Pictures = append(v.Pictures, inline(svg))
	}
	for _, t := range topologies {
		if svg := d.Topology[t]; svg != "" {
			v.Views = append(v.Views, view{t, inlineTopology(svg)})
		}
	}
	return page.Execute(w, v)
}

// view is a topology.
type view struct {
	When string
	SVG  template.HTML
}

// figure is one number as a person reads it.
type figure struct{ Name, Value, Says string }

// figuresOf are the figures in the order of their JSON.
func figuresOf(f *scenario.Figures) []figure {
	all := []figure{
		{"peers", count(f.Peers), "that ever were"},
		{"published", count(f.Published), "messages"},
		{"delivered", count(f.Delivered), "deliveries"},
		{"lost", count(f.Lost), "deliveries that were owed and not made"},
		{"duplicated", count(f.Duplicated), "deliveries of what was delivered before"},
		{"out_of_order", count(f.OutOfOrder), "deliveries before an earlier one of their publisher"},
		{"unexpected", count(f.Unexpected), "deliveries of what nobody said"},
		{"never_read", count(f.NeverRead), "messages that died with their publisher"},
		{"reliability", ratio(f.Reliability, 4), "share of the owed deliveries that were made"},
		{"rmr", ratio(f.RMR, 4), "copies received in vain for each delivery, nothing broken"},
		{"ldh_mean", ratio(f.LDHMean, 2), "links to the last peer, on average, nothing broken"},
		{"ldh_max", ratio(float64(f.LDHMax), 0), "links to the last peer, at most, nothing broken"},
		{"latency_ms_p50", ratio(f.LatencyP50, 3), "from publishing to the last peer, whatever was broken: half of the messages"},
		{"latency_ms_p95", ratio(f.LatencyP95, 3), "95 in a hundred"},
		{"latency_ms_max", ratio(f.LatencyMax, 3), "all that came everywhere"},
		{"formed_ms", ratio(f.FormedMS, 1), "last start to a whole mesh"},
		{"healed_ms", ratio(f.HealedMS, 1), "fault to a whole mesh, the longest"},
		{"flowed_ms", ratio(f.FlowedMS, 1), "fault to the first message after it being everywhere, the longest"},
		{"announcements_per_s", ratio(f.AnnouncePerS, 2), "of all peers together, nothing broken"},
	}
	if f.VirtualMS > 0 {
		all = append(all,
			figure{"virtual_ms", ratio(f.VirtualMS, 0), "simulated time"},
			figure{"wall_ms", ratio(f.WallMS, 0), "real time"},
			figure{"events", strconv.FormatUint(f.Events, 10), "simulated"},
			figure{"rss_bytes", strconv.FormatInt(f.RSS, 10), "memory of the simulator"})
	}
	return all
}

func count(n int) string { return strconv.Itoa(n) }

// ratio writes a figure that is negative where nothing could be measured.
func ratio(v float64, digits int) string {
	if v < 0 {
		return "–"
	}
	p := math.Pow(10, float64(digits))
	return strconv.FormatFloat(math.Round(v*p)/p, 'f', -1, 64)
}

// missed are the messages that somebody lacks.
func (d *Data) missed() (list []message) {
	for _, m := range d.Messages {
		if m.Made < m.Owed && len(list) < 5*slowest {
			list = append(list, m)
		}
	}
	return list
}

func (d *Data) slow() (list []message) {
	for _, m := range d.Messages {
		if m.Owed > 0 && m.Made == m.Owed {
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(a, b message) int { return int(math.Copysign(1, b.LastMS-a.LastMS)) })
	return list[:min(slowest, len(list))]
}

// files are the folder's other files, as links.
func (d *Data) files() (names []string) {
	filepath.WalkDir(d.Dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != fileReport {
			if name, err := filepath.Rel(d.Dir, path); err == nil {
				names = append(names, filepath.ToSlash(name))
			}
		}
		return nil
	})
	return names
}

// took is a time in milliseconds as a person reads it; a negative one was never seen.
func took(v any) string {
	d, ok := v.(time.Duration)
	if f, is := v.(float64); is {
		d, ok = time.Duration(f*1e6), true
	}
	switch {
	case !ok || d < 0:
		return "–"
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0f ms", ms(d))
	}
	return fmt.Sprintf("%.2f ms", ms(d))
}

func since(msFloat float64) string { return fmt.Sprintf("%.2f s", msFloat/1000) }

var svgHead = regexp.MustCompile(`(?s)^.*?<svg width="[^"]*" height="[^"]*"`)

// paints are the colours that pictures are drawn with, but for those of the curves, and the page's own, which
// differ from light to dark.
var paints = strings.NewReplacer(
	"#222222", "var(--ink)", "#606060", "var(--soft)", "#E2E2E2", "var(--grid)", "#EFEFEF", "var(--band)", "#FFFFFF", "var(--card)", "#9A9A9A", "var(--soft)",
)

// inline makes one of our pictures a part of a page.
func inline(svg []byte) template.HTML {
	s := svgHead.ReplaceAllString(string(svg), `<svg class="plot" role="img"`)
	return template.HTML(paints.Replace(s))
}

var styleElement = regexp.MustCompile(`(?s)<style>.*?</style>`)

// inlineTopology takes a topology's file into a page, which has the style already. A file that is not ours, and might
// hold anything, is left out.
func inlineTopology(svg string) template.HTML {
	if !strings.HasPrefix(svg, `<svg class="topo"`) || unsafeSVG.MatchString(svg) {
		return ""
	}
	return template.HTML(styleElement.ReplaceAllString(svg, ""))
}

var unsafeSVG = regexp.MustCompile(`(?i)<script|\bon\w+\s*=|javascript:|<foreignObject|href`)
