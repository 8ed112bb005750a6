package main

import (
	"encoding/json"
	"slices"
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
		RSS: 1600 << 20, Living: 2000, Parts: 870, Largest: 30, RMRAfter: 0.02, EventsPS: 688_524, Digest: "00ff", Churned: -1,
		FormedMS: 5, HealedMS: 850, CaughtMS: 650, FlowedMS: 1200,
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

formed_ms                     5              ms from the last start to one mesh
latency_ms_p50                40.1           half of the messages were everywhere after so many ms, while nothing was broken
latency_ms_p95                41             95 % of them
latency_ms_max                42.5           all of them
rmr                           0.012          copies too many, for each that was needed: peers received 1.01 copies of each message
ldh_mean                      15.25          links from the speaker to the last to hear a message
ldh_max                       16             at most
healed_ms                     850            ms from the fault, or its end, to one mesh again
caught_up_ms                  650            until all that had been said by then was everywhere
flowed_ms                     1200           until the first message after it was everywhere
first_after.within_1s         99.95 %        of those who live had that message a second later
first_after.before_healed     99 %           had it before the mesh was one again
first_after.reliability       100 %          have it in the end
first_after.ms_to_99_percent  300            99 % had it after so many ms
first_after.ms_to_all         1200           and all of them
rmr_after                     0.02           copies too many, for each that was needed, of what another one said when all was well again
published                     120            messages
delivered                     1,040,000      times: to each peer that lives and was there when it was said
reliability                   100 %          of the deliveries that were due were made
lost                          0              that were not
given_up                      0              that were not, and need not be any more: what was said is kept for so long and no longer
duplicated                    0              made twice
out_of_order                  0              made after a later one of the same speaker
unexpected                    0              of what nobody said
stale                         0              made after the time for which they had to be kept
never_read                    1              messages died with their speaker before anybody had them
announcements_per_s           0.517          by all peers together, during 1m0s at rest
wall_ms                       61,000         for 197.0 s of virtual time
events                        42,000,000     things that happened to peers
events_per_s                  688,524        of wall time
rss_bytes                     1,677,721,600  of memory: 1.6GiB
digest                        00ff           of all that was sent: the same command gives the same
`
	if got := b.String(); got != want {
		t.Errorf("the account is\n%s\nwant\n%s", got, want)
	}
}

// Every figure that is a number and was measured stands in the table, under its name in JSON.
func TestTheTableHasEveryFigure(t *testing.T) {
	r := &sim.Run{World: sim.New(sim.Config{})}
	r.Figures.Published = 1
	named := map[string]bool{}
	for _, line := range figures(r) {
		named[line.name] = true
	}
	// Of the plan, or told in the story; and what only somebody who counts packets asks for.
	elsewhere := strings.Fields("peers seed survivors parts largest_part virtual_ms bytes frames dials violation interrupted")
	var all map[string]any
	b, err := json.Marshal(&r.Figures)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for name, v := range all {
		parts, nested := v.(map[string]any)
		if !nested {
			parts = map[string]any{"": nil}
		}
		for part := range parts {
			if full := strings.TrimSuffix(name+"."+part, "."); !named[full] && !slices.Contains(elsewhere, full) {
				t.Errorf("the table does not have %s", full)
			}
		}
	}
}

func TestWhatWasGivenUp(t *testing.T) {
	p := sim.Plan{Config: sim.Config{Retain: time.Minute, RetainBytes: 64 << 10}, Messages: 1, Rate: 20}
	r := &sim.Run{Plan: p, World: sim.New(p.Config)}
	r.Times = sim.Times{Formed: -1, Said: 3 * time.Second, Broke: -1, Ended: -1, Healed: -1, CaughtUp: 4 * time.Second, SaidOn: -1, Quiet: -1}
	r.GivenUp.Said, r.GivenUp.CaughtUp = 1, 2000
	r.Figures.RMRAfter = -1
	var b strings.Builder
	story(&b, r)
	for _, want := range []string{
		"one peer has said 1 message, 20 a second, and not everybody has heard all of it\n             1 delivery given up: peers keep 64KiB of what is said (--retain-bytes), for 1m0s (--retain)",
		"what peers still keep of what had been said is everywhere",
		"2,000 deliveries given up",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the story does not say %q:\n%s", want, &b)
		}
	}
	if strings.Contains(b.String(), "all that had been said") || strings.Contains(b.String(), "and everybody") {
		t.Errorf("the story is too good:\n%s", &b)
	}
}

func TestWhatBroke(t *testing.T) {
	for want, p := range map[string]sim.Plan{
		"5 machines go at one instant, without a word": {Peers: 10, Kill: 0.5, Silent: true},
		"one machine goes, without a word":             {Peers: 10, Kill: 0.1, Silent: true},
		"one peer is killed":                           {Peers: 10, Kill: 0.1},
		"5 peers are killed at one instant; the network is cut in half, and both sides go on talking; peers are killed, 0.5 a second, and started again": {Peers: 10, Kill: 0.5, Partition: true, Churn: 0.5},
	} {
		if got := broke(&p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for want, p := range map[string]sim.Plan{
		"the halves are joined":              {Partition: true, For: time.Second},
		"the killed are back: there were 17": {Churn: 1.7, For: 10 * time.Second},
		"the halves are joined, and the killed are back: there were 17, not 5,000: two peers always stay, and who was killed is away for 1s to 5s": {Partition: true, Churn: 1000, For: 5 * time.Second},
	} {
		if got := ended(&p, 17); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
