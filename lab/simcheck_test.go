package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hearsay/lab/sim"
	"hearsay/lab/sim/check"
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
		{[]string{"--from", "18446744073709551615", "--seeds", "3"}, "--seeds 3: from --from 18446744073709551615 on there are 1"},
		{[]string{"--replay", bad, "--seeds", "3"}, "--seeds: --replay runs the one"},
		{[]string{"--replay", bad, "--from", "1"}, "--from: --replay runs the one"},
		{[]string{"--replay", bad, "--peers", "6"}, "--peers: --replay runs the one"},
		{[]string{"--replay", bad, "--parallel", "2"}, "--parallel: --replay runs the one"},
		{[]string{"--seeds", "3", "--seeds", "4"}, "--seeds: said twice"},
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

// A schedule that is replayed is told in the same words as one that is found.
func TestSimCheckReplays(t *testing.T) {
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "schedule.txt")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	replay := func(file string) (code int, out string, r simCheckResult) {
		_, out, _ = simCheck(t, "--replay", file)
		code, js, _ := simCheck(t, "--replay", file, "--json")
		if err := json.Unmarshal([]byte(js), &r); err != nil {
			t.Fatal(err)
		}
		return code, out, r
	}

	code, out, r := replay(write("peers 4\n0s start 1,2,3\n5s send 1 count 9 every 100ms size 10B\n5.3s kill 2\n10s end\n"))
	if code != 0 || r.Faults != 1 || r.AtStake < 1 || r.AtStake >= r.Messages || r.Idle != 0 || !strings.Contains(out, fmt.Sprintf("1 fault took effect; of %d messages %d were under way meanwhile\n", r.Messages, r.AtStake)) {
		t.Errorf("exit %d, %+v: %s", code, r, out)
	}
	// Act two says some, too. They prove nothing, since nothing is broken then.
	code, out, r = replay(write("peers 3\n0s start 1,2,3\n5s end\n"))
	if code != 0 || r.AtStake != 0 || r.Messages == 0 || r.Idle != 1 || !strings.Contains(out, "that proves nothing") {
		t.Errorf("exit %d, %+v: %s", code, r, out)
	}
	// What is found by one seed, and needs the chance of another, is still of the one.
	file := write("found 9\nseed 13\npeers 3\nlatency 1s\n0s start 1,2,3\n2s end\n")
	code, _, r = replay(file)
	if code != exitFailed || len(r.Violations) != 1 || r.Violations[0].Seed != 9 || r.Violations[0].Rule != "whole" || r.HealedMS != 0 {
		t.Errorf("exit %d, %+v", code, r)
	}
	tags := ""
	if planted.Possible {
		tags = " -tags planted"
	}
	if want := "go run" + tags + " ./lab sim check --replay " + file; r.Violations[0].Replay != want {
		t.Errorf("it is run again by %q, want %q", r.Violations[0].Replay, want)
	}
}

// Runs come one after another, with other bugs, and each has its own schedule.
func TestSimCheckFileNames(t *testing.T) {
	f := check.Found{Seed: 9, Violation: &sim.Violation{Rule: "whole"}}
	plain, bug := &simCheckCmd{}, &simCheckCmd{Planted: "never-bridge"}
	a, b, c := plain.fileName(f, "peers 3"), plain.fileName(f, "peers 4"), bug.fileName(f, "peers 3")
	if a == b || a == c || a != plain.fileName(f, "peers 3") || !strings.HasPrefix(c, "hearsay-never-bridge-seed-9-whole-") {
		t.Errorf("schedules are called %s, %s and %s", a, b, c)
	}
	if cmd := bug.command("--replay %s", "F"); !strings.HasSuffix(cmd, " ./lab sim check --replay F --planted never-bridge") || bug.bug() == nil || plain.bug() != nil {
		t.Errorf("it is run again by %q", cmd)
	}
}

func TestSimCheckSummary(t *testing.T) {
	r := simCheckResult{Seeds: 1, Faults: 1, Messages: 2, Events: 3, Enough: true, Violations: []simViolation{{Seed: 1, Rule: "whole"}}}
	var b strings.Builder
	summary(&b, &r)
	for _, want := range []string{"1 schedule, 1 fault, 2 messages, 0s of virtual time, 3 events", "more is not looked for after 1 violation\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &b)
		}
	}
	if strings.Contains(b.String(), "slowest") {
		t.Errorf("no mesh was whole, and it tells of the slowest:\n%s", &b)
	}
}
