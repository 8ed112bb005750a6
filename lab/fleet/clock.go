package fleet

import (
	"context"
	"time"
)

// WallClock is the time of a fleet whose peers have this machine's. The zero value is ready. An engine of real peers
// has one.
type WallClock struct{}

// Now is Fleet.Now.
func (WallClock) Now() time.Time { return time.Now() }

// Sleep is Fleet.Sleep.
func (WallClock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
