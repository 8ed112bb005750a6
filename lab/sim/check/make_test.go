package check

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

func TestScratch(t *testing.T) {
	rules := map[string]int{}
	worst := map[string]string{}
	worstT := map[string]time.Duration{}
	from, n := uint64(1), uint64(300)
	if s := os.Getenv("FROM"); s != "" {
		from, _ = strconv.ParseUint(s, 10, 64)
	}
	if s := os.Getenv("N"); s != "" {
		n, _ = strconv.ParseUint(s, 10, 64)
	}
	want := os.Getenv("RULE")
	least, most := 6, 12
	if s := os.Getenv("P"); s != "" {
		least, _ = strconv.Atoi(s)
		most = least
	}
	for seed := from; seed < from+n; seed++ {
		s := Make(seed, least, most)
		p, err := Parse(s.String())
		if err != nil || p.String() != s.String() {
			t.Fatalf("%v\n%s\n%s", err, s, p)
		}
		o := s.Run(Options{})
		for i, d := range o.Took {
			k := fmt.Sprint(i > 0, s.Links == 1)
			if d > worstT[k] {
				worstT[k], worst[k] = d, fmt.Sprint(d, " seed ", seed)
			}
		}
		if v := o.Violation; v != nil {
			rules[v.Rule]++
			if want == "" || want == v.Rule {
				fmt.Printf("seed %d: %s at %v: %s  [%d peers %d/%d lat %v loss %v mc %v dom %d join %v %v siph %v bw %v ret %v]\n", seed, v.Rule, v.At, v.What, s.Peers, s.Links, s.Serve, s.Latency, s.Loss, !s.NoMulticast, s.Domains, s.Join, s.JoinPeers, s.Siphoners, s.Bandwidth, s.Retain)
			}
		}
		if o.Idle() {
			rules["idle"]++
		}
	}
	fmt.Println(rules)
	for k, v := range worst {
		fmt.Println(k, v)
	}
}

func TestOne(t *testing.T) {
	seed, _ := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	s := Make(seed, 6, 12)
	if f := os.Getenv("FILE"); f != "" {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if s, err = Parse(string(b)); err != nil {
			t.Fatal(err)
		}
	}
	a := NewAccount()
	fmt.Println(s)
	o := s.Run(Options{Account: a})
	if os.Getenv("ALL") != "" {
		fmt.Print(a.All())
	}
	if o.Violation != nil {
		fmt.Print(a.Around(o.Violation))
	}
}
