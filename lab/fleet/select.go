package fleet

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Select finds the peers that people mean: peer-3 or 3, root, any, random 2, half, all, dead, and lists of
// them by comma. Only dead, and numbers and names if ended says so, stand for peers that have ended. The
// result is sorted, and holds nobody twice.
//
// The root is the living peer with the lowest ID. An error says which names there are.
func Select(peers []Peer, what string, ended bool, rng *rand.Rand) ([]int, error) {
	return choose(peers, what, ended, rng, func(Peer) bool { return true }, "live")
}

// SelectFor is Select for something that is to be done to the peers. Pausing is for those who are not paused, and
// resuming for those who are: all, any, random 2 and half are of these. Whoever is named may be otherwise.
func SelectFor(verb string, peers []Peer, what string, rng *rand.Rand) ([]int, error) {
	switch verb {
	case "pause":
		return choose(peers, what, false, rng, func(p Peer) bool { return !p.Paused }, "live and are not paused")
	case "resume":
		return choose(peers, what, false, rng, func(p Peer) bool { return p.Paused }, "are paused")
	}
	return Select(peers, what, verb == "start", rng)
}

// choose is Select among those living peers that can be chosen without being named; those says in words which they are.
func choose(peers []Peer, what string, ended bool, rng *rand.Rand, can func(Peer) bool, those string) ([]int, error) {
	var living, dead []int
	root := Peer{}
	for _, p := range peers {
		if !p.Alive {
			dead = append(dead, p.Number)
			continue
		}
		if can(p) {
			living = append(living, p.Number)
		}
		if root.Number == 0 || p.ID != "" && p.ID < root.ID {
			root = p
		}
	}
	var list []int
	for _, word := range strings.Split(what, ",") {
		word = strings.TrimSpace(word)
		some := func(n int) error {
			if n > len(living) {
				return fmt.Errorf("%q: only %d peers %s", word, len(living), those)
			}
			for _, i := range rng.Perm(len(living))[:n] {
				list = append(list, living[i])
			}
			return nil
		}
		var err error
		switch first, rest, _ := strings.Cut(word, " "); first {
		case "all":
			list = append(list, living...)
		case "dead":
			list = append(list, dead...)
		case "half":
			err = some((len(living) + 1) / 2)
		case "any":
			err = some(1)
		case "root":
			if root.Number == 0 {
				err = fmt.Errorf("%q: nobody lives", word)
			}
			list = append(list, root.Number)
		case "random":
			n, bad := strconv.Atoi(strings.TrimSpace(rest))
			if bad != nil || n < 1 {
				return nil, fmt.Errorf("%q: say how many: random 2", word)
			}
			err = some(n)
		default:
			i := slices.IndexFunc(peers, func(p Peer) bool { return p.Name == word || strconv.Itoa(p.Number) == word })
			if i < 0 {
				return nil, fmt.Errorf("there is no peer %q: %s", word, names(peers))
			}
			if !peers[i].Alive && !ended {
				return nil, fmt.Errorf("%s has ended (start it again with: lab start %d)", peers[i].Name, peers[i].Number)
			}
			list = append(list, peers[i].Number)
		}
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// names says what can be selected.
func names(peers []Peer) string {
	const most = 12
	var list []string
	for _, p := range peers {
		if len(list) == most {
			list = append(list, "…")
			break
		}
		list = append(list, p.Name)
	}
	if len(list) == 0 {
		return "no peers were started yet"
	}
	return "there are " + strings.Join(list, ", ") + "; also root, any, random 2, half, all and dead"
}
