package browser

import (
	"strings"
	"testing"

	"hearsay/lab/control"
	"hearsay/lab/web"
)

// A lab that only watches shows all there is to see, says why there is no more, and has no button that does nothing.
func TestALabThatOnlyWatches(t *testing.T) {
	const why = "this lab only watches: give it the Docker socket"
	w, f := simulated(t)
	l := serve(t, 6, control.Config{Fleet: f, Watch: w, Name: "test", ReadOnly: true, Why: "give it the Docker socket"}, web.Config{Why: why})
	l.warm()
	p := l.open(desk)
	p.drawn(6)
	p.until("told why", `document.getElementById("only").checkVisibility() && document.getElementById("only").textContent === "`+why+`"`)
	const buttons = `[...document.querySelectorAll(".hands button, .hands input, .hands select")].filter((e) => e.checkVisibility()).map((e) => e.id || e.textContent).join()`
	if got := eval[string](p, buttons); got != "" {
		t.Errorf("buttons that do nothing: %s", got)
	}
	p.click(dot(3))
	p.press("k")
	p.until("told again", `document.getElementById("outcome").textContent === "`+why+`"`)
	p.press("?")
	p.until("the keys", `document.getElementById("help").open`)
	if got := eval[string](p, `document.getElementById("keys").innerText`); !strings.Contains(got, "play the past") || strings.Contains(got, "kill") {
		t.Errorf("the keys are %q", got)
	}
	p.press("\x1b")
	l.say(2, "who is there?")
	p.until("the message", `document.getElementById("list").innerText.includes("who is there?")`)
	if !l.fleet.Peers()[2].Alive {
		t.Error("it was killed all the same")
	}
	p.quiet()
}
