package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"hearsay/lab/fleet"
)

// who is some peers, as people and fleet.Select name them: "1,root,random 2".
type who string

// what can stand for peers beside their numbers and names.
const whoHelp = "peers are numbers or names such as 3 or peer-3, or root, any, random 2, half, all, dead"

// peers reads a word, a number or a list of them.
func (r *reader) peers(n *yaml.Node, what string) who {
	if n.Kind == yaml.SequenceNode {
		var words []string
		r.list(n, what, func(e *yaml.Node) { words = append(words, string(r.peers(e, what))) })
		if len(n.Content) == 0 {
			r.fail(n.Line, what+" are none", "%s", whoHelp)
		}
		return who(strings.Join(words, ","))
	}
	s := r.text(n, what)
	for _, word := range strings.Split(s, ",") {
		if s != "" && !validWho(strings.TrimSpace(word)) {
			r.fail(n.Line, fmt.Sprintf("%q is no peer", word), "%s", whoHelp)
		}
	}
	return who(s)
}

func validWho(word string) bool {
	switch first, rest, _ := strings.Cut(word, " "); first {
	case "root", "any", "half", "all", "dead":
		return rest == ""
	case "random":
		n, err := strconv.Atoi(strings.TrimSpace(rest))
		return err == nil && n > 0
	}
	return numberOf(word) > 0
}

// numberOf is the number in 3 or peer-3; zero if there is none.
func numberOf(word string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(word, "peer-"))
	if err != nil || n < 1 {
		return 0
	}
	return n
}

// numbers are those peers of w that are named by their numbers.
func (w who) numbers() (list []int) {
	for _, word := range strings.Split(string(w), ",") {
		if n := numberOf(strings.TrimSpace(word)); n > 0 {
			list = append(list, n)
		}
	}
	return list
}

// pick finds out who is meant at this moment.
func (w who) pick(r *run, ended bool) ([]int, error) {
	return fleet.Select(r.fleet.Peers(), string(w), ended, r.rng)
}

// list writes numbers as people would.
func list(peers []int) string {
	var words []string
	for _, n := range peers {
		words = append(words, strconv.Itoa(n))
	}
	if len(words) == 0 {
		return "nobody"
	}
	return strings.Join(words, ",")
}
