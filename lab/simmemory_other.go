//go:build !linux

package main

// residentBytes is the memory that the process has from the system, as Go's runtime knows it.
func residentBytes() int64 { return runtimeBytes() }

func limitedMemory(available int64) int64 { return available }
