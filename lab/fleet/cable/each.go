package cable

import (
	"errors"
	"sync"
)

// Each does something with all of a list, so many at a time, and returns all errors.
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
	return errors.Join(errs...)
}
