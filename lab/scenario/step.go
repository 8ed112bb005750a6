package scenario

import (
	"context"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
)

// stepReaders read what stands behind a step's name, which is null if nothing does.
var stepReaders = map[string]func(*reader, *yaml.Node) action{
	"wait":      readWait,
	"sleep":     readSleep,
	"send":      readSend,
	"stop":      readStop,
	"kill":      readKill,
	"start":     readStart,
	"restart":   readRestart,
	"pause":     readPause,
	"resume":    readResume,
	"partition": readPartition,
	"isolate":   readIsolate,
	"delay":     readDelay,
	"loss":      readLoss,
	"heal":      readHeal,
	"churn":     readChurn,
	"scale":     readScale,
}

func null(n *yaml.Node) bool { return n.Tag == "!!null" }

// sleepStep lets time pass.
type sleepStep struct{ d time.Duration }

func readSleep(r *reader, n *yaml.Node) action { return &sleepStep{r.duration(n, "sleep")} }

func (s *sleepStep) String() string                       { return "sleep " + s.d.String() }
func (s *sleepStep) check(*checker)                       {}
func (s *sleepStep) do(ctx context.Context, r *run) error { return r.sleep(ctx, s.d) }

// waitFor is how long a wait lasts at most if it does not say so.
const waitFor = 30 * time.Second

// waitStep waits until something is so.
type waitStep struct {
	meshed    bool // one part, links agree, everybody has two neighbors
	delivered bool // all that was said is everywhere, and all is said that is counted
	timeout   time.Duration
	timed     bool // the file says for how long
}

func readWait(r *reader, n *yaml.Node) action {
	w := &waitStep{timeout: waitFor}
	switch {
	case n.Kind == yaml.MappingNode:
		r.mapping(n, "wait", fields{
			"meshed":    func(n *yaml.Node) { w.meshed = r.yes(n, "meshed") },
			"delivered": func(n *yaml.Node) { w.delivered = r.yes(n, "delivered") },
			"timeout":   func(n *yaml.Node) { w.timed, w.timeout = true, r.duration(n, "timeout") },
		})
	case n.Value == "meshed":
		w.meshed = true
	case n.Value == "delivered":
		w.delivered = true
	default:
		if _, err := time.ParseDuration(n.Value); err == nil {
			r.fail(n.Line, fmt.Sprintf("wait is for something to become so, and %q is a time", n.Value), "write sleep: %s", n.Value)
			return w
		}
	}
	if !w.meshed && !w.delivered {
		r.fail(n.Line, "wait is for nothing", "write wait: meshed, or wait: {delivered: true, timeout: 10s}")
	}
	return w
}

func (w *waitStep) String() string {
	what := "meshed"
	switch {
	case w.meshed && w.delivered:
		what = "meshed and all delivered"
	case w.delivered:
		what = "all delivered"
	}
	return "wait until " + what
}

func (w *waitStep) check(c *checker) {
	if w.delivered && !c.sent {
		c.fail("nothing was sent before this wait", "put a send before it")
	}
}

func (w *waitStep) do(ctx context.Context, r *run) error {
	why, most := "", w.timeout
	if w.delivered && !w.timed {
		most += r.sayingFor()
	}
	ok, err := r.until(ctx, most, func() bool {
		why = ""
		if w.meshed {
			why = r.watch.why()
		}
		if why == "" && w.delivered {
			why = firstOf(r.unsaid(), r.mute(), r.missing())
		}
		return why == ""
	})
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("not within %v: %s", most, why)
	}
	if w.meshed {
		r.say("meshed after %s: %s", short(r.mended()), r.watch.account())
	}
	return nil
}

// short is a time as a person reads it.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}
