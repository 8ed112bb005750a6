package telemetry

import (
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"google.golang.org/grpc/grpclog"
)

// Quiet sets what OpenTelemetry and gRPC have only once for the whole process: the first hands its
// errors to log, at most one a minute; the second says nothing. It is for main, before Start: a program
// that embeds a peer has its own mind about this. The errors of our own exporters do not come this way.
func Quiet(log *slog.Logger) {
	var mu sync.Mutex
	var said time.Time
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(said) >= sayEvery {
			said = now
			log.Warn("telemetry", "err", err)
		}
	}))
	otel.SetLogger(logr.Discard())
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard))
}
