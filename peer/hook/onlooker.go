package hook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"hearsay/peer/api"
	"hearsay/peer/node"
	"hearsay/peer/wire"
)

// LookEvery is how often an onlooker is to look at its peer's status: an eye's delay, at a thousandth of a core.
const LookEvery = 250 * time.Millisecond

// ErrAnother is returned where another peer answers than the one that was looked at.
var ErrAnother = errors.New("another peer answers here")

// Onlooker tells what happens at a peer by the peer's API alone: an eye without a hand. It begins with Begin; then Listen
// tells of messages, and each Look of what has changed since the one before. Those two may go on at the same time.
type Onlooker struct {
	api    *api.Client
	tell   func(*Event)
	stream *api.Stream
	hush   context.CancelCauseFunc
	id     string

	mu     sync.Mutex // of looker
	looker looker
}

// NewOnlooker returns an onlooker of the peer whose API is at addr, by way of transport, or the usual one if that is nil.
// Events are told to tell, those of messages and the others by different goroutines.
func NewOnlooker(addr string, transport http.RoundTripper, tell func(*Event)) *Onlooker {
	return &Onlooker{api: api.NewClient(addr).By(transport), tell: tell}
}

// Status is what the peer says of itself now.
func (o *Onlooker) Status(ctx context.Context) (*node.Status, error) {
	data, err := o.RawStatus(ctx)
	if err != nil {
		return nil, err
	}
	var s node.Status
	return &s, json.Unmarshal(data, &s)
}

// RawStatus is Status as the peer sent it.
func (o *Onlooker) RawStatus(ctx context.Context) (json.RawMessage, error) { return o.api.Status(ctx) }

// Publish has the peer say something. A valid traceparent makes it part of that trace; empty is none.
func (o *Onlooker) Publish(ctx context.Context, text []byte, traceparent string) (*Published, error) {
	p, err := o.api.Send(ctx, text, traceparent)
	if err != nil {
		return nil, err
	}
	_, seq, err := wire.ParseMessageID(p.ID)
	return &Published{ID: p.ID, TraceID: p.TraceID, Seq: seq}, err
}

// Begin meets the peer: of what is said from now on nothing is missed, until ctx ends or Hush. The answer is to come
// before within is over. After Listen has returned it may be called again.
func (o *Onlooker) Begin(ctx context.Context, within time.Duration) (*node.Status, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	late := time.AfterFunc(within, func() { cancel(context.DeadlineExceeded) })
	// The stream first: if another peer takes the address before the status is asked for, the stream ends.
	stream, err := o.api.Messages(ctx)
	if err != nil {
		cancel(err)
		return nil, err
	}
	s, err := o.Status(ctx)
	if err == nil && !late.Stop() {
		err = context.DeadlineExceeded
	}
	if err != nil {
		cancel(err)
		stream.Close()
		return nil, err
	}
	o.stream, o.hush, o.id = stream, cancel, s.ID
	return s, nil
}

// Hush ends Listen.
func (o *Onlooker) Hush() { o.hush(context.Canceled) }

// Listen tells what the peer says and delivers, until the stream of it ends, and returns why it did.
func (o *Onlooker) Listen() error {
	defer o.stream.Close()
	for {
		m, err := o.stream.Next()
		if err != nil {
			return err
		}
		e := &Event{Kind: kinds[node.Delivered], At: time.Now(), Message: m}
		if m.Origin == o.id {
			e.Kind = kinds[node.Said]
		}
		o.tell(e)
	}
}

// Look tells what has changed since the last look. An ErrAnother means that the peer has gone, and another is where it was.
func (o *Onlooker) Look(ctx context.Context) (*node.Status, error) {
	s, err := o.Status(ctx)
	if err != nil {
		return nil, err
	}
	if s.ID != o.id {
		return s, ErrAnother
	}
	o.mu.Lock()
	events := o.looker.see(time.Now(), s)
	o.mu.Unlock()
	for _, e := range events {
		o.tell(e)
	}
	return s, nil
}
