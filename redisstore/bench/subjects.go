package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	scs "github.com/alexedwards/scs/redisstore"
	"github.com/gomodule/redigo/redis"
	"github.com/redis/rueidis"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/redisstore"
)

// subjects are all that is measured, on one server.
type subjects struct {
	ctx        context.Context
	client     rueidis.Client
	pool       *redis.Pool
	stores     []*redisstore.Store[int, string]
	value      string
	operations []operation
}

func newSubjects(socket string) (*subjects, error) {
	client, err := rueidis.NewClient(rueidis.MustParseURL("unix://" + socket))
	if err != nil {
		return nil, err
	}
	s := &subjects{
		ctx:    context.Background(),
		client: client,
		pool: &redis.Pool{MaxIdle: goroutines, Dial: func() (redis.Conn, error) {
			return redis.Dial("unix", socket)
		}},
		value: strings.Repeat("x", valueSize),
	}
	if err := s.prepare(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *subjects) close() {
	for _, st := range s.stores {
		_ = st.Close() // it returns nil
	}
	_ = s.pool.Close() // all is measured
	s.client.Close()
}

// open returns a store, whose codec costs no more than a copy: plain commands have
// none.
func (s *subjects) open(o redisstore.Options) (*redisstore.Store[int, string], error) {
	o.Prefix, o.Codec = "bench:", raw{}
	st, err := redisstore.New[int, string](s.client, o)
	if err == nil {
		s.stores = append(s.stores, st)
	}
	return st, err
}

func (s *subjects) prepare() error {
	plain, err := s.open(redisstore.Options{})
	if err != nil {
		return err
	}
	session, err := s.open(redisstore.Options{TTL: 24 * time.Hour, IdleTimeout: time.Hour})
	if err != nil {
		return err
	}
	near, err := s.open(redisstore.Options{NearCache: time.Minute})
	if err != nil {
		return err
	}
	other := scs.New(s.pool)
	s.operations = []operation{
		{"GET (rueidis)", "", s.get},
		{"Get", "GET (rueidis)", func(key int) error { return second(plain.Get(s.ctx, key)) }},
		{"Get, TTL and IdleTimeout", "GET (rueidis)", func(key int) error { return second(session.Get(s.ctx, key)) }},
		{"Get, from the near cache", "Get", func(key int) error { return second(near.Get(s.ctx, key)) }},
		{"Find (scs)", "GET (rueidis)", func(key int) error { return found(other.Find(plainName(key))) }},
		{"SET (rueidis)", "", s.set},
		{"Set", "SET (rueidis)", func(key int) error { return plain.Set(s.ctx, key, s.value) }},
		{"Set, TTL and IdleTimeout", "SET (rueidis)", func(key int) error { return session.Set(s.ctx, key, s.value) }},
		{"Commit (scs)", "SET (rueidis)", func(key int) error {
			return other.Commit(plainName(key), []byte(s.value), time.Now().Add(time.Hour))
		}},
		{"Lock and Unlock", "", func(key int) error { return lockAndUnlock(s.ctx, plain, key) }},
		{"Lock, Set and Unlock", "", func(key int) error { return changeLocked(s.ctx, plain, key, s.value) }},
	}
	for key := range keys {
		expiry := time.Now().Add(time.Hour)
		if err := errors.Join(plain.Set(s.ctx, key, s.value), s.set(key), other.Commit(plainName(key), []byte(s.value), expiry)); err != nil {
			return err
		}
	}
	return nil
}

func plainName(key int) string { return fmt.Sprintf("plain:%d", key) }

func (s *subjects) get(key int) error {
	return second(s.client.Do(s.ctx, s.client.B().Get().Key(plainName(key)).Build()).ToString())
}

func (s *subjects) set(key int) error {
	return s.client.Do(s.ctx, s.client.B().Set().Key(plainName(key)).Value(s.value).Build()).Error()
}

func second[T any](_ T, err error) error { return err }

func found(_ []byte, ok bool, err error) error {
	if err == nil && !ok {
		return errors.New("not found")
	}
	return err
}

func lockAndUnlock(ctx context.Context, s *redisstore.Store[int, string], key int) error {
	l, err := s.Lock(ctx, key, 0)
	if err != nil {
		return err
	}
	return l.Unlock(ctx)
}

func changeLocked(ctx context.Context, s *redisstore.Store[int, string], key int, value string) error {
	l, err := s.Lock(ctx, key, 0)
	if err != nil {
		return err
	}
	return errors.Join(l.Set(ctx, value), l.Unlock(ctx))
}

// raw is a codec for strings.
type raw struct{ persist.JSON }

func (raw) Marshal(v any) ([]byte, error) { return []byte(v.(string)), nil }

func (raw) Unmarshal(data []byte, v any) error {
	*v.(*string) = string(data)
	return nil
}
