//go:build planted

package planted

// Possible says whether bugs can be planted in this build.
const Possible = true

var planted Bug

// On reports whether a bug is planted.
func On(b Bug) bool { return b == planted }

// Plant plants a bug, or with None takes it away. No peer may run meanwhile.
func Plant(b Bug) { planted = b }
