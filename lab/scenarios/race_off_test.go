//go:build !race

package scenarios_test

// raced: the race detector is on.
const raced = false
