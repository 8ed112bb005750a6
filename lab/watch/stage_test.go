package watch

import (
	"os"
	"strings"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/simfleet"
	"hearsay/lab/watch/live"
)

func TestMain(m *testing.M) {
	for _, v := range os.Environ() { // a developer's own collector is no part of the tests
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "OTEL_") {
			os.Unsetenv(name)
		}
	}
	goleak.VerifyTestMain(m)
}

// stage is a simulated mesh and the model that watches it, in virtual time: the same seed gives the same story.
type stage struct {
	t *testing.T
	*simfleet.Fleet
	m        *Model
	recorder *live.Recorder
	traced   bool // spans come
	polled   bool // statuses come
	batches  []*Batch
}

func newStage(t *testing.T, seed uint64, peers int) *stage {
	t.Helper()
	c, err := simfleet.Config(fleet.Config{}, seed)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, Fleet: simfleet.New(c), traced: true, polled: true}
	s.m = NewModel(Config{Fault: func(f *Fault) SpanRef { return SpanRef{[16]byte{1, byte(f.Number)}, [8]byte{2, byte(f.Number)}} }})
	s.recorder = live.Record(s.World())
	s.Watch(s.m.Event)
	_, err = s.Add(t.Context(), peers, fleet.Options{})
	s.must(err)
	return s
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// sleep lets time pass as the lab's does: peers are asked, spans come.
func (s *stage) sleep(d time.Duration) {
	s.t.Helper()
	const step = 50 * time.Millisecond
	for ; d > 0; d -= step {
		s.must(s.Sleep(s.t.Context(), min(d, step)))
		s.look()
	}
}

func (s *stage) look() {
	s.m.Peers(s.Now(), s.Peers())
	if s.polled {
		for _, p := range s.Peers() {
			question := s.m.Ask(s.Now(), p.Number)
			if st, err := s.Status(s.t.Context(), p.Number); err == nil {
				s.m.Status(question, st)
			}
		}
	}
	s.recorder.Flush(func(rs *tracepb.ResourceSpans) {
		for _, span := range rs.ScopeSpans[0].Spans {
			if s.traced {
				for _, kv := range rs.Resource.Attributes {
					if kv.Key == "hearsay.id" {
						s.m.Span(kv.Value.GetStringValue(), span)
					}
				}
			}
		}
	})
	if b := s.m.Flush(s.Now()); b != nil {
		s.batches = append(s.batches, b)
	}
}

// until lets time pass until the model says so.
func (s *stage) until(what string, most time.Duration, ok func() bool) {
	s.t.Helper()
	for end := s.Now().Add(most); !ok(); {
		if s.Now().After(end) {
			s.t.Fatalf("after %v %s: %+v", most, what, s.m.Figures())
		}
		s.sleep(50 * time.Millisecond)
	}
}

func (s *stage) meshed() {
	s.t.Helper()
	s.until("it is not meshed", 20*time.Second, func() bool { return s.m.meshed() == "" })
}

func (s *stage) say(from int, text string) string {
	s.t.Helper()
	p, err := s.Publish(s.t.Context(), from, []byte(text))
	s.must(err)
	return p.ID
}

func (s *stage) account(what string) *Account {
	s.t.Helper()
	a, err := s.m.Account(what)
	s.must(err)
	return a
}

func (s *stage) text(what string) string {
	s.t.Helper()
	var b strings.Builder
	s.must(s.account(what).Write(&b))
	return b.String()
}
