package simfleet

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/quantity"
	"hearsay/lab/sim"
)

// retainBytes is the peers' default for --retain-bytes. The simulator's own is for thousands of peers.
const retainBytes = 64 << 20

// flags are those of `peer` that mean something to a simulated one.
var flags = map[string]func(c *sim.Config, value string) error{
	"links":        func(c *sim.Config, v string) (err error) { c.Links, err = strconv.Atoi(v); return err },
	"serve":        func(c *sim.Config, v string) (err error) { c.Serve, err = strconv.Atoi(v); return err },
	"retain":       func(c *sim.Config, v string) (err error) { c.Retain, err = time.ParseDuration(v); return err },
	"retain-bytes": setRetainBytes,
}

// Config is a simulated LAN whose peers have the given flags of `peer`, by their names without dashes. A
// flag that no simulated peer has is an ErrCannot.
func Config(c fleet.Config, seed uint64) (sim.Config, error) {
	s := sim.Config{Seed: seed, Jitter: 0.1, RetainBytes: retainBytes, Sampled: true}
	for _, name := range slices.Sorted(maps.Keys(c.Flags)) {
		set := flags[name]
		if set == nil {
			return s, fleet.Cannot("the simulator's peers have no flag %s, only %s", name, strings.Join(slices.Sorted(maps.Keys(flags)), ", "))
		}
		if err := set(&s, c.Flags[name]); err != nil {
			return s, fmt.Errorf("%s: %w", name, err)
		}
	}
	return s, nil
}

func setRetainBytes(c *sim.Config, value string) error {
	var n quantity.Bytes
	if err := n.UnmarshalText([]byte(value)); err != nil {
		return err
	}
	c.RetainBytes = int(n)
	return nil
}
