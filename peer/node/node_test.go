package node

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(speedRole) != "" {
		speedChild()
		return
	}
	goleak.VerifyTestMain(m)
}

// lan is a set of nodes under test.
type lan struct {
	t     *testing.T
	net   *memNet
	nodes []*testNode
}

type testNode struct {
	*Node
	host  *memHost
	sub   *Subscription
	heard []Message
}

// newLAN starts nodes named 1 to count. edit may change a node's configuration; it may be nil.
func newLAN(t *testing.T, seed uint64, count int, edit func(i int, c *Config)) *lan {
	l := &lan{t: t, net: newMemNet(seed)}
	for i := 1; i <= count; i++ {
		l.start(i, seed, edit)
	}
	t.Cleanup(func() { l.close() })
	return l
}

func (l *lan) start(i int, seed uint64, edit func(i int, c *Config)) *testNode {
	l.t.Helper()
	h := l.net.host(byte(i))
	c := Config{Name: fmt.Sprintf("peer-%d", i), Network: h, Seed: seed*1000 + uint64(i)}
	if edit != nil {
		edit(i, &c)
	}
	n, err := Start(c)
	if err != nil {
		l.t.Fatal(err)
	}
	tn := &testNode{Node: n, host: h, sub: n.Subscribe()}
	l.nodes = append(l.nodes, tn)
	return tn
}

func (l *lan) close() {
	for _, n := range l.nodes {
		n.Close()
	}
	l.nodes = nil
}

// kill ends a node as SIGKILL would: its connections are reset, and it says nothing more.
func (l *lan) kill(n *testNode) {
	n.host.kill()
	l.nodes = slices.DeleteFunc(l.nodes, func(x *testNode) bool { return x == n })
	n.Close()
}

// until waits in virtual time until ok, and fails after limit.
func (l *lan) until(limit time.Duration, what string, ok func() bool) time.Duration {
	l.t.Helper()
	begin := time.Now()
	for time.Since(begin) < limit {
		synctest.Wait()
		if ok() {
			return time.Since(begin)
		}
		time.Sleep(5 * time.Millisecond)
	}
	l.t.Fatalf("not within %v: %s\n%s", limit, what, l.dump())
	return 0
}

func (l *lan) dump() string {
	var out []byte
	for _, n := range l.nodes {
		s := n.mustStatus()
		out = fmt.Appendf(out, "%s out %d/%d in %d/%d root %.4s seeking %v:", s.Name, s.Slots.Out, s.Slots.Links, s.Slots.In, s.Slots.Serve, s.Root, s.Seeking)
		for _, k := range s.Links {
			out = fmt.Appendf(out, " %s(%s)", k.Name, k.Dir)
		}
		out = fmt.Appendf(out, " missing %d faults %v\n", s.Messages.Missing, s.Faults)
	}
	return string(out)
}

func (n *testNode) mustStatus() Status {
	s, err := n.Status(context.Background())
	if err != nil {
		panic(err)
	}
	return s
}

// meshed reports whether the nodes are one component in which both ends of each link agree.
func (l *lan) meshed() bool {
	links := map[[2]string]int{}
	next := map[string][]string{}
	for _, n := range l.nodes {
		s := n.mustStatus()
		if s.Slots.Out > s.Slots.Links || s.Slots.In > s.Slots.Serve {
			l.t.Fatalf("%s is over its slots: %+v", s.Name, s.Slots)
		}
		for _, k := range s.Links {
			pair := [2]string{s.ID, k.ID}
			if k.Dir == "in" {
				pair = [2]string{k.ID, s.ID}
			}
			links[pair]++
			next[s.ID] = append(next[s.ID], k.ID)
		}
	}
	for _, seen := range links {
		if seen != 2 {
			return false
		}
	}
	reached := map[string]bool{}
	var walk func(id string)
	walk = func(id string) {
		if reached[id] {
			return
		}
		reached[id] = true
		for _, k := range next[id] {
			walk(k)
		}
	}
	walk(string(l.nodes[0].ID()))
	return len(reached) == len(l.nodes)
}

// collect takes what was delivered so far.
func (l *lan) collect() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, n := range l.nodes {
		for {
			got, err := n.sub.Next(ctx)
			if err != nil {
				break
			}
			n.heard = append(n.heard, got...)
		}
	}
}

// wantFrom fails unless n heard exactly the texts prefix-0 to prefix-(count-1) from the named peer, in order.
func (l *lan) wantFrom(n *testNode, name string, count int) {
	l.t.Helper()
	next := 0
	for _, m := range n.heard {
		if m.Name != name {
			continue
		}
		if want := fmt.Sprintf("%s-%d", name, next); string(m.Text) != want {
			l.t.Fatalf("%s heard %q from %s, want %q", n.Name(), m.Text, name, want)
		}
		next++
	}
	if next != count {
		l.t.Fatalf("%s heard %d of %d messages from %s\n%s", n.Name(), next, count, name, l.dump())
	}
}

// heardAll reports whether everybody heard count messages from every other node of names.
func (l *lan) heardAll(names []string, count int) bool {
	l.collect()
	for _, n := range l.nodes {
		from := map[string]int{}
		for _, m := range n.heard {
			from[m.Name]++
		}
		for _, name := range names {
			if name != n.Name() && from[name] < count {
				return false
			}
		}
	}
	return true
}

// say publishes text number i of n.
func (l *lan) say(n *testNode, i int) {
	l.t.Helper()
	if _, err := n.Publish(context.Background(), fmt.Appendf(nil, "%s-%d", n.Name(), i)); err != nil {
		l.t.Fatal(err)
	}
}

func names(nodes []*testNode) (all []string) {
	for _, n := range nodes {
		all = append(all, n.Name())
	}
	return all
}

func TestSixFormAndTalk(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		synctest.Test(t, func(t *testing.T) {
			l := newLAN(t, seed, 6, nil)
			took := l.until(2*time.Second, "one mesh", l.meshed)
			const count = 30
			for i := range count {
				for _, n := range l.nodes {
					l.say(n, i)
				}
			}
			l.until(time.Second, "everything everywhere", func() bool { return l.heardAll(names(l.nodes), count) })
			time.Sleep(2 * time.Second) // whatever is still under way would show as one too many
			l.collect()
			for _, n := range l.nodes {
				for _, from := range l.nodes {
					if from != n {
						l.wantFrom(n, from.Name(), count)
					}
				}
			}
			if seed == 1 {
				t.Logf("meshed in %v", took)
			}
			l.close()
		})
	}
}

func TestKillHalfUnderTraffic(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		synctest.Test(t, func(t *testing.T) {
			l := newLAN(t, seed, 6, nil)
			l.until(2*time.Second, "one mesh", l.meshed)
			speaker := l.nodes[5]
			for i := range 100 {
				l.say(speaker, i)
				time.Sleep(10 * time.Millisecond)
				if i == 50 {
					for _, n := range slices.Clone(l.nodes[:3]) {
						l.kill(n)
					}
				}
			}
			l.until(time.Second, "everything at every survivor", func() bool { return l.heardAll([]string{speaker.Name()}, 100) })
			l.until(2*time.Second, "one mesh of survivors", l.meshed)
			for _, n := range l.nodes {
				if n != speaker {
					l.wantFrom(n, speaker.Name(), 100)
				}
			}
			l.close()
		})
	}
}

// sides cuts 10.0.0.1…3 from the rest.
func sides(a, b netip.Addr) bool { return (a.As4()[3] <= 3) != (b.As4()[3] <= 3) }

func TestPartitionHealsWithBothHistories(t *testing.T) {
	configs := map[string]func(i int, c *Config){
		"multicast": nil,
		"join alone, every slot full": func(i int, c *Config) {
			c.NoMulticast, c.Links, c.Serve = true, 1, 1
			for k := 1; k <= 6; k++ {
				c.Join = append(c.Join, fmt.Sprintf("10.0.0.%d:49152", k))
			}
		},
	}
	for name, edit := range configs {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed <= 10; seed++ {
				synctest.Test(t, func(t *testing.T) {
					l := newLAN(t, seed, 6, edit)
					l.until(10*time.Second, "one mesh", l.meshed)
					l.net.partition(sides)
					count := 0
					for ; count < 200; count++ {
						for _, n := range l.nodes {
							l.say(n, count)
						}
						time.Sleep(100 * time.Millisecond)
					}
					l.collect()
					if n := l.nodes[0]; slices.ContainsFunc(n.heard, func(m Message) bool { return string(m.Text) == "peer-6-199" }) {
						t.Fatal("the partition lets messages through")
					}
					l.net.partition(nil)
					took := l.until(8*time.Second, "one mesh", l.meshed)
					l.until(8*time.Second, "both histories everywhere", func() bool { return l.heardAll(names(l.nodes), count) })
					t.Logf("seed %d: one mesh after %v", seed, took)
					for _, n := range l.nodes {
						for _, from := range l.nodes {
							if from != n {
								l.wantFrom(n, from.Name(), count)
							}
						}
					}
					l.close()
				})
			}
		})
	}
}

func TestSimultaneousDialsLeaveOneLink(t *testing.T) {
	for seed := uint64(1); seed <= 1000; seed++ {
		synctest.Test(t, func(t *testing.T) {
			// Two peers that each know the other's address from the start dial in the same instant.
			l := newLAN(t, seed, 2, func(i int, c *Config) {
				c.Join = []string{fmt.Sprintf("10.0.0.%d:49152", 3-i)}
				c.NoMulticast = seed%2 == 0
			})
			l.until(3*time.Second, "one link", l.meshed)
			time.Sleep(time.Second)
			synctest.Wait()
			for _, n := range l.nodes {
				if s := n.mustStatus(); len(s.Links) != 1 {
					t.Fatalf("seed %d: %s has %d links\n%s", seed, s.Name, len(s.Links), l.dump())
				}
			}
			l.close()
		})
	}
}

func TestCloseIsPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN(t, 7, 3, nil)
		l.until(2*time.Second, "one mesh", l.meshed)
		n := l.nodes[0]
		begin := time.Now()
		n.Close()
		if took := time.Since(begin); took > 100*time.Millisecond {
			t.Errorf("Close took %v", took)
		}
		if _, err := n.Publish(context.Background(), []byte("late")); err != ErrClosed {
			t.Errorf("publishing at a closed node: %v, want ErrClosed", err)
		}
		if _, err := n.sub.Next(context.Background()); err != ErrClosed {
			t.Errorf("subscription of a closed node: %v, want ErrClosed", err)
		}
		l.nodes = l.nodes[1:]
		l.until(time.Second, "neighbors heard the goodbye", func() bool {
			for _, n := range l.nodes {
				if len(n.mustStatus().Links) != 1 {
					return false
				}
			}
			return true
		})
	})
}
