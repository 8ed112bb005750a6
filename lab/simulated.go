package main

import (
	"fmt"
	"strconv"

	"hearsay/lab/fleet"
	"hearsay/lab/sim"
	"hearsay/lab/watch"
	"hearsay/lab/watch/live"
)

// simulated makes a fleet of simulated peers that live at the pace of the clock.
func simulated(flags map[string]string, w *watch.Watch) (fleet.Fleet, error) {
	var cfg sim.Config
	for name, value := range flags {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("--set %s=%s: not a number from 1 on", name, value)
		}
		switch name {
		case "links":
			cfg.Links = n
		case "serve":
			cfg.Serve = n
		default:
			return nil, fmt.Errorf("--set %s: simulated peers have links and serve alone", name)
		}
	}
	return live.New(cfg, w.Take), nil
}
