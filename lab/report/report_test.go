package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/simfleet"
	"hearsay/lab/scenario"
	"hearsay/peer/node"
)

const story = `
name: A <b>short</b> "story" & more
peers: 5
steps:
  - wait: meshed
  - send: {rate: 40/s}
  - sleep: 4s
  - partition: [[1, 2], [3, 4, 5]]
  - sleep: 5s
  - heal: all
  - wait: meshed
  - sleep: 1s
  - kill: 5
  - wait: meshed
  - sleep: 1s
  - stop: send
expect:
  - lost: 0
  - meshed: {within: 5s, after: heal}
  - rmr: {at-most: 0.1}
  - traced: {at-least: 90%}
`

// write runs the story on the simulator, and writes its folder.
func write(t *testing.T, dir string, seed uint64, source string, change func(*scenario.Result)) *scenario.Result {
	t.Helper()
	sc, err := scenario.Parse("story.yaml", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	c, err := simfleet.Config(fleet.Config{}, seed)
	if err != nil {
		t.Fatal(err)
	}
	f := simfleet.New(c)
	defer f.Close()
	folder, err := Create(dir, sc)
	if err != nil {
		t.Fatal(err)
	}
	folder.Begin(f.Engine(), f.Now())
	spans := f.Spans
	res, err := scenario.Run(t.Context(), sc, f, scenario.Config{Seed: seed, Version: "v1.2.3", Events: folder.Event, Spans: spans})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(res)
	}
	if err := folder.Save(res, []string{"lab", "run", "story.yaml"}, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	return res
}

// told is a run of the story that several tests look at: to draw its pictures takes longest.
var told struct {
	sync.Once
	dir string
	res *scenario.Result
}

func TestMain(m *testing.M) {
	code := m.Run()
	if told.dir != "" {
		os.RemoveAll(told.dir)
	}
	os.Exit(code)
}

// copied is a copy of that run's folder.
func copied(t *testing.T) (dir string, res *scenario.Result) {
	t.Helper()
	told.Do(func() {
		var err error
		if told.dir, err = os.MkdirTemp("", "hearsay-report-"); err != nil {
			t.Fatal(err)
		}
		told.res = write(t, filepath.Join(told.dir, "run"), 1, story, nil)
	})
	if told.res == nil {
		t.Fatal("the story could not be run")
	}
	dir = filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(told.dir, "run"))); err != nil {
		t.Fatal(err)
	}
	return dir, told.res
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFolder wants every file of the contract to be there, and to hold what the run was.
func TestFolder(t *testing.T) {
	dir, res := copied(t)
	if !res.Verdict.OK {
		t.Fatalf("the story does not come out as expected: %+v", res.Verdict)
	}
	var files []string
	filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
		if !e.IsDir() {
			name, _ := filepath.Rel(dir, p)
			files = append(files, filepath.ToSlash(name))
		}
		return err
	})
	want := strings.Fields(`deliveries.csv events.jsonl junit.xml links.csv messages.csv
		peers/peer-1.log peers/peer-2.log peers/peer-3.log peers/peer-4.log peers/peer-5.log
		plots/copies.png plots/copies.svg plots/coverage.png plots/coverage.svg plots/healing.png plots/healing.svg
		plots/latency.png plots/latency.svg plots/mesh.png plots/mesh.svg
		report.html run.json samples.csv scenario.yaml spans.json statuses.json topology-after.svg topology-before.svg topology-during.svg verdict.json`)
	if !slices.Equal(files, want) {
		t.Errorf("the files are\n%q\nwant\n%q", files, want)
	}
	var statuses []node.Status
	if err := json.Unmarshal([]byte(read(t, dir, "statuses.json")), &statuses); err != nil || len(statuses) != 4 || len(statuses[0].Links) < 2 {
		t.Errorf("the statuses are %+v: %v", statuses, err)
	}
	if read(t, dir, "scenario.yaml") != story {
		t.Error("scenario.yaml is not what was run")
	}
	t.Run("verdict", func(t *testing.T) { checkVerdict(t, dir, res) })
	t.Run("tables", func(t *testing.T) { checkTables(t, dir, res) })
	t.Run("events", func(t *testing.T) { checkEvents(t, dir, res) })
	t.Run("spans", func(t *testing.T) { checkSpans(t, dir, res) })
	t.Run("junit", func(t *testing.T) { checkJUnit(t, dir, 0) })
	t.Run("topology", func(t *testing.T) { checkTopology(t, dir) })
	if log := read(t, dir, "peers", "peer-5.log"); !strings.Contains(log, "-- started") || !strings.Contains(log, "-- ended: kill") || !strings.Contains(log, "link lost") {
		t.Errorf("peer-5's log is\n%s", log)
	}
}

// checkVerdict wants exactly the keys of the contract.
func checkVerdict(t *testing.T, dir string, res *scenario.Result) {
	var v map[string]json.RawMessage
	if err := json.Unmarshal([]byte(read(t, dir, "verdict.json")), &v); err != nil {
		t.Fatal(err)
	}
	keys := func(b json.RawMessage) (k []string) {
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		for name := range m {
			k = append(k, name)
		}
		slices.Sort(k)
		return k
	}
	all, _ := json.Marshal(v)
	if got := strings.Join(keys(all), " "); got != "engine expectations figures ok scenario seed version" {
		t.Errorf("the verdict has %s", got)
	}
	var es []json.RawMessage
	if err := json.Unmarshal(v["expectations"], &es); err != nil || len(es) != 4 {
		t.Fatalf("%d expectations: %v", len(es), err)
	}
	if got := strings.Join(keys(es[0]), " "); got != "got name ok want" {
		t.Errorf("an expectation has %s", got)
	}
	want := `announcements_per_s delivered duplicated events flowed_ms formed_ms healed_ms latency_ms_max latency_ms_p50 latency_ms_p95 ldh_max ldh_mean lost never_read out_of_order peers published reliability rmr rss_bytes unexpected virtual_ms wall_ms`
	if got := strings.Join(keys(v["figures"]), " "); got != want {
		t.Errorf("the figures are\n%s\nwant\n%s", got, want)
	}
	if string(v["version"]) != `"v1.2.3"` || string(v["seed"]) != "1" || string(v["engine"]) != `"sim"` {
		t.Errorf("the verdict is %s", all)
	}
}

func checkTables(t *testing.T, dir string, res *scenario.Result) {
	rows := func(name string) []map[string]string {
		all, err := csv.NewReader(strings.NewReader(read(t, dir, name))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var list []map[string]string
		for _, r := range all[1:] {
			m := map[string]string{}
			for i, c := range all[0] {
				m[c] = r[i]
			}
			list = append(list, m)
		}
		return list
	}
	messages, deliveries, links, samples := rows("messages.csv"), rows("deliveries.csv"), rows("links.csv"), rows("samples.csv")
	if len(messages) != res.Verdict.Figures.Published || len(deliveries) != res.Verdict.Figures.Delivered || len(samples) != len(res.Samples) {
		t.Errorf("%d messages, %d deliveries and %d samples are written, of %+v", len(messages), len(deliveries), len(samples), res.Verdict.Figures)
	}
	for _, m := range messages {
		if m["owed"] != m["delivered"] || m["accepted"] != "true" || len(m["trace_id"]) != 32 || m["lacking"] != "" {
			t.Fatalf("a message is %v", m)
		}
	}
	lost, alive := 0, 0
	for _, l := range links {
		switch {
		case l["far"] == "" || l["far"] == l["peer"] || l["dir"] != "in" && l["dir"] != "out":
			t.Fatalf("a link is %v", l)
		case l["down_ms"] == "":
			alive++
		default:
			lost++
		}
	}
	if lost == 0 || alive == 0 || alive%2 != 0 {
		t.Errorf("%d ends of links were lost and %d live", lost, alive)
	}
}

func checkEvents(t *testing.T, dir string, res *scenario.Result) {
	kinds := map[fleet.Kind]int{}
	for _, line := range strings.Split(strings.TrimSpace(read(t, dir, "events.jsonl")), "\n") {
		var e fleet.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		kinds[e.Kind]++
	}
	if kinds[fleet.Said] != res.Verdict.Figures.Published || kinds[fleet.Delivered] != res.Verdict.Figures.Delivered || kinds[fleet.Started] != 5 || kinds[fleet.Ended] != 1 ||
		kinds[fleet.LinkDown] == 0 || kinds[fleet.Faulted] == 0 {
		t.Errorf("the events are %v", kinds)
	}
}

// checkSpans reads the spans as a collector does.
func checkSpans(t *testing.T, dir string, res *scenario.Result) {
	traces, err := new(ptrace.JSONUnmarshaler).UnmarshalTraces([]byte(read(t, dir, "spans.json")))
	if err != nil {
		t.Fatal(err)
	}
	names, faults, explained := map[string]int{}, map[string]string{}, 0
	for _, rs := range traces.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				names[s.Name()]++
				if strings.HasPrefix(s.Name(), "fault ") {
					faults[s.SpanID().String()] = s.Name()
				}
			}
		}
	}
	causes := map[string]bool{}
	for _, rs := range traces.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				for _, l := range s.Links().All() {
					if f := faults[l.SpanID().String()]; f != "" && s.Name() == "heal" {
						explained++
						causes[f] = true
					}
				}
			}
		}
	}
	if names["publish mesh"] != len(res.Messages) || names["fault partition"] != 1 || names["fault heal"] != 1 || names["fault kill"] != 1 {
		t.Errorf("the spans are %v", names)
	}
	if names["heal"] == 0 || explained != names["heal"] || !causes["fault partition"] || !causes["fault kill"] {
		t.Errorf("%d of %d healings link to a fault: %v", explained, names["heal"], causes)
	}
}

func checkJUnit(t *testing.T, dir string, failures int) {
	var s junitSuites
	if err := xml.Unmarshal([]byte(read(t, dir, "junit.xml")), &s); err != nil {
		t.Fatal(err)
	}
	suite := s.Suites[0]
	failed := 0
	for _, c := range suite.Cases {
		if c.Failure != nil {
			failed++
		}
	}
	if suite.Tests != len(suite.Cases) || suite.Failures != failures || failed != failures {
		t.Errorf("%d tests of which %d fail: %+v", suite.Tests, suite.Failures, suite)
	}
}

func checkTopology(t *testing.T, dir string) {
	for when, want := range map[string][]string{
		"before": {"5 peers live", "one part"}, "during": {"5 peers live", "2 parts"}, "after": {"4 peers live", "one part", `class="t-cross"`},
	} {
		svg := read(t, dir, "topology-"+when+".svg")
		if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil {
			t.Errorf("%s: %v", when, err)
		}
		for _, w := range want {
			if !strings.Contains(svg, w) {
				t.Errorf("the picture of %s does not say %q", when, w)
			}
		}
	}
}

// TestPage wants a page that needs nothing else, and in which no text is markup.
func TestPage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	const hostile = `<script>alert(1)</script><img src=x onerror=alert(2)>`
	write(t, dir, 1, strings.Replace(story, "  - lost: 0", "  - lost: 0 # "+hostile, 1), func(res *scenario.Result) {
		res.Wrong = append(res.Wrong, hostile)
		res.Marks[1].Text = hostile
		res.Verdict.Expectations[0].Got = hostile
		res.Verdict.Expectations[0].OK, res.Verdict.OK = false, false
		res.Messages[3].Lacking, res.Messages[3].Made = []string{hostile}, 0
	})
	page := read(t, dir, "report.html")
	if strings.Contains(page, "<script") || strings.Contains(page, "<img") || strings.Contains(page, "<b>short") {
		t.Error("somebody's text is markup")
	}
	for _, want := range []string{
		"A &lt;b&gt;short", "&lt;script&gt;alert(1)", "1 of 4 expectations did not come true", "✗ fails", "What is wrong", "Messages that somebody lacks",
		"prefers-color-scheme:dark", `<svg class="plot"`, `<svg class="topo"`, "heal", `href="events.jsonl"`, "lab run story.yaml",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, alien := range []string{`src="http`, `href="http`, "url(", "@import", "fill:#222222"} {
		if strings.Contains(page, alien) {
			t.Errorf("the page has %q in it", alien)
		}
	}
	checkJUnit(t, dir, 1)
	// A picture that is not ours stays out of it.
	path := filepath.Join(dir, "topology-after.svg")
	if err := os.WriteFile(path, []byte(`<svg class="topo" onload="alert(3)"></svg>`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Build(dir); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(read(t, dir, "report.html"), "onload") {
		t.Error("a foreign picture got into the page")
	}
}

// TestRebuild wants the page and the pictures that are made anew from a folder to be the same.
func TestRebuild(t *testing.T) {
	dir, _ := copied(t)
	page := read(t, dir, "report.html")
	svg := read(t, dir, "plots", "coverage.svg")
	if err := errorsOf(os.Remove(filepath.Join(dir, "report.html")), os.RemoveAll(filepath.Join(dir, "plots"))); err != nil {
		t.Fatal(err)
	}
	d, err := Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	if read(t, dir, "report.html") != page || read(t, dir, "plots", "coverage.svg") != svg {
		t.Error("the page that was made anew is another one")
	}
	if s := d.Summary(); !strings.Contains(s, "came out as expected") || strings.Count(s, "\n") != 5 {
		t.Errorf("the summary is\n%s", s)
	}
	// A folder with a verdict alone still has a page.
	bare := t.TempDir()
	if err := os.WriteFile(filepath.Join(bare, "verdict.json"), []byte(read(t, dir, "verdict.json")), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Build(bare); err != nil {
		t.Errorf("a folder with a verdict alone: %v", err)
	}
	for what, spoil := range map[string]string{"verdict.json": "{", "messages.csv": "said_ms\nsoon\n", "samples.csv": "ms,living\n1\n", "run.json": "[]"} {
		if err := os.WriteFile(filepath.Join(bare, what), []byte(spoil), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Build(bare); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("with a broken %s: %v", what, err)
		}
		if err := os.WriteFile(filepath.Join(bare, "verdict.json"), []byte(read(t, dir, "verdict.json")), 0o644); err != nil {
			t.Fatal(err)
		}
		if what != "verdict.json" {
			os.Remove(filepath.Join(bare, what))
		}
	}
	if _, err := Build(t.TempDir()); err == nil || !strings.Contains(err.Error(), "holds no run") {
		t.Errorf("an empty folder: %v", err)
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestCreate wants an earlier run to make room, and anything else to be left alone.
func TestCreate(t *testing.T) {
	dir, _ := copied(t)
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	sc, err := scenario.Parse("story.yaml", []byte(story))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Create(dir, sc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "verdict.json")); err == nil {
		t.Error("the earlier run's verdict is still there")
	}
	if read(t, dir, "notes.txt") != "mine" {
		t.Error("somebody's notes are gone")
	}
	f.close()
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "thesis.txt"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(other, sc); err == nil || !strings.Contains(err.Error(), "holds something else") {
		t.Errorf("a folder with something else in it: %v", err)
	}
	if _, err := Create(filepath.Join(other, "thesis.txt"), sc); err == nil {
		t.Error("a file was taken for a folder")
	}
}

func TestBounds(t *testing.T) {
	sc, err := scenario.Parse("story.yaml", []byte(story))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Create(filepath.Join(t.TempDir(), "run"), sc)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1e9, 0)
	f.Begin("local", at)
	f.Event(fleet.Event{At: at, Kind: fleet.Said, Peer: 1, Run: 1, Message: &fleet.Message{Text: strings.Repeat("ä", 100)}})
	f.bytes = maxEventBytes
	f.Event(fleet.Event{At: at, Kind: fleet.Said, Peer: 1, Run: 1, Message: &fleet.Message{}})
	long := strings.Repeat("x", maxLog/4)
	for range 6 {
		f.Event(fleet.Event{At: at, Kind: fleet.Log, Peer: 1, Run: 1, Reason: long})
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	events := read(t, f.Dir, "events.jsonl")
	if strings.Count(events, "\n") != 1 || f.dropped != 1 || !strings.Contains(events, strings.Repeat("ä", maxText/2)+"…") {
		t.Errorf("events.jsonl is %.300s, and %d were dropped", events, f.dropped)
	}
	log := read(t, f.Dir, "peers", "peer-1.log")
	if len(log) > maxLog+1000 || !strings.Contains(log[len(log)-200:], "was not kept") {
		t.Errorf("the log has %d bytes, and ends with %q", len(log), log[len(log)-100:])
	}
}

func TestCompare(t *testing.T) {
	dir := t.TempDir()
	a, _ := copied(t)
	b := filepath.Join(dir, "b")
	write(t, b, 2, story, func(res *scenario.Result) {
		res.Verdict.OK, res.Verdict.Expectations[2].OK, res.Verdict.Expectations[2].Got = false, false, "0.700"
		res.Verdict.Figures.RMR = 0.7
		res.Verdict.Expectations = append(res.Verdict.Expectations, scenario.Outcome{Name: "lost", Want: "at most 3", Got: "0", OK: true})
	})
	load := func(dir string) *Data {
		d, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	c := Comparison{load(a), load(b)}
	var text, page bytes.Buffer
	if err := errorsOf(c.Text(&text), c.Page(&page)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"WORSE", "rmr: at most 0.1, steady", "lost: at most 3", "seed", "published"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, &text)
		}
	}
	for _, want := range []string{"✗ worse", "A: to the last peer", "B: within a second", `<svg class="topo"`, "A &lt;b&gt;short"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if !c.Worse() || (Comparison{c.B, c.A}).Worse() || (Comparison{c.A, c.A}).Worse() {
		t.Error("what is worse than what is wrong")
	}
	if strings.Contains(page.String(), "<script") {
		t.Error("the page has a script")
	}
}

func TestChange(t *testing.T) {
	for _, test := range []struct{ a, b, want string }{
		{"1", "1", ""}, {"1", "2", "+100.0 %"}, {"4", "3", "-25.0 %"}, {"0", "3", "+3"}, {"1", "1000", "+999"}, {"–", "3", ""}, {"3", "–", ""},
	} {
		if got := change(test.a, test.b); got != test.want {
			t.Errorf("from %s to %s is %q, want %q", test.a, test.b, got, test.want)
		}
	}
}

// TestSameRunSameFiles wants the files of a simulated run to be the same, but for times on the wall.
func TestSameRunSameFiles(t *testing.T) {
	dir := t.TempDir()
	first, _ := copied(t)
	write(t, filepath.Join(dir, "again"), 1, story, nil)
	for _, name := range []string{"events.jsonl", "messages.csv", "deliveries.csv", "links.csv", "samples.csv", "spans.json", "topology-during.svg", "peers/peer-1.log", "plots/latency.svg"} {
		if read(t, first, name) != read(t, dir, "again", name) {
			t.Errorf("%s differs", name)
		}
	}
}

func ExampleSummarize() {
	Summarize(os.Stdout, &scenario.Verdict{Scenario: "A story", Engine: "sim", Seed: 7, Version: "v1", Expectations: []scenario.Outcome{
		{Name: "lost", Want: "0", Got: "0", OK: true}, {Name: "meshed", Want: "within 5s after heal", Got: "7.1s"},
	}})
	fmt.Println()
	// Output:
	// ok    lost         0                            0
	// FAIL  meshed       within 5s after heal         7.1s
	// "A story" did NOT come out as expected: engine sim, seed 7, v1
}
