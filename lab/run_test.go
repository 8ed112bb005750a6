package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hearsay/lab/scenario"
)

// A scenario that comes out as expected, one that does not, and one that cannot be read.
const (
	goodStory = `
name: A good story
peers: 4
steps:
  - wait: meshed
  - send: {count: 20}
  - sleep: 2s
expect:
  - lost: 0
`
	sadStory = `
name: A sad story
peers: 4
steps:
  - wait: meshed
  - send: {count: 20}
  - isolate: 2
  - sleep: 8s
  - heal: all
expect:
  - lost: 0
  - meshed: {within: 1ms, after: isolate}
`
	badStory = `
name: A bad story
peers: 4
steps:
  - wait: meshd
expect:
  - lost: nothing
`
)

// stories writes them into a folder.
func stories(t *testing.T) (good, sad, bad string) {
	t.Helper()
	dir := t.TempDir()
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return put("good.yaml", goodStory), put("sad.yaml", sadStory), put("bad.yaml", badStory)
}

func TestRunTellsAndKeeps(t *testing.T) {
	good, _, _ := stories(t)
	out := filepath.Join(t.TempDir(), "out")
	code, text, errs := runLab(t, t.Context(), "run", good, "--engine", "sim", "--out", out)
	if code != 0 || errs != "" {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, want := range []string{"A good story: engine sim, seed 1", "meshed after", "ok    lost         0", "came out as expected", filepath.Join(out, "report.html")} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	for _, file := range []string{"report.html", "verdict.json", "junit.xml", "scenario.yaml"} {
		if _, err := os.Stat(filepath.Join(out, file)); err != nil {
			t.Error(err)
		}
	}
	if code, text, errs := runLab(t, t.Context(), "report", out); code != 0 || errs != "" || !strings.Contains(text, "came out as expected") {
		t.Errorf("lab report: exit %d, %s%s", code, text, errs)
	}
	if code, text, _ := runLab(t, t.Context(), "compare", out, out); code != 0 || !strings.Contains(text, "published") {
		t.Errorf("lab compare: exit %d, %s", code, text)
	}
}

func TestRunJSON(t *testing.T) {
	good, sad, _ := stories(t)
	for _, test := range []struct {
		file string
		code int
	}{{good, 0}, {sad, exitFailed}} {
		code, text, errs := runLab(t, t.Context(), "run", test.file, "--engine", "sim", "--seed", "7", "--json", "--out", filepath.Join(t.TempDir(), "out"))
		if code != test.code || errs != "" || strings.Count(text, "\n") != 1 {
			t.Errorf("exit %d, %q and %q", code, text, errs)
		}
		var v scenario.Verdict
		if err := json.Unmarshal([]byte(text), &v); err != nil || v.OK != (test.code == 0) || v.Seed != 7 || v.Engine != "sim" || v.Version == "" || v.Figures.Published != 20 {
			t.Errorf("the verdict is %+v: %v", v, err)
		}
	}
}

func TestRunBadFiles(t *testing.T) {
	good, _, bad := stories(t)
	out := filepath.Join(t.TempDir(), "out")
	code, text, errs := runLab(t, t.Context(), "run", good, bad, "--engine", "sim", "--out", out)
	if code != exitUsage || text != "" {
		t.Errorf("exit %d, %q", code, text)
	}
	lines := strings.Split(strings.TrimSpace(errs), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], bad+":5: ") || !strings.HasPrefix(lines[1], bad+":7: ") || !strings.Contains(lines[0], "; ") {
		t.Errorf("the complaints are\n%s", errs)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("something was started, with a bad file in the list")
	}
}

func TestRunUsage(t *testing.T) {
	good, _, _ := stories(t)
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "thesis"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ args, want string }{
		{"run", "file"},
		{"run " + good + " --engine cloud", "docker"},
		{"run " + good + " --seeds 1..3", "--engine sim"},
		{"run " + good + " --engine sim --seeds 3", "1..100"},
		{"run " + good + " --engine sim --seeds 3..1", "1..100"},
		{"run " + good + " --engine sim --seed -1", "--seed"},
		{"run " + good + " --engine sim --out " + full, "something else"},
		{"run " + full + "/none.yaml", "none.yaml"},
		{"report " + full, "holds no run"},
		{"compare " + full + " " + full, "holds no run"},
	} {
		code, out, errs := runLab(t, t.Context(), strings.Fields(test.args)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, test.want) {
			t.Errorf("lab %s: exit %d, %q and %q; want exit 2 and %q", test.args, code, out, errs, test.want)
		}
	}
}

func TestRunSeveral(t *testing.T) {
	good, sad, _ := stories(t)
	out := filepath.Join(t.TempDir(), "out")
	code, text, errs := runLab(t, t.Context(), "run", good, sad, "--engine", "sim", "--seeds", "1..3", "--out", out)
	if code != exitFailed || errs != "" || strings.Count(text, "ok    A good story") != 3 || strings.Count(text, "FAIL  A sad story") != 3 ||
		!strings.Contains(text, "6 runs, 3 not as expected: A sad story (seed 1)") || !strings.Contains(text, "lab run "+sad+" --engine sim --seed 2") {
		t.Errorf("exit %d, %s%s", code, text, errs)
	}
	kept, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range kept {
		names = append(names, e.Name())
	}
	if strings.Join(names, " ") != "sad-1 sad-2 sad-3" {
		t.Errorf("the folders of %v are kept", names)
	}
}

// TestRunInterrupted wants what there is to be written all the same.
func TestRunInterrupted(t *testing.T) {
	good, _, _ := stories(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := filepath.Join(t.TempDir(), "out")
	code, text, _ := runLab(t, ctx, "run", good, "--engine", "sim", "--out", out)
	if code != exitFailed || !strings.Contains(text, "interrupted") {
		t.Errorf("exit %d, %s", code, text)
	}
	if _, err := os.Stat(filepath.Join(out, "report.html")); err != nil {
		t.Error(err)
	}
}

func TestCompareTells(t *testing.T) {
	good, sad, _ := stories(t)
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	runLab(t, t.Context(), "run", good, "--engine", "sim", "--out", a)
	runLab(t, t.Context(), "run", sad, "--engine", "sim", "--out", b)
	page := filepath.Join(dir, "both.html")
	code, text, errs := runLab(t, t.Context(), "compare", a, b, "--out", page)
	if code != exitFailed || !strings.Contains(text, "FAIL") || !strings.Contains(errs, "B is worse than A") {
		t.Errorf("exit %d, %s%s", code, text, errs)
	}
	if _, err := os.Stat(page); err != nil {
		t.Error(err)
	}
	if code, _, _ := runLab(t, t.Context(), "compare", b, a); code != 0 {
		t.Errorf("the other way round: exit %d", code)
	}
}
