package sim

import "time"

// Config is a network before anything happens to it. The zero value is a LAN on which multicast works.
type Config struct {
	Seed uint64

	// Latency is how long a datagram, or a piece of a stream, takes from one host to another: each
	// connection draws its own from this range, and each datagram anew. 50 µs to 250 µs by default, which is
	// what a switch and two kernels take (measured on a bridge between containers).
	LatencyMin, LatencyMax time.Duration
	// Jitter is by how much of its latency a connection's pieces vary.
	Jitter float64
	// Bandwidth is how many bytes a second a connection carries; zero is no bound.
	Bandwidth float64
	// Loss is the share of packets that are lost. A lost datagram is gone; a lost piece of a stream comes a
	// retransmission later.
	Loss float64

	// Multicast works unless this is set.
	NoMulticast bool
	// Domains is into how many multicast domains the hosts are dealt, by number; 0 and 1 are one.
	Domains int
	// Join has every peer look up a name that stands for JoinSample of the living, chosen anew each time.
	Join       bool
	JoinSample int

	// Links, Serve, Retain and RetainBytes are the peers' flags.
	Links, Serve int
	Retain       time.Duration
	RetainBytes  int
	// Flood has peers pass every message to every neighbor, always, as before Plumtree.
	Flood bool
	// Sampled is whether messages and discoveries leave spans: for Watchers that make a trace of them. It is part
	// of the run, since contexts travel in frames and are drawn from the peers' own chance: the same seed without
	// it is another run.
	Sampled bool
}

// defaultRetain is package node's.
const defaultRetain = 10 * time.Minute

const (
	// rto is how long TCP waits before it sends again what was lost: the least that Linux allows.
	rto = 200 * time.Millisecond
	// rtoMax is where doubling it ends in this model; RFC 6298 allows a minute, but peers give up in three
	// seconds.
	rtoMax = 8 * time.Second
	// synRetry is how long the kernel waits before it sends a second SYN (RFC 6298 section 2).
	synRetry = time.Second
	// dialFor and stalledFor are package node's: how long a dial may take, and TCP_USER_TIMEOUT.
	dialFor    = 2 * time.Second
	stalledFor = 20 * time.Second
	// kernelBytes is what the two kernels take before a writer has to wait. highMark and the others are
	// package node's.
	kernelBytes = 256 << 10
	highMark    = 1 << 20
	lowMark     = highMark / 4
	hardMark    = 8 << 20
	// kernelDatagrams is how many datagrams wait for a paused process: 212,992 bytes, which is Linux's
	// default, in the 768 that it counts for a small one.
	kernelDatagrams = 277
	// backlog is how many connections the kernel accepts for a process that does not (Go's listen backlog is
	// the system's, 4096).
	backlog = 4096
)

func (c *Config) setDefaults() {
	if c.LatencyMax == 0 {
		c.LatencyMin, c.LatencyMax = 50*time.Microsecond, 250*time.Microsecond
	}
	c.LatencyMax = max(c.LatencyMin, c.LatencyMax)
	if c.Links == 0 {
		c.Links = 3
	}
	if c.Serve == 0 {
		c.Serve = 2 * c.Links
	}
	if c.Retain == 0 {
		c.Retain = defaultRetain
	}
	if c.RetainBytes == 0 {
		c.RetainBytes = 1 << 20
	}
	if c.JoinSample == 0 {
		c.JoinSample = 8
	}
	if c.Domains == 0 {
		c.Domains = 1
	}
}
