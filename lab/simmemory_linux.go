package main

import (
	"os"
	"strconv"
	"strings"
)

// residentBytes is the most memory that the process ever had from the system: VmHWM of proc(5).
func residentBytes() int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return runtimeBytes()
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err == nil {
				return n << 10
			}
		}
	}
	return runtimeBytes()
}

// limitedMemory is what of the available memory this process may take: a container's limit (control groups,
// version 2) is less than the machine has.
func limitedMemory(available int64) int64 {
	const group = "/sys/fs/cgroup/"
	most, err := readNumber(group + "memory.max")
	if err != nil {
		return available // no limit, which is the word max, or no such file
	}
	used, err := readNumber(group + "memory.current")
	if err != nil {
		return available
	}
	return min(available, max(0, most-used))
}

func readNumber(file string) (int64, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
}
