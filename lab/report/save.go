package report

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"hearsay/lab/scenario"
)

// Info is run.json: what a verdict does not say of its run.
type Info struct {
	Command     []string           `json:"command"` // that made the folder
	File        string             `json:"file"`
	Started     time.Time          `json:"started"` // by a clock on the wall
	WallMS      float64            `json:"wall_ms"`
	LastedMS    float64            `json:"lasted_ms"` // by the engine's clock
	System      string             `json:"system"`
	CPUs        int                `json:"cpus"`
	Go          string             `json:"go"`
	Interrupted bool               `json:"interrupted,omitempty"`
	Failures    []scenario.Failure `json:"failures,omitempty"`
	Marks       []scenario.Mark    `json:"marks"`
	Peers       []scenario.Life    `json:"peers"`
	Wrong       []string           `json:"wrong,omitempty"`
	Skipped     int                `json:"skipped,omitempty"` // messages that were due and not said
	Blind       uint64             `json:"blind,omitempty"`   // events that could not be listened to
	Unwritten   int                `json:"unwritten,omitempty"`
	NoRoom      int                `json:"no_room,omitempty"` // spans that are not in spans.json
}

// Save writes everything of a run that is over, and its page. It writes what it can: an error says what it
// could not.
func (f *Folder) Save(res *scenario.Result, command []string, started time.Time) error {
	err := f.close()
	write := func(name string, do func() error) {
		if e := do(); e != nil {
			err = errors.Join(err, e)
		}
	}
	info := &Info{
		Command: command, File: res.Scenario.File, Started: started.UTC().Truncate(time.Millisecond),
		WallMS: ms(res.Wall), LastedMS: ms(res.Lasted), System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version(),
		Interrupted: res.Interrupted, Failures: res.Failures, Marks: res.Marks, Peers: res.Peers, Wrong: res.Wrong,
		Skipped: res.Skipped, Blind: res.Blind, Unwritten: f.dropped, NoRoom: res.NoRoom,
	}
	write(fileVerdict, func() error { return writeJSON(f.Dir, fileVerdict, &res.Verdict) })
	write(fileRun, func() error { return writeJSON(f.Dir, fileRun, info) })
	write(fileJUnit, func() error { return writeJUnit(f.Dir, &res.Verdict, info) })
	write(fileMessages, func() error { return writeTable(f.Dir, fileMessages, messageHead, messageRows(res.Messages)) })
	write(fileDeliveries, func() error { return writeTable(f.Dir, fileDeliveries, deliveryHead, deliveryRows(res.Messages)) })
	write(fileSamples, func() error { return writeTable(f.Dir, fileSamples, sampleHead, sampleRows(res.Samples)) })
	write(fileLinks, func() error {
		return writeTable(f.Dir, fileLinks, linkHead, func(emit func(...string)) {
			for _, row := range f.links.rows(res.Peers) {
				emit(row...)
			}
		})
	})
	write(fileStatuses, func() error { return writeJSON(f.Dir, fileStatuses, res.Statuses) })
	write(fileSpans, func() error { return writeSpans(f.Dir, res) })
	for i, t := range []*scenario.Topology{res.Before, res.During, res.After} {
		if t != nil {
			write(topologies[i], func() error {
				return os.WriteFile(filepath.Join(f.Dir, topologyFile(topologies[i])), Topology(t), 0o644)
			})
		}
	}
	write(fileReport, func() error { _, e := Build(f.Dir); return e })
	return err
}

func writeJSON(dir, name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), append(b, '\n'), 0o644)
}
