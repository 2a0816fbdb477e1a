package inspect

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// maxStreams is how many pages may be live at once.
	maxStreams = 32
	// writeTimeout is how long a client may take to read what it is sent.
	writeTimeout = 10 * time.Second
)

// streams are the pages that are live.
type streams struct {
	sampler *sampler
	open    atomic.Int64
	servers servers
}

// serve sends a store's charts, and the cards of all, with each sample.
func (s *streams) serve(w http.ResponseWriter, r *http.Request, shown int) {
	if s.open.Add(1) > maxStreams {
		s.open.Add(-1)
		http.Error(w, "Too many pages are live.", http.StatusServiceUnavailable)
		return
	}
	defer s.open.Add(-1)
	s.sampler.look() // the first sample, if it takes one, is not the next
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx
	out := http.NewResponseController(w)
	down := s.servers.down(r)
	for {
		next := s.sampler.next()
		if err := s.send(w, out, shown); err != nil {
			return // the client has gone, or can't be streamed to
		}
		select {
		case <-next:
		case <-r.Context().Done():
			return
		case <-down:
			return
		}
	}
}

// send sends one event.
func (s *streams) send(w http.ResponseWriter, out *http.ResponseController, shown int) error {
	v := viewStats(s.sampler.stores, s.sampler.look(), shown, time.Now())
	data, err := json.Marshal(v.update())
	if err != nil {
		return err
	}
	_ = out.SetWriteDeadline(time.Now().Add(writeTimeout)) // in place of the server's, if it can
	if _, err := fmt.Fprintf(w, "retry: 2000\ndata: %s\n\n", data); err != nil {
		return err
	}
	return out.Flush()
}
