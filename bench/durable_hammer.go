package main

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// hammer has goroutines do an operation for about so long, and returns how many
// were done a second, and how many in all. Each goroutine counts its i up from
// somewhere; it looks at the clock once in a batch.
func hammer(goroutines, batch int, about time.Duration, do func(i int) error) (perSecond float64, n int, err error) {
	var wg sync.WaitGroup
	var done atomic.Int64
	errs := make([]error, goroutines)
	start := time.Now()
	for g := range goroutines {
		wg.Go(func() {
			first := rand.IntN(1 << 40)
			i := first
			for errs[g] == nil && time.Since(start) < about {
				for range batch {
					if errs[g] = do(i); errs[g] != nil {
						break
					}
					i++
				}
			}
			done.Add(int64(i - first))
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	return float64(done.Load()) / elapsed.Seconds(), int(done.Load()), errors.Join(errs...)
}
