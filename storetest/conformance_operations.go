package storetest

import (
	"context"
	"errors"

	"github.com/latchkey-go/latchkey/store"
)

var (
	opGet = &operation{name: "Get", model: modelGet, do: func(ctx context.Context, c *historian, in called) told {
		value, err := c.s.Get(ctx, in.name())
		return read(value, err)
	}}
	opPeek = &operation{name: "Peek", model: modelPeek, do: func(ctx context.Context, c *historian, in called) told {
		value, err := c.s.Peek(ctx, in.name())
		return read(value, err)
	}}
	opEntry = &operation{name: "Entry", model: modelEntry, do: func(ctx context.Context, c *historian, in called) told {
		e, err := c.s.Entry(ctx, in.name())
		out := read(e.Value, err)
		if err == nil {
			c.revisions[in.key], out.revision = e.Metadata.Revision, e.Metadata.Revision
		}
		return out
	}}
	opSet = &operation{
		name: "Set",
		do: func(ctx context.Context, c *historian, in called) told {
			return failed(c.s.Set(ctx, in.name(), Value{N: in.value}))
		},
		model: writes(func(r *register, in called, _ *told) { r.write(in.value); r.mortal = false }),
	}
	opSetWithTTL = &operation{
		name: "SetWithTTL",
		do: func(ctx context.Context, c *historian, in called) told {
			return failed(c.s.SetWithTTL(ctx, in.name(), Value{N: in.value}, c.phase))
		},
		model: writes(func(r *register, in called, _ *told) { r.write(in.value); r.mortal = true }),
	}
	opSetIfAbsent = &operation{
		name: "SetIfAbsent",
		do: func(ctx context.Context, c *historian, in called) told {
			stored, err := c.s.SetIfAbsent(ctx, in.name(), Value{N: in.value})
			out := failed(err)
			out.found = err == nil && !stored
			return out
		},
		model: writes(func(r *register, in called, out *told) {
			if out.found = r.live; !r.live {
				r.write(in.value)
			}
		}),
	}
	opCompareAndSet = &operation{
		name: "CompareAndSet",
		do: func(ctx context.Context, c *historian, in called) told {
			return failed(c.s.CompareAndSet(ctx, in.name(), in.revision, Value{N: in.value}))
		},
		model: writes(func(r *register, in called, out *told) {
			if r.revision != in.revision {
				out.err = store.ErrConflict
				return
			}
			r.write(in.value)
		}),
	}
	opUpdate = &operation{
		name: "Update",
		do: func(ctx context.Context, c *historian, in called) (seen told) {
			err := store.ErrConflict
			for errors.Is(err, store.ErrConflict) { // others were always first
				_, err = c.s.Update(ctx, in.name(), func(old Value, found bool) (Value, error) {
					seen = told{value: old.N, found: found}
					return Value{N: in.value}, nil
				})
			}
			if err != nil {
				return failed(err)
			}
			return seen
		},
		model: writes(func(r *register, in called, out *told) {
			out.value, out.found = r.value, r.live
			r.write(in.value)
		}),
	}
	opDelete = &operation{
		name:  "Delete",
		do:    func(ctx context.Context, c *historian, in called) told { return failed(c.s.Delete(ctx, in.name())) },
		model: writes(func(r *register, _ called, _ *told) { r.remove() }),
	}
	opTryLock = &operation{name: "TryLock", model: modelTryLock, do: func(ctx context.Context, c *historian, in called) told {
		l, err := c.s.TryLock(ctx, in.name(), c.phase)
		if err != nil {
			return failed(err)
		}
		c.leases[in.key] = l
		return told{fence: l.Fence()}
	}}
	opForceUnlock = &operation{name: "ForceUnlock", model: modelForceUnlock, do: func(ctx context.Context, c *historian, in called) told {
		unlocked, err := c.s.ForceUnlock(ctx, in.name())
		out := failed(err)
		out.found = unlocked
		return out
	}}
	opLeaseGet = &operation{
		name: "Lease.Get", lease: true,
		do: func(ctx context.Context, c *historian, in called) told {
			value, err := c.leases[in.key].Get(ctx)
			return read(value, err)
		},
		model: holds(func(r *register, _ called, out *told) { out.value = r.value }),
	}
	opLeaseSet = &operation{
		name: "Lease.Set", lease: true,
		do: func(ctx context.Context, c *historian, in called) told {
			return failed(c.leases[in.key].Set(ctx, Value{N: in.value}))
		},
		model: holds(func(r *register, in called, _ *told) { r.write(in.value) }),
	}
	opLeaseDelete = &operation{
		name: "Lease.Delete", lease: true,
		do:    func(ctx context.Context, c *historian, in called) told { return failed(c.drop(in.key).Delete(ctx)) },
		model: holds(func(r *register, _ called, _ *told) { r.remove() }),
	}
	opUnlock = &operation{
		name: "Unlock", lease: true,
		do:    func(ctx context.Context, c *historian, in called) told { return failed(c.drop(in.key).Unlock(ctx)) },
		model: holds(func(r *register, _ called, _ *told) { r.holder = 0 }),
	}
)

// mixture is what clients do, the more often the more often it stands here.
var mixture = []*operation{
	opGet, opGet, opPeek, opEntry, opEntry, opSet, opSet, opSetWithTTL, opSetIfAbsent, opSetIfAbsent,
	opCompareAndSet, opCompareAndSet, opUpdate, opDelete, opTryLock, opTryLock, opTryLock, opForceUnlock,
	opLeaseGet, opLeaseGet, opLeaseSet, opLeaseSet, opLeaseSet, opLeaseDelete, opUnlock, opUnlock,
}

// read is what a call is told that reads a value.
func read(value Value, err error) told {
	out := failed(err)
	out.value = value.N
	return out
}
