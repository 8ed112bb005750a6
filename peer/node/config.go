package node

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"hearsay/peer/discovery"
	"hearsay/peer/telemetry"
	"hearsay/peer/wire"
)

// The defaults of Config.
const (
	// DefaultLinks and DefaultServe give every peer three ways out and room for twice as many in, so
	// that joiners find free slots without a full house being the rule. HyParView's active view of
	// log(n)+1 says five for a hundred peers (Leitão, Pereira and Rodrigues, DSN 2007, section 5.1).
	DefaultLinks = 3
	DefaultServe = 6
	// MaxServe bounds both, since a peer with more links than this is a broker.
	MaxServe = 255
	// DefaultRetain is how long a partition may last before something is lost.
	DefaultRetain = 10 * time.Minute
	// DefaultRetainBytes is what a peer in a small container can keep.
	DefaultRetainBytes = 64 << 20
	// MinRetainBytes is what the largest messages need to pass through at all.
	MinRetainBytes = 1 << 20
)

// Config says what a node is. The zero value is a node with a drawn name, every default, and no
// telemetry, which finds others by multicast on all interfaces.
type Config struct {
	// ID is the peer's ID. Empty draws one. No two peers may have the same; one that returns under its
	// old ID is known by its epoch, the time of its start, to be another run.
	ID wire.ID
	// Name is what people see: 1 to 63 printable ASCII characters without spaces. Empty means the
	// host's name.
	Name string
	// Listen is the TCP address for links. A port other than 0 must be 49152 or more; port 0 takes the
	// first free one from 49152 up. Empty means ":0".
	Listen string
	// Group is the multicast group. The zero value means discovery.DefaultGroup; see NoMulticast.
	Group netip.AddrPort
	// NoMulticast leaves discovery to Join.
	NoMulticast bool
	// Interfaces are the network interfaces for multicast. None means all that can.
	Interfaces []string
	// Join names peers to begin with: addresses and DNS names, resolved again for as long as the node
	// lives.
	Join []string
	// Links is how many outgoing links are wanted, Serve how many incoming ones are offered. Serve must
	// not be less than Links. Zero means the default.
	Links, Serve int
	// Retain and RetainBytes bound what is kept for those who missed it. Zero means the default.
	Retain      time.Duration
	RetainBytes int
	// History asks for what was said before this node started, as far as others keep it.
	History bool
	// Log receives what an operator wants to know. Nil discards it.
	Log *slog.Logger
	// Telemetry turns what happens into spans and metrics. Nil does not.
	Telemetry *telemetry.Telemetry
	// Watch is told what happens, if it is set: on the node's own loop, so it must return at once, and must not
	// call the node. What a Message refers to is not to be changed.
	Watch func(Event)
	// Network replaces TCP and UDP, for tests and labs. Nil means the real thing: SystemNetwork.
	Network Network
	// Seed makes the node's draws repeatable, for tests. Zero draws a seed.
	Seed uint64
}

// ConfigError says which field of a Config cannot be used, and why.
type ConfigError struct {
	Field string // as it is called in Config
	Err   error
}

func (e *ConfigError) Error() string { return fmt.Sprintf("%s: %v", e.Field, e.Err) }
func (e *ConfigError) Unwrap() error { return e.Err }

// withDefaults fills in what is zero, and reports the first field that cannot be used.
func (c Config) withDefaults() (Config, error) {
	fail := func(field, format string, args ...any) (Config, error) {
		return c, &ConfigError{field, fmt.Errorf(format, args...)}
	}
	if c.Name != "" {
		if err := wire.CheckName(c.Name); err != nil {
			return c, &ConfigError{"Name", err}
		}
	}
	if c.Listen == "" {
		c.Listen = ":0"
	}
	if c.Group == (netip.AddrPort{}) {
		c.Group = discovery.DefaultGroup
	}
	c.Links = orDefault(c.Links, DefaultLinks)
	c.Serve = orDefault(c.Serve, max(DefaultServe, min(c.Links, MaxServe)))
	c.Retain = orDefault(c.Retain, DefaultRetain)
	c.RetainBytes = orDefault(c.RetainBytes, DefaultRetainBytes)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	switch {
	case c.Links < 1 || c.Links > MaxServe:
		return fail("Links", "%d is not between 1 and %d", c.Links, MaxServe)
	case c.Serve > MaxServe:
		return fail("Serve", "%d is more than %d", c.Serve, MaxServe)
	case c.Serve < c.Links:
		return fail("Serve", "%d is less than the %d links this peer opens: a peer serves at least as many as it takes, or the mesh runs out of slots", c.Serve, c.Links)
	case c.Retain < time.Second || c.Retain > 24*time.Hour:
		return fail("Retain", "%v is not between 1s and 24h", c.Retain)
	case c.RetainBytes < MinRetainBytes:
		return fail("RetainBytes", "%d bytes are less than the %d that the largest messages need", c.RetainBytes, MinRetainBytes)
	}
	if _, err := discovery.ParseJoin(c.Join); err != nil {
		return c, &ConfigError{"Join", err}
	}
	if c.NoMulticast && len(c.Interfaces) > 0 {
		return c, &ConfigError{"Interfaces", errors.New("names interfaces for multicast, which is switched off")}
	}
	return c, nil
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
