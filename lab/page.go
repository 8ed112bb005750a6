package main

// page adds the page to what the lab serves.
func (l *lab) page() error { return nil }
