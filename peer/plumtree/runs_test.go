package plumtree

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestRuns(t *testing.T) {
	var rs runs
	c := &chunk{}
	for i, seq := range []uint64{5, 6, 7, 20, 21, 2, 3, 10} {
		c.entries = append(c.entries, entry{seq: seq, published: instant(seq)})
		rs.add(seq, ref{c, i})
	}
	for _, x := range []struct{ seq, next uint64 }{
		{1, 2}, {2, 0}, {3, 0}, {4, 5}, {5, 0}, {7, 0}, {8, 10}, {9, 10}, {10, 0}, {11, 20}, {19, 20}, {20, 0}, {21, 0}, {22, 0}, {1 << 62, 0},
	} {
		r, next, held := rs.find(x.seq)
		wantHeld := slices.ContainsFunc(c.entries, func(e entry) bool { return e.seq == x.seq })
		if held != wantHeld || next != x.next || held && r.entry().seq != x.seq {
			t.Errorf("find %d: got %v, next %d; want %v, next %d", x.seq, held, next, wantHeld, x.next)
		}
	}
	for _, x := range []struct {
		seq   uint64
		since instant
		want  uint64
	}{{5, 0, 5}, {5, 6, 6}, {6, 7, 7}, {5, 8, 8}, {5, 100, 8}, {20, 21, 21}} {
		if got := rs.since(x.seq, x.since); got != x.want {
			t.Errorf("since %d from %d: got %d, want %d", x.since, x.seq, got, x.want)
		}
	}
	for _, x := range []struct {
		remove uint64
		want   string
	}{{5, "2-3 6-7 10-10 20-21"}, {6, "2-3 7-7 10-10 20-21"}, {7, "2-3 10-10 20-21"}, {20, "2-3 10-10 21-21"}, {21, "2-3 10-10"}, {2, "3-3 10-10"}, {3, "10-10"}, {10, ""}} {
		rs.removeFirst(x.remove)
		var got string
		for i, r := range rs {
			if i > 0 {
				got += " "
			}
			got += fmt.Sprintf("%d-%d", r.first, r.end()-1)
		}
		if got != x.want {
			t.Errorf("without %d: got %s, want %s", x.remove, got, x.want)
		}
	}
}

// TestLogIsASet compares the log with a map, while messages come in order, out of order and go.
func TestLogIsASet(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var g retained
		g.init(rapid.IntRange(1000, 100000).Draw(r, "limit"))
		origins := []*origin{{}, {}, {}}
		held := map[*origin]map[uint64]string{{}: nil}
		for _, o := range origins {
			held[o] = map[uint64]string{}
		}
		for range rapid.IntRange(1, 300).Draw(r, "steps") {
			o := origins[rapid.IntRange(0, 2).Draw(r, "origin")]
			switch rapid.IntRange(0, 9).Draw(r, "what") {
			case 0:
				if g.messages > 0 {
					e := g.oldest()
					delete(held[e.origin], e.seq)
					g.evict()
				}
			case 1: // elsewhere
				o.published = instant(rapid.IntRange(1, 400).Draw(r, "next"))
				fallthrough
			default: // the next; published is where we are
				o.published++
				seq := uint64(o.published)
				if held[o][seq] != "" {
					continue
				}
				text := fmt.Sprint(seq, "-", rapid.StringN(0, 10, 4000).Draw(r, "text"))
				b := append(g.reserve(len(text)), text...)
				g.commit(entry{origin: o, seq: seq}, b)
				held[o][seq] = text
			}
			n := 0
			for _, o := range origins {
				for _, run := range o.log {
					n += run.refs.len()
				}
				for seq, text := range held[o] {
					at, _, ok := o.log.find(seq)
					if ok && string(at.frame()) != text {
						r.Fatalf("%d is %q, want %q", seq, at.frame(), text)
					}
					if !ok && g.bytes < g.limit/2 {
						r.Fatalf("%d is lost", seq)
					}
					if !ok {
						delete(held[o], seq)
					}
				}
			}
			if n != g.messages || g.bytes > g.limit && g.messages > 1 {
				r.Fatalf("%d messages in %d bytes, counted %d", n, g.bytes, g.messages)
			}
		}
	})
}
