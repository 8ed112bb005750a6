package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hearsay/lab/scenario"
)

// maxSmall bounds what is read of files that are small: a verdict, a scenario, a picture of a topology.
const maxSmall = 16 << 20

// Data is a run's folder as it was read.
type Data struct {
	Dir      string
	Verdict  scenario.Verdict
	Info     Info
	Source   string // the scenario's file
	Messages []message
	After    []float64 // each delivery, in ms after its message was said
	Samples  []scenario.Sample
	Heals    []float64         // how long peers took to have their links again, in ms
	Topology map[string]string // SVG, by before, during and after
}

// message is a row of messages.csv.
type message struct {
	Number, ID, Trace, Peer string
	SaidMS                  float64
	Accepted, Steady        bool
	Owed, Made, Soon        float64 // deliveries; Soon within a second
	LastMS                  float64 // negative: nobody it was owed to had it
	Hops                    float64
	Lacking, Err            string
}

// Load reads a folder. Only the verdict must be there: what is missing beside it is missing from the page.
func Load(dir string) (*Data, error) {
	d := &Data{Dir: dir, Topology: map[string]string{}}
	if err := readJSON(dir, fileVerdict, &d.Verdict); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s holds no run: there is no %s in it (a folder that lab run made has one)", dir, fileVerdict)
		}
		return nil, err
	}
	if err := readJSON(dir, fileRun, &d.Info); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	source, err := readSmall(dir, fileScenario)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	d.Source = string(source)
	for _, t := range topologies {
		if b, err := readSmall(dir, topologyFile(t)); err == nil {
			d.Topology[t] = string(b)
		}
	}
	return d, errors.Join(d.readMessages(), d.readDeliveries(), d.readSamples(), d.readHeals())
}

func readSmall(dir, name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSmall+1))
	if err == nil && len(b) > maxSmall {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxSmall)
	}
	return b, err
}

func readJSON(dir, name string, v any) error {
	b, err := readSmall(dir, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (d *Data) readMessages() error {
	return readTable(d.Dir, fileMessages, func(t *table) {
		d.Messages = append(d.Messages, message{
			Number: t.text("number"), ID: t.text("id"), Trace: t.text("trace_id"), Peer: t.text("peer"), SaidMS: t.num("said_ms"),
			Accepted: t.text("accepted") == "true", Steady: t.text("steady") == "true", Owed: t.num("owed"), Made: t.num("delivered"),
			Soon: t.num("within_1s"), LastMS: t.num("last_ms"), Hops: t.num("hops"), Lacking: t.text("lacking"), Err: t.text("error"),
		})
	})
}

func (d *Data) readDeliveries() error {
	return readTable(d.Dir, fileDeliveries, func(t *table) { d.After = append(d.After, t.num("after_ms")) })
}

func (d *Data) readSamples() error {
	return readTable(d.Dir, fileSamples, func(t *table) {
		d.Samples = append(d.Samples, scenario.Sample{
			At: time.Duration(t.num("ms") * 1e6), Living: int(t.num("living")), Parts: int(t.num("parts")), Links: int(t.num("links")),
			Meshed: t.text("meshed") == "true", Said: int(t.num("published")), Heard: int(t.num("heard")),
			Delivered: uint64(t.num("delivered")), Duplicates: uint64(t.num("duplicates")), Announced: uint64(t.num("announcements")),
		})
	})
}

// readHeals looks for the healings among the events.
func (d *Data) readHeals() error {
	f, err := os.Open(filepath.Join(d.Dir, fileEvents))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 64<<10), 1<<20)
	for lines.Scan() {
		if !bytes.Contains(lines.Bytes(), []byte(`"kind":"healed"`)) {
			continue
		}
		var e struct {
			Took time.Duration `json:"took_ns"`
		}
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.Took > 0 {
			d.Heals = append(d.Heals, ms(e.Took))
		}
	}
	return lines.Err()
}

// Summary is a run in a few lines.
func (d *Data) Summary() string {
	var b strings.Builder
	Summarize(&b, &d.Verdict)
	for _, w := range d.Info.Wrong[:min(5, len(d.Info.Wrong))] {
		fmt.Fprintf(&b, "  ! %s\n", w)
	}
	return b.String()
}

// Summarize writes a verdict for a person.
func Summarize(w io.Writer, v *scenario.Verdict) {
	for _, e := range v.Expectations {
		mark := "ok  "
		if !e.OK {
			mark = "FAIL"
		}
		fmt.Fprintf(w, "%s  %-12s %-28s %s\n", mark, e.Name, e.Want, e.Got)
	}
	word := "came out as expected"
	if !v.OK {
		word = "did NOT come out as expected"
	}
	fmt.Fprintf(w, "%q %s: engine %s, seed %d, %s\n", v.Scenario, word, v.Engine, v.Seed, v.Version)
}
