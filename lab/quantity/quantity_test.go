package quantity

import (
	"encoding"
	"strings"
	"testing"
	"time"
)

func TestRead(t *testing.T) {
	read := func(v encoding.TextUnmarshaler, s string) bool { return v.UnmarshalText([]byte(s)) == nil }
	var share Share
	var rate Rate
	var span Range
	var spread Spread
	var size Bytes
	for s, want := range map[string]Share{"80%": 0.8, "0%": 0, " 2.5 %": 0.025, "half": 0.5, "100%": 1} {
		if !read(&share, s) || share != want {
			t.Errorf("%q is read as %v", s, float64(share))
		}
	}
	for s, want := range map[string]Rate{"20/s": 20, "30/m": 0.5, "0.5/s": 0.5, "3600/h": 1} {
		if !read(&rate, s) || rate != want {
			t.Errorf("%q is read as %v", s, float64(rate))
		}
	}
	for s, want := range map[string]Range{"1ms..20ms": {time.Millisecond, 20 * time.Millisecond}, "5ms": {5 * time.Millisecond, 5 * time.Millisecond}} {
		if !read(&span, s) || span != want || span.String() != s {
			t.Errorf("%q is read as %v", s, span)
		}
	}
	for s, want := range map[string]Spread{"50ms±10ms": {50 * time.Millisecond, 10 * time.Millisecond}, "50ms+-10ms": {50 * time.Millisecond, 10 * time.Millisecond}, "1s": {time.Second, 0}} {
		if !read(&spread, s) || spread != want {
			t.Errorf("%q is read as %v", s, spread)
		}
	}
	for s, want := range map[string]Bytes{"100B": 100, "64KiB": 65536, "1.5MiB": 3 << 19, "2GiB": 2 << 30} {
		if !read(&size, s) || size != want {
			t.Errorf("%q is read as %d", s, int64(size))
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		into encoding.TextUnmarshaler
		bad  []string
		says string
	}{
		{new(Share), []string{"", "80", "-1%", "101%", "x%", "NaN%"}, "5%"},
		{new(Rate), []string{"", "20", "20/d", "0/s", "-1/s", "NaN/s", "1e9/s"}, "20/s"},
		{new(Range), []string{"", "20ms..1ms", "5", "-1ms", "1h"}, "1ms..20ms"},
		{new(Spread), []string{"", "10ms±50ms", "5", "-1ms", "1h"}, "50ms±10ms"},
		{new(Bytes), []string{"", "100", "-1B", "1kB", "NaNB", "9999999GiB"}, "100B"},
	} {
		for _, s := range c.bad {
			if err := c.into.UnmarshalText([]byte(s)); err == nil {
				t.Errorf("%q is read as %v", s, c.into)
			} else if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q: %v: does not say what would be right", s, err)
			}
		}
	}
}
