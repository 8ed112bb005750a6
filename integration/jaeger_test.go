package integration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// Trace is a trace as Jaeger's API gives it.
type Trace struct {
	TraceID   string `json:"traceID"`
	Spans     []Span `json:"spans"`
	Processes map[string]struct {
		ServiceName string `json:"serviceName"`
		Tags        []Tag  `json:"tags"`
	} `json:"processes"`
}

// Span is one span of a Trace.
type Span struct {
	TraceID    string      `json:"traceID"`
	SpanID     string      `json:"spanID"`
	Name       string      `json:"operationName"`
	References []Reference `json:"references"`
	Start      int64       `json:"startTime"` // microseconds
	Duration   int64       `json:"duration"`
	Tags       []Tag       `json:"tags"`
	ProcessID  string      `json:"processID"`

	Service string `json:"-"` // of its process
}

// Reference is CHILD_OF for a parent, FOLLOWS_FROM for a link.
type Reference struct {
	Type    string `json:"refType"`
	TraceID string `json:"traceID"`
	SpanID  string `json:"spanID"`
}

// Tag is an attribute.
type Tag struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

// tag returns an attribute as text.
func (s Span) tag(key string) string {
	for _, t := range s.Tags {
		if t.Key == key {
			return fmt.Sprint(t.Value)
		}
	}
	return ""
}

// parent returns the parent's span id, empty for a root.
func (s Span) parent() string {
	for _, r := range s.References {
		if r.Type == "CHILD_OF" {
			return r.SpanID
		}
	}
	return ""
}

// linkedTo says whether the span links to another.
func (s Span) linkedTo(span string) bool {
	return slices.ContainsFunc(s.References, func(r Reference) bool { return r.Type == "FOLLOWS_FROM" && r.SpanID == span })
}

// jaeger is Jaeger's HTTP API.
type jaeger struct{ url string }

// trace returns one trace, or an error while Jaeger does not know it.
func (j jaeger) trace(id string) (Trace, error) {
	all, err := j.get("/api/traces/" + id)
	if err != nil {
		return Trace{}, err
	}
	if len(all) != 1 {
		return Trace{}, fmt.Errorf("Jaeger has %d traces with id %s", len(all), id)
	}
	return all[0], nil
}

// search returns the traces in which a service has a span of that name.
func (j jaeger) search(service, operation string) ([]Trace, error) {
	return j.get("/api/traces?" + url.Values{"service": {service}, "operation": {operation}, "limit": {"200"}, "lookback": {"1h"}}.Encode())
}

func (j jaeger) get(path string) ([]Trace, error) {
	var answer struct{ Data []Trace }
	if err := j.ask(path, &answer); err != nil {
		return nil, err
	}
	for _, t := range answer.Data {
		for i := range t.Spans {
			t.Spans[i].Service = t.Processes[t.Spans[i].ProcessID].ServiceName
		}
	}
	return answer.Data, nil
}

// services returns what Jaeger shows in its list.
func (j jaeger) services() ([]string, error) {
	var answer struct{ Data []string }
	err := j.ask("/api/services", &answer)
	return answer.Data, err
}

func (j jaeger) ask(path string, answer any) error {
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(j.url + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(answer)
}

func (t Trace) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "trace %s\n", t.TraceID)
	for _, s := range t.Spans {
		fmt.Fprintf(&b, "  %s %-14s %s of %s, hop %s %s\n", s.SpanID, s.Name, s.Service, s.parent(), s.tag("hearsay.hop"), s.tag("hearsay.outcome"))
	}
	return b.String()
}

// The names of a message's spans.
const (
	publishSpan = "publish mesh"
	processSpan = "process mesh"
)

// messageTree says what keeps a trace from being the tree that one message took from its publisher to all peers, or nil. Peers
// are the services that should be in it; above is the span from which the publisher was called, if any. In such a trace
//
//   - there is one publication, the only span whose parent is none of them;
//   - every other span is a reception; its parent is in the peer from which the message came, never in its own;
//   - every peer but the publisher has exactly one reception that delivered, and from each of these the parents lead to the
//     publication, each one hop nearer to it;
//   - each reception links to the publication.
func messageTree(t Trace, publisher string, peers []string, above string) error {
	spans := map[string]Span{}
	var root *Span
	for i, s := range t.Spans {
		if s.Name != publishSpan && s.Name != processSpan {
			return fmt.Errorf("a span %q in a message's trace", s.Name)
		}
		if _, twice := spans[s.SpanID]; twice {
			return fmt.Errorf("two spans with the id %s", s.SpanID)
		}
		spans[s.SpanID] = s
		if s.Name == publishSpan {
			if root != nil {
				return fmt.Errorf("two publications")
			}
			root = &t.Spans[i]
		}
	}
	switch {
	case root == nil:
		return fmt.Errorf("no publication among %d spans", len(t.Spans))
	case root.Service != publisher:
		return fmt.Errorf("published by %s, not by %s", root.Service, publisher)
	case root.parent() != above:
		return fmt.Errorf("the publication's parent is %q, not %q", root.parent(), above)
	}
	delivered := map[string]int{}
	for _, s := range t.Spans {
		if s.Name == publishSpan {
			continue
		}
		parent, ok := spans[s.parent()]
		switch {
		case !ok:
			return fmt.Errorf("%s's reception has the parent %q, which is not in the trace", s.Service, s.parent())
		case parent.Service == s.Service:
			return fmt.Errorf("%s's reception has a parent in the same peer", s.Service)
		case !s.linkedTo(root.SpanID) && parent.SpanID != root.SpanID:
			return fmt.Errorf("%s's reception does not link to the publication", s.Service)
		}
		switch s.tag("hearsay.outcome") {
		case "delivered":
			delivered[s.Service]++
			if err := leadsTo(s, root.SpanID, spans); err != nil {
				return err
			}
		case "duplicate":
		default:
			return fmt.Errorf("%s's reception has the outcome %q", s.Service, s.tag("hearsay.outcome"))
		}
	}
	for _, p := range peers {
		want := 1
		if p == publisher {
			want = 0
		}
		if delivered[p] != want {
			return fmt.Errorf("%d spans of delivery at %s", delivered[p], p)
		}
		delete(delivered, p)
	}
	for p := range delivered {
		return fmt.Errorf("%s is no peer of this mesh", p)
	}
	return nil
}

// leadsTo walks from a delivery up to the publication, and counts hops down to none.
func leadsTo(s Span, root string, spans map[string]Span) error {
	for hop := s.tag("hearsay.hop"); s.SpanID != root; {
		parent := spans[s.parent()]
		var n, m int
		fmt.Sscan(hop, &n)
		if parent.SpanID != root {
			fmt.Sscan(parent.tag("hearsay.hop"), &m)
			if parent.tag("hearsay.outcome") != "delivered" {
				return fmt.Errorf("%s got it from a reception at %s that was no delivery", s.Service, parent.Service)
			}
		}
		if n != m+1 {
			return fmt.Errorf("%s is hop %d, and got it from %s, hop %d", s.Service, n, parent.Service, m)
		}
		s, hop = parent, parent.tag("hearsay.hop")
	}
	return nil
}

func TestMessageTreeCheck(t *testing.T) {
	span := func(id, name, service, parent, hop, outcome string) Span {
		s := Span{SpanID: id, Name: name, Service: service, Tags: []Tag{{"hearsay.hop", hop}, {"hearsay.outcome", outcome}}}
		if parent != "" {
			s.References = []Reference{{Type: "CHILD_OF", SpanID: parent}}
		}
		if name == processSpan {
			s.References = append(s.References, Reference{Type: "FOLLOWS_FROM", SpanID: "1"})
		}
		return s
	}
	good := func() []Span { // a → b → c, and a second copy from c to b
		return []Span{
			span("1", publishSpan, "a", "", "", ""),
			span("2", processSpan, "b", "1", "1", "delivered"),
			span("3", processSpan, "c", "2", "2", "delivered"),
			span("4", processSpan, "b", "3", "3", "duplicate"),
		}
	}
	for _, test := range []struct {
		want string
		hurt func(s []Span) []Span
	}{
		{"", func(s []Span) []Span { return s }},
		{"0 spans of delivery at c", func(s []Span) []Span { return s[:2] }},
		{"no publication", func(s []Span) []Span { return s[1:] }},
		{"two publications", func(s []Span) []Span { return append(s, span("5", publishSpan, "a", "", "", "")) }},
		{"published by b", func(s []Span) []Span { s[0].Service = "b"; return s }},
		{"which is not in the trace", func(s []Span) []Span { s[2].References[0].SpanID = "9"; return s }},
		{"parent in the same peer", func(s []Span) []Span { s[2].Service = "b"; return s }},
		{"does not link", func(s []Span) []Span { s[2].References = s[2].References[:1]; return s }},
		{"got it from a reception", func(s []Span) []Span { s[1].Tags[1].Value = "duplicate"; return s }},
		{"c is hop 3, and got it from b, hop 1", func(s []Span) []Span { s[2].Tags[0].Value = 3; return s }},
		{"2 spans of delivery at b", func(s []Span) []Span { s[3].Tags[1].Value = "delivered"; return s }},
		{`the outcome ""`, func(s []Span) []Span { s[3].Tags = nil; return s }},
		{`a span "announce"`, func(s []Span) []Span { return append(s, span("5", "announce", "a", "", "", "")) }},
		{"d is no peer", func(s []Span) []Span { return append(s, span("5", processSpan, "d", "1", "1", "delivered")) }},
		{"the publication's parent", func(s []Span) []Span { s[0].References = []Reference{{Type: "CHILD_OF", SpanID: "0"}}; return s }},
	} {
		err := messageTree(Trace{Spans: test.hurt(good())}, "a", []string{"a", "b", "c"}, "")
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("messageTree says %v, and not %q", err, test.want)
		}
	}
}
