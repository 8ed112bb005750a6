package node_test

import (
	"context"
	"fmt"
	"log"

	"hearsay/peer/node"
)

// Two nodes in one program. On a LAN neither needs an address: they find each other by multicast.
func Example() {
	ctx := context.Background()
	ann, err := node.Start(node.Config{Name: "ann", Listen: "127.0.0.1:0", NoMulticast: true})
	if err != nil {
		log.Fatal(err)
	}
	defer ann.Close()
	bob, err := node.Start(node.Config{Name: "bob", Listen: "127.0.0.1:0", NoMulticast: true, Join: []string{ann.Addr().String()}})
	if err != nil {
		log.Fatal(err)
	}
	defer bob.Close()
	messages := bob.Subscribe()
	if _, err := ann.Publish(ctx, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	for m := range messages.All(ctx) {
		fmt.Printf("%s: %s\n", m.Name, m.Text)
		break
	}
	// Output: ann: hello
}
