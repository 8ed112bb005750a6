package replicas_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/replicas"
	"hearsay/lab/quantity"
	"hearsay/lab/watch"
	"hearsay/peer/api"
	"hearsay/peer/discovery"
	"hearsay/peer/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// names is a name server: each name stands for one address, since here all peers share one.
type names struct {
	mu  sync.Mutex
	all map[string]bool
}

func (n *names) set(name string, there bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all[name] = there
}

func (n *names) lookup(_ context.Context, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.all[host] {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

// gate stands before a peer's API as its kernel would: it accepts connections whether or not the peer runs.
type gate struct {
	l      net.Listener
	server string
	mu     sync.Mutex
	open   sync.Cond
	shut   bool
	calls  int
	conns  map[net.Conn]bool
	work   sync.WaitGroup
}

func newGate(t *testing.T, server string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{l: l, server: server, conns: map[net.Conn]bool{}}
	g.open.L = &g.mu
	g.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			g.work.Go(func() { g.serve(c) })
		}
	})
	return g
}

func (g *gate) serve(c net.Conn) {
	far, err := net.Dial("tcp", g.server)
	if err != nil {
		c.Close()
		return
	}
	g.mu.Lock()
	g.calls++
	g.conns[c], g.conns[far] = true, true
	g.mu.Unlock()
	pass := func(to, from net.Conn) {
		defer to.Close()
		defer from.Close()
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			g.mu.Lock()
			for g.shut {
				g.open.Wait()
			}
			g.mu.Unlock()
			if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
				return
			}
		}
	}
	g.work.Go(func() { pass(far, c) })
	pass(c, far)
}

func (g *gate) pause(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = on
	g.open.Broadcast()
}

// vanish is a cable that is pulled: nothing passes, and nobody is told.
func (g *gate) vanish() {
	g.pause(true)
	g.l.Close()
}

// called waits until so many connections were opened.
func (g *gate) called(t *testing.T, n int) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		g.mu.Lock()
		calls := g.calls
		g.mu.Unlock()
		if calls >= n {
			return
		}
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("it was called %d times, want %d", calls, n)
		}
	}
}

func (g *gate) close() {
	g.l.Close()
	g.mu.Lock()
	g.shut = false
	g.open.Broadcast()
	for c := range g.conns {
		c.Close()
	}
	g.mu.Unlock()
	g.work.Wait()
}

// replica is a real peer, with its API.
type replica struct {
	node *node.Node
	api  *api.Server
	gate *gate
	once sync.Once
}

func (r *replica) at(name string) string {
	_, port, _ := net.SplitHostPort(r.gate.l.Addr().String())
	return net.JoinHostPort(name, port)
}

func (r *replica) end() {
	r.once.Do(func() {
		r.gate.close()
		r.api.Close()
		r.node.Close()
	})
}

func start(t *testing.T, name string, join ...*replica) *replica {
	t.Helper()
	c := node.Config{Name: name, Listen: "127.0.0.1:0", NoMulticast: true}
	for _, other := range join {
		c.Join = append(c.Join, other.node.Addr().String())
	}
	n, err := node.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	l, err := api.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := api.Serve(n, l, slog.New(slog.DiscardHandler))
	r := &replica{node: n, api: s, gate: newGate(t, s.Addr())}
	t.Cleanup(r.end)
	return r
}

// seen is a fleet, and all that it told.
type seen struct {
	*replicas.Fleet
	t      *testing.T
	mu     sync.Mutex
	events []fleet.Event
	more   chan struct{}
}

func look(t *testing.T, n *names, at ...string) *seen {
	t.Helper()
	c := replicas.Config{At: strings.Join(at, ","), Hint: "give it the socket"}
	if n != nil {
		c.Resolver = &discovery.Resolver{Lookup: n.lookup}
	}
	f, err := replicas.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s := &seen{Fleet: f, t: t, more: make(chan struct{})}
	cancel := f.Watch(s.take)
	t.Cleanup(func() { f.Close(); cancel() })
	return s
}

func (s *seen) take(e fleet.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	close(s.more)
	s.more = make(chan struct{})
}

// wait waits until something was told.
func (s *seen) wait(what string, ok func(fleet.Event) bool) fleet.Event {
	s.t.Helper()
	late := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		all, more := s.events, s.more
		s.mu.Unlock()
		if i := slices.IndexFunc(all, ok); i >= 0 {
			return all[i]
		}
		select {
		case <-more:
		case <-late:
			s.t.Fatalf("never told: %s\npeers: %+v\nevents: %+v", what, s.Peers(), all)
		}
	}
}

func (s *seen) waitKind(k fleet.Kind, peer, run int) fleet.Event {
	s.t.Helper()
	return s.wait(fmt.Sprintf("%s of %d, run %d", k, peer, run), func(e fleet.Event) bool { return e.Kind == k && e.Peer == peer && e.Run == run })
}

// never wants something not to have been told so far.
func (s *seen) never(k fleet.Kind) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Kind == k {
			s.t.Errorf("told of %+v", e)
		}
	}
}

// A mesh of three as the lab sees it: who there is, who is linked, who hears what, who dies and comes back.
func TestAMesh(t *testing.T) {
	one := start(t, "peer-1")
	two := start(t, "peer-2", one)
	three := start(t, "peer-3", one, two)
	n := &names{all: map[string]bool{"a": true, "b": true, "c": true}}
	w, err := watch.New(watch.Options{Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	next := start(t, "peer-2", one) // it is not known by any name yet
	s := look(t, n, one.at("a"), two.at("b"), three.at("c"), next.at("d"))
	w.Follow(s)
	for i, r := range []*replica{one, two, three} {
		if e := s.waitKind(fleet.Started, i+1, 1); e.Far != string(r.node.ID()) {
			t.Errorf("peer %d is %s, want %s", i+1, e.Far, r.node.ID())
		}
	}
	until := func(what string, ok func(*watch.Model) bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := w.Until(ctx, ok); err != nil {
			t.Fatalf("not %s: %v", what, err)
		}
	}
	until("meshed", func(m *watch.Model) bool { return m.Figures().Meshed && m.Figures().Peers == 3 })
	p, err := s.Publish(t.Context(), 2, []byte("hello"))
	if err != nil || p.Seq != 1 {
		t.Fatal(p, err)
	}
	until("heard", func(m *watch.Model) bool {
		a, err := m.Account(p.ID)
		return err == nil && a.Heard == 2 && a.From == 2 && len(a.Missing) == 0
	})
	for _, e := range []struct {
		kind fleet.Kind
		peer int
	}{{fleet.Said, 2}, {fleet.Delivered, 1}, {fleet.Delivered, 3}} {
		got := s.waitKind(e.kind, e.peer, 1)
		if got.Message == nil || got.Message.Text != "hello" || got.Message.ID != p.ID {
			t.Errorf("%s of %d: %+v", e.kind, e.peer, got.Message)
		}
	}
	if st, err := s.Status(t.Context(), 3); err != nil || st.ID != string(three.node.ID()) {
		t.Errorf("status %+v, %v", st, err)
	}
	if got := s.Peers(); len(got) != 3 || got[2].Addr != three.node.Addr().String() || got[2].Name != "peer-3" {
		t.Errorf("peers %+v", got)
	}

	n.set("b", false)
	died := time.Now()
	two.end()
	if e := s.waitKind(fleet.Ended, 2, 1); e.Reason != fleet.Gone || e.At.Before(died) || time.Since(died) > 2*time.Second {
		t.Errorf("%+v, %v after it died", e, time.Since(died))
	}
	if _, err := s.Publish(t.Context(), 2, []byte("x")); err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("a dead one speaks: %v", err)
	}
	n.set("d", true)
	if e := s.waitKind(fleet.Started, 2, 2); e.Far != string(next.node.ID()) {
		t.Errorf("%+v", e)
	}
	s.never(fleet.Paused)
	s.never(fleet.Missed)
}

// One that a signal stops, or a container's freezer, accepts connections and does not answer.
func TestPaused(t *testing.T) {
	t.Parallel()
	one := start(t, "peer-1")
	two := start(t, "peer-2", one)
	s := look(t, nil, one.at("127.0.0.1"), two.at("127.0.0.1"))
	s.waitKind(fleet.Started, 1, 1)
	s.waitKind(fleet.Started, 2, 1)
	two.gate.pause(true)
	s.waitKind(fleet.Paused, 2, 1)
	if p := s.Peers()[1]; !p.Alive || !p.Paused {
		t.Errorf("paused, and it is %+v", p)
	}
	if _, err := s.Status(t.Context(), 2); err == nil || !strings.Contains(err.Error(), "is paused") {
		t.Errorf("a paused one answers: %v", err)
	}
	if _, err := s.Publish(t.Context(), 1, []byte("while it sleeps")); err != nil {
		t.Error(err)
	}
	two.gate.pause(false)
	s.waitKind(fleet.Resumed, 2, 1)
	s.wait("what was said meanwhile", func(e fleet.Event) bool { return e.Kind == fleet.Delivered && e.Peer == 2 })
	s.never(fleet.Ended)
	// Another is paused, and dies of it.
	one.gate.pause(true)
	s.waitKind(fleet.Paused, 1, 1)
	one.end()
	s.waitKind(fleet.Ended, 1, 1)
	if p := s.Peers()[0]; p.Alive || p.Paused {
		t.Errorf("dead, and it is %+v", p)
	}
}

// Whose cable is pulled does not say so, and answers nobody.
func TestVanishes(t *testing.T) {
	t.Parallel()
	one, two := start(t, "peer-1"), start(t, "peer-2")
	s := look(t, nil, one.at("127.0.0.1"), two.at("127.0.0.1"))
	s.waitKind(fleet.Started, 1, 1)
	s.waitKind(fleet.Started, 2, 1)
	two.gate.pause(true)
	one.gate.vanish()
	s.waitKind(fleet.Ended, 1, 1)
	s.waitKind(fleet.Paused, 2, 1)
	two.gate.vanish()
	s.waitKind(fleet.Ended, 2, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Kind == fleet.Paused && e.Peer == 1 {
			t.Error("one that nobody can reach is called paused")
		}
	}
}

// A container that is made anew has its number, also if it comes before the old one is known to have gone.
func TestKeepsTheNumber(t *testing.T) {
	t.Parallel()
	old, again := start(t, "peer-2"), start(t, "peer-2")
	n := &names{all: map[string]bool{"a": true}}
	s := look(t, n, old.at("a"), again.at("b"))
	s.waitKind(fleet.Started, 2, 1)
	n.set("b", true)
	again.gate.called(t, 3) // twice at least it was met
	if p := s.Peers(); len(p) != 1 {
		t.Errorf("before: %+v", p)
	}
	old.end()
	s.waitKind(fleet.Started, 2, 2)
	if p := s.Peers(); len(p) != 1 || p[0].ID != string(again.node.ID()) {
		t.Errorf("after: %+v", p)
	}
}

// A name that stands for nobody any more does not end who still answers.
func TestLeavesTheName(t *testing.T) {
	t.Parallel()
	one := start(t, "peer-1")
	n := &names{all: map[string]bool{"a": true}}
	s := look(t, n, one.at("a"))
	s.waitKind(fleet.Started, 1, 1)
	n.set("a", false)
	time.Sleep(2500 * time.Millisecond) // the name is looked up twice
	if _, err := s.Publish(t.Context(), 1, []byte("still here")); err != nil {
		t.Error(err)
	}
	s.never(fleet.Ended)
	one.end()
	s.waitKind(fleet.Ended, 1, 1)
}

// Numbers come of names, and whoever has none that will do gets the next.
func TestNumbers(t *testing.T) {
	t.Parallel()
	// Those whose names have numbers first: whoever has none may take any that is free.
	n := &names{all: map[string]bool{"numbered": true}}
	twice := start(t, "peer-7")
	other := newGate(t, twice.api.Addr())
	t.Cleanup(other.close)
	at := []string{start(t, "peer-3").at("numbered"), twice.at("numbered"), "numbered" + other.l.Addr().String()[len("127.0.0.1"):]}
	for _, name := range []string{"ann", "peer-99999999999999999999", "peer-0", "peer-3"} {
		at = append(at, start(t, name).at("others"))
	}
	s := look(t, n, at...)
	s.waitKind(fleet.Started, 3, 1)
	s.waitKind(fleet.Started, 7, 1)
	n.set("others", true)
	// Those without a number are there at once,
	s.wait("all but the second peer-3", func(fleet.Event) bool { return len(s.Peers()) == 5 })
	// and it waits a while for its number.
	s.wait("the second peer-3", func(e fleet.Event) bool {
		return e.Kind == fleet.Started && slices.ContainsFunc(s.Peers(), func(p fleet.Peer) bool { return p.Name == "peer-3" && p.Number != 3 })
	})
	got := map[int]string{}
	for _, p := range s.Peers() {
		got[p.Number] = p.Name
	}
	if len(got) != 6 || got[3] != "peer-3" || got[7] != "peer-7" {
		t.Errorf("numbers %v", got)
	}
	for n := range got {
		if n != 7 && n > 5 {
			t.Errorf("a number that is not the next: %v", got)
		}
	}
}

// Whoever answers and is no peer has no place.
func TestNoPeer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 100)
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{\"id\":\"no id\",\"name\":\"peer-1\"}")
			c.Close()
			select {
			case asked <- struct{}{}:
			default:
			}
		}
	})
	t.Cleanup(func() { l.Close(); work.Wait() })
	s := look(t, nil, l.Addr().String())
	for range 4 {
		<-asked
	}
	if p := s.Peers(); len(p) != 0 {
		t.Errorf("there is %+v", p)
	}
}

func TestNothingCanBeBroken(t *testing.T) {
	one := start(t, "peer-1")
	s := look(t, nil, one.at("127.0.0.1"))
	ctx := t.Context()
	s.waitKind(fleet.Started, 1, 1)
	_, add := s.Add(ctx, 1, fleet.Options{})
	for what, err := range map[string]error{
		"add": add, "start": s.Start(ctx, 1), "kill": s.Kill(ctx, 1), "stop": s.Stop(ctx, 1), "pause": s.Pause(ctx, 1), "resume": s.Resume(ctx, 1),
		"partition": s.Partition(ctx, []int{1}, []int{2}), "isolate": s.Isolate(ctx, 1), "heal": s.Heal(ctx),
		"delay": s.Delay(ctx, quantity.Spread{}, 1), "loss": s.Loss(ctx, 0, 1), "can kill": s.Can(fleet.FaultKill),
	} {
		if !errors.Is(err, fleet.ErrCannot) || err.Error() != "this lab only watches: give it the socket" {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, at := range []string{"", ",", "peer:0", "no name!:7070"} {
		if _, err := replicas.New(replicas.Config{At: at}); err == nil {
			t.Errorf("%q names somebody", at)
		}
	}
}
