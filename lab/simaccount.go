package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"hearsay/lab/quantity"
	"hearsay/lab/sim"
)

// account tells a person what happened in a run: first the story, then the figures in words.
func account(w io.Writer, r *sim.Run) {
	p := &r.Plan
	broadcast := "plumtree"
	if p.Flood {
		broadcast = "flood"
	}
	fmt.Fprintf(w, "%s peers, seed %d, %s; each opens %s and serves %d; packets take %s%s\n\n", count(p.Peers), p.Seed, broadcast,
		things(p.Links, "link"), p.Serve, quantity.Range{Min: p.LatencyMin, Max: p.LatencyMax}, lossy(p))
	story(w, r)
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range figures(r) {
		fmt.Fprintf(t, "%s\t%s\t%s\n", line.name, line.value, line.words)
	}
	t.Flush()
}

func lossy(p *sim.Plan) string {
	if p.Loss == 0 {
		return ""
	}
	return fmt.Sprintf(", %s are lost", percent(p.Loss))
}

// event is a line of the story.
type event struct {
	at   time.Duration
	text string
}

// story prints the run's events with their virtual times.
func story(w io.Writer, r *sim.Run) {
	events := slices.DeleteFunc(events(r), func(e event) bool { return e.at < 0 })
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	for _, e := range events {
		first, more, _ := strings.Cut(e.text, "\n")
		fmt.Fprintf(w, "%9.3f s  %s\n", e.at.Seconds(), first)
		for line := range strings.Lines(more) {
			fmt.Fprintf(w, "%11s  %s\n", "", strings.TrimSpace(line))
		}
	}
}

// events are all that a run can come to; those that it did not have no time.
func events(r *sim.Run) (list []event) {
	p, t, f := &r.Plan, &r.Times, &r.Figures
	at := func(when time.Duration, format string, args ...any) {
		list = append(list, event{when, fmt.Sprintf(format, args...)})
	}
	if p.Siphoners > 0 {
		at(0, "the peers start, one by one, and %s that nobody can dial", count(p.Siphoners))
	} else {
		at(0, "the peers start, one by one")
	}
	at(t.Started, "the last one has started")
	at(t.Formed, "one mesh, %s after that", span(t.Formed-t.Started))
	if p.Messages > 0 {
		heard := "everybody has heard them"
		if p.Messages == 1 {
			heard = "everybody has heard it"
		}
		if n := r.GivenUp.Said; n > 0 {
			heard = "not everybody has heard all of it\n" + gaveUp(p, n)
		}
		at(t.Said, "one peer has said %s, %s a second, and %s", things(p.Messages, "message"), number(p.Rate), heard)
	}
	after := ""
	if t.Ended >= 0 {
		after = "\n" + damage(f) + "\n" + firstHeard(f)
	}
	if t.Ended > t.Broke {
		at(t.Broke, "%s", broke(p))
		at(t.Ended, "%s%s", ended(p, f.Churned), after)
	} else {
		at(t.Broke, "%s%s", broke(p), after)
	}
	at(t.Healed, "one mesh again, after %s", span(t.Healed-t.Ended))
	if n := r.GivenUp.CaughtUp; n > 0 {
		at(t.CaughtUp, "what peers still keep of what had been said is everywhere, after %s\n%s", span(t.CaughtUp-t.Ended), gaveUp(p, n))
	} else {
		at(t.CaughtUp, "all that had been said is everywhere, after %s", span(t.CaughtUp-t.Ended))
	}
	if f.RMRAfter >= 0 {
		at(t.SaidOn, "another one has spoken on: peers received %.2f copies of each message", f.RMRAfter+1)
	}
	at(t.Quiet, "the mesh rests")
	if v := r.World.Failed(); v != nil {
		at(v.At, "a promise is broken: %v", v)
	}
	if r.Stopped {
		at(t.End, "interrupted")
	} else {
		at(t.End, "the end")
	}
	return list
}

// gaveUp says why not everybody has heard everything.
func gaveUp(p *sim.Plan, n int) string {
	return fmt.Sprintf("%s given up: peers keep %v of what is said (--retain-bytes), for %v (--retain)", things(n, "delivery"), quantity.Bytes(p.RetainBytes), p.Retain)
}

// broke says what a plan breaks.
func broke(p *sim.Plan) string {
	var parts []string
	if p.Kill > 0 {
		n := int(math.Round(float64(p.Peers) * p.Kill))
		switch {
		case p.Silent && n == 1:
			parts = append(parts, "one machine goes, without a word")
		case p.Silent:
			parts = append(parts, count(n)+" machines go at one instant, without a word")
		case n == 1:
			parts = append(parts, "one peer is killed")
		default:
			parts = append(parts, count(n)+" peers are killed at one instant")
		}
	}
	if p.Partition {
		parts = append(parts, "the network is cut in half, and both sides go on talking")
	}
	if p.Churn > 0 {
		parts = append(parts, fmt.Sprintf("peers are killed, %s a second, and started again", number(p.Churn)))
	}
	return strings.Join(parts, "; ")
}

// ended says what of a fault has ended, in which so many peers were killed by turns.
func ended(p *sim.Plan, churned int) string {
	if p.Churn == 0 {
		return "the halves are joined"
	}
	s := "the killed are back: there were " + count(churned)
	if p.Partition {
		s = "the halves are joined, and " + s
	}
	if asked := int(p.Churn * p.For.Seconds()); churned < asked {
		s += fmt.Sprintf(", not %s: two peers always stay, and who was killed is away for %v to %v", count(asked), sim.RestartFrom, sim.RestartTo)
	}
	return s
}

// damage says into what the fault has made the mesh.
func damage(f *sim.Figures) string {
	if f.Parts == 1 {
		return fmt.Sprintf("%s peers live, still in one part", count(f.Living))
	}
	return fmt.Sprintf("%s peers live, in %s parts; the largest has %s", count(f.Living), count(f.Parts), count(f.Largest))
}

// firstHeard says how the first message after the fault fared.
func firstHeard(f *sim.Figures) string {
	x := f.First
	if x.Reliable < 0 {
		return "nobody spoke at this instant"
	}
	s := fmt.Sprintf("one of them speaks at this very instant: %s hear it within a second", percent(x.InSecond))
	if x.MS99 >= 0 {
		s += fmt.Sprintf(", 99 %% after %s", span(millis(x.MS99)))
	}
	if x.MSAll >= 0 {
		s += fmt.Sprintf(", all after %s", span(millis(x.MSAll)))
	}
	return s
}

// figure is one line of the table.
type figure struct{ name, value, words string }

// figures are those that were measured, under the names that they have everywhere.
func figures(r *sim.Run) (list []figure) {
	f := &r.Figures
	add := func(name, value, words string) { list = append(list, figure{name, value, words}) }
	measured := func(name string, v float64, words string) {
		if v >= 0 {
			add(name, number(v), words)
		}
	}
	share := func(name string, v float64, words string) {
		if v >= 0 {
			add(name, percent(v), words)
		}
	}
	measured("formed_ms", f.FormedMS, "ms from the last start to one mesh")
	measured("latency_ms_p50", f.LatencyP50, "half of the messages were everywhere after so many ms, while nothing was broken")
	measured("latency_ms_p95", f.LatencyP95, "95 % of them")
	measured("latency_ms_max", f.LatencyMax, "all of them")
	if f.LatencyMax >= 0 {
		add("rmr", number(round3(f.RMR)), fmt.Sprintf("copies too many, for each that was needed: peers received %.2f copies of each message", f.RMR+1))
		add("ldh_mean", number(round3(f.LDHMean)), "links from the speaker to the last to hear a message")
		add("ldh_max", strconv.Itoa(f.LDHMax), "at most")
	}
	measured("healed_ms", f.HealedMS, "ms from the fault, or its end, to one mesh again")
	measured("caught_up_ms", f.CaughtMS, "until all that had been said by then was everywhere")
	measured("flowed_ms", f.FlowedMS, "until the first message after it was everywhere")
	share("first_after.within_1s", f.First.InSecond, "of those who live had that message a second later")
	share("first_after.before_healed", f.First.Before, "had it before the mesh was one again")
	share("first_after.reliability", f.First.Reliable, "have it in the end")
	measured("first_after.ms_to_99_percent", f.First.MS99, "99 % had it after so many ms")
	measured("first_after.ms_to_all", f.First.MSAll, "and all of them")
	if f.RMRAfter >= 0 {
		add("rmr_after", number(round3(f.RMRAfter)), "copies too many, for each that was needed, of what another one said when all was well again")
	}
	if f.Published > 0 {
		add("published", count(f.Published), "messages")
		add("delivered", count(f.Delivered), "times: to each peer that lives and was there when it was said")
		share("reliability", f.Reliable, "of the deliveries that were due were made")
		add("lost", count(f.Lost), "that were not")
		add("given_up", count(f.GivenUp), "that were not, and need not be any more: what was said is kept for so long and no longer")
		add("duplicated", count(f.Duplicated), "made twice")
		add("out_of_order", count(f.OutOfOrder), "made after a later one of the same speaker")
		add("unexpected", count(f.Unexpected), "of what nobody said")
		add("stale", count(f.Stale), "made after the time for which they had to be kept")
		add("never_read", count(f.NeverRead), "messages died with their speaker before anybody had them")
	}
	if f.Churned >= 0 {
		add("churned", count(f.Churned), "peers were killed by turns and started again")
	}
	measured("announcements_per_s", round3(f.Announce), fmt.Sprintf("by all peers together, during %s at rest", span(r.Times.End-r.Times.Quiet)))
	add("wall_ms", count(int(f.WallMS)), fmt.Sprintf("for %.1f s of virtual time", f.VirtualMS/1000))
	add("events", count(int(f.Events)), "things that happened to peers")
	add("events_per_s", count(int(f.EventsPS)), "of wall time")
	add("rss_bytes", count(int(f.RSS)), "of memory: "+roundBytes(f.RSS))
	add("digest", f.Digest, "of all that was sent: the same command gives the same")
	return list
}

// count writes a number with its thousands apart.
func count(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// things is a number of something, of which there may be one.
func things(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "y"):
		what = strings.TrimSuffix(what, "y") + "ie"
	}
	return count(n) + " " + what + "s"
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func round3(v float64) float64 { return math.Round(v*1000) / 1000 }

// percent never says 100 where a single one is missing.
func percent(share float64) string {
	v := math.Floor(share*100_000+1e-6) / 1000
	return number(v) + " %"
}

// span is a duration as people say it: three digits are enough.
func span(d time.Duration) string {
	for _, step := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= 100*step {
			return d.Round(step).String()
		}
		if d >= 10*step {
			return d.Round(step / 10).String()
		}
		if d >= step {
			return d.Round(step / 100).String()
		}
	}
	return d.String()
}

func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
