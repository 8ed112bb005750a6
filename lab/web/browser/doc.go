// Package browser tests the lab's page in a real browser. It is a module of its own, so that nobody who builds the
// lab or uses the peer's package gets to do with what drives a browser:
//
//	cd lab/web/browser && go test ./...
//
// Without a browser on this machine the tests are skipped, and say so; where CI is set that is a failure. Debian's
// package is chromium; PEER_BROWSER names another one's file.
package browser
