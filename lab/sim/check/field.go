package check

import (
	"fmt"
	"strconv"
	"time"

	"hearsay/lab/quantity"
)

// field is one line of the head.
type field struct {
	name  string
	write func(*Schedule) string // nothing if it is the default
	read  func(*Schedule, string) error
}

var networkFields = []field{
	numberField("links", func(s *Schedule) *int { return &s.Links }, 1, maxLinks),
	numberField("serve", func(s *Schedule) *int { return &s.Serve }, 1, maxLinks),
	needed(quantityField("latency", func(s *Schedule) *quantity.Range { return &s.Latency }), "nothing arrives before it was sent: say 1us for hardly any"),
	quantityField("jitter", func(s *Schedule) *quantity.Share { return &s.Jitter }),
	quantityField("loss", func(s *Schedule) *quantity.Share { return &s.Loss }),
	needed(quantityField("bandwidth", func(s *Schedule) *quantity.Bytes { return &s.Bandwidth }), "nothing would pass: without this line there is no bound"),
	{"multicast", writeMulticast, readMulticast},
	numberField("domains", func(s *Schedule) *int { return &s.Domains }, 1, 1000),
	{"join", writeJoin, readJoin},
	{"retain", writeRetain, readRetain},
	needed(quantityField("retain-bytes", func(s *Schedule) *quantity.Bytes { return &s.RetainBytes }), "peers keep what they say: at least 1B"),
	peersField("siphoners", func(s *Schedule) *[]int { return &s.Siphoners }),
	peersField("history", func(s *Schedule) *[]int { return &s.History }),
}

func numberField(name string, at func(*Schedule) *int, least, most int) field {
	return field{name, func(s *Schedule) string {
		if *at(s) == 0 {
			return ""
		}
		return strconv.Itoa(*at(s))
	}, func(s *Schedule, t string) (err error) {
		*at(s), err = readNumber(t, least, most)
		return err
	}}
}

// quantityOf is a type of package quantity.
type quantityOf[T any] interface {
	*T
	UnmarshalText([]byte) error
	String() string
}

func quantityField[T comparable, P quantityOf[T]](name string, at func(*Schedule) P) field {
	return field{name, func(s *Schedule) string {
		var none T
		if *at(s) == none {
			return ""
		}
		return at(s).String()
	}, func(s *Schedule, t string) error { return at(s).UnmarshalText([]byte(t)) }}
}

// needed refuses a value of nothing, which would be taken for the default.
func needed(f field, why string) field {
	read := f.read
	f.read = func(s *Schedule, t string) error {
		if err := read(s, t); err != nil {
			return err
		}
		if f.write(s) == "" {
			return fmt.Errorf("%q: %s", t, why)
		}
		return nil
	}
	return f
}

func peersField(name string, at func(*Schedule) *[]int) field {
	return field{name, func(s *Schedule) string { return writePeers(*at(s)) }, func(s *Schedule, t string) (err error) {
		*at(s), err = readPeers(t, s.Peers)
		return err
	}}
}

func writeMulticast(s *Schedule) string {
	if s.NoMulticast {
		return "no"
	}
	return ""
}

func readMulticast(s *Schedule, t string) error {
	if t != "yes" && t != "no" {
		return fmt.Errorf("%q: it works, yes or no", t)
	}
	s.NoMulticast = t == "no"
	return nil
}

func writeJoin(s *Schedule) string {
	if s.Join {
		return "living"
	}
	return writePeers(s.JoinPeers)
}

func readJoin(s *Schedule, t string) (err error) {
	if s.Join = t == "living"; !s.Join {
		s.JoinPeers, err = readPeers(t, s.Peers)
	}
	return err
}

func writeRetain(s *Schedule) string {
	if s.Retain == 0 {
		return ""
	}
	return s.Retain.String()
}

func readRetain(s *Schedule, t string) (err error) {
	s.Retain, err = readTime(t, time.Second, maxEnd)
	return err
}
