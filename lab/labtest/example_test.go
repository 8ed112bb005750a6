package labtest_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hearsay/lab/labtest"
)

func TestMain(m *testing.M) {
	labtest.Main()
	dir, err := os.MkdirTemp("", "hearsay-labtest-")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_RUNTIME_DIR", dir) // where peers leave notes
	code := m.Run()
	os.RemoveAll(dir)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// t stands for the *testing.T of a test.
type t struct{ cleanup []func() }

func (t *t) Helper()                      {}
func (t *t) Cleanup(f func())             { t.cleanup = append(t.cleanup, f) }
func (t *t) Context() context.Context     { return context.Background() }
func (t *t) Failed() bool                 { return false }
func (t *t) Fatalf(s string, args ...any) { panic(fmt.Sprintf(s, args...)) }
func (t *t) Skipf(s string, args ...any)  { panic(fmt.Sprintf(s, args...)) }
func (t *t) Logf(string, ...any)          {}

func (t *t) end() {
	for i := len(t.cleanup) - 1; i >= 0; i-- {
		t.cleanup[i]()
	}
}

// Four peers, of whom one is cut off, hears nothing, and has everything once it is back.
func Example() {
	t := &t{}
	defer t.end()

	m := labtest.Start(t, 4)
	m.WaitMeshed(10 * time.Second)

	m.Partition([]int{1, 2, 3}, []int{4})
	id := m.Say(1, "order 17")
	m.WaitMeshed(20 * time.Second) // each side by itself
	fmt.Println("cut off, it is at", m.Heard(id))

	m.Heal()
	m.WaitHeard(id, 20*time.Second)
	fmt.Println("healed, it is at", m.Heard(id))

	m.Kill(2)
	m.WaitMeshed(10 * time.Second)
	id = m.Say(3, "order 18")
	m.WaitHeard(id, 10*time.Second)
	fmt.Println("without the second, it is at", m.Heard(id))
	// Output:
	// cut off, it is at [1 2 3]
	// healed, it is at [1 2 3 4]
	// without the second, it is at [1 3 4]
}
