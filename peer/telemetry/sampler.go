package telemetry

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"hearsay/peer/wire"
)

// sampler is what OTEL_TRACES_SAMPLER names, taken apart: the SDK's own ParentBased wants its parent
// in a context.Context, an allocation for each question, and the event loop asks for every message.
type sampler struct {
	parentBased bool // a valid parent's word counts
	root        sdktrace.Sampler
}

func (s sampler) sample(parent wire.Context, id wire.TraceID) bool {
	if s.parentBased && parent.Valid() {
		return parent.Sampled
	}
	return s.root.ShouldSample(sdktrace.SamplingParameters{
		ParentContext: context.Background(),
		TraceID:       trace.TraceID(id),
	}).Decision == sdktrace.RecordAndSample
}

// readSampler reads OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG. What it cannot read is as if it
// were not set, as the specification asks, and earns a warning.
func readSampler(getenv func(string) string) (s sampler, warning string) {
	const name, argName = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
	value := strings.ToLower(getenv(name))
	kind, parentBased := strings.CutPrefix(value, "parentbased_")
	switch kind {
	case "always_on":
		return sampler{parentBased, sdktrace.AlwaysSample()}, ""
	case "always_off":
		return sampler{parentBased, sdktrace.NeverSample()}, ""
	case "traceidratio":
		ratio, warning := 1.0, ""
		if arg := getenv(argName); arg != "" {
			if f, err := strconv.ParseFloat(arg, 64); err == nil && f >= 0 && f <= 1 {
				ratio = f
			} else {
				warning = fmt.Sprintf("%s=%s is ignored, so every trace is recorded; set it to a number from 0 to 1", argName, arg)
			}
		}
		return sampler{parentBased, sdktrace.TraceIDRatioBased(ratio)}, warning
	}
	if value != "" {
		warning = fmt.Sprintf("%s=%s is not known and is ignored; set it to always_on, always_off, traceidratio or one of these after parentbased_", name, value)
	}
	return sampler{true, sdktrace.AlwaysSample()}, warning
}
