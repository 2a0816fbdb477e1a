package redisstore

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// hub hears when leases end, and has those know who wait for that. It subscribes
// when the first one waits, and stays so until it is closed. What it hears is a
// hint: it may be missed, and then the lease's time tells.
type hub struct {
	client  rueidis.Client
	channel string
	log     *slog.Logger

	closing chan struct{} // closed by close
	end     context.CancelFunc
	alive   context.Context // of the goroutine that listens
	ended   sync.WaitGroup

	mu      sync.Mutex // guards the fields below
	started bool
	ready   chan struct{} // closed once subscribed, or known not to be
	queues  map[string]*queue
	watched map[watch]map[*watcher]struct{}
	closed  bool
}

// queue is those of this Store who want the lock on one key: one at a time asks the
// server, in order of arrival.
type queue struct {
	turn  chan struct{} // holds one token: whose turn it is
	wake  chan struct{} // holds one token: the lock may be free
	users int           // guarded by the hub's mu
}

// watch names a lease, and watcher is somebody who wants to hear of its end.
type (
	watch struct {
		name  string
		fence uint64
	}
	watcher struct{ over func() }
)

func newHub(client rueidis.Client, channel string, log *slog.Logger) *hub {
	h := &hub{
		client: client, channel: channel, log: log,
		closing: make(chan struct{}), ready: make(chan struct{}),
		queues: map[string]*queue{}, watched: map[watch]map[*watcher]struct{}{},
	}
	h.alive, h.end = context.WithCancel(context.Background())
	return h
}

// close wakes everybody and waits for the goroutine.
func (h *hub) close() {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		close(h.closing)
		h.end()
	}
	all := h.watched
	h.watched = nil
	h.mu.Unlock()
	for _, watchers := range all {
		for w := range watchers {
			w.over()
		}
	}
	h.ended.Wait()
}

// join returns the queue for a key; leave it when done.
func (h *hub) join(name string) *queue {
	h.mu.Lock()
	defer h.mu.Unlock()
	q := h.queues[name]
	if q == nil {
		q = &queue{turn: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
		h.queues[name] = q
	}
	q.users++
	return q
}

func (h *hub) leave(name string, q *queue) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if q.users--; q.users == 0 {
		delete(h.queues, name)
	}
}

// subscribed returns a channel that is closed once the hub hears, or won't.
func (h *hub) subscribed() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.started && !h.closed {
		h.started = true
		h.ended.Go(h.listen)
	}
	return h.ready
}

const resubscribePause = 500 * time.Millisecond

// listen subscribes until the hub is closed. A connection that was lost is made
// again by the client, or here.
func (h *hub) listen() {
	ctx := rueidis.WithOnSubscriptionHook(h.alive, func(s rueidis.PubSubSubscription) {
		if s.Kind == "subscribe" {
			h.resumed()
		}
	})
	ctx = rueidis.WithOnReceiveReturnHook(ctx, func(err error, on rueidis.CommandClient) error {
		if h.alive.Err() != nil { // don't leave the connection subscribed for nobody
			quick, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = on.Do(quick, on.B().Unsubscribe().Channel(h.channel).Build()).Error() // it may be broken
		}
		return err
	})
	for h.alive.Err() == nil {
		err := h.client.Receive(ctx, h.client.B().Subscribe().Channel(h.channel).Build(), h.hear)
		if h.alive.Err() != nil {
			return
		}
		if reply, ok := rueidis.IsRedisErr(err); ok {
			h.log.Warn("latchkey: can't hear of unlocks and waits for the ends of leases instead", "error", replyError(reply))
		}
		h.resumed() // something may have been missed
		pause(h.alive, resubscribePause)
	}
}

// resumed is called when a subscription begins, or begins anew: whoever has waited
// before has to look.
func (h *hub) resumed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.ready:
	default:
		close(h.ready)
	}
	for _, q := range h.queues {
		q.ring()
	}
}

// ring wakes whose turn it is.
func (q *queue) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// hear handles a message: the fence of a lease that was taken away, 0 if the lock
// was given back, and the name of the key. It is called by the client's connection,
// for which it must not wait.
func (h *hub) hear(m rueidis.PubSubMessage) {
	number, name, _ := strings.Cut(m.Message, " ")
	fence, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return // not from a script of ours
	}
	h.mu.Lock()
	if q := h.queues[name]; q != nil {
		q.ring()
	}
	watchers := h.watched[watch{name, fence}]
	delete(h.watched, watch{name, fence})
	h.mu.Unlock()
	for w := range watchers {
		w.over()
	}
}

// watch has w told when the lease is taken away or the hub is closed.
func (h *hub) watch(of watch, w *watcher) {
	h.subscribed()
	h.mu.Lock()
	closed := h.closed
	if !closed {
		if h.watched[of] == nil {
			h.watched[of] = map[*watcher]struct{}{}
		}
		h.watched[of][w] = struct{}{}
	}
	h.mu.Unlock()
	if closed {
		w.over()
	}
}

func (h *hub) unwatch(of watch, w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watched[of], w)
	if len(h.watched[of]) == 0 {
		delete(h.watched, of)
	}
}
