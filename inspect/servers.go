package inspect

import (
	"net/http"
	"sync"
)

// servers knows of the servers whose requests come here, so that streams end when
// their server is shut down: it would wait for them.
type servers struct {
	mu    sync.Mutex // guards all
	ended map[*http.Server]chan struct{}
}

// down returns a channel that is closed when the server of a request is shut down.
func (s *servers) down(r *http.Request) <-chan struct{} {
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ended, ok := s.ended[server]
	if !ok {
		ended = make(chan struct{})
		if s.ended == nil {
			s.ended = make(map[*http.Server]chan struct{})
		}
		s.ended[server] = ended
		server.RegisterOnShutdown(func() { close(ended) })
	}
	return ended
}
