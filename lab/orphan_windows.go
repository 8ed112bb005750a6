package main

// orphan: what `go run` started ends with it here.
func orphan(func()) (stop func()) { return func() {} }
