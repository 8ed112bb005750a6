package script

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

var update = flag.Bool("update", false, "write what the scripts say now into their files")

func TestMain(m *testing.M) {
	flag.Parse()
	if *update {
		flag.Set("rewrite", "true") // datadriven's own
	}
	os.Exit(m.Run())
}

// TestScripts wants each script to say what it said when it was recorded.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			s := NewSession()
			datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
				line := d.Cmd
				for _, a := range d.CmdArgs {
					line += " " + a.String()
				}
				told := ""
				for _, line := range append([]string{line}, strings.Split(d.Input, "\n")...) {
					if line == "" {
						continue
					}
					out, err := s.Do(line)
					if told += out; err != nil {
						// A failed expectation must not be recorded as what is right.
						t.Fatalf("%s: %v\n%s", d.Pos, err, told)
					}
				}
				if told == "" {
					return "ok\n"
				}
				return told
			})
		})
	}
}
