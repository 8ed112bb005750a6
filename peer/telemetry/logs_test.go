package telemetry

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	logspb "go.opentelemetry.io/proto/otlp/logs/v1"

	"hearsay/peer/wire"
)

func TestLogs(t *testing.T) {
	c := collect(t, "127.0.0.1:0")
	tel, _ := begin(t, "http://"+c.addr)
	var stderr bytes.Buffer
	log := slog.New(slog.NewMultiHandler(
		TraceIDs(slog.NewTextHandler(&stderr, &slog.HandlerOptions{Level: slog.LevelInfo})),
		tel.LogHandler(slog.LevelInfo),
	)).With("peer", "peer-2").WithGroup("link")

	if log.Enabled(t.Context(), slog.LevelDebug) {
		t.Error("a debug line would be written, and thrown away")
	}
	log.Debug("nobody sees this")
	log.InfoContext(In(context.Background(), ids(4, 5)), "link lost", "reason", "reset")
	unsampled := ids(6, 7)
	unsampled.Sampled = false
	log.WarnContext(In(context.Background(), unsampled), "unsampled")
	log.WarnContext(In(context.Background(), wire.Context{}), "no trace")

	c.until(t, "log line", func() bool { return len(c.logs) == 3 })
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.logs[0]
	if r.Body.GetStringValue() != "link lost" || r.SeverityNumber != logspb.SeverityNumber_SEVERITY_NUMBER_INFO || values(r.Attributes)["peer"] != "peer-2" {
		t.Errorf("the line is %v", r)
	}
	if len(r.TraceId) != 16 || wire.TraceID(r.TraceId) != ids(4, 5).Trace || wire.SpanID(r.SpanId) != ids(4, 5).Span {
		t.Errorf("it belongs to %x %x", r.TraceId, r.SpanId)
	}
	if len(c.logs[2].TraceId) != 0 {
		t.Errorf("a line without a trace belongs to %x", c.logs[2].TraceId)
	}
	if got := values(c.resource.Attributes)["service.instance.id"]; got != "peer-3-9f2c" {
		t.Errorf("logs come from %v", got)
	}
	lines := strings.Split(stderr.String(), "\n")
	if !strings.HasSuffix(lines[0], "trace_id=00000000000000000000000000000004") {
		t.Errorf("%q does not name the trace", lines[0])
	}
	if strings.Contains(lines[1]+lines[2], "trace_id") {
		t.Errorf("there is no such trace: %q %q", lines[1], lines[2])
	}
}
