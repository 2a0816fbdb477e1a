package redisstore

import (
	"sync"
	"time"
)

// near knows what this Store has last made of entries, so that the client's cache,
// which hears of changes late, is not believed when it answers with what was
// before. The cache keeps an answer for Options.NearCache at most: after that there
// is nothing left to be mistaken about, and the entry is forgotten here.
type near struct {
	keep time.Duration

	mu     sync.RWMutex // guards the fields below
	turns  time.Time    // when recent becomes before
	recent map[string]seen
	before map[string]seen
}

// seen is what an entry was at least.
type seen struct {
	created, revision, fence uint64
	doubt                    time.Time // until then, nothing cached can be believed
}

func newNear(o Options) *near {
	// An answer with what was before may have been on its way for Timeout.
	return &near{keep: o.NearCache + o.Timeout + time.Second, recent: map[string]seen{}}
}

// saw notes what the server has told of an entry.
func (n *near) saw(name string, m meta) {
	n.note(name, seen{created: m.created, revision: m.revision, fence: m.fence})
}

// doubt notes that an entry was changed, but not to what.
func (n *near) doubt(name string) {
	n.note(name, seen{doubt: time.Now().Add(n.keep)})
}

func (n *near) note(name string, what seen) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now := time.Now(); now.After(n.turns) {
		n.before, n.recent = n.recent, make(map[string]seen)
		n.turns = now.Add(n.keep)
	}
	n.recent[name] = n.knownLocked(name).merged(what)
}

// merged returns what is known after two answers, of which nobody knows which was
// the later one. If they are of different entries, what stays matches at most one.
func (k seen) merged(what seen) seen {
	if what.created == k.created {
		what.revision = max(what.revision, k.revision)
		what.fence = max(what.fence, k.fence)
	} else if what.created < k.created {
		what.created, what.revision, what.fence = k.created, k.revision, k.fence
	}
	if what.doubt.Before(k.doubt) {
		what.doubt = k.doubt
	}
	return what
}

func (n *near) knownLocked(name string) seen {
	if what, ok := n.recent[name]; ok {
		return what
	}
	return n.before[name]
}

// trusts reports whether an answer from the cache is not older than what is known.
func (n *near) trusts(name string, m meta) bool {
	n.mu.RLock()
	what := n.knownLocked(name)
	n.mu.RUnlock()
	switch {
	case what == seen{}:
		return true
	case !what.doubt.IsZero() && time.Now().Before(what.doubt):
		return false
	}
	return what.created == 0 || m.created == what.created && m.revision >= what.revision && m.fence >= what.fence
}
