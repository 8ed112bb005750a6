// Package hold is the lab's side of package hook: it asks one peer, and is told what happens there.
package hold

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"hearsay/lab/fleet"
	"hearsay/peer/hook"
	"hearsay/peer/node"
)

const (
	// askedLen is how many requests may wait to be written; further ones wait with their callers.
	askedLen = 64
	// maxLine is the longest line from a peer: the longest text, with every byte of it escaped, or a status with
	// every table full.
	maxLine = 4 << 20
)

// ErrGone is returned once the peer no longer speaks.
var ErrGone = errors.New("the peer has gone")

// Peer is one peer's hook. Its methods may be called by several goroutines.
type Peer struct {
	asked chan []byte
	input io.WriteCloser
	hello chan hook.Hello
	done  chan struct{} // closed when the peer no longer speaks

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan *hook.Reply
}

// New holds a peer that reads in and writes out. Events are told to on, one at a time and in order, of which Missed
// are those that the peer could not tell. New owns in, and closes it once the peer no longer speaks or at Release.
func New(in io.WriteCloser, out io.Reader, on func(e *hook.Event, missed uint64)) *Peer {
	p := &Peer{
		asked: make(chan []byte, askedLen), input: in, hello: make(chan hook.Hello, 1), done: make(chan struct{}),
		waiting: map[uint64]chan *hook.Reply{},
	}
	go p.read(out, on)
	go p.write()
	return p
}

// Release lets the peer go, which ends it.
func (p *Peer) Release() { p.input.Close() }

// Done is closed when the peer no longer speaks: it has ended, or is about to.
func (p *Peer) Done() <-chan struct{} { return p.done }

func (p *Peer) write() {
	defer p.input.Close()
	for {
		select {
		case line := <-p.asked:
			if _, err := p.input.Write(line); err != nil {
				return
			}
		case <-p.done:
			return
		}
	}
}

func (p *Peer) read(out io.Reader, on func(*hook.Event, uint64)) {
	defer close(p.done)
	lines := bufio.NewScanner(out)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	for lines.Scan() {
		var l hook.Line
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			continue // something else in the process has printed
		}
		switch {
		case l.Hello != nil:
			select {
			case p.hello <- *l.Hello:
			default:
			}
		case l.Reply != nil:
			p.mu.Lock()
			c := p.waiting[l.Reply.ID]
			delete(p.waiting, l.Reply.ID)
			p.mu.Unlock()
			if c != nil {
				c <- l.Reply
			}
		case l.Event != nil || l.Missed > 0:
			on(l.Event, l.Missed)
		}
	}
	io.Copy(io.Discard, out) // after a line that is too long, whoever writes must not block for ever
}

// Hello waits for the peer's first word.
func (p *Peer) Hello(ctx context.Context) (hook.Hello, error) {
	select {
	case h := <-p.hello:
		return h, nil
	case <-p.done:
		return hook.Hello{}, ErrGone
	case <-ctx.Done():
		return hook.Hello{}, context.Cause(ctx)
	}
}

// Do has the peer do something, and returns its answer. An error that the peer answers is returned as one.
func (p *Peer) Do(ctx context.Context, r hook.Request) (*hook.Reply, error) {
	wait, err := p.Ask(ctx, r)
	if err != nil {
		return nil, err
	}
	return wait(ctx)
}

// Ask sends a request, and returns a function that waits for its answer.
func (p *Peer) Ask(ctx context.Context, r hook.Request) (wait func(context.Context) (*hook.Reply, error), err error) {
	c := make(chan *hook.Reply, 1)
	p.mu.Lock()
	p.next++
	r.ID = p.next
	p.waiting[r.ID] = c
	p.mu.Unlock()
	forget := func() {
		p.mu.Lock()
		delete(p.waiting, r.ID)
		p.mu.Unlock()
	}
	line, err := json.Marshal(r)
	if err != nil {
		forget()
		return nil, err
	}
	select {
	case p.asked <- append(line, '\n'):
	case <-p.done:
		forget()
		return nil, ErrGone
	case <-ctx.Done():
		forget()
		return nil, context.Cause(ctx)
	}
	return func(ctx context.Context) (*hook.Reply, error) {
		select {
		case reply := <-c:
			if reply.Error != "" {
				return reply, errors.New(reply.Error)
			}
			return reply, nil
		case <-p.done:
			forget()
			return nil, ErrGone
		case <-ctx.Done():
			forget()
			return nil, context.Cause(ctx)
		}
	}, nil
}

// Publish is Fleet.Publish.
func (p *Peer) Publish(ctx context.Context, text []byte, traceparent string) (fleet.Published, error) {
	reply, err := p.Do(ctx, hook.Request{Do: hook.DoPublish, Text: text, Traceparent: traceparent})
	if err != nil {
		return fleet.Published{}, err
	}
	if reply.Published == nil {
		return fleet.Published{}, errors.New("the peer does not say what it published")
	}
	return fleet.Published(*reply.Published), nil
}

// Status is Fleet.Status.
func (p *Peer) Status(ctx context.Context) (*node.Status, error) {
	reply, err := p.Do(ctx, hook.Request{Do: hook.DoStatus})
	if err != nil {
		return nil, err
	}
	var s node.Status
	return &s, json.Unmarshal(reply.Status, &s)
}

// Event makes a fleet's event of a hook's.
func Event(number, run int, e *hook.Event) fleet.Event {
	out := fleet.Event{At: e.At, Kind: fleet.Kind(e.Kind), Peer: number, Run: run, Far: e.Far, Reason: e.Reason, Took: e.Took}
	if e.Message != nil {
		m := fleet.Message(*e.Message)
		out.Message = &m
	}
	return out
}
