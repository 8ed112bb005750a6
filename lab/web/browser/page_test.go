package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"hearsay/lab/watch"
)

// dot is a peer's button in the picture.
func dot(n int) string { return fmt.Sprintf(`.dot[data-n="%d"]`, n) }

// press has keys pressed, whatever has the focus.
func (p *page) press(keys string) { p.t.Helper(); p.do(chromedp.KeyEvent(keys)) }

// inked is how many pixels of a canvas are drawn on.
func (p *page) inked(canvas string) int {
	p.t.Helper()
	return eval[int](p, fmt.Sprintf(`(() => {
		const c = document.getElementById(%q);
		const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
		let n = 0;
		for (let i = 3; i < d.length; i += 4) if (d[i] > 40) n++;
		return n;
	})()`, canvas))
}

func TestPeersAreDrawn(t *testing.T) {
	l := start(t, 0, 6)
	l.warm()
	p := l.open(desk)
	p.drawn(6)
	p.until("one part", `document.getElementById("figure-parts").textContent === "1"`)
	p.until("live", `document.getElementById("live").textContent === "● live"`)
	state := l.watch.State()
	p.until("every link", fmt.Sprintf(`hearsay.store.links.size === %d && document.getElementById("figure-links").textContent === "%[1]d"`, len(state.Links)))
	if n := eval[int](p, `document.querySelectorAll(".dot.root").length`); n != 1 {
		t.Errorf("%d dots have a star", n)
	}
	if label := eval[string](p, fmt.Sprintf(`document.querySelector('%s').getAttribute("aria-label")`, dot(3))); !strings.HasPrefix(label, "peer-3") {
		t.Errorf("peer-3 is called %q", label)
	}
	p.until("at rest", `hearsay.scene.frames === (window.before ?? -1) || void (window.before = hearsay.scene.frames)`)
	if n := p.inked("links"); n < 2000 {
		t.Errorf("%d pixels are drawn of the links", n)
	}
	p.quiet()
}

func TestAMessageTravels(t *testing.T) {
	l := start(t, 0, 6)
	l.warm()
	p := l.open(desk)
	p.drawn(6)
	p.until("speakers", `document.querySelector('#say-from option[value="3"]') !== null`)
	p.do(chromedp.SetValue(chromedp.CSS("#say-from"), "3"))
	p.do(chromedp.SendKeys(chromedp.CSS("#say-text"), "over here"+kb.Enter))
	p.until("said", `[...document.querySelectorAll("#list .item")].some((r) => r.textContent.includes("over here") && r.textContent.includes("5/5"))`)
	p.until("slowed down", `hearsay.scene.pulses.slowed > 1`)
	if from := l.watch.State().Messages[6].From; from != 3 {
		t.Errorf("peer %d said it", from)
	}
	p.until("an empty line again", `document.getElementById("say-text").value === ""`)
	p.click("#list .item")
	p.until("a tree", `document.querySelectorAll("#detail .tree li").length === 6`)
	text := eval[string](p, `document.getElementById("detail").innerText`)
	for _, want := range []string{"over here", "from peer-3", "heard by 5 of 5", "published", "eager"} {
		if !strings.Contains(text, want) {
			t.Errorf("the tree does not say %q: %s", want, text)
		}
	}
	p.do(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll("#detail button")].find((b) => b.textContent === "spans").click()`))
	p.until("spans", `document.querySelectorAll("#detail .spans li").length >= 6`)
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#detail .spans .line").click()`))
	p.until("a span's attributes", `document.querySelector("#detail .more").innerText.includes("messaging.message.id")`)
	p.quiet()
}

func TestKillFromTheButton(t *testing.T) {
	l := start(t, 0, 6)
	l.warm()
	p := l.open(desk)
	p.drawn(6)
	p.click(dot(4))
	p.until("selected", `document.querySelector('.dot.chosen')?.dataset.n === "4"`)
	// What is seen is timed in the page: from the click to the first lost link.
	p.do(chromedp.Evaluate[chromedp.Void](`
		window.seen = new Promise((seen) => hearsay.store.addEventListener("batch", (e) => {
			if (e.detail.gone.some((l) => l.from === 4 || l.to === 4)) seen(performance.now() - clicked);
		}));
		document.getElementById("do-kill").addEventListener("click", () => { window.clicked = performance.now(); }, { capture: true });
	`))
	p.click("#do-kill")
	took := eval[float64](p, `window.seen`)
	t.Logf("dying links are seen after %.0f ms", took)
	if took > 1000 {
		t.Errorf("dying links are seen after %.0f ms", took)
	}
	p.drawn(5)
	p.until("a heal time", `/\d (ms|s)/.test(document.getElementById("figure-healed").textContent)`)
	p.until("told how it went", `document.getElementById("outcome").textContent.includes("whole a")`)
	p.click("#tab-heals")
	p.until("heals", `document.querySelectorAll("#list .item").length > 0`)
	p.until("a heal with its cause", `[...document.querySelectorAll("#list .item")].some((r) => r.textContent.includes("kill 4"))`)
	p.do(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll("#list .item")].find((r) => r.textContent.includes("kill 4")).click()`))
	p.until("its spans", `document.querySelectorAll("#detail .spans li").length > 0`)
	p.do(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll("#detail button")].find((b) => b.textContent === "kill 4").click()`))
	p.until("its fault", `document.getElementById("detail").innerText.includes("Fault: kill 4")`)
	// Start it again from the button that has come in place of restart.
	p.click("#do-start")
	p.drawn(6)
	p.quiet()
}

// where is where the dots stand, and want to stand.
func (p *page) where() map[string][2]float64 {
	p.t.Helper()
	return eval[map[string][2]float64](p, `Object.fromEntries([...hearsay.layout.places].map(([n, s]) => [n, [s.to.x, s.to.y]]))`)
}

func TestCutAndHeal(t *testing.T) {
	l := start(t, 0, 6)
	l.warm()
	p := l.open(desk)
	p.drawn(6)
	p.until("one part", `hearsay.store.figures?.parts === 1`)
	home := p.where()
	p.do(chromedp.SendKeys(chromedp.CSS("#cut-groups"), "1 3 5 | 2 4 6"))
	p.click("#cut-do")
	p.until("two parts", `document.getElementById("figure-parts").textContent === "2"`)
	p.until("dying links", `[...hearsay.store.links.values()].some((l) => l.state === "dying")`)
	p.until("apart", `hearsay.layout.cells.length === 2`)
	apart := p.where()
	for _, a := range []string{"1", "3", "5"} {
		for _, b := range []string{"2", "4", "6"} {
			if side := apart["1"][0] < apart["2"][0]; (apart[a][0] < apart[b][0]) != side {
				t.Errorf("peers %s and %s are not apart: %v", a, b, apart)
			}
		}
	}
	l.until("apart for good", func(s *watch.State) bool { return len(s.Links) > 0 && s.Faults[len(s.Faults)-1].Healed > 0 })
	l.say(1, "only half hears this")
	p.until("half of them", `document.getElementById("figure-last").textContent.startsWith("2/5")`)
	p.click("#list .item")
	p.until("why", `document.getElementById("detail").innerText.includes("the network between it and whoever has it is cut")`)
	p.click("#heal")
	p.until("one part", `document.getElementById("figure-parts").textContent === "1"`)
	p.until("all of them", `document.getElementById("figure-last").textContent.startsWith("5/5")`)
	p.until("together", `hearsay.layout.cells.length === 0`)
	if again := p.where(); fmt.Sprint(again) != fmt.Sprint(home) {
		t.Errorf("dots do not come back to their places: %v, and they were at %v", again, home)
	}
	p.quiet()
}

func TestKeyboard(t *testing.T) {
	l := start(t, 0, 6)
	l.warm()
	p := l.open(desk)
	p.drawn(6)
	p.press(kb.ArrowRight)
	p.until("a focus", `document.activeElement.matches(".dot")`)
	first := eval[string](p, `document.activeElement.dataset.n`)
	p.press(kb.ArrowRight)
	p.until("the next", fmt.Sprintf(`document.activeElement.matches(".dot") && document.activeElement.dataset.n !== %q`, first))
	n := eval[string](p, `document.activeElement.dataset.n`)
	if outline := eval[string](p, `getComputedStyle(document.activeElement).outlineStyle`); outline != "solid" {
		t.Errorf("the focus is not seen: outline %s", outline)
	}
	p.press(kb.Enter)
	p.until("selected", fmt.Sprintf(`document.querySelector(".dot.chosen")?.dataset.n === %q`, n))
	p.press("k")
	p.drawn(5)
	p.press(kb.Escape)
	p.until("nobody", `!document.querySelector(".dot.chosen")`)
	for i, tab := range []string{"messages", "events", "discoveries", "heals"} {
		p.press(fmt.Sprint(i + 1))
		p.until(tab, fmt.Sprintf(`document.getElementById("tab-%s").getAttribute("aria-selected") === "true"`, tab))
	}
	p.press("?")
	p.until("help", `document.getElementById("help").open`)
	p.press(kb.Escape)
	p.until("no help", `!document.getElementById("help").open`)
	p.press("/")
	p.until("the line", `document.activeElement.id === "say-text"`)
	// A driven browser types the slash all the same, which one that a person uses does not.
	p.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("say-text").value = ""`))
	p.press("k / l")
	p.until("text, and no deeds", `document.getElementById("say-text").value === "k / l"`)
	p.press(kb.Escape)
	p.press("c")
	p.until("cut", `hearsay.store.figures.parts === 2`)
	p.press("h")
	p.until("healed", `hearsay.store.figures.parts === 1`)
	// Whoever speaks to his machine switches single letters off.
	p.do(chromedp.Evaluate[chromedp.Void](`
		document.getElementById("keys-on").click();
		window.posts = 0;
		const ask = window.fetch;
		window.fetch = (path, options) => { if (options?.method === "POST") window.posts++; return ask(path, options); };
	`))
	p.press("c")
	p.press("?")
	p.until("help all the same", `document.getElementById("help").open`)
	if n := eval[int](p, `window.posts`); n != 0 {
		t.Errorf("a letter that is switched off has asked the lab for %d things", n)
	}
	p.quiet()
}

func TestReplay(t *testing.T) {
	l := start(t, 0, 6)
	l.warm()
	p := l.open(desk)
	p.drawn(6)
	p.do(chromedp.Sleep(1500 * time.Millisecond)) // there must be a past
	l.fleet.Kill(t.Context(), 4)
	p.drawn(5)
	p.do(chromedp.Sleep(1500 * time.Millisecond))
	p.press(",,")
	p.until("the past", `document.getElementById("live").textContent.startsWith("◷")`)
	p.drawn(6)
	if why := eval[string](p, `document.getElementById("cut-do").title`); !strings.Contains(why, "past") {
		t.Errorf("the mesh can be cut in the past: %q", why)
	}
	p.press(".")
	p.drawn(5)
	p.press(",")
	p.drawn(6)
	p.press(" ") // play
	p.until("played up to the death", `document.querySelectorAll(".dot:not(.dead)").length === 5`)
	p.press("l")
	p.until("live", `document.getElementById("live").textContent === "● live"`)
	p.drawn(5)
	p.quiet()
}
