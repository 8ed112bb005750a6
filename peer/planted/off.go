//go:build !planted

package planted

// Possible says whether bugs can be planted in this build.
const Possible = false

// On reports whether a bug is planted.
func On(Bug) bool { return false }

// Plant does nothing in this build.
func Plant(Bug) {}
