package inspect

import (
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

const (
	sampleInterval = time.Second
	// kept is how far back the charts go. So long after the last look, too, samples
	// are taken: who comes back finds charts.
	kept = 5 * time.Minute
)

// sample is a store's counts at one time.
type sample struct {
	at time.Time
	store.Stats
}

// sampler takes samples of the stores once a second, while somebody looks and some
// minutes after. Else it does nothing.
type sampler struct {
	stores []Store

	mu      sync.Mutex  // guards the fields below
	samples [][]sample  // of each store, the oldest first
	timer   *time.Timer // nil = no samples are being taken
	until   time.Time   // when that ends
	taken   chan struct{}
}

func newSampler(stores []Store) *sampler {
	return &sampler{stores: stores, samples: make([][]sample, len(stores)), taken: make(chan struct{})}
}

// look has samples be taken for some minutes more, and returns those of each store.
// There is at least one.
func (s *sampler) look() [][]sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = time.Now().Add(kept)
	if s.timer == nil {
		s.takeLocked()
		s.timer = time.AfterFunc(sampleInterval, s.tick)
	}
	return s.copyLocked()
}

// next returns a channel that is closed with the next sample.
func (s *sampler) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

func (s *sampler) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !time.Now().Before(s.until) {
		s.timer = nil
		clear(s.samples)
		return
	}
	s.takeLocked()
	s.timer.Reset(sampleInterval)
}

// takeLocked takes a sample of each store. It has a store's lock for a moment, and no
// code of the user runs.
func (s *sampler) takeLocked() {
	now := time.Now()
	for i, st := range s.stores {
		all := s.samples[i]
		for len(all) > 0 && now.Sub(all[0].at) > kept {
			all = all[1:]
		}
		s.samples[i] = append(all, sample{now, st.source.Stats()})
	}
	close(s.taken)
	s.taken = make(chan struct{})
}

// copyLocked returns the samples as they are now: what is added later is behind their
// ends.
func (s *sampler) copyLocked() [][]sample {
	all := make([][]sample, len(s.samples))
	copy(all, s.samples)
	return all
}
