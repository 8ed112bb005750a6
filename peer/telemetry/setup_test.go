package telemetry

import (
	"strings"
	"testing"

	"hearsay/peer/wire"
)

func TestSettings(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, test := range map[string]struct {
		env     map[string]string
		on      string   // the signals
		warning []string // words that must stand in the only warning
	}{
		"nothing set, nothing on":     {nil, "", nil},
		"an endpoint for all":         {map[string]string{endpoint: "http://c:4317"}, "traces metrics logs", nil},
		"an endpoint for one":         {map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c:4317"}, "metrics", nil},
		"spaces are no endpoint":      {map[string]string{endpoint: " "}, "", nil},
		"disabled":                    {map[string]string{endpoint: "http://c:4317", "OTEL_SDK_DISABLED": "True"}, "", nil},
		"disabled by any other word":  {map[string]string{endpoint: "http://c:4317", "OTEL_SDK_DISABLED": "yes"}, "traces metrics logs", nil},
		"one signal off":              {map[string]string{endpoint: "http://c:4317", "OTEL_LOGS_EXPORTER": "none"}, "traces metrics", nil},
		"an exporter we do not have":  {map[string]string{endpoint: "http://c:4317", "OTEL_TRACES_EXPORTER": "console"}, "metrics logs", []string{"traces are off", "OTEL_TRACES_EXPORTER=console", "otlp or none"}},
		"a protocol we do not speak":  {map[string]string{endpoint: "http://c:4317", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf"}, "traces metrics", []string{"logs are off", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=http/protobuf", "grpc", "4317"}},
		"one signal's word is closer": {map[string]string{endpoint: "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "traces metrics logs", nil},
		"no scheme":                   {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "collector:4317"}, "", []string{"traces are off", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=collector:4317", "http://"}},
		"no scheme, a number":         {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "127.0.0.1:4317"}, "", []string{"traces are off", "http://"}},
		"with TLS":                    {map[string]string{endpoint: "https://c:4317"}, "traces metrics logs", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, warnings := readSettings(func(name string) string { return test.env[name] })
			var on []string
			for _, signal := range []struct {
				name string
				on   bool
			}{{"traces", s.traces}, {"metrics", s.metrics}, {"logs", s.logs}} {
				if signal.on {
					on = append(on, signal.name)
				}
			}
			if got := strings.Join(on, " "); got != test.on {
				t.Errorf("%q are on, want %q", got, test.on)
			}
			all := strings.Join(warnings, "\n")
			if len(warnings) != min(1, len(test.warning)) {
				t.Errorf("warnings: %q", all)
			}
			for _, word := range test.warning {
				if !strings.Contains(all, word) {
					t.Errorf("%q does not say %q", all, word)
				}
			}
		})
	}
}

func TestSampler(t *testing.T) {
	// TraceIDRatioBased looks at the last eight bytes.
	low, high := wire.TraceID{0: 1}, wire.TraceID{8: 0xff}
	sampled, unsampled := ids(1, 1), ids(1, 1)
	unsampled.Sampled = false
	type answers [4]bool // no parent and a low trace id, no parent and a high one, a sampled parent, an unsampled one
	for _, test := range []struct {
		sampler, arg string
		want         answers
		warning      string
	}{
		{"", "", answers{true, true, true, false}, ""},
		{"parentbased_always_on", "", answers{true, true, true, false}, ""},
		{"parentbased_always_off", "", answers{false, false, true, false}, ""},
		{"parentbased_traceidratio", "0.5", answers{true, false, true, false}, ""},
		{"parentbased_traceidratio", "", answers{true, true, true, false}, ""},
		{"always_on", "", answers{true, true, true, true}, ""},
		{"Always_Off", "", answers{false, false, false, false}, ""},
		{"traceidratio", "0.5", answers{true, false, false, false}, ""},
		{"traceidratio", "0", answers{false, false, false, false}, ""},
		{"traceidratio", "2", answers{true, true, true, true}, "OTEL_TRACES_SAMPLER_ARG=2"},
		{"traceidratio", "NaN", answers{true, true, true, true}, "OTEL_TRACES_SAMPLER_ARG=NaN"},
		{"jaeger_remote", "", answers{true, true, true, false}, "OTEL_TRACES_SAMPLER=jaeger_remote"},
		{"parentbased_", "", answers{true, true, true, false}, "OTEL_TRACES_SAMPLER=parentbased_"},
	} {
		env := map[string]string{"OTEL_TRACES_SAMPLER": test.sampler, "OTEL_TRACES_SAMPLER_ARG": test.arg}
		s, warning := readSampler(func(name string) string { return env[name] })
		// The parents' trace id is high where the root sampler must not decide by it alone.
		got := answers{s.sample(wire.Context{}, low), s.sample(wire.Context{}, high), s.sample(sampled, high), s.sample(unsampled, high)}
		if got != test.want {
			t.Errorf("%s %s answers %v, want %v", test.sampler, test.arg, got, test.want)
		}
		if !strings.HasPrefix(warning, test.warning) || (warning == "") != (test.warning == "") {
			t.Errorf("%s %s warns %q, want %q", test.sampler, test.arg, warning, test.warning)
		}
	}
}

func TestInstance(t *testing.T) {
	if got := Instance("", me.ID); got != "9f2c" {
		t.Error(got)
	}
}
