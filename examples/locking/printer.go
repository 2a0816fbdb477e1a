package main

import (
	"fmt"
	"sync"
)

// printer stands for whatever a lease's holder writes to outside the store: a
// database, a bucket, another service. The store can't stop a late write there,
// but the printer can: it remembers the highest fence it has seen and refuses
// those below.
type printer struct {
	mu    sync.Mutex // guards the fields below
	fence uint64
	paper string
}

func (p *printer) print(fence uint64, text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fence < p.fence {
		return fmt.Errorf("printer: fence %d is too old, %d was here", fence, p.fence)
	}
	p.fence, p.paper = fence, text
	return nil
}
