// Package otlp receives what peers send by OpenTelemetry's protocol, keeps their recent traces in bounded memory,
// and passes everything on where somebody else collects too. It stands where a collector and Jaeger would, so that
// the lab shows traces on a machine with nothing but Go.
//
//	peers ──gRPC──► Receiver ──► Spans (the lab's model reads, and may add links)
//	                         ├─► Store (recent traces, for the page)
//	                         └─► Forward (a bounded queue to OTEL_EXPORTER_OTLP_ENDPOINT)
//
// Watching never steers: a receiver that is behind holds its peers' exporters back, which then drop, and count, what
// they cannot send; a collector that is slow or dead costs what would have gone there and nothing else.
package otlp
