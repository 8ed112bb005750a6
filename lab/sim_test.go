package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hearsay/lab/plots"
	"hearsay/lab/sim"
)

// runLab runs the command line in this process.
func runLab(t *testing.T, ctx context.Context, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(ctx, args, streams{strings.NewReader(""), &o, &e})
	return code, o.String(), e.String()
}

func TestSimUsage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ args, want string }{
		{"sim --frobnicate", "--frobnicate"},
		{"sim --seed one", "--seed"},
		{"sim --kill 80", "5%"},
		{"sim --kill 100%", "--kill"},
		{"sim --latency 20ms..1ms", "1ms..20ms"},
		{"sim --latency 0s", "--latency"},
		{"sim --churn 5", "20/s"},
		{"sim --partition thirds --for 1s", "half"},
		{"sim --broadcast gossip", "plumtree"},
		{"sim --at 60s", "--at"},
		{"sim --kill 50% --at 0s", "--at 0s"},
		{"sim --kill 50% --at=-5s", "--at -5s"},
		{"sim --kill 10% --kill 20%", "--kill: said twice"},
		{"sim --multicast --no-multicast", "--multicast: said twice"},
		{"sim --kill -5%", `--kill: a value is missing: "-5%" begins with a dash`},
		{"sim --kill --silent", `--kill: a value is missing: "--silent" begins with a dash`},
		{"sim --seed -1", `--seed: a value is missing: "-1"`},
		{"sim --seed=-1", "--seed"},
		{"sim --kill", "--kill: a value is missing"},
		{"sim --rate 1e-9/s", "--rate 0.000000001/s"},
		{"sim --rate 1e-9/s --kill 50% --at 60s", "--rate 0.000000001/s"},
		{"sim --peers 2 --churn 1/s --for 10s", "--churn"},
		{"sim --latency 500ms", "--latency 500ms: a dial takes 4 trips and is given up after 2s, so those peers never meet: up to 450ms"},
		{"sim --partition half --for 25h", "--for 25h0m0s: less than 24h0m0s"},
		{"sim --links 0", "--links"},
		{"sim --links 7", "--serve"},
		{"sim --domains 0", "--domains"},
		{"sim --domains 2", "--join"},
		{"sim --retain 1ms", "--retain"},
		{"sim --retain-bytes 1B", "64KiB"},
		{"sim --peers 1000000 --messages 1000 --size 60KiB --retain-bytes 1GiB", "memory"},
		{"sim --plots " + file, "--plots"},
		{"sim --trace " + filepath.Join(file, "x"), "--trace"},
		{"sim curve --seeds 0", "--seeds"},
		{"sim curve --parallel -1", "--parallel"},
		{"sim curve --peers 9", "--peers 9: of fewer than 31 no two are left when 95 % fail"},
		{"sim curve --peers 30", "--peers 30"},
		{"sim curve --peers 3", "--peers 3"},
		{"sim curve --peers 40 --peers 50", "--peers: said twice"},
		{"sim curve --peers 40 --seed 18446744073709551615", "--seeds 3"},
		{"sim curve --plots " + file, "--plots"},
	} {
		code, out, errs := runLab(t, t.Context(), strings.Fields(test.args)...)
		if code != exitUsage || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, test.want) {
			t.Errorf("lab %s: exit %d, %q and %q; want exit 2 and one line with %q", test.args, code, out, errs, test.want)
		}
	}
}

// Other programs read these names.
func TestSimJSON(t *testing.T) {
	code, out, errs := runLab(t, t.Context(), "sim", "--peers", "30", "--within", "1s", "--messages", "8", "--kill", "50%", "--rest", "5s", "--json")
	if code != 0 || errs != "" || strings.Count(out, "\n") != 1 {
		t.Fatalf("exit %d, %q, and %d lines", code, errs, strings.Count(out, "\n"))
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(`peers published delivered lost duplicated out_of_order unexpected never_read reliability rmr ldh_mean ldh_max
		latency_ms_p50 latency_ms_p95 latency_ms_max formed_ms healed_ms flowed_ms announcements_per_s virtual_ms wall_ms events rss_bytes`) {
		v, ok := got[name].(float64)
		if !ok || v < 0 {
			t.Errorf("%s is %v, want a number that was measured", name, got[name])
		}
	}
	if got["peers"] != 30. || got["reliability"] != 1. || got["survivors"] != 15. || got["rss_bytes"].(float64) < 1<<20 {
		t.Errorf("the figures are %s", out)
	}
}

func TestSimAccountOfARun(t *testing.T) {
	code, out, errs := runLab(t, t.Context(), "sim", "--peers", "30", "--within", "1s", "--messages", "8", "--partition", "half", "--for", "5s", "--siphoners", "2", "--loss", "1%")
	if code != 0 || errs != "" {
		t.Fatalf("exit %d, %q", code, errs)
	}
	for _, text := range []string{
		"30 peers, seed 1, plumtree; each opens 3 links and serves 6; packets take 50µs..250µs, 1 % are lost",
		"0.000 s  the peers start, one by one, and 2 that nobody can dial",
		"the network is cut in half, and both sides go on talking",
		"the halves are joined", "32 peers live, in 2 parts", "one mesh again, after", "the end",
		"reliability", "100 %", "copies too many", "of memory", "digest",
	} {
		if !strings.Contains(out, text) {
			t.Errorf("the account does not say %q:\n%s", text, out)
		}
	}
}

// What could not be kept is told, and nothing is said to be everywhere that is not.
func TestSimAccountOfWhatWasGivenUp(t *testing.T) {
	args := strings.Fields("sim --peers 30 --within 1s --partition half --for 5s --retain-bytes 64KiB --size 64KiB")
	code, out, errs := runLab(t, t.Context(), args...)
	if code != 0 || errs != "" || !strings.Contains(out, " deliveries given up: peers keep 64KiB of what is said (--retain-bytes)") || !strings.Contains(out, "\ngiven_up ") ||
		strings.Contains(out, "all that had been said is") || strings.Contains(out, "caught_up_ms") {
		t.Errorf("exit %d, %q, and\n%s", code, errs, out)
	}
	_, out, _ = runLab(t, t.Context(), append(args, "--json")...)
	var f sim.Figures
	if err := json.Unmarshal([]byte(out), &f); err != nil || f.Reliable >= 1 || f.GivenUp == 0 || f.CaughtMS != -1 || f.Violation != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestSimAccountOfChurn(t *testing.T) {
	code, out, _ := runLab(t, t.Context(), strings.Fields("sim --peers 10 --within 1s --messages 8 --churn 1000/s --for 5s")...)
	if code != 0 || !strings.Contains(out, ", not 5,000: two peers always stay") || !strings.Contains(out, "\nchurned ") {
		t.Errorf("exit %d\n%s", code, out)
	}
	code, out, _ = runLab(t, t.Context(), strings.Fields("sim --peers 30 --within 1s --messages 8 --kill 60% --churn 2/s --for 20s")...)
	if code != 0 || !strings.Contains(out, "the killed are back: there were 40\n") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

// A run that broke a promise does not look like one that kept them.
func TestSimJSONOfAFailure(t *testing.T) {
	code, out, errs := runLab(t, t.Context(), strings.Fields("sim --peers 10 --within 1s --loss 90% --json")...)
	var f sim.Figures
	if err := json.Unmarshal([]byte(out), &f); err != nil || code != exitFailed || errs == "" {
		t.Fatalf("exit %d, %q, %v", code, errs, err)
	}
	if f.Violation == nil || f.Violation.Rule != "whole" || f.Published != 0 || f.Reliable != -1 || f.Parts != -1 || f.Interrupted {
		t.Errorf("it is told as %s", out)
	}
}

func TestSimInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code, out, errs := runLab(t, ctx, "sim", "--peers", "30", "--kill", "50%")
	if code != exitFailed || !strings.Contains(out, "interrupted") || strings.Contains(out, "one mesh") || errs != "lab: "+errInterrupted.Error()+"\n" {
		t.Errorf("exit %d, %q, and\n%s", code, errs, out)
	}
}

func TestSimKeepsPicturesAndTrace(t *testing.T) {
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace.json")
	code, _, errs := runLab(t, t.Context(), "sim", "--peers", "20", "--within", "1s", "--messages", "8", "--kill", "50%", "--plots", dir, "--trace", trace)
	if code != 0 || !strings.Contains(errs, "5 pictures are in "+dir+": coverage, healing, hops, degree, copies\n") || !strings.Contains(errs, "spans are in "+trace) {
		t.Errorf("exit %d, %q", code, errs)
	}
	for _, name := range []string{"coverage", "healing", "hops", "degree", "copies"} {
		for _, ext := range []string{".svg", ".png"} {
			if s, err := os.Stat(filepath.Join(dir, name+ext)); err != nil || s.Size() < 1000 {
				t.Errorf("%s%s: %v", name, ext, err)
			}
		}
	}
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b) || !bytes.HasPrefix(b, []byte(`{"resourceSpans":[`)) || !bytes.Contains(b, []byte(`"fault kill"`)) {
		t.Errorf("the trace begins with %.80s", b)
	}
	// A run without a fault has no first message after it, and nothing to heal.
	calm := filepath.Join(dir, "calm")
	if code, _, errs := runLab(t, t.Context(), "sim", "--peers", "20", "--within", "1s", "--messages", "8", "--plots", calm); code != 0 || !strings.Contains(errs, "4 pictures") {
		t.Errorf("without a fault: exit %d, %q", code, errs)
	}
}

// Nothing that was found is lost to a picture of which there is nothing to draw, nor to a standard output that is full.
func TestSimTellsWhatItCannotDraw(t *testing.T) {
	dir := t.TempDir()
	pictures, trace := filepath.Join(dir, "pictures"), filepath.Join(dir, "trace.json")
	// A mesh that is whole at the very instant at which the churn ends has no healing to be seen.
	code, out, errs := runLab(t, t.Context(), "sim", "--peers", "100", "--churn", "2/s", "--for", "10s", "--json", "--plots", pictures, "--trace", trace)
	var got sim.Figures
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.HealedMS != 0 {
		t.Fatalf("exit %d, %q, %v: %s", code, errs, err, out)
	}
	if !strings.Contains(errs, ": coverage, hops, degree, copies\n") {
		t.Errorf("the pictures are told as %q", errs)
	}
	if s, err := os.Stat(trace); err != nil || s.Size() < 1000 {
		t.Errorf("the trace: %v", err)
	}
	if _, err := os.Stat(filepath.Join(pictures, "healing.svg")); err == nil {
		t.Error("there is a picture of a healing that took no time")
	}

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{
		{"sim", "--peers", "30", "--siphoners", "2", "--kill", "50%", "--plots", pictures},
		{"sim", "curve", "--peers", "40", "--plots", pictures},
		{"sim", "curve", "--peers", "40", "--plots", pictures, "--json"},
	} {
		code, out, errs := runLab(t, ended, args...)
		if code != exitFailed || out == "" || !strings.Contains(errs, errInterrupted.Error()) || !strings.Contains(errs, "nothing to draw") {
			t.Errorf("lab %v, interrupted at once: exit %d, %q, %q", args, code, out, errs)
		}
	}
}

func TestSimSaysWhenNobodyCanBeTold(t *testing.T) {
	for _, args := range [][]string{
		{"sim", "--peers", "10", "--within", "1s", "--messages", "4"},
		{"sim", "--peers", "10", "--within", "1s", "--messages", "4", "--json"},
		{"sim", "curve", "--peers", "40", "--seeds", "1"},
		{"sim", "check", "--seeds", "2"},
		{"sim", "check", "--seeds", "1", "--all"},
	} {
		var errs bytes.Buffer
		if code := run(t.Context(), args, streams{strings.NewReader(""), full{}, &errs}); code != exitFailed || !strings.Contains(errs.String(), "no space") {
			t.Errorf("lab %v on a full disk: exit %d, %q", args, code, &errs)
		}
	}
}

// full is a standard output into which nothing goes.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space is left") }

func TestCurve(t *testing.T) {
	var outs []string
	for _, parallel := range []string{"1", "3"} {
		dir := t.TempDir()
		code, out, _ := runLab(t, t.Context(), "sim", "curve", "--peers", "40", "--seeds", "2", "--parallel", parallel, "--json", "--plots", dir)
		if code != 0 {
			t.Fatalf("exit %d", code)
		}
		outs = append(outs, out)
		for _, name := range []string{"curve.svg", "curve.png", "curve-time.svg", "curve-time.png"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
	}
	if outs[0] != outs[1] {
		t.Errorf("one run at a time comes to\n%s and three to\n%s", outs[0], outs[1])
	}
	var c curve
	if err := json.Unmarshal([]byte(outs[0]), &c); err != nil {
		t.Fatal(err)
	}
	if c.Peers != 40 || c.Seeds != 2 || len(c.Points) != 2*len(curveShares) {
		t.Fatalf("%d points of %d peers", len(c.Points), c.Peers)
	}
	for _, p := range c.Points {
		if p.Runs != 2 || p.Reliable != 1 || p.HealedMS < 0 || p.FlowedMS < 0 || p.Largest <= 0 || p.Largest > 1 || p.InSecond > p.Reliable || p.Violation != "" {
			t.Errorf("a point is %+v", p)
		}
	}
	// Of few failures hardly anybody is cut off, of many nearly all are.
	if few, many := c.Points[0], c.Points[len(c.Points)-1]; few.Failed != 0.1 || many.Failed != 0.95 || few.Largest < 0.9 {
		t.Errorf("from %+v to %+v", few, many)
	}
}

func TestCurveTable(t *testing.T) {
	c := curve{Peers: 1000, Seeds: 3, Points: []curvePoint{{Broadcast: "flood", Failed: 0.8, Runs: 3, Largest: 0.31, InSecond: 0.9999, Reliable: 1, FlowedMS: 4.5, HealedMS: -1}}}
	var b strings.Builder
	c.table(&b)
	fields := strings.Fields(b.String()[strings.LastIndex(strings.TrimSpace(b.String()), "\n"):])
	if want := strings.Fields("80 % flood 31.0 % 0.0 % 99.9 % 100.0 % 4.5ms never"); !slices.Equal(fields, want) {
		t.Errorf("the row is %q, want %q", fields, want)
	}
}

// A mean of times of which one never came is no time.
func TestCurveCountsWhatDidNotHappen(t *testing.T) {
	f := func(flowed, healed, largest float64) curveRun {
		return curveRun{figures: &sim.Figures{Living: 10, Largest: int(largest * 10), FlowedMS: flowed, HealedMS: healed, First: sim.First{Reliable: 1, InSecond: 0.5, Before: -1}}}
	}
	var s curveSum
	s.add(curveRun{}) // not finished
	s.add(f(4, 10, 1))
	s.add(f(-1, 20, 0.5))
	var p curvePoint
	s.mean(&p)
	if want := (curvePoint{Runs: 2, Largest: 0.75, InSecond: 0.5, Reliable: 1, FlowedMS: -1, HealedMS: 15}); p != want {
		t.Errorf("%+v, want %+v", p, want)
	}
}

// What SIMULATOR.md shows of a command is what the command prints, but for the figures beneath it, of which some are of
// this machine. After a change of the protocol the command is run again, and what it says goes there.
func TestTheManualShowsWhatIsPrinted(t *testing.T) {
	b, err := os.ReadFile("SIMULATOR.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?m)^    go run \\./lab (sim .*)\n\n```\n((?s:.*?))```$").FindAllStringSubmatch(string(b), -1)
	if len(shown) == 0 {
		t.Fatal("the manual shows nothing")
	}
	for _, m := range shown {
		code, out, _ := runLab(t, t.Context(), strings.Fields(m[1])...)
		story, _, _ := strings.Cut(out, "\n\nformed_ms")
		if code != 0 || story+"\n" != m[2] {
			t.Errorf("lab %s: exit %d, and it prints\n%s\nwhere SIMULATOR.md has\n%s", m[1], code, story, m[2])
		}
	}
}

// A moment in which hardly anything is delivered is no peak of what messages cost.
func TestCopiesPerDelivery(t *testing.T) {
	sample := func(ms int, copies, delivered uint64) sim.CopySample {
		return sim.CopySample{Until: time.Duration(ms) * time.Millisecond, Copies: copies, Delivered: delivered}
	}
	got := perDelivery([]sim.CopySample{sample(250, 100, 100), sample(500, 0, 0), sample(750, 9, 1), sample(1000, 191, 99), sample(1250, 50, 1)}, 100)
	if want := []plots.Point{{X: 250, Y: 1}, {X: 1000, Y: 2}}; !slices.Equal(got, want) {
		t.Errorf("the points are %v, want %v", got, want)
	}
}

// Whoever looks at a dashed curve sees that it gets to the top.
func TestCurvesHoldOn(t *testing.T) {
	c := plots.Chart{Lines: []plots.Line{{Points: []plots.Point{{X: 1, Y: 0.5}, {X: 2, Y: 1}}}, {}}, Marks: []plots.Mark{{At: 10}}}
	holdOn(&c)
	if p := c.Lines[0].Points; len(p) != 3 || p[2] != (plots.Point{X: 10.5, Y: 1}) || len(c.Lines[1].Points) != 0 {
		t.Errorf("the lines are %v", c.Lines)
	}
}

// One redraw is one write: a bar that is written twice flickers.
func TestABarIsDrawnOnce(t *testing.T) {
	var w writes
	p := &progress{to: &w}
	p.bar = p.of()
	for i := range 3 {
		w = nil
		p.show(float64(i)/3, fmt.Sprintf("step %d", i))
		if len(w) != 1 || strings.Count(w[0], "step") != 1 || !strings.Contains(w[0], fmt.Sprintf("step %d", i)) {
			t.Errorf("step %d is drawn by %q", i, []string(w))
		}
	}
	w = nil
	p.done()
	if len(w) != 1 || strings.TrimSpace(w[0]) != "" {
		t.Errorf("it is taken away by %q", []string(w))
	}
}

// writes are what was written, by call.
type writes []string

func (w *writes) Write(b []byte) (int, error) {
	*w = append(*w, string(b))
	return len(b), nil
}

func TestErrorsOnOneLine(t *testing.T) {
	a, b := errors.New("a"), errors.New("b")
	if err := and(nil, a, nil, b); err.Error() != "a; and b" || !errors.Is(err, a) || !errors.Is(err, b) {
		t.Errorf("two are %v", err)
	}
	if err := and(nil, nil); err != nil {
		t.Errorf("none is %v", err)
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		count(0):                 "0",
		count(999):               "999",
		count(1234567):           "1,234,567",
		count(-1000):             "-1,000",
		things(1, "delivery"):    "1 delivery",
		things(2000, "delivery"): "2,000 deliveries",
		things(0, "peer"):        "0 peers",
		percent(1):               "100 %",
		percent(0.999999):        "99.999 %", // not all
		percent(0.29):            "29 %",
		span(millis(0.0123)):     "12.3µs",
		span(millis(1.234567)):   "1.23ms",
		span(millis(204.44)):     "204ms",
		span(millis(61_234)):     "1m1.2s",
		span(0):                  "0s",
		roundBytes(5 << 20):      "5.0MiB",
		roundBytes(196 << 20):    "196MiB",
		roundBytes(3 << 30):      "3.0GiB",
		roundBytes(100):          "100B",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestMemory(t *testing.T) {
	if n := residentBytes(); n < 1<<20 || n > 1<<40 {
		t.Errorf("this process takes %d bytes", n)
	}
	available, err := availableMemory()
	if err != nil || available <= 0 {
		t.Fatalf("%d bytes are available, %v", available, err)
	}
	most := available / peerBytes
	if err := enoughMemory(int(most/2), 0, 0, 1); err != nil {
		t.Errorf("half of what fits: %v", err)
	}
	if err := enoughMemory(int(2*most), 0, 0, 1); err == nil || !strings.Contains(err.Error(), "at most --peers") {
		t.Errorf("twice what fits: %v", err)
	}
	// What is too much is told in the words in which it was asked for.
	half := int(most * 3 / 4)
	for _, test := range []struct {
		siphoners, together int
		want                string
	}{
		{half, 1, fmt.Sprintf("--peers %d and --siphoners %d: they", half, half)},
		{0, 2, fmt.Sprintf("--peers %d in each of 2 runs side by side (--parallel): they", half)},
	} {
		if err := enoughMemory(half, test.siphoners, 0, test.together); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
}

// Nobody looks at a bar in a pipe, and nothing may get into what is read there.
func TestNoBarWithoutATerminal(t *testing.T) {
	if newProgress(io.Discard) != nil {
		t.Error("there is a bar in a buffer")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	bar := newProgress(w)
	if bar != nil {
		t.Error("there is a bar in a pipe")
	}
	bar.show(0.5, "half")
	bar.done()
}
