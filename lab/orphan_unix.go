//go:build unix

package main

import (
	"os"
	"strings"
	"time"
)

// orphan ends a lab that was started by `go run` when that ends: it is killed alone if somebody kills what he started.
func orphan(end func()) (stop func()) {
	exe, err := os.Executable()
	if parent := os.Getppid(); err == nil && parent > 1 && strings.Contains(exe, "go-build") {
		tick := time.NewTicker(time.Second)
		done := make(chan struct{})
		go func() {
			for {
				select {
				case <-done:
					return
				case <-tick.C:
					if os.Getppid() != parent {
						end()
						return
					}
				}
			}
		}()
		return func() {
			tick.Stop()
			close(done)
		}
	}
	return func() {}
}
