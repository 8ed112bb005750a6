// Package fleet starts peers, breaks them and what is between them, and says what they do. One interface,
// three engines: processes on this machine (local), containers (docker), and the simulator (sim); and one that only
// watches (replicas). The lab is built on it, and so can another project's tests be.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hearsay/lab/quantity"
	"hearsay/peer/node"
)

// Fleet is some peers, numbered from 1, and what can be done to them. A number is a place: a peer that is
// started again there keeps its number and its name, and is another run with another ID.
//
// Its methods may be called by several goroutines, except with the sim engine, where one at a time calls them.
// Each fault returns when it is known to have taken effect, with an error that says why if it has not.
type Fleet interface {
	// Engine is local, docker, sim or replicas.
	Engine() string
	// Now is the engine's clock: virtual with sim.
	Now() time.Time
	// Sleep lets time pass.
	Sleep(ctx context.Context, d time.Duration) error

	// Peers are all places, in the order of their numbers, those whose peer has ended too.
	Peers() []Peer
	// Add starts n more peers, and returns their numbers.
	Add(ctx context.Context, n int, o Options) ([]int, error)
	// Start starts peers again that have ended.
	Start(ctx context.Context, peers ...int) error
	// Kill ends them without a word (SIGKILL); Stop asks them to end (SIGTERM) and waits.
	Kill(ctx context.Context, peers ...int) error
	Stop(ctx context.Context, peers ...int) error
	Pause(ctx context.Context, peers ...int) error
	Resume(ctx context.Context, peers ...int) error

	// Partition cuts TCP and multicast between groups; a peer that is in no group, or is added later, is with
	// the first. It replaces an earlier partition.
	Partition(ctx context.Context, groups ...[]int) error
	// Isolate cuts each of them off from everybody.
	Isolate(ctx context.Context, peers ...int) error
	// Delay makes everything late that these peers send.
	Delay(ctx context.Context, by quantity.Spread, peers ...int) error
	// Loss drops a share of what these peers send. Datagrams are gone; TCP sends again.
	Loss(ctx context.Context, share quantity.Share, peers ...int) error
	// Heal undoes Partition, Isolate, Delay and Loss.
	Heal(ctx context.Context) error
	// Can returns why this engine cannot make a fault on this machine, or nil. The error is an ErrCannot, and
	// ends the lab with 3.
	Can(f Fault) error

	// Publish says something at a peer. An error of the peer's own (it is busy, the text is too long) means
	// that the message was not accepted.
	Publish(ctx context.Context, peer int, text []byte) (Published, error)
	// Status is what a peer says of itself.
	Status(ctx context.Context, peer int) (*node.Status, error)
	// Watch has f told of everything that happens from now on, one event at a time: one peer's in the order
	// in which they happened, and those of several as they became known, which is about the same. f must not
	// block for long nor call the fleet. Call cancel to end it, but not in f; f is not called after cancel has
	// returned.
	Watch(f func(Event)) (cancel func())

	// Close ends all peers and cleans up. Peers that the fleet only attached to go on.
	Close() error
}

// ErrCannot is a thing that this machine or this engine cannot do: see Fleet.Can.
var ErrCannot = errors.New("this machine cannot do it")

// Cannot returns an ErrCannot whose text is the reason alone.
func Cannot(format string, args ...any) error { return &cannotError{fmt.Errorf(format, args...)} }

type cannotError struct{ error }

func (e *cannotError) Is(target error) bool { return target == ErrCannot }
func (e *cannotError) Unwrap() error        { return e.error }

// Config is what the peers of a fleet have in common. Engines have it at their making.
type Config struct {
	// Flags are flags of `peer`, by their names without dashes: links: 4.
	Flags map[string]string
	// Env is added to the environment of the peers, such as OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317.
	// Nothing of the lab's own environment reaches them that begins with PEER_ or OTEL_.
	Env []string
}

// Peer is one place.
type Peer struct {
	Number  int       `json:"number"`
	Name    string    `json:"name"` // peer-3
	ID      string    `json:"id"`   // of its run, or of its last one; empty until known
	Addr    string    `json:"addr"` // where it listens for links; empty until known
	Run     int       `json:"run"`  // from 1; it grows each time that the peer is started
	Alive   bool      `json:"alive"`
	Paused  bool      `json:"paused"`
	Started time.Time `json:"started"`
}

// Options are what the peers of an Add have in common, and differ in from the fleet's.
type Options struct {
	// Siphoner has nobody be able to dial the peer, while it dials as it likes.
	Siphoner bool
}

// Published is the answer to a publication.
type Published struct {
	ID      string `json:"id"`
	TraceID string `json:"trace_id"`
	Seq     uint64 `json:"seq"`
}

// Fault names a thing that can be done to peers.
type Fault string

// The faults.
const (
	FaultKill      Fault = "kill"
	FaultStop      Fault = "stop"
	FaultStart     Fault = "start"
	FaultAdd       Fault = "scale"
	FaultPause     Fault = "pause"
	FaultPartition Fault = "partition"
	FaultIsolate   Fault = "isolate"
	FaultDelay     Fault = "delay"
	FaultLoss      Fault = "loss"
)

// Kind says what an Event tells.
type Kind string

// The kinds.
const (
	Started   Kind = "started"   // Peer has a new run, whose ID is Far
	Ended     Kind = "ended"     // Peer's run has ended; Reason says how: kill, stop, crash, or Gone
	Paused    Kind = "paused"    //
	Resumed   Kind = "resumed"   //
	Delivered Kind = "delivered" // Peer delivered Message, another's
	Said      Kind = "said"      // Peer published Message
	LinkUp    Kind = "link-up"   // Peer has a link to Far; Reason says who dialled: out or in
	LinkDown  Kind = "link-down" // it no longer has; Reason is the core's
	LinkEager Kind = "eager"     // payload goes over it
	LinkLazy  Kind = "lazy"      // announcements of payload do
	Rooted    Kind = "rooted"    // Peer follows another root, Far
	Healed    Kind = "healed"    // Peer has its links again; Took says after how long
	Faulted   Kind = "fault"     // what the fleet did, in Reason, as people type it: kill 4; Peers says to whom
	Log       Kind = "log"       // a line of Peer's log, in Reason
	Missed    Kind = "missed"    // Peer had more to tell than could be told: Count events are missing here
)

// Gone is how a run ended of which nobody here can know how it did.
const Gone = "gone"

// Event is one thing that happened. It is a copy.
type Event struct {
	At      time.Time     `json:"at"` // by Fleet.Now's clock
	Kind    Kind          `json:"kind"`
	Peer    int           `json:"peer,omitempty"`
	Run     int           `json:"run,omitempty"`
	Far     string        `json:"far,omitempty"` // an ID
	Reason  string        `json:"reason,omitempty"`
	Took    time.Duration `json:"took_ns,omitempty"`
	Peers   []int         `json:"peers,omitempty"`
	Count   uint64        `json:"count,omitempty"`
	Message *Message      `json:"message,omitempty"`
}

// Message is one message as a peer said or delivered it: a line of peer --json.
type Message struct {
	ID      string `json:"id"`
	Origin  string `json:"origin"`
	Name    string `json:"name"`
	Seq     uint64 `json:"seq"`
	Hops    int    `json:"hops"`
	TraceID string `json:"trace_id"`
	Text    string `json:"text"`
}
