package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/latchkey-go/latchkey/store"
)

// register is what the model knows of one key.
type register struct {
	live, mortal bool // mortal: with a TTL that ends before the next phase
	value        int
	revision     uint64
	holder       uint64 // fence of the lease; 0 = not locked
	fence        uint64 // newest
}

// unknownHolder stands for one whose call of TryLock had an unknown outcome.
const unknownHolder = ^uint64(0)

// called is what a client asks for, told what comes of it.
type called struct {
	op       *operation
	key      int
	value    int    // to be written; no two calls write the same
	revision uint64 // expected by CompareAndSet
	fence    uint64 // of the lease it goes through
}

type told struct {
	value    int
	revision uint64
	fence    uint64
	found    bool
	err      error
}

// errUnknown stands for an error that leaves the outcome of a call open.
var errUnknown = errors.New("unknown outcome")

func (c called) String() string {
	return fmt.Sprintf("%s(key %d, value %d, revision %d, fence %d)", c.op.name, c.key, c.value, c.revision, c.fence)
}

func (o told) String() string {
	return fmt.Sprintf("value %d, revision %d, fence %d, found %t, error %v", o.value, o.revision, o.fence, o.found, o.err)
}

// failed is what a call with an error is told.
func failed(err error) told {
	if err == nil {
		return told{}
	}
	for _, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			return told{err: sentinel}
		}
	}
	return told{err: errUnknown}
}

// operation is one kind of call: how a client does it, and what it does to the
// model, which returns what the client should be told. What it was told may be
// asked for the fence alone, which the engine is free to choose.
type operation struct {
	name  string
	lease bool // goes through a lease
	do    func(ctx context.Context, c *historian, in called) told
	model func(r *register, in called, out told) told
}

// opNextPhase is when all leases have ended by their deadlines, and all entries
// with a TTL are dead.
var opNextPhase = &operation{name: "next phase", model: func(r *register, _ called, _ told) told {
	r.holder = 0
	if r.mortal {
		r.remove()
	}
	return told{}
}}

// step applies a call to the model, and reports whether it can have been told
// what it was.
func step(r register, in called, out told) (bool, register) {
	switch {
	case out.err != errUnknown:
		want := in.op.model(&r, in, out)
		return want == out, r
	case in.op != opTryLock:
		in.op.model(&r, in, out) // whatever it would have been told
	case modelGet(&r, in, out).err == nil:
		r.holder = unknownHolder
	}
	return true, r
}

func (r *register) remove() { *r = register{fence: r.fence} }

func (r *register) write(value int) {
	r.live, r.value = true, value
	r.revision++
}

// writes makes the model of an operation that writes what is not locked.
func writes(do func(r *register, in called, out *told)) func(*register, called, told) told {
	return func(r *register, in called, _ told) (out told) {
		if r.holder != 0 {
			return told{err: store.ErrLocked}
		}
		do(r, in, &out)
		return out
	}
}

// holds makes the model of what only the holder may do.
func holds(do func(r *register, in called, out *told)) func(*register, called, told) told {
	return func(r *register, in called, _ told) (out told) {
		if in.fence != r.holder {
			return told{err: store.ErrLeaseLost}
		}
		do(r, in, &out)
		return out
	}
}

func modelPeek(r *register, _ called, _ told) told {
	if !r.live {
		return told{err: store.ErrNotFound}
	}
	return told{value: r.value}
}

func modelGet(r *register, in called, out told) told {
	if r.holder != 0 {
		return told{err: store.ErrLocked}
	}
	return modelPeek(r, in, out)
}

func modelEntry(r *register, in called, out told) told {
	want := modelGet(r, in, out)
	if want.err == nil {
		want.revision = r.revision
	}
	return want
}

func modelTryLock(r *register, in called, out told) told {
	if want := modelGet(r, in, out); want.err != nil {
		return told{err: want.err}
	}
	if out.fence <= r.fence {
		return told{err: fmt.Errorf("a lease with a fence above %d", r.fence)}
	}
	r.holder, r.fence = out.fence, out.fence
	return told{fence: out.fence}
}

func modelForceUnlock(r *register, _ called, _ told) told {
	was := r.holder != 0
	r.holder = 0
	return told{found: was}
}
