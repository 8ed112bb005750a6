package main

import (
	"strings"
	"testing"
	"time"

	"hearsay/lab/sim"
)

// A run that is made up, so that each word has its number.
func TestAccount(t *testing.T) {
	at := func(ms int) time.Duration { return time.Duration(ms) * time.Millisecond }
	p := sim.Plan{
		Config: sim.Config{Seed: 9, Links: 3, Serve: 6, LatencyMin: at(1), LatencyMax: at(20)},
		Peers:  10_000, Messages: 100, Rate: 20, Kill: 0.8,
	}
	r := &sim.Run{Plan: p, World: sim.New(p.Config)}
	r.Times = sim.Times{
		Started: at(10_000), Formed: at(10_005), Said: at(15_050), Broke: at(15_050), Ended: at(15_050),
		Healed: at(15_900), CaughtUp: at(15_700), SaidOn: at(17_000), Quiet: at(137_000), End: at(197_000),
	}
	r.Figures = sim.Figures{
		Peers: 10_000, Published: 120, Delivered: 1_040_000, NeverRead: 1, Reliable: 1, RMR: 0.0123, LDHMean: 15.25, LDHMax: 16,
		LatencyP50: 40.1, LatencyP95: 41, LatencyMax: 42.5, Announce: 0.5166, VirtualMS: 197_000, WallMS: 61_000, Events: 42_000_000,
		RSS: 1600 << 20, Living: 2000, Parts: 870, Largest: 30, RMRAfter: 0.02, EventsPS: 688_524, Digest: "00ff",
		First: sim.First{Reliable: 1, InSecond: 0.9995, Before: 0.99, MS99: 300, MSAll: 1200},
	}
	var b strings.Builder
	account(&b, r)
	const want = `10,000 peers, seed 9, plumtree; each opens 3 links and serves 6; packets take 1ms..20ms

    0.000 s  the peers start, one by one
   10.000 s  the last one has started
   10.005 s  one mesh, 5ms after that
   15.050 s  one peer has said 100 messages, 20 a second, and everybody has heard them
   15.050 s  8,000 peers are killed at one instant
             2,000 peers live, in 870 parts; the largest has 30
             one of them speaks at this very instant: 99.95 % hear it within a second, 99 % after 300ms, all after 1.2s
   15.700 s  all that had been said is everywhere, after 650ms
   15.900 s  one mesh again, after 850ms
   17.000 s  another one has spoken on: peers received 1.02 copies of each message
  137.000 s  the mesh rests
  197.000 s  the end

latency_ms_p50       40.1           half of the messages were everywhere after so many ms, while nothing was broken
latency_ms_p95       41             95 % of them
latency_ms_max       42.5           all of them
rmr                  0.012          copies too many, for each that was needed: peers received 1.01 copies of each message
ldh_max              16             links from the speaker to the last to hear (ldh_mean 15.25)
published            120            messages
delivered            1,040,000      times: to each peer that lives and was there when it was said
reliability          100 %          of the deliveries that were due were made
lost                 0              that were not
duplicated           0              made twice
out_of_order         0              made after a later one of the same speaker
unexpected           0              of what nobody said
never_read           1              messages died with their speaker before anybody had them
announcements_per_s  0.517          by all peers together, during 1m0s at rest
wall_ms              61,000         for 197.0 s of virtual time: 42,000,000 events, 688,524 a second
rss_bytes            1,677,721,600  of memory: 1.6GiB
digest               00ff           of all that was sent: the same command gives the same
`
	if got := b.String(); got != want {
		t.Errorf("the account is\n%s\nwant\n%s", got, want)
	}
}

func TestWhatBroke(t *testing.T) {
	for want, p := range map[string]sim.Plan{
		"5 machines go at one instant, without a word": {Peers: 10, Kill: 0.5, Silent: true},
		"5 peers are killed at one instant; the network is cut in half, and both sides go on talking; 0.5 peers a second are killed and started again": {Peers: 10, Kill: 0.5, Partition: true, Churn: 0.5},
	} {
		if got := broke(&p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
