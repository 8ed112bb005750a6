package sim

import (
	"math"
	"strings"
	"testing"
	"time"
)

// good is a plan that can be carried out.
func good() Plan {
	return Plan{Peers: 40, Within: time.Second, Messages: 20, Rate: 20, Size: 100}
}

func TestPlansThatCannotBe(t *testing.T) {
	if p := good(); p.Check() != nil {
		t.Fatalf("a good plan: %v", p.Check())
	}
	for _, test := range []struct {
		spoil func(*Plan)
		want  string // the flag that is to be changed, and a word of the remedy
	}{
		{func(p *Plan) { p.Peers = 1 }, "--peers 1: a mesh has 2 to"},
		{func(p *Plan) { p.Peers = MaxPeers + 1 }, "--peers"},
		{func(p *Plan) { p.Siphoners = 41 }, "--siphoners 41"},
		{func(p *Plan) { p.Within = -1 }, "--within"},
		{func(p *Plan) { p.Links, p.Serve = 5, 4 }, "--serve 4 is below --links 5"},
		{func(p *Plan) { p.Links, p.Serve = 256, 256 }, "--links 256"},
		{func(p *Plan) { p.Messages = -1 }, "--messages -1"},
		{func(p *Plan) { p.Rate = 1e-9 }, "--rate 0.000000001/s: 20 messages would take longer than 24h0m0s"},
		{func(p *Plan) { p.Rate, p.Kill, p.At = 1e-9, 0.5, time.Minute }, "--rate 0.000000001/s"},
		{func(p *Plan) { p.Rate, p.Messages = 1e-5, 0 }, "--rate 0.00001/s"},
		{func(p *Plan) { p.Rate = 1e7 }, "--rate 10000000/s: more than 0 and at most 1000000 messages a second"},
		{func(p *Plan) { p.Rate = 0 }, "--rate"},
		{func(p *Plan) { p.Rate = math.NaN() }, "--rate"},
		{func(p *Plan) { p.Size = 65<<10 + 1 }, "--size"},
		{func(p *Plan) { p.Rest = -time.Second }, "--rest"},
		{func(p *Plan) { p.Kill = 1.1 }, "--kill"},
		{func(p *Plan) { p.Kill = math.NaN() }, "--kill"},
		{func(p *Plan) { p.Kill = 0.99 }, "--kill: of 40 peers fewer than two would be left"},
		{func(p *Plan) { p.Kill = 0.001 }, "--kill: so small a share"},
		{func(p *Plan) { p.Silent = true }, "--silent"},
		{func(p *Plan) { p.Partition = true }, "--for: say how long"},
		{func(p *Plan) { p.For = time.Second }, "--for 1s: nothing lasts so long"},
		{func(p *Plan) { p.Churn, p.For = 1, 10*time.Minute }, "--for 10m0s: what is said is kept for 10m0s only: say --retain 20m0s"},
		{func(p *Plan) { p.Churn, p.For, p.Retain = 1, 13*time.Hour, 12*time.Hour }, "--for 13h0m0s: what is said is kept for 12h0m0s only: say --retain 24h0m0s"},
		{func(p *Plan) { p.Partition, p.For = true, 25*time.Hour }, "--for 25h0m0s: less than 24h0m0s"},
		{func(p *Plan) { p.Churn, p.For = 1e4, time.Second }, "--churn 10000/s: at most 1000 a second"},
		{func(p *Plan) { p.Churn, p.For = 1e-12, time.Second }, "--churn 0.000000000001/s: at least one in 24h0m0s"},
		{func(p *Plan) { p.Churn, p.For, p.Peers = 1, time.Second, 2 }, "--churn: 2 peers always stay, and of 2 that live nobody is left"},
		{func(p *Plan) { p.Churn, p.For, p.Kill = 1, time.Second, 0.95 }, "--churn: 2 peers always stay, and of 2 that live nobody is left"},
		{func(p *Plan) { p.LatencyMax = 500 * time.Millisecond }, "--latency 500ms: a dial takes 4 trips and is given up after 2s"},
		{func(p *Plan) { p.At = time.Minute }, "--at 1m0s: nothing breaks then"},
		{func(p *Plan) { p.At, p.Kill = 1500*time.Millisecond, 0.5 }, "say --at 3s"},
		{func(p *Plan) { p.Loss = 0.95 }, "--loss"},
		{func(p *Plan) { p.Domains = 2 }, "say --join too"},
		{func(p *Plan) { p.Domains = 41 }, "--domains 41"},
		{func(p *Plan) { p.NoMulticast = true }, "say --join too"},
	} {
		p := good()
		test.spoil(&p)
		err := p.Check()
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("the error is %v, want one line with %q", err, test.want)
		}
		if _, other := NewRun(p); other == nil {
			t.Errorf("a run begins that must say %q", test.want)
		}
	}
}
