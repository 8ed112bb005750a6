package overlay

import (
	"net/netip"
	"time"

	"hearsay/peer/wire"
)

// Action is what an Effect asks of the shell.
type Action uint8

// The actions.
const (
	// Dial asks for a TCP connection to Addr under the name Conn. The shell answers with Opened, or
	// with Closed when that fails.
	Dial Action = iota + 1
	// Send asks for Frame to be written to Conn, after what was sent before.
	Send
	// Hangup asks for Conn to be closed once what was sent on it is written, or a second has passed.
	// Nothing more is reported for Conn.
	Hangup
	// Up says that Conn is a link now; Link describes it.
	Up
	// Down says that Conn, which was Up, no longer is; Link describes it, Reason says why.
	Down
	// Announce asks for an announcement now; Why says why. It goes to Addr alone if that is valid.
	Announce
	// Inconsistent says that what we announce, or what we heard, has changed: Trickle is to be reset.
	Inconsistent
	// Resolve asks for the join list to be looked up; the shell answers with Joined.
	Resolve
)

// Effect is one thing that the shell must do. Effects are performed in order.
type Effect struct {
	Action Action
	Conn   wire.Conn
	Addr   netip.AddrPort
	Frame  []byte // owned by the receiver of the effect; never written again
	Link   *Link
	Reason wire.Reason
	Why    string // of Announce: beacon, answer, goodbye
}

// Link describes a link: an established connection to a neighbor. It is a copy.
type Link struct {
	Conn    wire.Conn
	ID      wire.ID
	Name    string
	Addr    netip.AddrPort // where the neighbor listens
	Out     bool           // we dialled it
	Uptime  time.Duration  // the neighbor's, when the link came up
	Since   time.Time
	RTT     time.Duration // smoothed; zero until measured
	Context wire.Context  // of our dial or accept span
}

// EventKind names what an Event tells.
type EventKind uint8

// The kinds of event; each becomes the span of that name.
const (
	Discovered EventKind = iota + 1 // an announcement taught us something: Reason is new-peer or other-root
	Dialled                         // a dial of ours ended: Outcome is linked, referred, refused, failed, probed, verified, or cancelled: no longer needed
	Accepted                        // a connection's handshake ended: Outcome as of Dialled, and timeout
	Healed                          // the slots are filled again after a loss (Outcome linked), or nobody is left to dial (alone or saturated)
	Lost                            // a link ended: Reason says why. A span event, not a span
	Rooted                          // we follow another root: Peer is the root. A span event, not a span
)

// Event tells what happened, for traces, metrics and logs. Nothing depends on anybody reading it.
type Event struct {
	Kind       EventKind
	Start, End time.Time
	Context    wire.Context // this span; zero when unsampled
	Parent     wire.Context // its parent; zero for a root span
	Link       wire.Context // a span it links to; zero for none
	Conn       wire.Conn
	Peer       wire.ID
	Name       string
	Addr       netip.AddrPort
	Purpose    wire.Purpose
	By         string // of Dialled: by whose word: announcement, referral, shuffle, join, passive; root of a bridge, hello of a dial-back
	Outcome    string
	Reason     wire.Reason
	Priority   bool // room was made for it
}
