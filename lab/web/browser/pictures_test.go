package browser

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hearsay/lab/watch"
)

var pictures = flag.String("pictures", "", "write pictures of the page into this folder")

// shots takes pictures into the folder.
func shots(t *testing.T) func(p *page, name string) {
	if *pictures == "" {
		t.Skip("no -pictures FOLDER")
	}
	return func(p *page, name string) {
		t.Helper()
		p.picture(filepath.Join(*pictures, name+".png"))
	}
}

func (p *page) sleep(d time.Duration) { p.t.Helper(); p.do(chromedp.Sleep(d)) }

// warm has everybody speak, so that the tree has formed.
func (l *lab) warm() {
	l.t.Helper()
	l.meshed()
	for i := range 6 {
		l.say(1+i, "warming up")
		time.Sleep(200 * time.Millisecond)
	}
}

// TestPictures takes pictures for people to look at.
func TestPictures(t *testing.T) {
	shot := shots(t)
	l := start(t, 0, 6)
	l.warm()
	p := l.open(desk)
	p.drawn(6)
	p.sleep(3 * time.Second)
	shot(p, "formed")
	l.say(2, "are you there?")
	p.sleep(600 * time.Millisecond)
	shot(p, "flying")
	p.click("#list .item")
	p.sleep(600 * time.Millisecond)
	shot(p, "message")
	p.click(`.dot[data-n="2"]`)
	p.sleep(300 * time.Millisecond)
	shot(p, "peer")
	p.click("#do-kill")
	p.sleep(500 * time.Millisecond)
	shot(p, "killed")
	l.fleet.Start(t.Context(), 2)
	p.sleep(1200 * time.Millisecond)
	shot(p, "started")
	p.sleep(3 * time.Second)
	l.fleet.Partition(t.Context(), []int{1, 2, 3}, []int{4, 5, 6})
	p.sleep(1600 * time.Millisecond)
	shot(p, "split")
	p.sleep(3600 * time.Millisecond)
	l.say(2, "only half will hear this")
	p.sleep(1600 * time.Millisecond)
	p.click("#list .item")
	p.sleep(500 * time.Millisecond)
	shot(p, "apart")
	p.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("tab-events").click()`))
	l.fleet.Heal(t.Context())
	l.until("whole", func(s *watch.State) bool { return s.Figures.Meshed })
	p.sleep(1300 * time.Millisecond)
	shot(p, "healed")
	p.quiet()
}

func TestPicturesOfOthers(t *testing.T) {
	shot := shots(t)
	l := start(t, 0, 6)
	l.warm()
	for _, x := range []struct {
		name string
		s    screen
	}{
		{"dark", screen{width: 1280, height: 800, dark: true}},
		{"phone", screen{width: 390, height: 844, phone: true}},
		{"phone-dark", screen{width: 390, height: 844, phone: true, dark: true}},
		{"wide", screen{width: 1920, height: 1000}},
		{"still", screen{width: 1280, height: 800, still: true}},
	} {
		p := l.open(x.s)
		p.drawn(6)
		p.sleep(3 * time.Second)
		l.say(2, "are you there?")
		p.sleep(600 * time.Millisecond)
		p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#list .item").click()`))
		p.sleep(400 * time.Millisecond)
		shot(p, x.name)
		if x.s.phone {
			p.do(chromedp.Evaluate[chromedp.Void](`window.scrollTo(0, 760)`))
			p.sleep(300 * time.Millisecond)
			shot(p, x.name+"-below")
		}
		p.quiet()
	}
}

func TestPicturesOfMany(t *testing.T) {
	shot := shots(t)
	for _, n := range []int{50, 200} {
		l := start(t, 0, n)
		l.warm()
		p := l.open(desk)
		p.drawn(n)
		p.sleep(4 * time.Second)
		l.say(2, "are you there?")
		p.sleep(800 * time.Millisecond)
		shot(p, fmt.Sprint("many-", n))
		var a, b []int
		for i := range n {
			if i%3 == 0 {
				a = append(a, i+1)
			} else {
				b = append(b, i+1)
			}
		}
		l.fleet.Partition(t.Context(), a, b)
		p.sleep(6 * time.Second)
		shot(p, fmt.Sprint("many-split-", n))
		p.quiet()
		l.stop()
	}
}
