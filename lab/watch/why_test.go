package watch

import (
	"strings"
	"testing"

	"hearsay/lab/fleet"
)

// whyMissing is why a peer misses the newest message.
func (x *tale) whyMissing(n int) string {
	x.t.Helper()
	a, err := x.m.Account("last")
	if err != nil {
		x.t.Fatal(err)
	}
	for i := range a.Missing {
		if a.Missing[i].Peer == n {
			return a.Missing[i].say(a)
		}
	}
	return ""
}

func (x *tale) wantWhy(n int, want string) {
	x.t.Helper()
	if got := x.whyMissing(n); !strings.HasPrefix(got, want) {
		x.t.Errorf("peer-%d misses it: %s; want %s", n, got, want)
	}
}

// TestLossIsTheReason has all be lost that a publisher sends, which in the end costs it its links.
func TestLossIsTheReason(t *testing.T) {
	x := six(t)
	x.fault(150, "loss 100% 1", 1)
	w := x.say(200, 1, "hello")
	const why = "100% of what peer-1 sends is lost since 15:04:05.150 (50 ms before this was said)"
	x.now(300)
	x.wantWhy(2, why)
	for _, n := range []int{2, 5, 6} {
		x.unlink(5100, 1, n, "silent")
		x.unlink(5100, n, 1, "silent")
	}
	x.now(5150)
	x.link(5200, 5, 6) // which would have come late in any case
	x.now(5300)
	x.wantWhy(2, why+"; its part is 2,3,5,6")
	x.now(8000)
	x.fault(8100, "heal")
	x.now(8200)
	x.wantWhy(2, "in another part than whoever has it since 15:04:10.100; its part is 2,3,5,6")
	x.link(9000, 3, 5) // what happens elsewhere is no reason
	x.now(9100)
	x.wantWhy(2, "in another part than whoever has it since 15:04:10.100; its part is 2,3,5,6")
	x.link(9200, 1, 2)
	x.hear(9300, 2, 1, "catch-up", w)
	x.now(9400)
	if a, err := x.m.Account("last"); err != nil || len(a.Tree) != 2 || a.Tree[1].Why != "100% of what peer-1 sends was lost for 8.0 s" {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestLosses has shares take each other's place.
func TestLosses(t *testing.T) {
	var l losses
	take := func(ms float64, what string, peers ...int) {
		l.take(&fleet.Event{At: at(ms), Kind: fleet.Faulted, Reason: what, Peers: peers})
	}
	want := func(ms float64, peer int, share string) {
		t.Helper()
		got := ""
		if x := l.at(peer, at(ms)); x != nil {
			got = x.share
		}
		if got != share {
			t.Errorf("at %v ms peer %d loses %q, want %q", ms, peer, got, share)
		}
	}
	take(100, "loss 5% 1,2", 1, 2)
	take(200, "loss 50% 2", 2)
	take(300, "loss 0% 1", 1)
	take(400, "loss", 3)
	want(50, 1, "")
	want(150, 1, "5%")
	want(150, 2, "5%")
	want(250, 1, "5%")
	want(250, 2, "50%")
	want(350, 1, "")
	want(350, 2, "50%")
	want(450, 3, "")
	take(500, "heal")
	want(550, 2, "")
	want(450, 2, "50%")
	for i := range 10 * maxSpells {
		take(float64(600+i), "loss 5% 1", 1)
	}
	if len(l) > maxSpells {
		t.Errorf("%d are remembered", len(l))
	}
	want(5000, 1, "5%")
}

// TestNeverRead has a publisher die with what it said.
func TestNeverRead(t *testing.T) {
	x := six(t)
	x.fault(150, "isolate 2", 2)
	w := x.say(200, 2, "last words")
	x.kill(2200, 2)
	x.now(2300)
	x.want("last words", `
"last words" from peer-2, 15:04:05.200: heard by 0 of 0
peer-2   published
not owed to 4 peers (1,3,5–6): it died with peer-2, which was killed 2.0 s after this was said
not owed to peer-4: killed 100 ms before this was said
trace 4bf92f3577b34da6a3ce929d0e020001
`)
	figures := func(missing, never int) {
		t.Helper()
		if f := x.m.Figures(); f.Missing != missing || f.Lost != 0 || f.NeverRead != never {
			t.Errorf("want %d missing and %d never read: %+v", missing, never, f)
		}
	}
	figures(0, 1)
	// It got out to one, after all, whose word comes late: then it is owed to all who live.
	x.hear(2350, 3, 2, "eager", w)
	x.now(2400)
	figures(3, 0)
	x.kill(2500, 3)
	x.now(9000)
	figures(0, 0)
	if a, err := x.m.Account("last words"); err != nil || a.Heard != 1 || a.Owed != 1 || a.Others[0].Why != "it died with peer-2, and with whoever else had it" {
		t.Errorf("%+v, %v", a, err)
	}

	// In a network that is whole it dies with a publisher that ends at once, and not with one that had had the time.
	x = six(t)
	x.say(200, 2, "first")
	x.kill(900, 2)
	x.say(1200, 1, "second")
	x.kill(3200, 1)
	x.now(9000)
	if f := x.m.Figures(); f.Missing != 3 || f.Lost != 3 || f.NeverRead != 1 {
		t.Errorf("%+v", f)
	}
	x.wantWhy(3, "peer-1, who alone had it, is dead since 15:04:08.200")
}
