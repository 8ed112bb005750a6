package report

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hearsay/lab/scenario"
)

// JUnit's XML has no schema that all agree on; this is what Jenkins, GitLab and GitHub's actions read.
type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
	Output     string          `xml:"system-out"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes each expectation as a test.
func writeJUnit(dir string, v *scenario.Verdict, info *Info) error {
	s := junitSuite{
		Name: v.Scenario, Tests: len(v.Expectations), Time: seconds(info.WallMS), Timestamp: info.Started.Format("2006-01-02T15:04:05"),
		Properties: []junitProperty{{"engine", v.Engine}, {"seed", fmt.Sprint(v.Seed)}, {"version", v.Version}, {"file", info.File}},
		Output:     printable(strings.Join(info.Wrong, "\n")),
	}
	for _, e := range v.Expectations {
		c := junitCase{Name: printable(e.Name + " " + e.Want), Class: "hearsay." + v.Engine, Time: "0"}
		if !e.OK {
			s.Failures++
			c.Failure = &junitFailure{Message: printable("got " + e.Got), Text: printable(fmt.Sprintf("want %s, got %s\n%s", e.Want, e.Got, strings.Join(info.Wrong, "\n")))}
		}
		s.Cases = append(s.Cases, c)
	}
	if info.Interrupted {
		s.Errors = 1
		s.Tests++
		s.Cases = append(s.Cases, junitCase{Name: "the run", Class: "hearsay." + v.Engine, Time: "0", Failure: &junitFailure{Message: "it was interrupted"}})
	}
	b, err := xml.MarshalIndent(junitSuites{Suites: []junitSuite{s}}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, fileJUnit), append([]byte(xml.Header), append(b, '\n')...), 0o644)
}

func seconds(ms float64) string { return fmt.Sprintf("%.3f", ms/1000) }

// printable leaves away what XML cannot hold.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, s)
}
