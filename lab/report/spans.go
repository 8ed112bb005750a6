package report

import (
	"bufio"
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"hearsay/lab/scenario"
	"hearsay/peer/wire"
)

// causeFor is for how long a fault explains that a peer heals: silence is noticed after three seconds, and TCP
// gives up after twenty.
const causeFor = 25 * time.Second

// writeSpans writes the peers' spans as OTLP's JSON, which Jaeger and the collector read. Every fault is a span of its
// own, and each healing links to the fault before it.
func writeSpans(dir string, res *scenario.Result) error {
	if len(res.Spans) == 0 {
		return nil
	}
	f, err := os.Create(filepath.Join(dir, fileSpans))
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	err = writeOTLP(w, withFaults(res))
	return errors.Join(err, w.Flush(), f.Close())
}

// Around the peers' spans, in OTLP's JSON.
const (
	otlpHead = `{"resourceSpans":[`
	otlpTail = `]}`
)

// writeOTLP writes one peer's spans after another's: all at once, they would take ten times their room.
func writeOTLP(w *bufio.Writer, all []*tracepb.ResourceSpans) error {
	w.WriteString(otlpHead)
	for i, rs := range all {
		b, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{rs}})
		if err != nil {
			return err
		}
		// pdata knows how OTLP differs from protobuf's own JSON: ids are hexadecimal, and enumerations numbers.
		traces, err := new(ptrace.ProtoUnmarshaler).UnmarshalTraces(b)
		if err != nil {
			return err
		}
		if b, err = new(ptrace.JSONMarshaler).MarshalTraces(traces); err != nil {
			return err
		}
		if i > 0 {
			w.WriteByte(',')
		}
		b, _ = bytes.CutPrefix(bytes.TrimSpace(b), []byte(otlpHead))
		b, _ = bytes.CutSuffix(b, []byte(otlpTail))
		w.Write(b)
	}
	_, err := w.WriteString(otlpTail + "\n")
	return err
}

func withFaults(res *scenario.Result) []*tracepb.ResourceSpans {
	ids := rand.New(rand.NewPCG(res.Verdict.Seed, 0x6661756c7473)) // the same run has the same ids
	faults := make([]*tracepb.Span, len(res.Marks))
	for i := range res.Marks {
		faults[i] = faultSpan(res.Began, &res.Marks[i], wire.NewContext(ids, true))
	}
	all := make([]*tracepb.ResourceSpans, 0, len(res.Spans)+1)
	for _, rs := range res.Spans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				if f := cause(faults, s); f != nil && s.Name == "heal" {
					s.Links = append(s.Links, &tracepb.Span_Link{TraceId: f.TraceId, SpanId: f.SpanId, Flags: 1, Attributes: attributes("hearsay.reason", "fault")})
				}
			}
		}
		all = append(all, rs)
	}
	if len(faults) > 0 {
		all = append(all, &tracepb.ResourceSpans{
			Resource:   &resourcepb.Resource{Attributes: attributes("service.name", "lab", "service.instance.id", "lab-"+res.Verdict.Engine)},
			ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: "hearsay/lab"}, Spans: faults}},
		})
	}
	return all
}

func faultSpan(began time.Time, m *scenario.Mark, c wire.Context) *tracepb.Span {
	start, end := began.Add(m.At), began.Add(m.End)
	if !end.After(start) {
		end = start.Add(1) // Jaeger warns of a span that lasts nothing
	}
	return &tracepb.Span{
		TraceId: c.Trace[:], SpanId: c.Span[:], Name: "fault " + m.Kind, Kind: tracepb.Span_SPAN_KIND_INTERNAL, Flags: 1,
		StartTimeUnixNano: uint64(start.UnixNano()), EndTimeUnixNano: uint64(end.UnixNano()),
		Attributes: attributes("hearsay.fault", m.Text),
	}
}

// cause is the last fault before a span began.
func cause(faults []*tracepb.Span, s *tracepb.Span) (last *tracepb.Span) {
	for _, f := range faults {
		if f.StartTimeUnixNano <= s.StartTimeUnixNano && s.StartTimeUnixNano <= f.EndTimeUnixNano+uint64(causeFor) {
			last = f
		}
	}
	return last
}

func attributes(pairs ...string) (list []*commonpb.KeyValue) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, &commonpb.KeyValue{Key: pairs[i], Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: pairs[i+1]}}})
	}
	return list
}
