// Package quantity reads what people write for amounts, on the command line and in scenarios: 80%, 1/s,
// 1ms..20ms, 50ms±10ms, 100B. Each type is a flag's value (encoding.TextUnmarshaler), and every error says what
// would be right.
package quantity

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Share is a part of a whole: 0.8, written 80%.
type Share float64

// UnmarshalText reads a percentage.
func (s *Share) UnmarshalText(b []byte) error {
	t := strings.TrimSpace(string(b))
	if t == "half" {
		*s = 0.5
		return nil
	}
	n, ok := strings.CutSuffix(t, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(n), 64)
	if !ok || err != nil || math.IsNaN(v) || v < 0 || v > 100 {
		return fmt.Errorf("%q is no share: write it as 5%% (0%% to 100%%)", t)
	}
	*s = Share(v / 100)
	return nil
}

// MarshalText writes it as it is read.
func (s Share) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s Share) String() string { return strconv.FormatFloat(float64(s)*100, 'f', -1, 64) + "%" }

// Rate is so many in a second: written 20/s, 30/m.
type Rate float64

// MaxRate bounds rates: what no machine reaches is a mistake.
const MaxRate = 1e6

// UnmarshalText reads a number and a unit of time.
func (r *Rate) UnmarshalText(b []byte) error {
	t := strings.TrimSpace(string(b))
	n, per, ok := strings.Cut(t, "/")
	v, err := strconv.ParseFloat(strings.TrimSpace(n), 64)
	unit := map[string]float64{"s": 1, "m": 1. / 60, "h": 1. / 3600}[strings.TrimSpace(per)]
	if !ok || err != nil || unit == 0 || math.IsNaN(v) || v <= 0 || v*unit > MaxRate {
		return fmt.Errorf("%q is no rate: write it as 20/s, 30/m or 5/h (up to %.0f/s)", t, MaxRate)
	}
	*r = Rate(v * unit)
	return nil
}

// MarshalText writes it as it is read.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func (r Rate) String() string { return strconv.FormatFloat(float64(r), 'f', -1, 64) + "/s" }

// Gap is the time from one to the next.
func (r Rate) Gap() time.Duration { return time.Duration(float64(time.Second) / float64(r)) }

// Range is from Min to Max: written 1ms..20ms, or 5ms for both.
type Range struct{ Min, Max time.Duration }

// UnmarshalText reads one duration or two.
func (r *Range) UnmarshalText(b []byte) error {
	t := strings.TrimSpace(string(b))
	low, high, two := strings.Cut(t, "..")
	least, err := time.ParseDuration(strings.TrimSpace(low))
	most := least
	if err == nil && two {
		most, err = time.ParseDuration(strings.TrimSpace(high))
	}
	if err != nil || least < 0 || most < least || most > time.Minute {
		return fmt.Errorf("%q is no range of times: write it as 1ms..20ms or 5ms (up to a minute)", t)
	}
	*r = Range{least, most}
	return nil
}

// MarshalText writes it as it is read.
func (r Range) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func (r Range) String() string {
	if r.Min == r.Max {
		return r.Min.String()
	}
	return r.Min.String() + ".." + r.Max.String()
}

// Spread is a time and by how much it varies: written 50ms±10ms, or 50ms+-10ms where there is no such key.
type Spread struct{ Mean, By time.Duration }

// UnmarshalText reads one duration or two.
func (s *Spread) UnmarshalText(b []byte) error {
	t := strings.TrimSpace(string(b))
	mean, by, two := strings.Cut(strings.Replace(t, "+-", "±", 1), "±")
	m, err := time.ParseDuration(strings.TrimSpace(mean))
	var v time.Duration
	if err == nil && two {
		v, err = time.ParseDuration(strings.TrimSpace(by))
	}
	if err != nil || m < 0 || v < 0 || v > m || m > time.Minute {
		return fmt.Errorf("%q is no delay: write it as 50ms±10ms or 50ms (up to a minute)", t)
	}
	*s = Spread{m, v}
	return nil
}

// MarshalText writes it as it is read.
func (s Spread) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s Spread) String() string {
	if s.By == 0 {
		return s.Mean.String()
	}
	return s.Mean.String() + "±" + s.By.String()
}

// Bytes is a size: written 100B, 64KiB, 16MiB.
type Bytes int64

// UnmarshalText reads a number and a unit.
func (n *Bytes) UnmarshalText(b []byte) error {
	t := strings.TrimSpace(string(b))
	for _, u := range []struct {
		name string
		size float64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}} {
		v, ok := strings.CutSuffix(t, u.name)
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err != nil || math.IsNaN(f) || f < 0 || f*u.size > 1<<50 {
			break
		}
		*n = Bytes(math.Round(f * u.size))
		return nil
	}
	return fmt.Errorf("%q is no size: write it as 100B, 64KiB or 16MiB", t)
}

// MarshalText writes it as it is read.
func (n Bytes) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

func (n Bytes) String() string {
	for _, u := range []struct {
		name string
		size Bytes
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.size && n%u.size == 0 {
			return strconv.FormatInt(int64(n/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(n), 10) + "B"
}
