package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"hearsay/lab/control"
	"hearsay/lab/fleet"
	"hearsay/lab/watch/live"
	"hearsay/lab/web"
)

// names are what peers of other people's might call themselves. The wire allows less, but the page must not lean on it.
var names = []string{
	`<img src=x onerror=hacked()>`,
	"\u202egnp.liame\u202c", // reads as another name, where overrides are obeyed
	strings.Repeat("W", 63),
	`"><script>hacked()</script>`,
	"a\u0000\u001b[31mb",
	`javascript:hacked()`,
}

// texts are what they might say.
var texts = []string{
	`<img src=x onerror=hacked()>`,
	`<svg/onload=hacked()>${hacked()}{{hacked()}}`,
	"\u202etfel ot thgir\u202c\n\u2028second line",
	strings.Repeat("wide ", 400),
	strings.Repeat("W", 2000),
}

// liar is a fleet whose peers have those names.
type liar struct{ *live.Fleet }

func (l liar) Peers() []fleet.Peer {
	list := l.Fleet.Peers()
	for i := range list {
		list[i].Name = names[i%len(names)]
	}
	return list
}

func TestHostileNamesAndTextsAreInert(t *testing.T) {
	w, f := simulated(t)
	l := serve(t, 6, control.Config{Fleet: liar{f}, Watch: w, Name: names[0]}, web.Config{Jaeger: `javascript:hacked()`})
	l.meshed()
	p := l.open(desk)
	p.do(chromedp.Evaluate[chromedp.Void](`window.hacks = 0; window.hacked = () => { window.hacks++; }`))
	p.drawn(6)
	for i, text := range texts {
		l.say(1+i%6, text)
	}
	p.until("said", `document.querySelectorAll("#list .item").length === 5`)
	// Everything that shows what peers say: each list, each kind of detail, tips.
	for _, tab := range []string{"messages", "events", "discoveries", "heals"} {
		p.click("#tab-" + tab)
		rows := eval[int](p, `document.querySelectorAll("#list .item").length`)
		for i := range min(rows, 8) {
			p.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("#list .item")[` + string(rune('0'+i)) + `].click()`))
			p.inert()
		}
	}
	for n := 1; n <= 6; n++ {
		p.click(dot(n))
		p.inert()
	}
	p.click("#do-kill")
	p.drawn(5)
	p.inert()
	text := eval[string](p, `document.body.innerText + [...document.querySelectorAll("[title],[aria-label]")].map((e) => e.title + e.ariaLabel).join()`)
	if strings.ContainsAny(text, "\u202e\u202c\u2028\u001b\u0000") {
		t.Error("characters that reorder a line, or drive a terminal, are shown as they are")
	}
	if !strings.Contains(text, `\u202egnp.liame\u202c`) {
		t.Error("a name that reads as another one is not written out")
	}
	p.quiet()
}

// inert wants that nothing of what peers say has become markup, and that it fits into the page.
func (p *page) inert() {
	p.t.Helper()
	if n := eval[int](p, `document.querySelectorAll("img, script:not([src^='/static/']), iframe, object, svg[onload], [onerror], [onload], [href^='javascript:']").length + window.hacks`); n != 0 {
		p.t.Fatalf("a peer's text has become %d elements: %s", n, eval[string](p, `document.body.outerHTML`))
	}
	if over := eval[int](p, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		p.t.Errorf("a long name makes the page %d pixels wider than the window", over)
	}
}

// TestPolicy wants that even a hole in the page would not be one.
func TestPolicy(t *testing.T) {
	l := start(t, 0, 2)
	p := l.open(desk)
	p.drawn(2)
	for _, attempt := range []string{
		`document.body.innerHTML = "<b>x</b>"`,
		`document.body.insertAdjacentHTML("beforeend", "<b>x</b>")`,
		`document.body.appendChild(document.createElement("script")).src = "https://example.org/x.js"`,
	} {
		if got := eval[string](p, `(() => { try { `+attempt+`; return "done" } catch (e) { return e.name } })()`); got == "done" {
			t.Errorf("%s is done", attempt)
		}
	}
	inline := eval[bool](p, `(() => { const s = document.createElement("div"); s.setAttribute("style", "color: red"); document.body.append(s); return getComputedStyle(s).color === "rgb(255, 0, 0)" })()`)
	if inline {
		t.Error("a style attribute counts")
	}
}
