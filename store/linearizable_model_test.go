package store_test

import (
	"fmt"

	"github.com/anishathalye/porcupine"

	"github.com/latchkey-go/latchkey/store"
)

// The model counts time in ticks: every deadline falls on one.
const (
	modelTTL  = 4
	modelIdle = 3
	noTTL     = 1 << 30
)

// register is what the model knows of one key. What is over by now is not in
// it, so that two registers that behave alike are equal.
type register struct {
	now                    int
	live                   bool
	value                  int
	revision               uint64
	ttl, expires, accessed int
	holder                 uint64 // fence of the lease; 0 = not locked
	until                  int    // deadline of the lease
	fence                  uint64 // newest
}

// call is what a client asks for, result what it is told.
type call struct {
	op       *operation
	key      int
	value    int    // to be written; no two calls write the same
	revision uint64 // expected by CompareAndSet
	ttl, d   int    // of an entry, of a lease
	fence    uint64 // of the lease it goes through
}

type result struct {
	value    int
	revision uint64
	fence    uint64
	until    int
	found    bool
	err      error
}

func (c call) String() string {
	return fmt.Sprintf("%s(key %d, value %d, revision %d, ttl %d, lease of %d, fence %d)",
		c.op.name, c.key, c.value, c.revision, c.ttl, c.d, c.fence)
}

func (r result) String() string {
	return fmt.Sprintf("value %d, revision %d, fence %d, until %d, found %t, error %v",
		r.value, r.revision, r.fence, r.until, r.found, r.err)
}

// operation is one kind of call: how a client does it, and what it does to the
// model. model returns what the client should be told; what it was told may be
// asked for the fence alone, which the store is free to choose.
type operation struct {
	name  string
	lease bool // goes through a lease
	do    func(c *client, in call) result
	model func(r *register, in call, told result) result
}

var linearizable = porcupine.Model{
	Partition: splitByKey,
	Init:      func() any { return register{} },
	Step: func(state, input, output any) (bool, any) {
		r, in, told := state.(register), input.(call), output.(result)
		if told.err == errDisk {
			return true, r // nothing was changed
		}
		want := in.op.model(&r, in, told)
		return told == want, r
	},
	DescribeOperation: func(input, output any) string {
		return fmt.Sprintf("%v -> %v", input, output)
	},
}

// splitByKey splits a history by key. The advance of the clock is in every part.
func splitByKey(history []porcupine.Operation) [][]porcupine.Operation {
	parts := make([][]porcupine.Operation, modelKeys)
	for _, o := range history {
		in := o.Input.(call)
		for key := range parts {
			if in.op == opAdvance || in.key == key {
				parts[key] = append(parts[key], o)
			}
		}
	}
	return parts
}

// tick moves the register on by a tick, and reports what that has ended.
func (r *register) tick() (lapsed, died bool) {
	r.now++
	if r.holder != 0 && r.now >= r.until {
		lapsed = true
		r.unlock()
	}
	if r.live && (r.now >= r.expires || r.holder == 0 && r.now >= r.accessed+modelIdle) {
		died = true
		r.remove()
	}
	return lapsed, died
}

// refusal is what somebody without a lease is told who needs an unlocked entry.
func (r *register) refusal() error {
	switch {
	case !r.live:
		return store.ErrNotFound
	case r.holder != 0:
		return store.ErrLocked
	}
	return nil
}

func (r *register) remove() { *r = register{now: r.now, fence: r.fence} }

func (r *register) unlock() { r.holder, r.until, r.accessed = 0, 0, r.now }

func (r *register) write(value, ttl int) {
	r.live, r.value = true, value
	r.revision++
	r.ttl, r.expires, r.accessed = ttl, r.now+ttl, r.now
}

// renew writes with the entry's own TTL.
func (r *register) renew(value int) {
	if !r.live {
		r.ttl = modelTTL
	}
	r.write(value, r.ttl)
}

// writes makes the model of an operation that writes what is not locked, unless
// refuse, which may be nil, has something against it.
func writes(refuse func(r *register, in call) error, write func(r *register, in call)) func(*register, call, result) result {
	return func(r *register, in call, _ result) result {
		if r.holder != 0 {
			return result{err: store.ErrLocked}
		}
		if refuse != nil {
			if err := refuse(r, in); err != nil {
				return result{err: err}
			}
		}
		write(r, in)
		return result{}
	}
}

// holds makes the model of what only the holder may do.
func holds(do func(r *register, in call, told *result)) func(*register, call, result) result {
	return func(r *register, in call, _ result) result {
		if in.fence != r.holder {
			return result{err: store.ErrLeaseLost}
		}
		var told result
		do(r, in, &told)
		return told
	}
}

func modelGet(r *register, _ call, _ result) result {
	if err := r.refusal(); err != nil {
		return result{err: err}
	}
	r.accessed = r.now
	return result{value: r.value}
}

func modelEntry(r *register, in call, told result) result {
	want := modelGet(r, in, told)
	if want.err == nil {
		want.revision = r.revision
	}
	return want
}

func modelUpdate(r *register, in call, _ result) result {
	if r.holder != 0 {
		return result{err: store.ErrLocked}
	}
	want := result{value: r.value, found: r.live}
	r.renew(in.value)
	return want
}

func modelTryLock(r *register, in call, told result) result {
	if err := r.refusal(); err != nil {
		return result{err: err}
	}
	if told.fence <= r.fence {
		return result{err: fmt.Errorf("a lease with a fence above %d", r.fence)}
	}
	r.fence, r.holder, r.until = told.fence, told.fence, r.now+in.d
	return result{fence: r.fence, until: r.until}
}

func modelForceUnlock(r *register, _ call, _ result) result {
	locked := r.holder != 0
	if locked {
		r.unlock()
	}
	return result{found: locked}
}
