package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	goroutines = 64
	keys       = 1000 // in use
	valueSize  = 1000
)

// operation is something to measure.
type operation struct {
	name   string
	beside string // name of the one that it is compared with; "" = none
	do     func(key int) error
}

// measure has all operations take turns and returns a table.
func measure(ctx context.Context, all []operation, rounds int, length time.Duration) (string, error) {
	rates := map[string][]float64{}
	for round := range rounds {
		for i := range all {
			op := all[(i+round)%len(all)] // none always comes after the same one
			rate, err := rateOf(ctx, op, length)
			if err != nil {
				return "", fmt.Errorf("%s: %w", op.name, err)
			}
			rates[op.name] = append(rates[op.name], rate)
		}
	}
	var table strings.Builder
	table.WriteString("| operation | a second | ratio |\n|---|--:|---|\n")
	for _, op := range all {
		ratio := ""
		if op.beside != "" {
			ratio = fmt.Sprintf("%.2f of %s", median(quotients(rates[op.name], rates[op.beside])), op.beside)
		}
		fmt.Fprintf(&table, "| %s | %.0f | %s |\n", op.name, median(rates[op.name]), ratio)
	}
	return table.String(), nil
}

// quotients are those of one round each.
func quotients(a, b []float64) []float64 {
	q := make([]float64, len(a))
	for i := range a {
		q[i] = a[i] / b[i]
	}
	return q
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// rateOf has all goroutines do an operation for some time, on one key after the
// other, and returns how often they did it in a second.
func rateOf(ctx context.Context, op operation, length time.Duration) (float64, error) {
	limited, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var busy sync.WaitGroup
	var mu sync.Mutex // guards the two below
	var failed error
	total := 0
	begun := time.Now()
	for g := range goroutines {
		busy.Go(func() {
			n := 0
			var err error
			for ; err == nil && limited.Err() == nil; n++ {
				err = op.do((g*17 + n) % keys)
			}
			mu.Lock()
			defer mu.Unlock()
			total += n
			if failed == nil {
				failed = err
			}
		})
	}
	busy.Wait()
	if failed == nil {
		failed = ctx.Err()
	}
	return float64(total) / time.Since(begun).Seconds(), failed
}
