package browser

import (
	"context"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// executable finds a browser, or skips the test; where CI is set it fails it.
func executable(t *testing.T) string {
	t.Helper()
	if name := os.Getenv("PEER_BROWSER"); name != "" {
		return name
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const none = "no browser here: install Debian's package chromium, or name one in PEER_BROWSER"
	if os.Getenv("CI") != "" {
		t.Fatal(none)
	}
	t.Skip("THE PAGE IS NOT TESTED: " + none)
	return ""
}

// page is one page in a browser of its own.
type page struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	errors []string // what its console complained of
}

// screen is how the page is looked at.
type screen struct {
	width, height int64
	phone         bool
	dark, still   bool
}

var desk = screen{width: 1280, height: 800}

// open opens the lab's page.
func (l *lab) open(s screen) *page {
	l.t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(executable(l.t)),
		chromedp.UserDataDir(filepath.Join(l.t.TempDir(), "profile")),
		chromedp.NoSandbox, // tests run as root in containers too, where a browser has no sandbox
		chromedp.WindowSize(int(s.width), int(s.height)),
	)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	l.t.Cleanup(cancel)
	ctx, _ = chromedp.NewContext(ctx)
	l.t.Cleanup(func() { chromedp.Cancel(ctx) })
	p := &page{t: l.t, ctx: ctx}
	// The first call starts the browser, which lives as long as that call's context.
	if _, err := chromedp.Run(ctx, chromedp.Location()); err != nil {
		l.t.Fatal(err)
	}
	go p.listen(chromedp.Console(ctx))
	p.do(chromedp.EmulateViewport(s.width, s.height, func(m *emulation.SetDeviceMetricsOverrideParams, _ *emulation.SetTouchEmulationEnabledParams) {
		m.Mobile, m.DeviceScaleFactor = s.phone, 1
	}))
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: map[bool]string{true: "dark", false: "light"}[s.dark]},
		{Name: "prefers-reduced-motion", Value: map[bool]string{true: "reduce", false: "no-preference"}[s.still]},
	}})
	if err != nil {
		l.t.Fatal(err)
	}
	p.do(chromedp.Navigate(l.server.URL()))
	return p
}

// listen notes what the page's console complains of.
func (p *page) listen(console iter.Seq2[chromedp.ConsoleMessage, error]) {
	for m, err := range console {
		if err != nil {
			return
		}
		switch m.Type {
		case chromedp.ConsoleError, chromedp.ConsoleWarning, chromedp.ConsoleException, "assert":
			p.mu.Lock()
			p.errors = append(p.errors, fmt.Sprintf("%s: %s (%s:%d)", m.Type, m.Text, m.URL, m.Line+1))
			p.mu.Unlock()
		}
	}
}

// quiet fails the test if the console complained of anything, other than of what is expected.
func (p *page) quiet(but ...string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
next:
	for _, e := range p.errors {
		for _, b := range but {
			if strings.Contains(e, b) {
				continue next
			}
		}
		p.t.Error("the console says:", e)
	}
}

// patience is how long anything in the page may take; a machine with much else to do is slow.
const patience = 30 * time.Second

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// run is the value of an action.
func run[T any](p *page, a chromedp.Action[T]) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// eval is the value of an expression in the page.
func eval[T any](p *page, expression string) T {
	p.t.Helper()
	return run(p, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits until an expression is true in the page.
func (p *page) until(what, expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(0)))
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.t.Fatalf("not %s: %v\nthe console says: %q\nthe page says: %s", what, err, p.errors, eval[string](p, "document.body.innerText"))
	}
}

func (p *page) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

// drawn waits until so many peers are drawn.
func (p *page) drawn(peers int) {
	p.t.Helper()
	p.until("drawn", fmt.Sprintf(`document.querySelectorAll(".dot:not(.dead)").length === %d`, peers))
}

// picture writes what the page looks like into a file.
func (p *page) picture(file string) {
	p.t.Helper()
	if err := os.WriteFile(file, run(p, chromedp.CaptureScreenshot()), 0o644); err != nil {
		p.t.Fatal(err)
	}
}
