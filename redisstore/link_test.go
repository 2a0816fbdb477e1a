package redisstore_test

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"
)

// link is a connection to a server that a test can disturb: a proxy in between.
type link struct {
	listener net.Listener
	server   string

	delay   atomic.Int64 // of what passes, either way
	stalled [2]gate      // nothing passes from the client, or to it
	allowed atomic.Int64 // bytes that still pass from the client before it is cut; negative = all

	mu    sync.Mutex // guards the fields below
	conns map[net.Conn]bool
}

const (
	toServer = 0
	toClient = 1
)

// gate is open or shut.
type gate struct {
	mu   sync.Mutex // guards the fields below
	shut chan struct{}
}

func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case shut && g.shut == nil:
		g.shut = make(chan struct{})
	case !shut && g.shut != nil:
		close(g.shut)
		g.shut = nil
	}
}

func (g *gate) pass() {
	g.mu.Lock()
	shut := g.shut
	g.mu.Unlock()
	if shut != nil {
		<-shut
	}
}

// newLink returns a link to a server, undisturbed.
func newLink(t testing.TB, s *server) *link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &link{listener: listener, server: s.address(), conns: map[net.Conn]bool{}}
	l.allowed.Store(-1)
	var all sync.WaitGroup
	all.Go(func() { l.accept(&all) })
	t.Cleanup(func() {
		_ = listener.Close() // which ends accept
		l.stall(false, toServer, toClient)
		l.cut()
		all.Wait()
	})
	return l
}

// options returns the options of a client at this end of the link.
func (l *link) options() rueidis.ClientOption {
	return rueidis.ClientOption{InitAddress: []string{l.listener.Addr().String()}}
}

func (l *link) accept(all *sync.WaitGroup) {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", l.server)
		if err != nil {
			_ = client.Close() // as the server does
			continue
		}
		l.mu.Lock()
		l.conns[client], l.conns[server] = true, true
		l.mu.Unlock()
		all.Go(func() { l.pipe(server, client, toServer) })
		all.Go(func() { l.pipe(client, server, toClient) })
	}
}

// pipe passes on what comes, until either end is closed.
func (l *link) pipe(to, from net.Conn, way int) {
	defer func() { _, _ = to.Close(), from.Close() }() // again, perhaps
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		time.Sleep(time.Duration(l.delay.Load()))
		l.stalled[way].pass()
		data := buffer[:n]
		if way == toServer {
			data, err = l.allow(data, err)
		}
		if _, writeErr := to.Write(data); writeErr != nil || err != nil {
			return
		}
	}
}

var errCut = errors.New("cut")

// allow returns how much of what the client has sent passes.
func (l *link) allow(data []byte, err error) ([]byte, error) {
	left := l.allowed.Load()
	if left < 0 {
		return data, err
	}
	if int64(len(data)) < left {
		l.allowed.Add(-int64(len(data)))
		return data, err
	}
	l.allowed.Store(-1)
	return data[:left], errors.Join(err, errCut, io.ErrUnexpectedEOF)
}

// stall has nothing pass those ways, or all go on.
func (l *link) stall(stalled bool, ways ...int) {
	for _, way := range ways {
		l.stalled[way].set(stalled)
	}
}

// cut ends all connections there are.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn := range l.conns {
		_ = conn.Close() // it may be closed
	}
	clear(l.conns)
}
