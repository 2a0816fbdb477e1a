package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
)

// proxy sends each request to the next node. One that can't be reached gets none any
// more.
type proxy struct {
	mu    sync.Mutex // guards the fields below
	nodes []*node
	turn  int
}

// handler returns the handler of all requests. The header Node of an answer names
// the node that has given it.
func (p *proxy) handler() http.Handler {
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL.Scheme = "http"; r.Out.Host = r.In.Host },
		Transport: p,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, "the node has gone", http.StatusBadGateway)
		},
	}
}

// direct has a connection of its own for each request: one that is kept could be one
// to a node that has gone.
var direct = &http.Transport{DisableKeepAlives: true}

// RoundTrip has a node answer the request. If that can't be reached, another one
// does: nothing was sent yet. Whoever was cut off later is told.
func (p *proxy) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody)); err != nil {
			return nil, err
		}
	}
	for {
		n := p.next()
		if n == nil {
			return nil, errNoNode
		}
		out := r.Clone(r.Context())
		out.URL.Host = n.address
		out.Body = io.NopCloser(bytes.NewReader(body))
		response, err := direct.RoundTrip(out)
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
			p.drop(n)
			continue
		}
		if err == nil {
			response.Header.Set("Node", n.name)
		}
		return response, err
	}
}

const maxBody = 64 << 10

var errNoNode = errors.New("no node is left")

// next returns the node whose turn it is; nil if none is left.
func (p *proxy) next() *node {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.nodes) == 0 {
		return nil
	}
	n := p.nodes[p.turn%len(p.nodes)]
	p.turn++
	return n
}

func (p *proxy) drop(gone *node) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, n := range p.nodes {
		if n == gone {
			p.nodes = append(p.nodes[:i:i], p.nodes[i+1:]...)
			return
		}
	}
}
