package simfleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"hearsay/lab/fleet"
	"hearsay/lab/quantity"
	"hearsay/peer/node"
)

// stage is a fleet under test, and what it told.
type stage struct {
	t *testing.T
	*Fleet
	events []fleet.Event
}

func newStage(t *testing.T, seed uint64, flags map[string]string, peers int) *stage {
	t.Helper()
	c, err := Config(fleet.Config{Flags: flags}, seed)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, Fleet: New(c)}
	s.Watch(func(e fleet.Event) { s.events = append(s.events, e) })
	s.must(s.add(peers))
	return s
}

func (s *stage) add(n int) error {
	_, err := s.Add(s.t.Context(), n, fleet.Options{})
	return err
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) sleep(d time.Duration) { s.t.Helper(); s.must(s.Sleep(s.t.Context(), d)) }

func (s *stage) status(peer int) *node.Status {
	s.t.Helper()
	st, err := s.Status(s.t.Context(), peer)
	s.must(err)
	return st
}

// want counts events of a kind that a test is about.
func (s *stage) want(n int, what string, is func(fleet.Event) bool) {
	s.t.Helper()
	got := 0
	for _, e := range s.events {
		if is(e) {
			got++
		}
	}
	if got != n {
		s.t.Errorf("%s: told of %d times, want %d", what, got, n)
	}
}

func TestPeersSpeakAndEnd(t *testing.T) {
	s := newStage(t, 1, map[string]string{"links": "2", "serve": "4"}, 4)
	s.sleep(2 * time.Second)
	for n := 1; n <= 4; n++ {
		st := s.status(n)
		if len(st.Links) < 2 || st.Slots.Links != 2 || st.Slots.Serve != 4 || st.Addr == "" || st.Announce.Sent == 0 || st.UptimeMS != 2000 {
			t.Errorf("peer-%d is not what was asked for, in a mesh: %+v", n, st)
		}
	}
	p, err := s.Publish(t.Context(), 2, []byte("hello"))
	s.must(err)
	s.sleep(time.Second)
	s.want(3, "hello is delivered", func(e fleet.Event) bool {
		return e.Kind == fleet.Delivered && e.Message.ID == p.ID && e.Message.TraceID == p.TraceID && e.Message.Text == "hello" && e.Message.Hops > 0
	})
	s.want(1, "hello is said", func(e fleet.Event) bool { return e.Kind == fleet.Said && e.Peer == 2 && e.Message.ID == p.ID })

	was := s.Peers()[2].ID
	s.must(s.Kill(t.Context(), 3))
	s.must(s.Stop(t.Context(), 4))
	s.must(s.Kill(t.Context(), 3)) // it is dead already
	if _, err := s.Status(t.Context(), 3); err == nil {
		t.Error("a dead peer answers")
	}
	if _, err := s.Publish(t.Context(), 3, []byte("x")); err == nil {
		t.Error("a dead peer speaks")
	}
	s.want(1, "peer-3 is killed", func(e fleet.Event) bool { return e.Kind == fleet.Ended && e.Peer == 3 && e.Reason == "kill" })
	s.want(1, "peer-4 stops", func(e fleet.Event) bool { return e.Kind == fleet.Ended && e.Peer == 4 && e.Reason == "stop" })
	s.must(s.Start(t.Context(), 3))
	if p := s.Peers()[2]; p.Run != 2 || p.ID == was || !p.Alive || p.Started != s.Now() {
		t.Errorf("peer-3 has another run, and is %+v", p)
	}
	s.want(5, "starts", func(e fleet.Event) bool { return e.Kind == fleet.Started })
	s.must(s.Close())
}

func TestNetworkFaults(t *testing.T) {
	heard := func(s *stage, from int, after time.Duration) (who []int) {
		p, err := s.Publish(t.Context(), from, []byte("who hears me?"))
		s.must(err)
		s.sleep(after)
		for _, e := range s.events {
			if e.Kind == fleet.Delivered && e.Message.ID == p.ID {
				who = append(who, e.Peer)
			}
		}
		slices.Sort(who)
		return who
	}
	for _, test := range []struct {
		name string
		hurt func(*stage) error
		want string // who hears peer 1 within 150 ms
	}{
		{"nothing", func(s *stage) error { return nil }, "[2 3 4]"},
		{"partition", func(s *stage) error { return s.Partition(t.Context(), []int{1, 2}, []int{3, 4}) }, "[2]"},
		{"isolate", func(s *stage) error { return s.Isolate(t.Context(), 4) }, "[2 3]"},
		{"isolate the speaker", func(s *stage) error { return s.Isolate(t.Context(), 1) }, "[]"},
		{"delay", func(s *stage) error {
			return s.Delay(t.Context(), quantity.Spread{Mean: 300 * time.Millisecond, By: 50 * time.Millisecond}, 1)
		}, "[]"},
		{"pause", func(s *stage) error { return s.Pause(t.Context(), 2, 3) }, "[4]"},
		{"loss", func(s *stage) error { return s.Loss(t.Context(), 1, 1) }, "[]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t, 2, nil, 4)
			s.sleep(2 * time.Second)
			s.must(test.hurt(s))
			if got := fmt.Sprint(heard(s, 1, 150*time.Millisecond)); got != test.want && !(got == "[]" && test.want == "[4]") {
				t.Errorf("peer 1 is heard by %s, want %s", got, test.want)
			}
			s.must(s.Heal(t.Context()))
			s.must(s.Resume(t.Context(), 1, 2, 3, 4))
			s.sleep(20 * time.Second)
			if got := fmt.Sprint(heard(s, 1, 150*time.Millisecond)); got != "[2 3 4]" {
				t.Errorf("once it is undone, peer 1 is heard by %s", got)
			}
		})
	}
}

// TestLateComer wants a peer that is added to a broken network to be under the same faults.
func TestLateComer(t *testing.T) {
	s := newStage(t, 3, nil, 3)
	s.sleep(2 * time.Second)
	s.must(s.Isolate(t.Context(), 1))
	s.must(s.add(1))
	s.sleep(5 * time.Second)
	for _, l := range s.status(4).Links {
		if l.Name == "peer-1" {
			t.Error("a newcomer has a link to a peer that is cut off")
		}
	}
}

func TestSiphonersShareOneSlot(t *testing.T) {
	s := newStage(t, 4, nil, 4)
	added, err := s.Add(t.Context(), 3, fleet.Options{Siphoner: true})
	s.must(err)
	s.sleep(20 * time.Second)
	for n := 1; n <= 4; n++ {
		guests := 0
		for _, l := range s.status(n).Links {
			if slices.Contains(added, int(l.Name[len("peer-")]-'0')) {
				guests++
			}
		}
		if guests > 1 {
			t.Errorf("peer-%d serves %d siphoners", n, guests)
		}
	}
}

// TestSameSeedSameRun compares everything that two runs told, and their traces.
func TestSameSeedSameRun(t *testing.T) {
	run := func(seed uint64) (string, string) {
		s := newStage(t, seed, nil, 6)
		s.sleep(2 * time.Second)
		for i := range 20 {
			_, err := s.Publish(t.Context(), 1+i%5, fmt.Appendf(nil, "message %d", i))
			s.must(err)
			s.sleep(30 * time.Millisecond)
			if i == 7 {
				s.must(s.Kill(t.Context(), 6))
			}
			if i == 12 {
				s.must(s.Start(t.Context(), 6))
			}
		}
		s.sleep(3 * time.Second)
		spans, dropped := s.Spans()
		if dropped > 0 {
			t.Errorf("%d spans had no room", dropped)
		}
		told, err := json.Marshal(s.events)
		s.must(err)
		traces, err := proto.MarshalOptions{Deterministic: true}.Marshal(&tracepb.TracesData{ResourceSpans: spans})
		s.must(err)
		return string(told), string(traces)
	}
	events, spans := run(7)
	if e, s := run(7); e != events || s != spans {
		t.Error("the same seed gave another run")
	}
	if e, _ := run(8); e == events {
		t.Error("another seed gave the same run")
	}
}

// TestTrace wants one message to be one tree of spans over all peers.
func TestTrace(t *testing.T) {
	s := newStage(t, 5, nil, 8)
	s.sleep(3 * time.Second)
	p, err := s.Publish(t.Context(), 1, []byte("one"))
	s.must(err)
	s.sleep(time.Second)
	spans, _ := s.Spans()
	parents, delivered, root := map[string]string{}, 0, ""
	for _, r := range spans {
		for _, sp := range r.ScopeSpans[0].Spans {
			if fmt.Sprintf("%x", sp.TraceId) != p.TraceID {
				continue
			}
			parents[string(sp.SpanId)] = string(sp.ParentSpanId)
			if sp.Name == "publish mesh" {
				root = string(sp.SpanId)
			}
			if strings.Contains(fmt.Sprint(sp.Attributes), "delivered") {
				delivered++
			}
		}
	}
	if root == "" || delivered != 7 {
		t.Fatalf("the trace has %d deliveries, and the publication %t", delivered, root != "")
	}
	for id := range parents {
		for steps := 0; id != root; steps++ {
			above, known := parents[id]
			if !known || steps > 8 {
				t.Fatal("a span of the trace is not beneath the publication")
			}
			id = above
		}
	}
}

func TestStandsStill(t *testing.T) {
	s := newStage(t, 6, nil, 2)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if err := s.Sleep(ctx, time.Hour); err == nil || err.Error() != "enough" {
		t.Errorf("Sleep returns %v when its context has ended", err)
	}
	s.must(s.Partition(t.Context(), []int{1}, []int{2}))
	s.World().Settle(10 * time.Second) // demands that they are one mesh by then
	if err := s.Sleep(t.Context(), time.Second); err == nil || !strings.Contains(err.Error(), "a promise was broken, whole: ") {
		t.Errorf("Sleep returns %v after a promise was broken", err)
	}
}

func TestBadFlags(t *testing.T) {
	for flag, value := range map[string]string{"links": "many", "retain": "5", "retain-bytes": "5 apples"} {
		if _, err := Config(fleet.Config{Flags: map[string]string{flag: value}}, 1); err == nil || errors.Is(err, fleet.ErrCannot) {
			t.Errorf("%s=%s: %v", flag, value, err)
		}
	}
	_, err := Config(fleet.Config{Flags: map[string]string{"interface": "lo"}}, 1)
	if !errors.Is(err, fleet.ErrCannot) || !strings.Contains(err.Error(), "interface") {
		t.Errorf("a flag that no simulated peer has: %v", err)
	}
}
