package browser

import (
	"context"
	"net/http"
	"testing"
)

// TestTooManyPages has others take all the room there is, and wants a page to be told so, and to come in when one goes.
func TestTooManyPages(t *testing.T) {
	l := start(t, 0, 2)
	l.meshed()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.server.URL()+"api/stream", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			break
		}
	}
	p := l.open(desk)
	p.until("told why", `document.getElementById("live").textContent.includes("too many pages look on")`)
	if at := eval[string](p, `document.getElementById("now").textContent`); at != "○ live" {
		t.Errorf("beside the slider stands %q", at)
	}
	cancel()
	p.until("in", `document.getElementById("live").textContent === "● live" && document.getElementById("now").textContent === "● live"`)
	p.quiet("503")
}

// TestDeepTree wants the names of a deep tree to be there in full.
func TestDeepTree(t *testing.T) {
	l := start(t, 0, 2)
	l.meshed()
	p := l.open(desk)
	p.drawn(2)
	l.say(1, "two  blanks")
	p.until("said", `document.querySelectorAll("#list .item").length === 1`)
	eval[bool](p, `(() => {
		const explain = hearsay.lab.explain.bind(hearsay.lab);
		hearsay.lab.explain = async (id) => {
			const a = await explain(id);
			a.tree = Array.from({ length: 13 }, (_, i) => ({ depth: i, peer: 38 + i, name: "peer-" + (38 + i), from: 37 + i, at_ms: i, how: i ? "eager" : "published", hops: i }));
			return a;
		};
		return true;
	})()`)
	p.click("#list .item")
	p.until("a tree", `document.querySelectorAll("#detail .tree li").length === 13`)
	cut := eval[int](p, `[...document.querySelectorAll("#detail .tree .name")].filter((n) => n.scrollWidth > n.clientWidth).length`)
	if cut > 0 {
		t.Errorf("%d names are cut off", cut)
	}
	if text := eval[string](p, `document.querySelector("#list .item .text").innerText + document.querySelector("#detail h2").innerText`); text != "two  blankstwo  blanks" {
		t.Errorf("blanks are lost: %q", text)
	}
	p.quiet()
}

// TestDeadOfTheOtherSide has one die, and then a cut between the living: who is dead stands with its own side.
func TestDeadOfTheOtherSide(t *testing.T) {
	l := start(t, 0, 6)
	l.warm()
	if err := l.fleet.Kill(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
	if err := l.fleet.Partition(t.Context(), []int{1, 2, 3}, []int{4, 5, 6}); err != nil {
		t.Fatal(err)
	}
	p := l.open(desk)
	p.drawn(5)
	p.until("two sides", `hearsay.layout.cells.length === 2`)
	if !eval[bool](p, `hearsay.layout.cells.some((c) => c.peers.includes(6) && c.peers.includes(4) && c.peers.includes(5))`) {
		t.Errorf("the sides are %s", eval[string](p, `JSON.stringify(hearsay.layout.cells.map((c) => c.peers))`))
	}
	p.until("said so", `document.getElementById("cell-healed").innerText.includes("each side whole in")`)
	p.quiet()
}
