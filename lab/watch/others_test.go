package watch

import (
	"strings"
	"testing"
)

func TestManyOthersAreOneLine(t *testing.T) {
	others := []Other{{2, "peer-2", "killed 1.2 s before this was said"}}
	for n := 4; n <= 9; n++ {
		if n != 6 {
			others = append(others, Other{n, "peer-" + itoa(n), "stopped " + itoa(n) + ".5 s before this was said"})
		}
	}
	others = append(others, Other{10, "peer-10", "stopped 1m5s before this was said"}, Other{11, "peer-11", "had not started"})
	var b strings.Builder
	writeOthers(&b, others)
	want := "not owed to peer-2: killed 1.2 s before this was said\n" +
		"not owed to 6 peers (4–5,7–10): stopped some time before this was said\n" +
		"not owed to peer-11: had not started\n"
	if b.String() != want {
		t.Errorf("it says\n%s\nwant\n%s", b.String(), want)
	}
}
