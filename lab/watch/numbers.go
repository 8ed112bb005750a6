package watch

import (
	"encoding/hex"
	"math"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
)

// Times are written as milliseconds since 1970 with three decimals, which a browser's numbers hold exactly, and
// durations as milliseconds likewise.

func millis(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1000
}

func millisOf(d time.Duration) float64 { return math.Round(float64(d)/1e3) / 1e3 }

// sinceMS is the time from a to b; what clocks that differ a little would make negative is zero.
func sinceMS(a, b time.Time) float64 { return max(0, millisOf(b.Sub(a))) }

func traceText(id [16]byte) string {
	if id == ([16]byte{}) {
		return ""
	}
	return hex.EncodeToString(id[:])
}

func textAttr(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

// counted is a number of things: 1 message, 2 messages; 1 copy, 2 copies.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if thing[len(thing)-1] == 'y' {
		return itoa(n) + " " + thing[:len(thing)-1] + "ies"
	}
	return itoa(n) + " " + thing + "s"
}

func unixMillis(ms float64) time.Time { return time.UnixMicro(int64(math.Round(ms * 1000))) }
