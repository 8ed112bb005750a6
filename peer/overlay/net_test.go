package overlay

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// seeds runs a story with many seeds; a failure names its own, and with HEARSAY_SEED only that one
// runs, and tells what everybody did. HEARSAY_TIMES runs so many times as many.
func seeds(t *testing.T, n int, story func(w *world)) {
	t.Helper()
	if testing.Short() {
		n = max(1, n/10)
	}
	if times, err := strconv.Atoi(os.Getenv("HEARSAY_TIMES")); err == nil {
		n *= times
	}
	if one, err := strconv.ParseUint(os.Getenv("HEARSAY_SEED"), 10, 64); err == nil {
		w := newWorld(t, one)
		w.logging = true
		story(w)
		return
	}
	for seed := range uint64(n) {
		story(newWorld(t, seed))
	}
}

// few is how many seeds are enough for each day, with so many nodes; HEARSAY_TIMES is for the others.
func few(nodes int) int { return max(2, 100/nodes) }

// times runs a story with many seeds and says how long it took: the median, 95 of 100, and the worst.
func times(t *testing.T, n int, limit time.Duration, story func(w *world) time.Duration) {
	t.Helper()
	var all []time.Duration
	missed := 0
	seeds(t, n, func(w *world) {
		d := story(w)
		if d < 0 {
			missed++
			t.Logf("seed %d: never", w.seed)
			d = time.Hour
		}
		if d > 2*limit {
			t.Logf("seed %d: %v", w.seed, d)
		}
		if w.logging {
			t.Log("\n" + strings.Join(w.log, "\n"))
		}
		all = append(all, d)
	})
	t.Logf("median %v, p95 %v, worst %v of %d", percentile(all, 0.5), percentile(all, 0.95), percentile(all, 1), len(all))
	if len(all) < 20 {
		limit *= 2 // of so few the worst is no p95
	}
	if p := percentile(all, 0.95); p > limit || missed > 0 {
		t.Errorf("p95 is %v, which is over %v; %d never", p, limit, missed)
	}
}

func TestSixFormOneMesh(t *testing.T) {
	times(t, 100, time.Second, func(w *world) time.Duration {
		for range 6 {
			w.add()
		}
		return w.until(5*time.Second, func() bool { return w.content() && w.whole() })
	})
}

// mesh starts n peers within a tenth of a second and waits until they are settled.
func (w *world) mesh(n int, opts ...option) {
	w.t.Helper()
	for range n {
		w.add(opts...)
	}
	w.settle()
}

// settle waits until the mesh is whole, follows one root, and every node has what it wants.
func (w *world) settle() {
	w.t.Helper()
	if d := w.until(3*time.Minute, func() bool { return w.content() && w.whole() }); d < 0 {
		w.fatalf("the mesh does not settle: %d parts, content %v", len(w.parts()), w.content())
	}
	w.run(10 * time.Second)
}

func TestManyFormOneMesh(t *testing.T) {
	for _, n := range []int{2, 3, 30, 100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			times(t, few(n), 2*time.Second, func(w *world) time.Duration {
				for range n {
					w.add()
				}
				return w.until(time.Minute, func() bool { return w.content() && w.whole() })
			})
		})
	}
}

func TestJoinListWithoutMulticast(t *testing.T) {
	for _, n := range []int{2, 6, 30} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			times(t, few(n), 3*time.Second, func(w *world) time.Duration {
				w.multicast = false
				for range n {
					w.addJoin([]int{0})
				}
				return w.until(time.Minute, func() bool { return w.content() && w.whole() })
			})
		})
	}
}

func TestKillHalf(t *testing.T) {
	for _, n := range []int{6, 30, 100} {
		for _, silent := range []bool{false, true} {
			t.Run(fmt.Sprint(n, " silent ", silent), func(t *testing.T) {
				limit := time.Second
				if silent {
					limit = 5 * time.Second
				}
				times(t, few(n), limit, func(w *world) time.Duration {
					w.mesh(n)
					for _, i := range w.rng.Perm(n)[:n/2] {
						w.nodes[i].kill(silent)
					}
					return w.until(time.Minute, func() bool { return w.content() && w.whole() })
				})
			})
		}
	}
}

func TestPartitionHeals(t *testing.T) {
	for _, s := range [][2]int{{3, 6}, {3, 3}, {1, 1}} {
		for _, n := range []int{6, 30} {
			for _, means := range []string{"multicast", "join", "passive"} {
				for _, long := range []time.Duration{20 * time.Second, 20 * time.Minute} {
					seeds := few(n)
					if long > time.Minute {
						seeds = (seeds + 9) / 10
						if n > 6 && os.Getenv("HEARSAY_TIMES") == "" {
							continue
						}
					}
					t.Run(fmt.Sprint(s, n, means, long), func(t *testing.T) {
						times(t, seeds, 5*time.Second, func(w *world) time.Duration {
							for range n {
								if means == "join" {
									w.addJoin(upTo(n), slots(s[0], s[1]))
								} else {
									w.add(slots(s[0], s[1]))
								}
							}
							w.settle()
							if means != "multicast" {
								w.multicast = false
							}
							w.split(w.nodes[:n/2], w.nodes[n/2:])
							w.run(long)
							if p := len(w.parts()); p != 2 {
								t.Logf("seed %d: %d parts during the partition", w.seed, p)
							}
							w.mend()
							d := w.steady(time.Minute, w.whole)
							if w.until(10*time.Second, w.content) < 0 {
								w.lacking()
							}
							return d
						})
					})
				}
			}
		}
	}
}

func TestNewcomerInFullHouse(t *testing.T) {
	for _, s := range [][2]int{{3, 3}, {1, 1}} {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			times(t, 30, time.Second, func(w *world) time.Duration {
				w.mesh(8, slots(s[0], s[1]))
				w.add(slots(s[0], s[1]))
				return w.until(time.Minute, w.whole)
			})
		})
	}
}

// All neighbors of one peer die, or nearly everybody: what is left is one mesh again.
func TestKillMost(t *testing.T) {
	for what, left := range map[string]func(w *world) map[*node]bool{
		"neighbors of one": func(w *world) map[*node]bool {
			stays := map[*node]bool{}
			for _, n := range w.nodes {
				stays[n] = w.nodes[0].o.linkTo(n.id()) == nil
			}
			return stays
		},
		"all but four": func(w *world) map[*node]bool {
			stays := map[*node]bool{}
			for _, i := range w.rng.Perm(len(w.nodes))[:4] {
				stays[w.nodes[i]] = true
			}
			return stays
		},
	} {
		for _, multicast := range []bool{true, false} {
			t.Run(fmt.Sprint(what, " multicast ", multicast), func(t *testing.T) {
				times(t, few(4), 1500*time.Millisecond, func(w *world) time.Duration {
					w.mesh(30)
					w.multicast = multicast
					stays := left(w)
					for _, n := range w.nodes {
						if !stays[n] {
							n.kill(false)
						}
					}
					return w.steady(20*time.Second, w.whole)
				})
			})
		}
	}
}

// Paused peers connect, since their kernels do, and never answer; those that run do not wait for them.
// When they run again they are in the mesh at once.
func TestPauseHalf(t *testing.T) {
	times(t, few(4), 5*time.Second, func(w *world) time.Duration {
		w.mesh(12)
		var run []*node
		for i, n := range w.nodes {
			if i%2 == 0 {
				n.pause()
			} else {
				run = append(run, n)
			}
		}
		d := w.steady(30*time.Second, func() bool {
			for _, n := range run {
				neighbors := 0
				for c := range n.ups {
					if e := n.ends[c]; e != nil && !e.other.n.paused {
						neighbors++
					}
				}
				if neighbors < 3 {
					return false
				}
			}
			return true
		})
		for _, n := range w.nodes {
			if n.paused {
				n.resume()
			}
		}
		return max(d, w.steady(20*time.Second, w.whole))
	})
}

// A peer that dies and starts again every half second costs the others nothing but its own link.
func TestFlapping(t *testing.T) {
	seeds(t, 10, func(w *world) {
		w.mesh(8, slots(3, 3))
		for range 40 {
			w.nodes[0].kill(w.rng.IntN(2) == 0)
			w.run(time.Duration(w.rng.Int64N(int64(500 * time.Millisecond))))
			w.nodes[0].start(slots(3, 3))
			w.run(time.Duration(w.rng.Int64N(int64(500 * time.Millisecond))))
		}
		for _, n := range w.nodes[1:] {
			lost := 0
			for _, e := range n.events {
				if e.Kind == Lost {
					lost++
				}
			}
			if lost > 80 {
				w.fatalf("%v lost %d links", n, lost)
			}
		}
		if d := w.until(10*time.Second, w.whole); d < 0 {
			w.fatalf("in %d parts", len(w.parts()))
		}
	})
}
