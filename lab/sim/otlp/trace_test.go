package otlp

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"hearsay/lab/sim"
)

// file is what of OTLP's JSON the tests look at, as the specification has it: hexadecimal ids, numbers of 64
// bits in quotes, names in lower camel case.
type file struct {
	ResourceSpans []struct {
		Resource   struct{ Attributes []attribute }
		ScopeSpans []struct{ Spans []span }
	}
}

type attribute struct {
	Key   string
	Value struct{ StringValue, IntValue string }
}

type span struct {
	TraceID, SpanID, ParentSpanID      string
	Name                               string
	StartTimeUnixNano, EndTimeUnixNano string
	Attributes                         []attribute
	Links                              []struct{ TraceID, SpanID string }
	service                            string
}

func (s *span) get(key string) string { return get(s.Attributes, key) }

func get(list []attribute, key string) string {
	for _, a := range list {
		if a.Key == key {
			return a.Value.StringValue
		}
	}
	return ""
}

// read decodes a trace's file.
func read(t *testing.T, tr *Trace) (spans []span) {
	t.Helper()
	var b bytes.Buffer
	if err := tr.Write(&b); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b.Bytes(), []byte("\n")); n != 1 {
		t.Errorf("the file has %d lines; a collector's file receiver takes one to a request", n)
	}
	var f file
	if err := json.Unmarshal(b.Bytes(), &f); err != nil {
		t.Fatal(err)
	}
	for _, r := range f.ResourceSpans {
		for _, s := range r.ScopeSpans {
			for _, x := range s.Spans {
				x.service = get(r.Resource.Attributes, "service.name")
				spans = append(spans, x)
			}
		}
	}
	return spans
}

// run has some peers talk, and one killed.
func talk(t *testing.T, tr *Trace) *sim.Run {
	t.Helper()
	r, err := sim.NewRun(sim.Plan{
		Config: sim.Config{Seed: 3, Sampled: true}, Peers: 8, Within: time.Second, Messages: 5, Rate: 20, Size: 100, Kill: 0.25,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.World.Watch(tr)
	if err := r.Do(nil); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOneMessageIsOneTrace(t *testing.T) {
	tr := New(3)
	r := talk(t, tr)
	spans := read(t, tr)
	byID := map[string]span{}
	messages := map[string][]span{}
	for _, s := range spans {
		if len(s.TraceID) != 32 || len(s.SpanID) != 16 || strings.Trim(s.TraceID+s.SpanID, "0123456789abcdef") != "" {
			t.Fatalf("span %s has the ids %s %s", s.Name, s.TraceID, s.SpanID)
		}
		if _, twice := byID[s.SpanID]; twice {
			t.Errorf("two spans have the id %s", s.SpanID)
		}
		byID[s.SpanID] = s
		if id := s.get("messaging.message.id"); id != "" {
			messages[id] = append(messages[id], s)
		}
	}
	if len(messages) != r.Figures.Published {
		t.Fatalf("%d messages were published, and %d are traced", r.Figures.Published, len(messages))
	}
	delivered := 0
	for id, list := range messages {
		roots := 0
		for _, s := range list {
			if s.TraceID != list[0].TraceID {
				t.Fatalf("message %s has several traces", id)
			}
			switch {
			case s.Name == "publish mesh" && s.ParentSpanID == "":
				roots++
			case s.Name == "process mesh":
				parent, known := byID[s.ParentSpanID]
				if !known || parent.TraceID != s.TraceID || parent.service == s.service {
					t.Errorf("a hop of %s at %s has the parent %q at %q", id, s.service, parent.Name, parent.service)
				}
				if s.get("hearsay.outcome") == "delivered" {
					delivered++
				}
			default:
				t.Errorf("message %s has a span %q with the parent %q", id, s.Name, s.ParentSpanID)
			}
		}
		if roots != 1 {
			t.Errorf("message %s has %d roots", id, roots)
		}
	}
	if delivered != r.Figures.Delivered {
		t.Errorf("%d deliveries are traced, and there were %d", delivered, r.Figures.Delivered)
	}
}

func TestFaultsAreSpansAndCauseHealings(t *testing.T) {
	tr := New(3)
	talk(t, tr)
	kills, caused, heals := map[string]string{}, 0, 0
	spans := read(t, tr)
	for _, s := range spans {
		if s.service == "lab" {
			if s.Name != "fault kill" || s.get("hearsay.peer.name") == "" || s.ParentSpanID != "" {
				t.Errorf("a span of the lab is %q, %v", s.Name, s.Attributes)
			}
			kills[s.SpanID] = s.get("hearsay.peer.id")
		}
	}
	if len(kills) != 2 {
		t.Fatalf("%d kills are spans, want 2", len(kills))
	}
	for _, s := range spans {
		if s.Name != "heal" {
			continue
		}
		heals++
		for _, l := range s.Links {
			if victim, ok := kills[l.SpanID]; ok && victim == s.get("hearsay.peer.id") {
				caused++
			}
		}
	}
	if heals == 0 || caused == 0 {
		t.Errorf("of %d healings %d link to the death of the peer that was lost", heals, caused)
	}
}

func TestAPartitionLastsUntilItIsHealed(t *testing.T) {
	w := sim.New(sim.Config{Seed: 1, Sampled: true})
	tr := New(1)
	w.Watch(tr)
	var hosts []*sim.Host
	for range 4 {
		h := w.Add(sim.Options{})
		h.Start()
		hosts = append(hosts, h)
	}
	w.Run(3 * time.Second)
	w.Partition(hosts[:2], hosts[2:])
	w.Run(7 * time.Second)
	w.Heal()
	hosts[3].Pause()
	w.Run(time.Second)
	lasted := map[string]time.Duration{}
	for _, s := range read(t, tr) {
		if s.service == "lab" {
			lasted[s.Name] = nanos(t, s.EndTimeUnixNano) - nanos(t, s.StartTimeUnixNano)
		}
	}
	if len(lasted) != 2 || lasted["fault partition"] != 7*time.Second {
		t.Errorf("the faults lasted %v", lasted)
	}
	// The pause goes on: as far as anybody knows, until the last span.
	if d := lasted["fault pause"]; d <= 0 || d > time.Second {
		t.Errorf("the pause lasted %v", d)
	}
}

func nanos(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s + "ns")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Who dies at one instant has died of one thing, and nobody wants to open a trace for each.
func TestOneInstantIsOneTrace(t *testing.T) {
	w := sim.New(sim.Config{Seed: 1, Sampled: true})
	tr := New(1)
	w.Watch(tr)
	var hosts []*sim.Host
	for range 6 {
		h := w.Add(sim.Options{})
		h.Start()
		hosts = append(hosts, h)
	}
	w.Run(3 * time.Second)
	for _, h := range hosts[:3] {
		h.Kill()
	}
	hosts[3].Pause()
	w.Run(time.Second)
	hosts[4].Kill()
	w.Run(time.Second)
	traces, spans := map[string]int{}, map[string]bool{}
	for _, s := range read(t, tr) {
		if s.service == "lab" {
			traces[s.Name+s.TraceID]++
			spans[s.SpanID] = true
		}
	}
	var sizes []int
	for _, n := range traces {
		sizes = append(sizes, n)
	}
	slices.Sort(sizes)
	if !slices.Equal(sizes, []int{1, 1, 3}) || len(spans) != 5 {
		t.Errorf("three kills at once, a pause and another kill are traces of %v spans", sizes)
	}
}

func TestTheSameRunIsTheSameFile(t *testing.T) {
	var b [2]bytes.Buffer
	for i := range b {
		tr := New(3)
		talk(t, tr)
		if err := tr.Write(&b[i]); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(b[0].Bytes(), b[1].Bytes()) {
		t.Error("the files of two runs of one seed differ")
	}
}

// What is too much is forgotten from the beginning, counted, and said in the file.
func TestOlderSpansAreForgotten(t *testing.T) {
	whole, tr := New(3), New(3)
	talk(t, whole)
	tr.most = 100
	talk(t, tr)
	all, some := read(t, whole), read(t, tr)
	if len(all) < 3*tr.most {
		t.Fatalf("only %d spans: this test needs more", len(all))
	}
	// One span of the lab's says that there were more.
	if n := len(some) - 1; n != tr.Len() || n+tr.Forgotten() != len(all) || n > tr.most+len(tr.faults) || n < tr.most/2 {
		t.Errorf("%d spans are kept (Len %d) and %d forgotten, of %d; the limit is %d", n, tr.Len(), tr.Forgotten(), len(all), tr.most)
	}
	if last := some[len(some)-1]; last.Name != "older spans are not in this file" || !strings.Contains(last.get("hearsay.reason"), "forgotten: a file holds the newest 50 to 100") {
		t.Errorf("the file ends with %q, %v", last.Name, last.Attributes)
	}
	latest := func(list []span) (at time.Duration) {
		for _, s := range list {
			if s.service != "lab" {
				at = max(at, nanos(t, s.EndTimeUnixNano))
			}
		}
		return at
	}
	if latest(some) != latest(all) {
		t.Error("the newest span is among those that were forgotten")
	}
}
