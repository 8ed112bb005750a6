package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"hearsay/lab/report"
	"hearsay/lab/scenario"
)

// runCmd carries scenarios out.
type runCmd struct {
	Files  []string `arg:"" name:"file" help:"Scenarios: YAML files such as lab/scenarios/partition.yaml."`
	Engine string   `enum:"local,docker,sim" default:"local" help:"What the peers are: processes on this machine, containers, or simulated: ${enum}."`
	Seed   uint64   `default:"1" help:"What is left to chance, such as who is meant by half, comes from this number. With sim, all of the run does."`
	Seeds  seeds    `help:"Run with each of these seeds, with sim: 1..100. Folders are kept of those that fail." placeholder:"A..B"`
	Out    string   `help:"The folder for the evidence. One that holds an earlier run is made anew. Default: one among the system's temporary ones." placeholder:"DIR"`
	Image  string   `help:"With --engine docker: the containers' image." default:"${image}" placeholder:"IMAGE"`
	JSON   bool     `help:"The verdict as one JSON object on standard output; one for each run, if there are several."`
}

// job is one run of one scenario.
type job struct {
	scenario *scenario.Scenario
	seed     uint64
	out      string // its folder; empty if it is to be made when there is something to put into it
	quiet    bool   // only the outcome is told
}

// Run reads all the files before anything starts.
func (c *runCmd) Run(ctx context.Context, s streams) error {
	all, err := c.load(s)
	if err != nil {
		return err
	}
	if c.Seeds.set && c.Engine != "sim" {
		return misused(fmt.Errorf("--seeds is for --engine sim: on others the same seed does not give the same run; use --seed"))
	}
	jobs := c.jobs(all)
	var bad []string
	for _, j := range jobs {
		v, err := c.one(ctx, s, j)
		if err != nil {
			return err
		}
		if !v.OK {
			bad = append(bad, fmt.Sprintf("%s (seed %d)", j.scenario.Name, j.seed))
		}
		if ctx.Err() != nil {
			break
		}
	}
	if len(jobs) > 1 && !c.JSON {
		fmt.Fprintf(s.out, "%d runs, %d not as expected", len(jobs), len(bad))
		if len(bad) > 0 {
			fmt.Fprintf(s.out, ": %s", strings.Join(bad[:min(10, len(bad))], "; "))
		}
		fmt.Fprintln(s.out)
	}
	if len(bad) > 0 || ctx.Err() != nil {
		return failed(errors.New("")) // it has been told
	}
	return nil
}

// load reads the files. What is wrong with them is told in lines that begin with the file's name, as compilers do.
func (c *runCmd) load(s streams) (all []*scenario.Scenario, err error) {
	wrong := false
	for _, file := range c.Files {
		sc, err := scenario.Load(file)
		if err != nil {
			fmt.Fprintln(s.err, err)
			wrong = true
			continue
		}
		all = append(all, sc)
	}
	if wrong {
		return nil, misused(errors.New(""))
	}
	return all, nil
}

func (c *runCmd) jobs(all []*scenario.Scenario) (jobs []job) {
	if !c.Seeds.set {
		c.Seeds.first, c.Seeds.last = c.Seed, c.Seed
	}
	several := len(all) > 1 || c.Seeds.first != c.Seeds.last
	for _, sc := range all {
		for seed := c.Seeds.first; ; seed++ {
			j := job{scenario: sc, seed: seed, out: c.Out, quiet: several || c.JSON}
			if several && c.Out != "" {
				name := strings.TrimSuffix(filepath.Base(sc.File), filepath.Ext(sc.File))
				if c.Seeds.first != c.Seeds.last {
					name += fmt.Sprintf("-%d", seed)
				}
				j.out = filepath.Join(c.Out, name)
			}
			jobs = append(jobs, j)
			if seed == c.Seeds.last {
				break
			}
		}
	}
	return jobs
}

// one carries one scenario out, tells how it came out, and leaves the evidence.
func (c *runCmd) one(ctx context.Context, s streams, j job) (*scenario.Verdict, error) {
	started := time.Now()
	e, err := c.makeEngine(ctx, j)
	if err != nil {
		return nil, engineError(err)
	}
	defer e.end()
	f := e.fleet
	if err := j.scenario.Can(f); err != nil {
		return nil, cannot(err)
	}
	folder, err := j.folder()
	if err != nil {
		return nil, misused(fmt.Errorf("--out: %w", err))
	}
	cfg := scenario.Config{Seed: j.seed, Version: version(), Began: f.Now(), Events: folder.Event, Spans: e.spans}
	folder.Begin(f.Engine(), cfg.Began)
	if !j.quiet {
		fmt.Fprintf(s.out, "%s: engine %s, seed %d\n", j.scenario.Name, c.Engine, j.seed)
		cfg.Progress = func(at time.Duration, text string) { fmt.Fprintf(s.out, "%7.2f s  %s\n", at.Seconds(), text) }
	}
	res, err := scenario.Run(ctx, j.scenario, f, cfg)
	if err != nil {
		folder.Discard()
		return nil, engineError(err)
	}
	if c.Seeds.set && res.Verdict.OK {
		folder.Discard()
		return &res.Verdict, c.tell(s, &res.Verdict, j, "")
	}
	if err := folder.Save(res, c.command(j), started); err != nil {
		return nil, failed(fmt.Errorf("the evidence: %w", err))
	}
	return &res.Verdict, c.tell(s, &res.Verdict, j, folder.Dir)
}

// folder makes the folder of a run.
func (j *job) folder() (*report.Folder, error) {
	dir := j.out
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "hearsay-run-"); err != nil {
			return nil, err
		}
	}
	return report.Create(dir, j.scenario)
}

// command is what makes the same run again.
func (c *runCmd) command(j job) []string {
	return []string{"lab", "run", j.scenario.File, "--engine", c.Engine, "--seed", strconv.FormatUint(j.seed, 10)}
}

// tell tells how a run came out.
func (c *runCmd) tell(s streams, v *scenario.Verdict, j job, dir string) error {
	switch {
	case c.JSON:
		return json.NewEncoder(s.out).Encode(v)
	case j.quiet && v.OK:
		fmt.Fprintf(s.out, "ok    %s, seed %d\n", v.Scenario, v.Seed)
	case j.quiet:
		fmt.Fprintf(s.out, "FAIL  %s, seed %d: %s\n", v.Scenario, v.Seed, strings.Join(c.command(j), " "))
	}
	if !j.quiet || !v.OK {
		report.Summarize(s.out, v)
	}
	if dir != "" {
		fmt.Fprintf(s.out, "Evidence: %s\n", filepath.Join(dir, "report.html"))
	}
	return nil
}

// version is this program's, as Go's build knows it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
