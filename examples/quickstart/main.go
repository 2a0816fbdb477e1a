// Quickstart is the smallest useful program: typed sessions that expire, change
// atomically, and can be locked.
package main

import (
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// Session is what the store keeps for a visitor. Any type will do.
type Session struct {
	User string
	Cart []string
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	sessions, err := store.New(store.Options[string, Session]{
		Capacity:    10_000,
		TTL:         24 * time.Hour,   // after the last write
		IdleTimeout: 30 * time.Minute, // after the last access
	})
	if err != nil {
		return err
	}

	if err := sessions.Set("id-1", Session{User: "Ada"}); err != nil {
		return err
	}
	session, err := sessions.Get("id-1")
	if err != nil {
		return err
	}
	fmt.Println("hello,", session.User)

	// Update loses nothing, however many requests come at once.
	session, err = sessions.Update("id-1", func(s Session, _ bool) (Session, error) {
		s.Cart = append(slices.Clip(s.Cart), "tea") // a new slice: others may read the old one
		return s, nil
	})
	if err != nil {
		return err
	}
	fmt.Println("cart:", session.Cart)

	// While somebody holds a lease, all others are refused.
	lease, err := sessions.TryLock("id-1", 10*time.Second)
	if err != nil {
		return err
	}
	_, err = sessions.Get("id-1")
	fmt.Println("while it is locked:", err)
	if err := lease.Unlock(); err != nil {
		return err
	}

	about, _ := sessions.Metadata("id-1")
	fmt.Println("revision", about.Revision, "read", about.Accesses, "time, it is", about.Status)
	fmt.Println("it dies", about.Expires.Sub(about.Accessed), "after the last access")

	_, err = sessions.Get("id-2")
	fmt.Println("another key:", err)
	return sessions.Close()
}
