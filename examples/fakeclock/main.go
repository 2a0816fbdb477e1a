// Fakeclock is a small piece of user code whose behaviour depends on time, and
// what it does when time is driven by hand. Its tests show two ways to do
// that: with a storetest.Clock, and in a testing/synctest bubble.
package main

import (
	"fmt"
	"log"
	"time"

	"github.com/latchkey-go/latchkey/storetest"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	clock := new(storetest.Clock)
	limiter, err := NewLimiter(3, 15*time.Minute, clock)
	if err != nil {
		return err
	}
	show := func() {
		fmt.Println(clock.Now().Format(time.TimeOnly), "may Ada try?", limiter.Allowed("Ada"))
	}
	show()
	for range 3 {
		if err := limiter.Failed("Ada"); err != nil {
			return err
		}
	}
	show()
	clock.Advance(15*time.Minute - time.Second)
	show()
	clock.Advance(time.Second)
	show()
	return limiter.Close()
}
