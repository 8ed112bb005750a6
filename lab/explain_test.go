package main

import (
	"encoding/json"
	"strings"
	"testing"

	"hearsay/lab/watch"
)

// TestExplain has one peer miss a message, and get it later.
func TestExplain(t *testing.T) {
	up(t, "--engine", "sim", "--peers", "4")
	wantBad(t, exitUsage, "nobody has said anything yet", "explain")
	want(t, "send --from 2 hello", "all 3 in")
	want(t, "explain hello", `"hello" from peer-2`, "heard by 3 of 3", "└─ ", "eager", "trace ")
	wantBad(t, exitUsage, "say last", "explain", "never said")

	want(t, "pause 3")
	command(t, "send", "--from", "2", "are", "you", "there?")
	code, out, errs := command(t, "explain")
	if code != exitFailed || errs != "" || !strings.Contains(out, "not heard by\n   peer-3    paused since") || !strings.Contains(out, "kept for it by 3 peers until") {
		t.Errorf("one misses it: exit %d, %q, %s", code, errs, out)
	}
	code, out, _ = command(t, "explain", "--json", "are you there?")
	var a watch.Account
	if err := json.Unmarshal([]byte(out), &a); err != nil || code != exitFailed || len(a.Missing) != 1 || a.Missing[0].Peer != 3 || a.Owed != 3 {
		t.Errorf("as JSON: exit %d, %v: %s", code, err, out)
	}
	want(t, "resume 3")
	want(t, "explain "+a.ID, "heard by 3 of 3", "it was paused for")
}
