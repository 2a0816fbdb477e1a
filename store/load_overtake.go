package store

// overtake notes a write to key, which wins over a load and ends what is remembered.
// It must be part of the write, in the same critical section, so that a loaded value is
// stored before it or never; and it comes when the write can be seen: a load that begins
// before that may still find what was there, and whoever comes later must not join it.
func (t *loads[K, V]) overtake(key K, now instant) {
	if t.active.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.promises[key]; p != nil {
		t.overtakeLocked(p)
	}
	t.forgetOverLocked(now) // or all writes would come here for ever
	t.forgetLocked(t.failures[key])
}

// overtakeLocked leaves alone what has not begun: that will see the write.
func (t *loads[K, V]) overtakeLocked(p *promise[K, V]) {
	if !p.of.begun {
		return
	}
	p.overtaken = true
	if p.of.waiters == 0 {
		t.keepLocked(p, outcome[V]{})
	}
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
		t.overtakeLocked(p)
	}
	clear(t.failures)
	t.order.Init()
	t.active.Store(int64(len(t.promises)))
}

// close tells all who wait, ends the contexts of the loads, and returns when the
// user's functions have. There are no loads afterwards.
func (t *loads[K, V]) close() {
	t.mu.Lock()
	t.closed = true
	t.overtakeAllLocked()
	for l := range t.underWay {
		for _, p := range l.promises {
			t.keepLocked(p, outcome[V]{err: ErrClosed})
		}
		l.cancel(ErrClosed)
	}
	t.mu.Unlock()
	t.running.Wait()
}
