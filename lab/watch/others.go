package watch

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// fewOthers is how many peers without a message that are not owed it are told of one by one, where it is for the same
// reason. After the end of many there would be a page of them.
const fewOthers = 3

// howLong is a duration in a reason, as span writes it.
var howLong = regexp.MustCompile(`\b[\d.]+(?:h[\d.]+m[\d.]+s|m[\d.]+s| ms| s)`)

// writeOthers tells who is not owed the message, those for the same reason in one line.
func writeOthers(b *strings.Builder, others []Other) {
	alike := map[string][]Other{}
	var order []string
	for _, o := range others {
		why := howLong.ReplaceAllString(o.Why, "some time")
		if alike[why] == nil {
			order = append(order, why)
		}
		alike[why] = append(alike[why], o)
	}
	for _, why := range order {
		group := alike[why]
		if len(group) > fewOthers {
			var list []int
			told := group[0].Why // with its time, if that is the same for all
			for _, o := range group {
				list = append(list, o.Peer)
				if o.Why != told {
					told = why
				}
			}
			fmt.Fprintf(b, "not owed to %s (%s): %s\n", counted(len(group), "peer"), runsOf(list), told)
			continue
		}
		for _, o := range group {
			fmt.Fprintf(b, "not owed to %s: %s\n", Plain(o.Name), o.Why)
		}
	}
}

// runsOf writes numbers that grow, those that follow each other as 6–50.
func runsOf(list []int) string {
	var words []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		word := strconv.Itoa(list[i])
		if j > i {
			word += "–" + strconv.Itoa(list[j])
		}
		words = append(words, word)
		i = j + 1
	}
	return strings.Join(words, ",")
}
