package main_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pure are the packages that decide what to do and leave the doing to others. A test, a simulator of
// thousands and the real loop drive them all by the same calls, and the same seed is the same run;
// that ends with the first of them that looks at a clock or waits for a goroutine.
var pure = []string{"wire", "trickle", "overlay", "plumtree", "mesh", "planted"}

// impure are packages that pure ones do not import, with all beneath them.
var impure = map[string]string{
	"net":       "the shell owns sockets; addresses are net/netip",
	"os":        "what depends on the machine is handed in",
	"syscall":   "what depends on the machine is handed in",
	"log":       "the core returns events, and the shell logs them",
	"sync":      "one goroutine owns the state, so there is nothing to lock",
	"context":   "nothing here waits, so nothing can be cancelled",
	"math/rand": "the source of randomness is handed in, as a *rand.Rand of math/rand/v2",
}

// clocks are the functions of package time that read or wait for a clock.
var clocks = []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}

func TestPurity(t *testing.T) {
	for _, pkg := range pure {
		names, err := filepath.Glob(filepath.Join(pkg, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		looked := 0
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			looked++
			for _, sin := range impurities(t, name, nil) {
				t.Error(sin)
			}
		}
		if looked == 0 {
			t.Errorf("no source of %s here: the list of pure packages is out of date", pkg)
		}
	}
}

// The test above can fail: every rule finds its sinner, under whatever name it is imported.
func TestPurityFindsSinners(t *testing.T) {
	for _, test := range []struct{ source, want string }{
		{`import "net"`, "imports net"},
		{`import "net/http"`, "imports net/http"},
		{`import "log/slog"`, "imports log/slog"},
		{`import "sync/atomic"`, "imports sync/atomic"},
		{`import "context"`, "imports context"},
		{`import "math/rand"`, "imports math/rand"},
		{`import . "time"`, "imports time into its own names"},
		{`import "go.opentelemetry.io/otel"`, "imports go.opentelemetry.io/otel"},
		{`import "hearsay/peer/node"`, "imports hearsay/peer/node"},
		{`import "time"; var t = time.Now()`, "time.Now"},
		{`import "time"; var now = time.Now`, "time.Now"},
		{`import clock "time"; func f() { clock.Sleep(1) }`, "time.Sleep"},
		{`import "math/rand/v2"; var n = rand.IntN(6)`, "rand.IntN"},
		{`func f() { go f() }`, "starts a goroutine"},
	} {
		if sins := impurities(t, "planted.go", "package p; "+test.source); len(sins) != 1 || !strings.Contains(sins[0], test.want) {
			t.Errorf("%s: found %q, want one that says %q", test.source, sins, test.want)
		}
	}
	innocent := `package p
		import ("net/netip"; "math/rand/v2"; "time"; "hearsay/peer/wire")
		type s struct { r *rand.Rand; a netip.Addr; id wire.ID; now time.Time }
		func (s s) f() time.Duration { _ = s.r.IntN(6); return s.now.Sub(s.now) }
		func g() s { return s{r: rand.New(rand.NewPCG(1, 2))} }`
	if sins := impurities(t, "planted.go", innocent); len(sins) != 0 {
		t.Errorf("found %q in innocent source", sins)
	}
}

// impurities says where and how a file breaks the rules, and why they are there. The file is read from
// disk if source is nil.
func impurities(t *testing.T, name string, source any) (sins []string) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	sin := func(at ast.Node, format string, args ...any) {
		sins = append(sins, fset.Position(at.Pos()).String()+": "+fmt.Sprintf(format, args...))
	}
	names := map[string]string{} // local name to import path
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		local := path[strings.LastIndexByte(path, '/')+1:]
		if path == "math/rand/v2" {
			local = "rand"
		}
		if spec.Name != nil {
			local = spec.Name.Name
		}
		names[local] = path
		if local == "." {
			sin(spec, "imports %s into its own names, where this test cannot follow", path)
		} else if why := forbidden(path); why != "" {
			sin(spec, "imports %s: %s", path, why)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			sin(n, "starts a goroutine: the core is called, and returns")
		case *ast.SelectorExpr:
			pkg, ok := n.X.(*ast.Ident)
			switch {
			case !ok:
			case names[pkg.Name] == "time" && slices.Contains(clocks, n.Sel.Name):
				sin(n, "time.%s: the time is handed in, so that tests and the simulator own it", n.Sel.Name)
			case names[pkg.Name] == "math/rand/v2" && n.Sel.Name != "Rand" && n.Sel.Name != "Source" && !strings.HasPrefix(n.Sel.Name, "New"):
				sin(n, "rand.%s draws from a source without a seed: same seed, same run", n.Sel.Name)
			}
		}
		return true
	})
	return sins
}

// forbidden says why a pure package does not import path, or nothing if it may.
func forbidden(path string) string {
	first, _, _ := strings.Cut(path, "/")
	switch {
	case path == "net/netip", path == "math/rand/v2":
		return ""
	case first == "hearsay":
		if slices.Contains(pure, strings.TrimPrefix(path, "hearsay/peer/")) {
			return ""
		}
		return "what a pure package imports is pure"
	case strings.Contains(first, "."):
		return "the core needs nothing but the standard library"
	case impure[path] != "":
		return impure[path]
	}
	return impure[first]
}
