package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"hearsay/peer/wire"
)

// schema names the version of the semantic conventions that our attributes follow.
const schema = semconv.SchemaURL

// Resource is who reports.
type Resource struct {
	ID      wire.ID
	Name    string
	Version string
}

// Instance is a peer as a person reads it: its name, and enough of its ID to tell it from another of
// that name.
func Instance(name string, id wire.ID) string {
	if name == "" {
		return id.Short()
	}
	return name + "-" + id.Short()
}

// describe is the resource of every span, metric and log line. All peers are one service, as the
// conventions ask of replicas. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last, so they win.
func (r Resource) describe() *resource.Resource {
	// The error is a detector's; the others have done their part.
	res, _ := resource.New(context.Background(),
		resource.WithTelemetrySDK(),
		resource.WithHost(),
		resource.WithProcessPID(),
		resource.WithProcessRuntimeName(),
		resource.WithProcessRuntimeVersion(),
		resource.WithAttributes(
			semconv.ServiceName("peer"),
			semconv.ServiceInstanceID(Instance(r.Name, r.ID)),
			semconv.ServiceVersion(r.Version),
			keyID.String(string(r.ID)),
		),
		resource.WithAttributes(host()...),
		resource.WithFromEnv(),
	)
	return res
}

// host names the machine by its boot, where that can be known. Containers have no machine-id, and host
// names of their own, but they share a kernel and its clock; and whoever draws their spans should know
// that, or it suspects the clocks where a message merely was under way.
func host() []attribute.KeyValue {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil
	}
	return []attribute.KeyValue{semconv.HostID(strings.TrimSpace(string(id)))}
}

// settings is what the environment says, as far as we and not the SDK must read it.
type settings struct {
	traces, metrics, logs bool
	sampler               sampler       // of traces
	batch                 batchSettings // of traces
}

func (s settings) off() bool { return !s.traces && !s.metrics && !s.logs }

// readSettings reads the variables that decide what is on, and those of traces. All others (endpoints,
// headers, certificates, intervals) the exporters read from the process's environment by themselves.
func readSettings(getenv func(string) string) (s settings, warnings []string) {
	env := func(name string) string { return strings.TrimSpace(getenv(name)) }
	if strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") {
		return settings{}, nil
	}
	for _, signal := range []struct {
		name string
		on   *bool
	}{{"TRACES", &s.traces}, {"METRICS", &s.metrics}, {"LOGS", &s.logs}} {
		on, warning := readSignal(env, signal.name)
		*signal.on = on
		if warning != "" {
			warnings = append(warnings, strings.ToLower(signal.name)+" are off: "+warning)
		}
	}
	if s.traces {
		sampler, warning := readSampler(env)
		if warning != "" {
			warnings = append(warnings, warning)
		}
		batch, more := readBatch(env)
		s.sampler, s.batch, warnings = sampler, batch, append(warnings, more...)
	}
	return s, warnings
}

// batchSettings are those of the specification's batching span processor, and its defaults.
type batchSettings struct {
	queue   int           // how many message events may wait
	max     int           // how many spans are sent together
	delay   time.Duration // after which fewer are sent too
	timeout time.Duration // of one batch
}

func readBatch(env func(string) string) (s batchSettings, warnings []string) {
	number := func(name string, otherwise int) int {
		value := env(name)
		if value == "" {
			return otherwise
		}
		n, err := strconv.Atoi(value)
		if err != nil || n <= 0 {
			warnings = append(warnings, fmt.Sprintf("%s=%s is ignored; set it to a whole number above 0, such as %d", name, value, otherwise))
			return otherwise
		}
		return n
	}
	s.queue = number("OTEL_BSP_MAX_QUEUE_SIZE", 2048)
	s.max = min(number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512), s.queue)
	s.delay = time.Duration(number("OTEL_BSP_SCHEDULE_DELAY", 5000)) * time.Millisecond
	s.timeout = time.Duration(number("OTEL_BSP_EXPORT_TIMEOUT", 30000)) * time.Millisecond
	return s, warnings
}

// readSignal says whether a signal is on, or why it is not although somebody asked for it.
func readSignal(env func(string) string, signal string) (on bool, warning string) {
	name, endpoint := first(env, "OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
	if endpoint == "" {
		return false, ""
	}
	exporterName, exporter := first(env, "OTEL_"+signal+"_EXPORTER")
	switch exporter {
	case "", "otlp":
	case "none":
		return false, ""
	default:
		// The console exporter would write among the messages on standard output.
		return false, fmt.Sprintf("%s=%s is not known; set it to otlp or none", exporterName, exporter)
	}
	protocolName, protocol := first(env, "OTEL_EXPORTER_OTLP_"+signal+"_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
	if protocol != "" && protocol != "grpc" {
		return false, fmt.Sprintf("%s=%s is not spoken here; set it to grpc, and the endpoint to the collector's port for that, usually 4317", protocolName, protocol)
	}
	// The SDK takes "collector:4317" for a scheme and no host, and then fails in words nobody understands.
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return false, fmt.Sprintf("%s=%s is no address; write it as http://host:4317, or https:// for TLS", name, endpoint)
	}
	return true, ""
}

// first returns the first of the variables that is set.
func first(env func(string) string, names ...string) (name, value string) {
	for _, name = range names {
		if value = env(name); value != "" {
			break
		}
	}
	return name, value
}

// exporters is where each signal goes; nil where it is off.
type exporters struct {
	spans   otlptrace.Client
	metrics sdkmetric.Exporter
	logs    sdklog.Exporter
}

// How long an export that failed is tried again, within OTEL_EXPORTER_OTLP_TIMEOUT: long enough for a
// collector to be restarted. Meanwhile events wait, and beyond what can wait they are dropped.
const (
	retryFirst = 250 * time.Millisecond
	retryLast  = 2 * time.Second
	retryFor   = 5 * time.Second
)

// connecting bounds the pause between dials at three seconds, where gRPC would go up to two minutes: a
// collector that has come back should not look dead for that long.
var connecting = grpc.WithConnectParams(grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: retryFirst, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second},
	MinConnectTimeout: 3 * time.Second,
})

// exporters makes those that are on. None of them connects yet.
func (s settings) exporters(ctx context.Context) (e exporters, err error) {
	if s.traces {
		x := otlptracegrpc.NewClient(otlptracegrpc.WithDialOption(connecting), otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{
			Enabled: true, InitialInterval: retryFirst, MaxInterval: retryLast, MaxElapsedTime: retryFor,
		}))
		xerr := x.Start(ctx)
		if err = errors.Join(err, xerr); xerr == nil {
			e.spans = x
		}
	}
	if s.metrics {
		x, xerr := otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithDialOption(connecting), otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{
			Enabled: true, InitialInterval: retryFirst, MaxInterval: retryLast, MaxElapsedTime: retryFor,
		}))
		if err = errors.Join(err, xerr); xerr == nil {
			e.metrics = x
		}
	}
	if s.logs {
		x, xerr := otlploggrpc.New(ctx, otlploggrpc.WithDialOption(connecting), otlploggrpc.WithRetry(otlploggrpc.RetryConfig{
			Enabled: true, InitialInterval: retryFirst, MaxInterval: retryLast, MaxElapsedTime: retryFor,
		}))
		if err = errors.Join(err, xerr); xerr == nil {
			e.logs = x
		}
	}
	return e, err
}
