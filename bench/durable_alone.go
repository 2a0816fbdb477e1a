package main

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// alone compares a Set that nobody else shares an fsync with to the least that
// such a promise can cost: one write and one fsync.
func alone(d *durable) (err error) {
	ours, err := newAlways(d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.close()) }()
	const writes = 100 // in a round: short ones, as a disk's mood changes soon
	rounds := 5 * d.rounds
	before := ours.store.Stats().Journal.Bytes
	if _, err := ours.writeAlone(writes); err != nil {
		return err
	}
	size := int(ours.store.Stats().Journal.Bytes-before) / writes
	raw, err := os.Create(d.path("raw"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, raw.Close()) }()
	block := make([]byte, size)
	medians, err := interleave(rounds, []contestant{
		{"write and fsync", func() (float64, error) {
			start := time.Now()
			for range writes {
				if _, err := raw.Write(block); err != nil {
					return 0, err
				}
				if err := raw.Sync(); err != nil {
					return 0, err
				}
			}
			return micros(start, writes), nil
		}},
		{"latchkey", func() (float64, error) { return ours.writeAlone(writes) }},
	})
	if err != nil {
		return err
	}
	if err := ours.check(); err != nil {
		return err
	}
	if info, err := raw.Stat(); err != nil || info.Size() != int64(size*writes*rounds) {
		return fmt.Errorf("the raw file has %d bytes, not %d times %d: %w", info.Size(), size, writes*rounds, err)
	}
	ratio := medians[1] / medians[0]
	fmt.Printf("\n## Sync Always: a Set from one goroutine, %d-byte key, %d-byte value\n\n", len(ours.keys[0]), valueSize)
	fmt.Print("| | µs per write | ratio | target |\n|---|--:|--:|---|\n")
	fmt.Printf("| one write and fsync of %d bytes, as many as the journal gets for a Set, to a file that grows | %.0f | 1 | |\n", size, medians[0])
	fmt.Printf("| latchkey | %.0f | %.2f | %s |\n", medians[1], ratio, atMost(ratio, 1.3))
	fmt.Printf("\nMedians of %d rounds of %d writes each, in turn.\n", rounds, writes)
	return nil
}

// writeAlone returns the microseconds per Set.
func (a *alwaysStore) writeAlone(n int) (float64, error) {
	start := time.Now()
	for range n {
		if err := a.set(int(a.sets)); err != nil {
			return 0, err
		}
		a.sets++
	}
	return micros(start, n), nil
}

func micros(start time.Time, n int) float64 { return time.Since(start).Seconds() * 1e6 / float64(n) }
