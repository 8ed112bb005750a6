package browser

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// TestReconnect ends the lab and starts another one at the same address: the page comes back by itself, shows the new
// peers, and can do things with the new lab's token.
func TestReconnect(t *testing.T) {
	l := start(t, 0, 6)
	l.warm()
	port := l.server.Port()
	p := l.open(desk)
	p.drawn(6)
	l.stop()
	p.until("gone", `document.getElementById("live").classList.contains("off")`)
	p.click(dot(2))
	if why := eval[string](p, `document.getElementById("do-kill").title`); why != "the lab does not answer" {
		t.Errorf("without a lab a peer can be killed: %q", why)
	}
	l = start(t, port, 4)
	l.meshed()
	p.until("back", `document.getElementById("live").textContent === "● live"`)
	p.drawn(4)
	p.until("nothing of the old lab", `!document.querySelector("#list .item") && hearsay.store.peers.size === 4`)
	p.click(dot(2))
	p.click("#do-kill")
	p.drawn(3)
	p.quiet("ERR_", "Failed to load resource") // what a browser says of a server that is not there
}

// rate is how many frames a second the page draws while for so long.
func (p *page) rate(d time.Duration) float64 {
	p.t.Helper()
	return eval[float64](p, fmt.Sprintf(`new Promise((done) => {
		const began = performance.now();
		let n = 0;
		const tick = (t) => {
			n++;
			if (t - began < %d) return requestAnimationFrame(tick);
			done((1000 * n) / (performance.now() - began));
		};
		requestAnimationFrame(tick);
	})`, d.Milliseconds()))
}

// work is how much processor time the page's main thread has taken, in seconds.
func (p *page) work() float64 {
	p.t.Helper()
	r, err := chromedp.Call(p.ctx, performance.GetMetrics, cdp.Empty{})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, m := range r.Metrics {
		if m.Name == "TaskDuration" {
			return m.Value
		}
	}
	p.t.Fatal("this browser does not say how long its tasks take")
	return 0
}

// TestFrames has fifty peers talk, die and come back, and counts the frames that the page draws. On a machine that has
// too much else to do for fifty of them a second, it must be seen that the page would draw them if it had a core.
func TestFrames(t *testing.T) {
	l := start(t, 0, 50)
	l.meshed()
	p := l.open(desk)
	p.drawn(50)
	if _, err := chromedp.Call(p.ctx, performance.Enable, performance.EnableParams{TimeDomain: "threadTicks"}); err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.Sleep(3 * time.Second))
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.tumult(stop)
	}()
	before, worked := eval[int](p, `hearsay.scene.frames`), p.work()
	rate := p.rate(4 * time.Second)
	worked = p.work() - worked
	drawn := eval[int](p, `hearsay.scene.frames`) - before
	close(stop)
	<-done
	each := 1000 * worked / float64(max(1, drawn))
	t.Logf("%.0f frames a second while fifty peers talk, die and come back; one takes %.1f ms of a core", rate, each)
	if rate < 50 && each > 14 {
		t.Errorf("%.0f frames a second, and each takes %.1f ms: there cannot be fifty", rate, each)
	}
	if drawn < 50 {
		t.Errorf("only %d frames drew something", drawn)
	}
	p.quiet()
}

// tumult has peers talk, die and come back, twenty and two times a second.
func (l *lab) tumult(stop <-chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-time.After(50 * time.Millisecond):
		}
		l.fleet.Publish(l.t.Context(), 1+i%40, []byte("hello"))
		switch n := 41 + i/20%10; i % 20 {
		case 5:
			l.fleet.Kill(l.t.Context(), n)
		case 15:
			l.fleet.Start(l.t.Context(), n)
		}
	}
}

// TestPhone looks at the page through a small window, at night, with motion reduced.
func TestPhone(t *testing.T) {
	l := start(t, 0, 6)
	l.warm()
	light := l.open(screen{width: 390, height: 844, phone: true})
	light.drawn(6)
	p := l.open(screen{width: 390, height: 844, phone: true, dark: true, still: true})
	p.drawn(6)
	if wide := eval[int](p, `document.documentElement.scrollWidth`); wide > 390 {
		t.Errorf("the page is %d pixels wide", wide)
	}
	const paper = `getComputedStyle(document.body).backgroundColor`
	if a, b := eval[string](light, paper), eval[string](p, paper); a == b {
		t.Errorf("by night the page is as light as by day: %s", a)
	}
	small := eval[int](p, `[...document.querySelectorAll(".hands button:not([hidden]), .tabs button")].filter((b) => b.getBoundingClientRect().height < 30).length`)
	if small > 0 {
		t.Errorf("%d buttons are too small for a finger", small)
	}
	l.say(2, "quietly")
	p.until("heard", `document.getElementById("figure-last").textContent.startsWith("5/5")`)
	if n := eval[int](p, `document.getAnimations().filter((a) => a.playState === "running").length`); n > 0 {
		t.Errorf("%d things move though motion is to be reduced", n)
	}
	l.fleet.Partition(t.Context(), []int{1, 2, 3}, []int{4, 5, 6})
	p.until("apart, at once", `hearsay.layout.cells.length === 2 && [...hearsay.layout.places.values()].every((s) => s.x === s.to.x)`)
	p.quiet()
	light.quiet()
}
