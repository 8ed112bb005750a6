package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/cable"
	"hearsay/lab/fleet/hold"
	"hearsay/lab/fleet/places"
	"hearsay/peer/api"
	"hearsay/peer/hook"
)

type place = places.Place[*run]

// run is one process.
type run struct {
	fleet  *Fleet
	place  *place
	number int
	cmd    *exec.Cmd
	hold   *hold.Peer
	logged *tail
	ended  chan struct{} // closed when the process is gone, and everybody was told
	ending string        // how we end it; under the fleet's mu
}

// begin starts a process at a place, under the rules that are in force, and returns when it lets others in. The caller
// holds Doing.
func (f *Fleet) begin(ctx context.Context, p *place) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startWithin, fmt.Errorf("it has not said hello within %v", startWithin))
	defer cancel()
	r, err := f.launch(p)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.Info.Name, err)
	}
	hello, err := r.hold.Hello(ctx)
	if err != nil {
		r.kill()
		return fmt.Errorf("start %s: %w", p.Info.Name, r.explain(err))
	}
	f.Mu.Lock()
	p.Info.ID, p.Info.Addr = hello.ID, hello.Addr
	f.Mu.Unlock()
	return nil
}

// launch starts the process.
func (f *Fleet) launch(p *place) (*run, error) {
	r := &run{fleet: f, place: p, number: p.Info.Run + 1, logged: &tail{}, ended: make(chan struct{})}
	r.cmd = exec.Command(f.program, append([]string{"--lab", "--name=" + p.Info.Name, "--listen=127.0.0.1:0"}, f.flags...)...)
	r.cmd.Args[0] = "hearsay-" + p.Info.Name
	r.cmd.Env = append(environment(f.cfg.Env), f.role)
	in, err := r.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	log, err := r.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	f.Mu.Lock()
	if f.Closed {
		f.Mu.Unlock()
		return nil, places.ErrClosed
	}
	f.Mu.Unlock()
	if err := f.spawn.start(r.cmd); err != nil {
		return nil, err
	}
	r.hold = hold.New(in, out, r.told)
	f.Mu.Lock()
	p.Run = r
	p.Info.Run, p.Info.Alive, p.Info.Paused, p.Info.Started, p.Info.ID, p.Info.Addr = r.number, true, false, time.Now(), "", ""
	f.Mu.Unlock()
	go r.watch(log)
	return r, nil
}

// environment is ours without what sets peers and their telemetry: a fleet's peers are as its Config says.
func environment(more []string) []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "PEER_") && !strings.HasPrefix(e, "OTEL_") && !strings.HasPrefix(e, "TRACEPARENT=") {
			env = append(env, e)
		}
	}
	return append(env, more...)
}

// told hands on what the peer tells.
func (r *run) told(e *hook.Event, missed uint64) {
	number := r.place.Info.Number
	if missed > 0 {
		r.fleet.Emit(fleet.Event{At: time.Now(), Kind: fleet.Missed, Peer: number, Run: r.number, Count: missed})
	}
	if e != nil {
		r.fleet.Emit(hold.Event(number, r.number, e))
	}
}

// Speaker is who answers for the peer: itself.
func (r *run) Speaker() *hold.Peer { return r.hold }

// pauseWithin is how long a signal may take to stop a process. It takes microseconds.
const pauseWithin = 2 * time.Second

// Freeze stops the process by SIGSTOP, and waits until the kernel says so.
func (r *run) Freeze(ctx context.Context) error {
	if err := freeze(r.cmd.Process); err != nil {
		return err
	}
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		is, err := stopped(r.cmd.Process)
		if is {
			return nil
		}
		if err != nil || time.Since(begun) > pauseWithin || ctx.Err() != nil {
			thaw(r.cmd.Process)
			return fmt.Errorf("%s was sent SIGSTOP and does not stop: %w", r.place.Info.Name, errors.Join(err, ctx.Err()))
		}
	}
}

// Thaw lets it go on by SIGCONT. The rules of now await it: it was told none while it was paused, or they would have
// piled up where nobody reads.
func (r *run) Thaw(ctx context.Context) error {
	if _, err := r.hold.Ask(ctx, hook.Request{Do: hook.DoRules, Rules: r.fleet.rules(r.place.Info.Number)}); err != nil {
		return err
	}
	return thaw(r.cmd.Process)
}

// watch waits for the process to end, and tells.
func (r *run) watch(log io.Reader) {
	f := r.fleet
	number := r.place.Info.Number
	r.logged.read(log, func(line string) {
		f.Emit(fleet.Event{At: time.Now(), Kind: fleet.Log, Peer: number, Run: r.number, Reason: line})
	})
	<-r.hold.Done() // all that it said is read
	r.cmd.Wait()
	api.Forget(r.cmd.Process.Pid)
	f.Mu.Lock()
	how := r.ending
	if how == "" {
		how = "crash"
	}
	r.place.Info.Alive, r.place.Info.Paused = false, false
	f.Mu.Unlock()
	f.Emit(fleet.Event{At: time.Now(), Kind: fleet.Ended, Peer: number, Run: r.number, Reason: how})
	close(r.ended)
	if how == "crash" {
		f.crashed()
	}
}

// kill ends the process without a word, and waits until it is gone.
func (r *run) kill() {
	r.setEnding("kill")
	r.cmd.Process.Kill()
	<-r.ended
}

// crashed has the others know that somebody is no longer where he was.
func (f *Fleet) crashed() {
	f.Doing.Lock()
	defer f.Doing.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), cable.AnswerWithin)
	defer cancel()
	f.Obey(ctx) // whoever does not answer is about to crash too
}

// setEnding says how we are about to end it.
func (r *run) setEnding(how string) {
	r.fleet.Mu.Lock()
	defer r.fleet.Mu.Unlock()
	if r.ending == "" {
		r.ending = how
	}
}

// end has the process end by itself, and kills it if it has not within that time.
func (r *run) end(within time.Duration) {
	f := r.fleet
	f.Mu.Lock()
	paused := r.place.Info.Paused
	if r.ending == "" {
		r.ending = "stop"
	}
	f.Mu.Unlock()
	if paused {
		thaw(r.cmd.Process)
	}
	if terminate(r.cmd.Process) != nil {
		r.hold.Release()
	}
	select {
	case <-r.ended:
	case <-time.After(within):
		r.cmd.Process.Kill()
		<-r.ended
	}
}

// explain adds what the process last said to an error of its start.
func (r *run) explain(err error) error {
	if last := r.logged.lastLine(); last != "" && errors.Is(err, hold.ErrGone) {
		return errors.New(strings.TrimPrefix(last, "peer: "))
	}
	return err
}

// maxLogLine is how much of one line of a peer's log is kept.
const maxLogLine = 8 << 10

// tail reads a log and remembers its last line.
type tail struct {
	mu   sync.Mutex
	last string
}

func (t *tail) read(log io.Reader, line func(string)) {
	r := bufio.NewReaderSize(log, maxLogLine)
	for {
		part, err := r.ReadSlice('\n')
		if text := strings.TrimRight(string(part), "\r\n"); text != "" {
			t.mu.Lock()
			t.last = text
			t.mu.Unlock()
			line(text)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

func (t *tail) lastLine() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}
