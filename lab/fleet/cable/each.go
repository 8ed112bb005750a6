package cable

import (
	"errors"
	"fmt"
	"sync"
)

// Each does something with all of a list, so many at a time, and returns all errors, those that differ in nothing but
// whom they befell as one.
func Each[T any](all []T, atOnce int, do func(T) error) error {
	errs := make([]error, len(all))
	slots := make(chan struct{}, max(1, atOnce))
	var wg sync.WaitGroup
	for i, x := range all {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = do(x)
		})
	}
	wg.Wait()
	return errors.Join(fewer(errs)...)
}

// fewer keeps the first of the errors that have the same cause, and how many others there are.
func fewer(errs []error) (kept []error) {
	count := map[string]int{}
	cause := func(err error) string {
		if inner := errors.Unwrap(err); inner != nil {
			return inner.Error()
		}
		return err.Error()
	}
	for _, err := range errs {
		if err != nil {
			if count[cause(err)]++; count[cause(err)] == 1 {
				kept = append(kept, err)
			}
		}
	}
	for i, err := range kept {
		if n := count[cause(err)]; n > 1 {
			kept[i] = fmt.Errorf("%w (and so for %d more)", err, n-1)
		}
	}
	return kept
}
