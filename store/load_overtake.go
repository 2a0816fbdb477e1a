package store

// overtake notes a write to key, which wins over a load and ends what is remembered.
// It must be part of the write: in the same critical section as its being decided
// on or its becoming visible, so that a loaded value is stored before it or never.
func (t *loads[K, V]) overtake(key K) {
	if t.active.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.promises[key]; p != nil {
		p.overtaken = true
		t.dropLocked(p)
	}
	t.forgetLocked(t.failures[key])
}

// overtakeAll is overtake for all keys.
func (t *loads[K, V]) overtakeAll() {
	if t.active.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.overtakeAllLocked()
}

func (t *loads[K, V]) overtakeAllLocked() {
	for _, p := range t.promises {
		p.overtaken = true
	}
	clear(t.promises)
	clear(t.failures)
	t.order.Init()
	t.active.Store(0)
}

// close tells all who wait, ends the contexts of the loads, and returns when the
// user's functions have. There are no loads afterwards.
func (t *loads[K, V]) close() {
	t.mu.Lock()
	t.closed = true
	t.overtakeAllLocked()
	for l := range t.underWay {
		for _, p := range l.promises {
			if !p.kept {
				p.outcome, p.kept = outcome[V]{err: ErrClosed}, true
				close(p.done)
			}
		}
		l.cancel(ErrClosed)
	}
	t.mu.Unlock()
	t.running.Wait()
}
