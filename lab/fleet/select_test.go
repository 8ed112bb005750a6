package fleet

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestSelectFor has five peers, of which 2 and 4 are paused and 5 has ended.
func TestSelectFor(t *testing.T) {
	var peers []Peer
	for n := 1; n <= 5; n++ {
		peers = append(peers, Peer{Number: n, Name: fmt.Sprintf("peer-%d", n), ID: fmt.Sprint(n), Alive: n < 5, Paused: n == 2 || n == 4})
	}
	for _, test := range []struct {
		verb, what string
		want       string // the numbers, or words of the error
	}{
		{"kill", "all", "[1 2 3 4]"},
		{"pause", "all", "[1 3]"},
		{"resume", "all", "[2 4]"},
		{"resume", "random 2", "[2 4]"},
		{"pause", "random 2", "[1 3]"},
		{"resume", "1,all", "[1 2 4]"},
		{"resume", "root", "[1]"},
		{"start", "dead", "[5]"},
		{"start", "5", "[5]"},
		{"resume", "5", "peer-5 has ended"},
		{"resume", "random 3", "only 2 peers are paused"},
		{"pause", "random 3", "only 2 peers live and are not paused"},
		{"kill", "random 5", "only 4 peers live"},
	} {
		rng := rand.New(rand.NewPCG(1, 1))
		list, err := SelectFor(test.verb, peers, test.what, rng)
		if got := fmt.Sprint(list); got != test.want && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s %s: %v, %v; want %s", test.verb, test.what, list, err, test.want)
		}
	}
	for range 20 {
		for verb, paused := range map[string]bool{"pause": false, "resume": true} {
			for _, what := range []string{"half", "any"} {
				list, err := SelectFor(verb, peers, what, rand.New(rand.NewPCG(rand.Uint64(), 1)))
				if err != nil || len(list) != 1 || peers[list[0]-1].Paused != paused {
					t.Errorf("%s %s: %v, %v", verb, what, list, err)
				}
			}
		}
	}
}
