package script

import (
	"errors"
	"strings"
	"testing"
)

// play carries commands out, all but the last of which must be good.
func play(t *testing.T, lines ...string) (string, error) {
	t.Helper()
	s := NewSession()
	for _, line := range lines[:len(lines)-1] {
		if out, err := s.Do(line); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return s.Do(lines[len(lines)-1])
}

func TestCommandsThatCannotBe(t *testing.T) {
	for _, test := range []struct{ lines, want string }{
		{"run 1s", errNoPeers.Error()},
		{"dance", "there are clog, crash, expect"},
		{"peers", "words follow"},
		{"peers 0", "1 to 100"},
		{"peers 101", "1 to 100"},
		{"peers 4 links=0", "open one"},
		{"peers 4 links=3 serve=2", "at least as many"},
		{"peers 4 links=x", "links=x is no number"},
		{"peers 4 slots=3", "slots= is not known"},
		{"peers 4 multicast=maybe", "yes or no"},
		{"peers 4;peers 4", "already"},
		{"peers 4;start 5", `"5" is no peer`},
		{"peers 4;start 1-2", `"1-2" is no peer`},
		{"peers 4;kill", "0 words follow"},
		{"peers 4;run", "words follow"},
		{"peers 4;run 5", `"5" is no time`},
		{"peers 4;run 2h", "up to 1h"},
		{"peers 4;run -1s", "is no time"},
		{"peers 4;show weather", "dials"},
		{"peers 4;publish 1", "in quotes"},
		{`peers 4;publish 1 "hello`, "no text in quotes"},
		{`peers 4;publish 1 "hello"`, "does not run"},
		{`peers 4;start 1 "hello"`, "no text may follow"},
		{"peers 4;partition 1,2", "partition 1,2/3,4"},
		{"peers 4;clog 1", "words follow"},
		{"peers 4;peer friendly", "siphoner"},
		{"peers 4;peer join=7", `"7" is no peer`},
		{"peers 4;expect", "meshed"},
		{"peers 4;expect rain", "meshed"},
	} {
		_, err := play(t, strings.Split(test.lines, ";")...)
		var failed *Failed
		if err == nil || !strings.Contains(err.Error(), test.want) || errors.As(err, &failed) {
			t.Errorf("%s: the error is %v, want one that says %q", test.lines, err, test.want)
		}
	}
}

// An expectation that is not met is an error, whatever a file has on record.
func TestExpectationsCanFail(t *testing.T) {
	for lines, want := range map[string]string{
		"peers 2;start;expect meshed":                                            "2 parts",
		"peers 2;start;partition 1/2;expect meshed within=2s":                    "2 parts",
		"peers 2;start;run 2s;expect parts 2":                                    "in 1 parts",
		`peers 2;start;run 2s;expect heard all "hello"`:                          "peer-1 has heard it 0 times",
		`peers 2;start;run 2s;publish 1 "hello";expect heard 2 "hello"`:          "peer-2 has heard it 0 times",
		`peers 2;start;run 2s;publish 1,1 "hello";run 1s;expect heard 2 "hello"`: "peer-2 has heard it 2 times",
	} {
		_, err := play(t, strings.Split(lines, ";")...)
		var failed *Failed
		if !errors.As(err, &failed) || !strings.Contains(failed.What, want) {
			t.Errorf("%s: the error is %v, want a failed expectation that says %q", lines, err, want)
		}
	}
}

func TestParse(t *testing.T) {
	a := parse(`1,2 within=5s "are \"you\" there? a=b"`)
	if len(a.words) != 1 || a.words[0] != "1,2" || a.named["within"] != "5s" || a.text != `are "you" there? a=b` || a.bad != "" {
		t.Errorf("%+v", a)
	}
}

func TestTheSameScriptSaysTheSame(t *testing.T) {
	lines := []string{"peers 8", "show dials tree messages", "start", "run 3s", `publish 3 "hello"`, "kill 1", "run 5s"}
	var outs [2]string
	for i := range outs {
		s := NewSession()
		for _, line := range lines {
			out, err := s.Do(line)
			if err != nil {
				t.Fatal(err)
			}
			outs[i] += out
		}
	}
	if outs[0] != outs[1] || len(outs[0]) < 1000 {
		t.Errorf("one time it says\n%s\nand then\n%s", outs[0], outs[1])
	}
}
