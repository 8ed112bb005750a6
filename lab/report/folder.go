// Package report keeps the evidence of a run in one folder, and makes pages and pictures of it.
//
//	folder.go, peerlog.go   what is written while the run goes on, so that a lab that is killed leaves it
//	save.go, table.go       what is written when it is over: verdict, tables, spans
//	load.go                 a folder that was written, by this lab or an older one
//	pictures.go, topology.go, page.go, compare.go   what people look at, made from a folder alone
//
// Whatever a page shows was read from the folder's other files, so that a page can always be made anew.
package report

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/scenario"
)

// The files of a folder.
const (
	fileReport     = "report.html"
	fileVerdict    = "verdict.json"
	fileJUnit      = "junit.xml"
	fileScenario   = "scenario.yaml"
	fileEvents     = "events.jsonl"
	fileMessages   = "messages.csv"
	fileDeliveries = "deliveries.csv"
	fileLinks      = "links.csv"
	fileSamples    = "samples.csv"
	fileSpans      = "spans.json"
	fileStatuses   = "statuses.json"
	fileRun        = "run.json"
	dirPeers       = "peers"
	dirPlots       = "plots"
)

// topologies are the pictures of who had links to whom.
var topologies = []string{"before", "during", "after"}

const (
	// maxEventBytes bounds events.jsonl. Events after that are counted, and not written.
	maxEventBytes = 256 << 20
	// maxText is how much of a message's text is written with each event: enough to know it again.
	maxText = 80
	// maxLinks bounds links.csv likewise.
	maxLinks = 200_000
)

// Folder is a run's folder while it is written.
type Folder struct {
	Dir string

	began   time.Time
	engine  string
	events  *bufio.Writer
	file    *os.File
	bytes   int
	dropped int
	logs    map[int]*peerLog
	links   links
	flushed time.Time
	err     error // the first that could not be written
}

// flushEvery is how old at most what is not on the disk yet is, while anything happens.
const flushEvery = time.Second

// Create makes the folder for a run of a scenario. One that holds an earlier run is emptied of it; one that holds
// anything else is left alone, with an error.
func Create(dir string, sc *scenario.Scenario) (*Folder, error) {
	if err := clean(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, dirPeers), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, fileScenario), sc.Source, 0o644); err != nil {
		return nil, err
	}
	f, err := os.Create(filepath.Join(dir, fileEvents))
	if err != nil {
		return nil, err
	}
	return &Folder{Dir: dir, file: f, events: bufio.NewWriterSize(f, 64<<10), logs: map[int]*peerLog{}, links: newLinks()}, nil
}

// clean removes an earlier run from a folder.
func clean(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == fileScenario }) ||
		!slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == fileEvents }) {
		return fmt.Errorf("%s holds something else than a run; name a folder that is empty or not there", dir)
	}
	ours := []string{fileReport, fileVerdict, fileJUnit, fileScenario, fileEvents, fileMessages, fileDeliveries, fileLinks, fileSamples, fileSpans, fileStatuses, fileRun, dirPeers, dirPlots}
	for _, t := range topologies {
		ours = append(ours, topologyFile(t))
	}
	for _, name := range ours {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func topologyFile(when string) string { return "topology-" + when + ".svg" }

// Begin says which engine runs, and when by its clock.
func (f *Folder) Begin(engine string, at time.Time) { f.engine, f.began = engine, at }

// Event writes down what a fleet tells. It is called for one event at a time.
func (f *Folder) Event(e fleet.Event) {
	at := e.At.Sub(f.began)
	f.links.event(&e, at)
	f.peerLog(&e, at)
	if e.Kind == fleet.Log {
		return // it is in its peer's log
	}
	if f.bytes >= maxEventBytes || f.err != nil {
		f.dropped++
		return
	}
	if e.Message != nil && len(e.Message.Text) > maxText {
		m := *e.Message
		m.Text = shorten(m.Text, maxText)
		e.Message = &m
	}
	line, err := json.Marshal(struct {
		MS float64 `json:"ms"` // since the run began
		fleet.Event
	}{ms(at), e})
	if err == nil {
		_, err = f.events.Write(append(line, '\n'))
	}
	f.bytes += len(line)
	f.note(err)
	if now := time.Now(); now.Sub(f.flushed) > flushEvery {
		f.flushed = now
		f.flush()
	}
}

func (f *Folder) flush() {
	f.note(f.events.Flush())
	for _, l := range f.logs {
		f.note(l.out.Flush())
	}
}

// shorten cuts a text at a whole character.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xC0 == 0x80 {
		most--
	}
	return s[:most] + "…"
}

func (f *Folder) note(err error) {
	if f.err == nil {
		f.err = err
	}
}

// close ends the files that were written while the run went on.
func (f *Folder) close() error {
	f.flush()
	f.note(f.file.Close())
	for _, l := range f.logs {
		f.note(l.file.Close())
	}
	return f.err
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Discard ends a folder of which nothing is to be kept.
func (f *Folder) Discard() {
	f.close()
	os.RemoveAll(f.Dir)
}
