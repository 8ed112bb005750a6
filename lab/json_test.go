package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"hearsay/lab/control"
	"hearsay/lab/report"
	"hearsay/lab/scenario"
	"hearsay/lab/watch"
)

// object wants one JSON object on standard output, and takes it.
func object(t *testing.T, code int, into any, args ...string) {
	t.Helper()
	got, out, errs := command(t, args...)
	d := json.NewDecoder(strings.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || got != code || strings.Count(out, "\n") != 1 {
		t.Errorf("lab %s: exit %d, %v: %q, %q", strings.Join(args, " "), got, err, out, errs)
	}
}

func TestGraphJSON(t *testing.T) {
	up(t, "--engine", "sim", "--peers", "4")
	var g struct {
		Peers []control.PeerInfo `json:"peers"`
		Links []watch.Link       `json:"links"`
		Parts [][]int            `json:"parts"`
		Cut   [][]int            `json:"cut"`
	}
	object(t, 0, &g, "graph", "--json")
	if len(g.Peers) != 4 || len(g.Links) < 3 || len(g.Parts) != 1 || len(g.Cut) != 0 {
		t.Errorf("%+v", g)
	}
	var o control.Outcome
	for _, args := range []string{"restart 2", "scale 3", "pause 1", "resume all"} {
		object(t, 0, &o, append(strings.Fields(args), "--json")...)
		if fault, _, _ := strings.Cut(args, " "); o.Fault != fault || o.Text == "" {
			t.Errorf("%s is told as %+v", args, o)
		}
	}
}

func TestReportsJSON(t *testing.T) {
	good, sad, _ := stories(t)
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	runLab(t, t.Context(), "run", good, "--engine", "sim", "--out", a)
	runLab(t, t.Context(), "run", sad, "--engine", "sim", "--out", b)
	var v scenario.Verdict
	object(t, 0, &v, "report", a, "--json")
	if !v.OK || v.Scenario != "A good story" || v.Figures.Published == 0 {
		t.Errorf("%+v", v)
	}
	var c report.Compared
	object(t, exitFailed, &c, "compare", a, b, "--json", "--out", filepath.Join(dir, "both.html"))
	if c.OK || c.A.Folder != a || c.A.Verdict.Scenario != "A good story" || c.B.Verdict.OK || c.Worse == nil || c.Better == nil {
		t.Errorf("%+v", c)
	}
	object(t, 0, &c, "compare", b, a, "--json")
	if !c.OK {
		t.Errorf("%+v", c)
	}
}
