package integration_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

var measureRuns = flag.Int("measure.runs", 0, "measure the mesh, so many times over, and print a table; 20 is good")

// TestMeasure measures six peers in containers, and prints a row for each thing as it has been measured. A row can be chosen:
//
//	go test ./integration -v -timeout 2h -run TestMeasure/kill -measure.runs 20
//
// All times are this machine's, which starts the peers, publishes and listens: there is one clock. A message has been delivered when a client
// of GET /messages has the line, and a peer has been killed when that client's connection ends: Docker says so much later. Other
// faults begin just before Docker, or a hand, is told to make them, which is a little too early.
func TestMeasure(t *testing.T) {
	if *measureRuns <= 0 {
		t.Skip("it takes a long time; -measure.runs 20 runs it")
	}
	needDocker(t)
	fmt.Printf("\n%-52s %5s %10s %10s %10s\n", "six peers", "runs", "median", "p95", "at most")
	t.Run("form", measureForming)
	t.Run("kill-1", func(t *testing.T) { measureKill(t, 1) })
	t.Run("kill-3", func(t *testing.T) { measureKill(t, 3) })
	t.Run("pause-1", func(t *testing.T) { measurePause(t, 1) })
	t.Run("pause-3", func(t *testing.T) { measurePause(t, 3) })
	t.Run("partition", measurePartition)
	t.Run("idle", measureIdle)
	t.Run("redundancy", measureRedundancy)
}

// row prints what was measured, and fails if it is more than the issue that asked for it allows.
func row[T time.Duration | float64](t *testing.T, what string, got []T, unit string, median, p95 T) {
	t.Helper()
	show := func(v T) string {
		if d, ok := any(v).(time.Duration); ok {
			return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
		}
		return strings.TrimSpace(fmt.Sprintf("%.3f %s", float64(v), unit))
	}
	var limits []string
	for _, l := range []T{median, p95} {
		if l > 0 {
			limits = append(limits, show(l))
		}
	}
	fmt.Printf("%-52s %5d %10s %10s %10s\n", what, len(got), show(quantile(got, 0.5)), show(quantile(got, 0.95)), strings.Join(limits, "; "))
	if m := quantile(got, 0.5); median > 0 && m > median {
		t.Errorf("%s: the median is %s, and may be %s: %v", what, show(m), show(median), got)
	}
	if m := quantile(got, 0.95); p95 > 0 && m > p95 {
		t.Errorf("%s: p95 is %s, and may be %s: %v", what, show(m), show(p95), got)
	}
}

// quantile is by nearest rank: a value that was measured, and never a better one between two.
func quantile[T time.Duration | float64](values []T, q float64) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, max(0, int(float64(len(sorted))*q+0.999999)-1))]
}

func TestQuantile(t *testing.T) {
	var twenty []float64
	for i := 20; i > 0; i-- {
		twenty = append(twenty, float64(i))
	}
	if m, p := quantile(twenty, 0.5), quantile(twenty, 0.95); m != 10 || p != 19 {
		t.Errorf("the median of 1 to 20 is %v and p95 is %v, and not 10 and 19", m, p)
	}
	if m, p := quantile(twenty[:1], 0.5), quantile(twenty[:1], 0.95); m != 20 || p != 20 {
		t.Errorf("of one value, the median is %v and p95 %v", m, p)
	}
}

func measureForming(t *testing.T) {
	m := newMesh(t)
	m.grow(6)
	m.awaitMeshed(30 * time.Second)
	var formed []time.Duration
	for range *measureRuns {
		m.kill(m.peers...)
		must(t, "start", each(m.peers, (*Peer).start))
		last := time.Time{}
		for _, p := range m.peers {
			if p.began.After(last) {
				last = p.began
			}
		}
		must(t, "wait for peers to answer", each(m.peers, (*Peer).awaitUp))
		m.awaitMeshed(30 * time.Second)
		formed = append(formed, time.Since(last))
	}
	row(t, "last of six started → one connected mesh", formed, "", 0, 2*time.Second)
}

// settle is how long there is traffic before a fault, and after its consequences are over. What is published in the last
// flight of it may be on its way when the fault comes, and counts as published under it.
const (
	settle = time.Second
	flight = 100 * time.Millisecond
)

func measureKill(t *testing.T, n int) {
	m := newMesh(t)
	m.grow(6)
	var calm, longest, full []time.Duration
	for i := range *measureRuns {
		m.awaitMeshed(30 * time.Second)
		ears := m.listen(m.peers)
		m.chatter(60*time.Millisecond, m.peers...)
		eventually(t, time.Minute, "traffic", after(settle))
		victims, survivors := rotate(m.peers, i)[:n], rotate(m.peers, i)[n:]
		fault := time.Now()
		var mended time.Time
		killed := make(chan error, 1)
		m.events.add("kill %s", names(victims))
		go func() { killed <- each(victims, (*Peer).kill) }()
		eventually(t, 30*time.Second, "every survivor has its outgoing links again", func() error {
			s, err := statuses(survivors)
			if err == nil {
				err = meshed(s)
			}
			if err == nil {
				err = outFull(s)
			}
			mended = time.Now()
			return err
		})
		must(t, "kill", <-killed)
		full = append(full, mended.Sub(ears.lastEnd(t, victims)))
		eventually(t, time.Minute, "traffic", after(settle))
		m.stopChatter()
		m.awaitHeard(30 * time.Second)
		calm = append(calm, ears.awaitLongest(t, m.ledger, survivors, fault.Add(-settle), fault.Add(-flight)))
		longest = append(longest, ears.awaitLongest(t, m.ledger, survivors, fault.Add(-flight), time.Now()))
		ears.stop()
		m.start(victims...)
	}
	t.Log(m.ledger.Check())
	row(t, "the second before a SIGKILL, for comparison", calm, "", 0, 0)
	row(t, fmt.Sprintf("SIGKILL of %d, 100 msg/s: longest to last survivor", n), longest, "", 25*time.Millisecond, 100*time.Millisecond)
	row(t, fmt.Sprintf("SIGKILL of %d: outgoing links again", n), full, "", 0, time.Second)
	m.rowWrong(t, fmt.Sprintf("SIGKILL of %d", n))
}

func measurePause(t *testing.T, n int) {
	m := newMesh(t)
	m.grow(6)
	var calm, longest []time.Duration
	for i := range *measureRuns {
		m.awaitMeshed(30 * time.Second)
		victims := rotate(m.peers, i)[:n]
		others := rotate(m.peers, i)[n:]
		ears := m.listen(others)
		m.chatter(60*time.Millisecond, others...)
		eventually(t, time.Minute, "traffic", after(settle))
		fault := time.Now()
		m.pause(victims...)
		m.awaitMeshed(30 * time.Second)
		eventually(t, time.Minute, "traffic", after(settle))
		m.stopChatter()
		calm = append(calm, ears.awaitLongest(t, m.ledger, others, fault.Add(-settle), fault.Add(-flight)))
		longest = append(longest, ears.awaitLongest(t, m.ledger, others, fault.Add(-flight), time.Now()))
		ears.stop()
		m.unpause(victims...)
		m.awaitMeshed(30 * time.Second)
		m.awaitHeard(30 * time.Second)
	}
	row(t, "the second before a pause, for comparison", calm, "", 0, 0)
	row(t, fmt.Sprintf("pause of %d, 100 msg/s: longest to last survivor", n), longest, "", 0, 4*time.Second)
	m.rowWrong(t, fmt.Sprintf("pause of %d", n))
}

func measurePartition(t *testing.T) {
	m := newMesh(t)
	peers := m.grow(6)
	var whole []time.Duration
	for range *measureRuns {
		m.awaitMeshed(30 * time.Second)
		m.chatter(60*time.Millisecond, peers...)
		heal := m.partition(peers[:3], peers[3:])
		cut := time.Now()
		for _, side := range [][]*Peer{peers[:3], peers[3:]} {
			eventually(t, 30*time.Second, "each side is a mesh", func() error {
				s, err := statuses(side)
				if err != nil {
					return err
				}
				return meshed(s)
			})
		}
		eventually(t, 10*time.Minute, "the cut lasts", after(partitionTime(t)-time.Since(cut)))
		healed := time.Now()
		heal()
		m.awaitMeshed(30 * time.Second)
		eventually(t, 30*time.Second, "both histories everywhere", func() error { return m.heardBefore(healed) })
		whole = append(whole, time.Since(healed))
		m.stopChatter()
		m.awaitHeard(30 * time.Second)
	}
	row(t, "partition healed → one mesh, both histories everywhere", whole, "", 0, 5*time.Second)
	m.rowWrong(t, "partition")
}

// idleTime is how long an idle peer is watched.
const idleTime = 30 * time.Second

func measureIdle(t *testing.T) {
	m := newMesh(t)
	m.grow(6)
	m.awaitMeshed(30 * time.Second)
	m.saySome(10, "before it is quiet")
	m.awaitHeard(10 * time.Second)
	eventually(t, time.Minute, "quiet", after(idleTime/3))
	var memory, cpu []float64
	before := make([]container.StatsResponse, len(m.peers))
	for i, p := range m.peers {
		before[i] = m.stats(p)
	}
	eventually(t, 2*idleTime, "quiet", after(idleTime))
	for i, p := range m.peers {
		now := m.stats(p)
		used := float64(now.CPUStats.CPUUsage.TotalUsage-before[i].CPUStats.CPUUsage.TotalUsage) / 1e9
		cpu = append(cpu, 100*used/now.Read.Sub(before[i].Read).Seconds())
		memory = append(memory, m.resident(p))
	}
	row(t, "idle peer: resident memory", memory, "MiB", 0, 25)
	row(t, "idle peer: CPU, of a core", cpu, "%", 0, 1)
}

func measureRedundancy(t *testing.T) {
	m := newMesh(t)
	peers := m.grow(6)
	var redundancy []float64
	for i := range *measureRuns {
		m.awaitMeshed(30 * time.Second)
		speaker := peers[i%len(peers)]
		say := func(n int) (delivered, duplicates int) {
			for next := time.Now(); n > 0; n-- {
				_, err := speaker.say("a speech")
				must(t, "publish", err)
				next = next.Add(10 * time.Millisecond)
				time.Sleep(time.Until(next))
			}
			m.awaitHeard(30 * time.Second)
			all, err := m.statuses()
			must(t, "statuses", err)
			for _, s := range all {
				delivered += s.Messages.Delivered
				duplicates += s.Messages.Duplicates
			}
			return
		}
		d0, c0 := say(100) // until the tree is pruned
		d1, c1 := say(400)
		redundancy = append(redundancy, float64(c1-c0)/float64(d1-d0))
	}
	row(t, "steady copies per delivery, minus one (RMR)", redundancy, "", 0, 0.1)
	m.rowWrong(t, "one speaker")
}

// after is a condition that holds once a time has passed.
func after(d time.Duration) func() error {
	until := time.Now().Add(d)
	return func() error {
		if left := time.Until(until); left > 0 {
			return fmt.Errorf("%v to go", left)
		}
		return nil
	}
}

// rotate has each peer be a victim in its turn.
func rotate(peers []*Peer, by int) []*Peer {
	by %= len(peers)
	return append(slices.Clone(peers[by:]), peers[:by]...)
}

// rowWrong prints what the ledger has to say.
func (m *Mesh) rowWrong(t *testing.T, what string) {
	t.Helper()
	v := m.ledger.Check()
	wrong := fmt.Sprintf("%d / %d / %d", len(v.Lost), len(v.Duplicated), len(v.OutOfOrder))
	fmt.Printf("%-52s %5d %10s %10s %10s\n", what+": lost / twice / out of order", *measureRuns, wrong, "", "0 / 0 / 0")
	if err := v.Err(); err != nil {
		t.Error(err)
	}
}

// heardBefore says whether all that was said before a moment has been heard by all.
func (m *Mesh) heardBefore(then time.Time) error {
	l := m.ledger
	l.mu.Lock()
	heard := map[string]int{}
	for _, life := range l.lives {
		for _, h := range life.heard {
			heard[h.Text]++
		}
	}
	defer l.mu.Unlock()
	for _, s := range l.said {
		if s.Begun.Before(then) && heard[s.Text] < len(m.peers)-1 {
			return fmt.Errorf("%d have heard %q", heard[s.Text], s.Text)
		}
	}
	return nil
}

// Ears are clients of GET /messages, and when each first had which line.
type ears struct {
	mu   sync.Mutex
	at   map[*Peer]map[string]time.Time
	end  map[*Peer]time.Time // when the stream broke
	stop func()
}

// lastEnd is when the last of these peers died.
func (e *ears) lastEnd(t *testing.T, peers []*Peer) (last time.Time) {
	t.Helper()
	eventually(t, 5*time.Second, "the streams of the dead have ended", func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		last = time.Time{}
		for _, p := range peers {
			at, ok := e.end[p]
			if !ok {
				return fmt.Errorf("that of %s has not", p.name)
			}
			if at.After(last) {
				last = at
			}
		}
		return nil
	})
	return last
}

// listen opens a stream at each peer, and returns when all are open.
func (m *Mesh) listen(peers []*Peer) *ears {
	m.t.Helper()
	e := &ears{at: map[*Peer]map[string]time.Time{}, end: map[*Peer]time.Time{}}
	var closers []func()
	for _, p := range peers {
		first := map[string]time.Time{}
		e.at[p] = first
		closer, err := p.http().stream("/messages", func(line []byte, at time.Time) {
			var d Delivery
			if json.Unmarshal(line, &d) != nil {
				return
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			if _, ok := first[d.Text]; !ok {
				first[d.Text] = at
			}
		}, func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.end[p] = time.Now()
		})
		must(m.t, "GET /messages at "+p.name, err)
		closers = append(closers, closer)
	}
	e.stop = func() {
		for _, c := range closers {
			c()
		}
	}
	m.onClose(e.stop)
	return e
}

// longest is the longest time from publishing to the last of the listeners, over all that was said between two moments. The
// error says what somebody has not heard yet. What died with its publisher does not count.
func (e *ears) longest(l *Ledger, listeners []*Peer, from, to time.Time) (longest time.Duration, slowest string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range l.said {
		if s.Begun.Before(from) || s.Begun.After(to) {
			continue
		}
		heard := 0
		var missed *Peer
		for _, p := range listeners {
			at, ok := e.at[p][s.Text]
			switch {
			case p.name == s.By.Peer:
			case ok:
				heard++
				if took := at.Sub(s.Begun); took > longest {
					longest, slowest = took, fmt.Sprintf("%s heard %q, published at %v, after %v", p.name, s.Text, l.since(s.Begun), took)
				}
			default:
				missed = p
			}
		}
		if missed != nil && (heard > 0 || s.Accepted && s.By.Ended.IsZero()) {
			return 0, "", fmt.Errorf("%s has not heard %q", missed.name, s.Text)
		}
	}
	return longest, slowest, nil
}

// awaitLongest waits until the listeners have heard all that was said between two moments.
func (e *ears) awaitLongest(t *testing.T, l *Ledger, listeners []*Peer, from, to time.Time) (longest time.Duration) {
	t.Helper()
	var slowest string
	eventually(t, 30*time.Second, "every survivor has heard all", func() (err error) {
		longest, slowest, err = e.longest(l, listeners, from, to)
		return err
	})
	t.Log(slowest)
	return longest
}

// stats is what the engine accounts to a container.
func (m *Mesh) stats(p *Peer) container.StatsResponse {
	m.t.Helper()
	r, err := m.docker.ContainerStats(m.t.Context(), p.id, client.ContainerStatsOptions{})
	must(m.t, "docker stats", err)
	defer r.Body.Close()
	var s container.StatsResponse
	must(m.t, "docker stats", json.NewDecoder(r.Body).Decode(&s))
	return s
}

// resident is a peer's resident memory in MiB, with the pages of its program that are in use, as ps counts.
func (m *Mesh) resident(p *Peer) float64 {
	m.t.Helper()
	top, err := m.docker.ContainerTop(m.t.Context(), p.id, client.ContainerTopOptions{Arguments: []string{"-o", "pid,rss"}})
	must(m.t, "docker top", err)
	column := slices.Index(top.Titles, "RSS")
	if column < 0 || len(top.Processes) != 1 {
		m.t.Fatalf("docker top shows %v of %v", top.Processes, top.Titles)
	}
	kib, err := strconv.ParseFloat(top.Processes[0][column], 64)
	must(m.t, "docker top", err)
	return kib / 1024
}
