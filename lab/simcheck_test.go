package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hearsay/peer/planted"
)

func simCheck(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(context.Background(), append([]string{"sim", "check"}, args...), streams{strings.NewReader(""), &o, &e})
	return code, o.String(), e.String()
}

func TestSimCheckUsage(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("seed 1\npeers 3\n1s explode 1\n9s end\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--seeds", "x"}, "--seeds"},
		{[]string{"--seeds", "0"}, "--seeds 0: at least 1"},
		{[]string{"--peers", "12..6"}, "write it as 6..12 or 50"},
		{[]string{"--peers", "2"}, "write it as 6..12 or 50"},
		{[]string{"--parallel=-1"}, "--parallel -1"},
		{[]string{"--replay", bad}, "line 3: explode: nothing is known of it"},
		{[]string{"--replay", bad + "-none"}, "no such file"},
		{[]string{"--seeds", "2", "--trace", "x"}, "--trace and --all are for one run"},
		{[]string{"--seeds", "1", "--trace", filepath.Join(bad, "x")}, "--trace"},
		{[]string{"--planted", "no-bug"}, "there are drop-message"},
	} {
		code, out, err := simCheck(t, c.args...)
		if code != exitUsage || out != "" || !strings.Contains(err, c.says) || strings.Count(err, "\n") != 1 {
			t.Errorf("%v: exit %d, %q, %q: one line with %q and exit 2 are wanted", c.args, code, out, err, c.says)
		}
	}
	if !planted.Possible {
		if code, _, err := simCheck(t, "--planted", "drop-message"); code != exitUsage || !strings.Contains(err, "-tags planted") {
			t.Errorf("a bug in a build without: exit %d, %q", code, err)
		}
	}
}

func TestSimCheckFindsNothing(t *testing.T) {
	code, out, err := simCheck(t, "--seeds", "20", "--json")
	var r simCheckResult
	if e := json.Unmarshal([]byte(out), &r); e != nil || code != 0 || err != "" {
		t.Fatalf("exit %d, %q, %q: %v", code, out, err, e)
	}
	if r.Seeds != 20 || r.Idle > 10 || len(r.Violations) != 0 || r.Planted != nil || !strings.Contains(out, `"violations":[]`) {
		t.Errorf("20 seeds come to %s", out)
	}
}

func TestSimCheckTells(t *testing.T) {
	file := filepath.Join(t.TempDir(), "spans.json")
	code, out, err := simCheck(t, "--seeds", "1", "--from", "3", "--all", "--trace", file)
	if code != 0 || !strings.Contains(out, "seed 3\n") || !strings.Contains(out, " hears number 1 of ") || !strings.Contains(out, "no promise was broken") {
		t.Errorf("exit %d, %q, %q", code, out[:min(len(out), 2000)], err)
	}
	if b, e := os.ReadFile(file); e != nil || !bytes.Contains(b, []byte("process mesh")) {
		t.Errorf("the trace: %v, %d bytes", e, len(b))
	}
}
