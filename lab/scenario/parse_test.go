package scenario

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what is complained of into testdata, instead of comparing")

// TestBadFiles compares what is complained of with what was, so that a change of the wording is seen. Every line
// must name the file and the line, what is wrong, and a remedy behind a semicolon.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(file)
			sc, err := Parse(name, source)
			if err == nil {
				t.Fatalf("nothing is complained of, and the steps are %v", sc.Steps)
			}
			got := err.Error() + "\n"
			for _, line := range strings.Split(strings.TrimSpace(got), "\n") {
				if !strings.HasPrefix(line, name+":") || !strings.Contains(line, "; ") && !strings.HasSuffix(line, " more") {
					t.Errorf("this is no FILE:LINE: what; remedy: %s", line)
				}
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("complaints are\n%swant\n%s", got, want)
			}
		})
	}
}

// TestGoodFile reads every kind of step and expectation in every form that they have.
func TestGoodFile(t *testing.T) {
	sc, err := Parse("good.yaml", []byte(`
name: All there is
peers: 6
options: {links: 4, serve: 8, retain: 5m, retain-bytes: 16MiB}
steps:
  - wait: meshed
  - wait: {meshed: true, timeout: 10s}
  - send
  - send: {from: [1, peer-2, any], rate: 30/m, text: "hello: there", count: 3}
  - wait: delivered
  - kill: root
  - start
  - start: dead
  - restart
  - restart: 1,2
  - restart: {peers: all, rolling: true}
  - pause: random 2
  - resume
  - isolate: 4
  - heal
  - heal: all
  - partition: [[1, 2, 3], [4, peer-5, 6]]
  - partition: half
  - delay: 50ms±10ms 1,2
  - delay: 50ms
  - delay: {by: 50ms+-10ms, peers: [1, 2]}
  - loss: 5% 1,2
  - loss: {share: 5%}
  - churn: {rate: 1/s, for: 10s, peers: [1, 2], down: 1s..2s}
  - scale: 12
  - scale: {to: 14, siphoners: true}
  - stop: 14
  - stop: [12, 13]
  - sleep: 1m30s
  - stop: send
expect:
  - lost: 0
  - duplicated: 3
  - out-of-order: 0
  - unexpected: 0
  - meshed: {within: 5s, after: heal}
  - meshed: {within: 5s}
  - delivered: {within: 5s, after: restart}
  - rmr: {at-most: 0.1, when: steady}
  - rmr: {at-most: 2, when: always}
  - traced: {at-least: 99.5%}
`))
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, st := range sc.Steps {
		steps = append(steps, st.String())
	}
	want := `wait until meshed
wait until meshed
send 100B, 20/s from all
send "hello: there" 3 times, 0.5/s from 1,peer-2,any
wait until all delivered
kill root
start dead
start dead
restart all
restart 1,2
restart all, one after the other
pause random 2
resume all
isolate 4
heal
heal
partition 1,2,3/4,peer-5,6
partition half
delay 50ms±10ms at 1,2
delay 50ms at all
delay 50ms±10ms at 1,2
loss 5% at 1,2
loss 5% at all
churn 1/s of 1,2 for 10s
scale to 12
scale to 14 with siphoners
stop 14
stop 12,13
sleep 1m30s
stop sending`
	if got := strings.Join(steps, "\n"); got != want {
		t.Errorf("the steps are\n%s\nwant\n%s", got, want)
	}
	var claims []string
	for _, e := range sc.Expect {
		claims = append(claims, e.Kind+" "+e.want())
	}
	want = `lost 0
duplicated at most 3
out-of-order 0
unexpected 0
meshed within 5s after heal
meshed within 5s after scale
delivered within 5s after restart
rmr at most 0.1, steady
rmr at most 2, always
traced at least 99.5%`
	if got := strings.Join(claims, "\n"); got != want {
		t.Errorf("the expectations are\n%s\nwant\n%s", got, want)
	}
	if sc.Steps[1].action.(*waitStep).timeout != 10*time.Second || sc.Steps[0].Line != 6 || !sc.Traced() {
		t.Errorf("a timeout, a line, or traces were not read: %+v", sc)
	}
	faults, lines := sc.Needs()
	if len(faults) != 9 || lines[0] != 11 {
		t.Errorf("it needs %v, first in the lines %v", faults, lines)
	}
}

func TestLimitsOfAFile(t *testing.T) {
	long := "name: x\npeers: 6\nsteps:\n" + strings.Repeat("  - heal\n", maxSteps+1) + "expect:\n  - meshed: {within: 1s}\n"
	if _, err := Parse("long.yaml", []byte(long)); err == nil || !strings.Contains(err.Error(), "long.yaml:4: steps has 1001 entries; it can have 1000") {
		t.Errorf("too many steps: %v", err)
	}
	if _, err := Parse("large.yaml", make([]byte, maxFile+1)); err == nil || !strings.HasPrefix(err.Error(), "large.yaml:1: ") {
		t.Errorf("too large a file: %v", err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// FuzzParse wants no file to make the reader panic or hang, and every complaint to name its place.
func FuzzParse(f *testing.F) {
	for _, glob := range []string{"testdata/bad/*.yaml", "../scenarios/*.yaml"} {
		files, _ := filepath.Glob(glob)
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		sc, err := Parse("f.yaml", b)
		if err == nil && (len(sc.Steps) == 0 || len(sc.Expect) == 0 || sc.Peers < 2) {
			t.Errorf("an empty scenario is taken: %+v", sc)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "f.yaml:") {
			t.Errorf("the complaint does not name its place: %v", err)
		}
	})
}
