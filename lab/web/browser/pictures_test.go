package browser

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/local"
	"hearsay/lab/watch"
)

// The pictures of the page that the README shows, of peers that are processes:
//
//	go test -run TestPictures -pictures ../pictures .
var pictures = flag.String("pictures", "", "write pictures of the page into this folder")

func TestMain(m *testing.M) {
	local.Main() // this program in another role: a peer
	os.Exit(m.Run())
}

// maxPicture is how large a picture may be that is kept with the sources.
const maxPicture = 100 << 10

// keep writes a picture with a palette of 256 colours, which takes a third of the bytes and nobody sees.
func (p *page) keep(name string) {
	p.t.Helper()
	if *pictures == "" {
		p.t.Skip("no -pictures FOLDER")
	}
	full, err := png.Decode(bytes.NewReader(run(p, chromedp.CaptureScreenshot())))
	if err != nil {
		p.t.Fatal(err)
	}
	few := image.NewPaletted(full.Bounds(), palette(full))
	draw.Draw(few, few.Bounds(), full, image.Point{}, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few); err != nil {
		p.t.Fatal(err)
	}
	if out.Len() > maxPicture {
		p.t.Errorf("%s takes %d bytes", name, out.Len())
	}
	if err := os.WriteFile(filepath.Join(*pictures, name+".png"), out.Bytes(), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// palette is the colours of which there is most, those that are alike counted as one.
func palette(m image.Image) color.Palette {
	count := map[color.RGBA]int{}
	exact := map[color.RGBA]map[color.RGBA]int{}
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.RGBAModel.Convert(m.At(x, y)).(color.RGBA)
			k := color.RGBA{c.R &^ 7, c.G &^ 7, c.B &^ 7, 255}
			count[k]++
			if exact[k] == nil {
				exact[k] = map[color.RGBA]int{}
			}
			exact[k][c]++
		}
	}
	var keys []color.RGBA
	for k := range count {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b color.RGBA) int { return count[b] - count[a] })
	var p color.Palette
	for _, k := range keys[:min(len(keys), 256)] {
		best, most := k, 0
		for c, n := range exact[k] {
			if n > most {
				best, most = c, n
			}
		}
		p = append(p, best)
	}
	return p
}

// startLocal starts a lab whose peers are processes.
func startLocal(t *testing.T, peers int) *lab {
	t.Helper()
	w, err := watch.New(watch.Options{Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	f, err := local.New(fleet.Config{Env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + w.Endpoint(), "OTEL_BSP_SCHEDULE_DELAY=100"}})
	if err != nil {
		t.Fatal(err)
	}
	return startWith(t, 0, peers, w, f)
}

func (p *page) sleep(d time.Duration) { p.t.Helper(); p.do(chromedp.Sleep(d)) }

func TestPictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("no -pictures FOLDER")
	}
	l := startLocal(t, 6)
	l.warm()
	size := screen{width: 1120, height: 700}
	night := size
	night.dark = true
	p, dark := l.open(size), l.open(night)
	p.drawn(6)
	dark.drawn(6)
	dark.sleep(4 * time.Second)
	dark.keep("formed-dark")
	l.say(2, "are you there?")
	p.until("on its way", `hearsay.scene.pulses.slowed > 0`)
	p.click("#list .item")
	p.sleep(350 * time.Millisecond)
	p.keep("message")
	must(t, l.fleet.Partition(t.Context(), []int{1, 2, 3}, []int{4, 5, 6}))
	p.sleep(1500 * time.Millisecond)
	p.keep("cut")
	l.until("apart for good", func(s *watch.State) bool { return s.Faults[len(s.Faults)-1].Healed > 0 })
	l.say(2, "only half hears this")
	p.sleep(1700 * time.Millisecond)
	p.click("#list .item")
	p.sleep(500 * time.Millisecond)
	p.keep("split")
	must(t, l.fleet.Heal(t.Context()))
	l.until("whole", func(s *watch.State) bool { return s.Figures.Meshed })
	p.sleep(1400 * time.Millisecond)
	p.keep("healed")
	phone := l.open(screen{width: 390, height: 844, phone: true})
	phone.drawn(6)
	phone.sleep(3 * time.Second)
	phone.keep("phone")
	p.quiet()
	for _, m := range l.watch.State().Messages {
		if m.From == 0 {
			t.Fatal("peers of another lab on this machine have joined: take the pictures again")
		}
	}
}

// TestPicturesOfMany shows more peers than one can count, as one mesh and cut in two.
func TestPicturesOfMany(t *testing.T) {
	if *pictures == "" {
		t.Skip("no -pictures FOLDER")
	}
	for _, n := range []int{50, 200} {
		l := start(t, 0, n)
		l.warm()
		p := l.open(desk)
		p.drawn(n)
		p.sleep(4 * time.Second)
		l.say(2, "are you there?")
		p.sleep(800 * time.Millisecond)
		p.picture(filepath.Join(*pictures, fmt.Sprintf("%d.png", n)))
		p.quiet()
		l.stop()
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
