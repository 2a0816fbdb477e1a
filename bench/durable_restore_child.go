package main

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// opening is what one restore took, in seconds.
type opening struct {
	Restore, Read float64
	Replayed      uint64
}

func sessionOptions(dir, codec string, n int) (o store.Options[string, webSession], err error) {
	c, err := codecNamed(codec)
	return store.Options[string, webSession]{
		Capacity: n, TTL: 24 * time.Hour, IdleTimeout: time.Hour,
		Persist: persist.Config{Dir: dir, Codec: c, Sync: persist.EverySecond},
	}, err
}

// fillFolder has arguments dir, codec, count, and how to end: close, or kill.
func fillFolder(args []string) error {
	dir, codec, end := args[0], args[1], args[3]
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	o, err := sessionOptions(dir, codec, n)
	if err != nil {
		return err
	}
	if end == "kill" {
		o.Persist.MinJournal = 1 << 50 // all stays in the journal
	}
	s, err := store.New(o)
	if err != nil {
		return err
	}
	for i, key := range sessionKeys(n) {
		if err := s.Set(key, webSessionOf(i)); err != nil {
			return err
		}
	}
	if end == "kill" {
		return killSelf()
	}
	return s.Close()
}

// restoreFolder has the same arguments, and whether to read all values too. It
// leaves the folder as it found it.
func restoreFolder(args []string) (r opening, err error) {
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return r, err
	}
	o, err := sessionOptions(args[0], args[1], n)
	if err != nil {
		return r, err
	}
	start := time.Now()
	s, err := store.New(o)
	if err != nil {
		return r, err
	}
	r.Restore = time.Since(start).Seconds()
	r.Replayed = s.Stats().Replayed
	if s.Len() != n {
		return r, fmt.Errorf("%d entries", s.Len())
	}
	if args[4] == "true" {
		if r.Read, err = readAll(s, n); err != nil {
			return r, err
		}
	}
	if err := sample(n, s.Peek); err != nil {
		return r, err
	}
	if args[3] == "kill" {
		return r, nil // and end without a Close, as by a kill
	}
	return r, s.Close()
}

// readAll returns the seconds it takes to read all values.
func readAll(s *store.Store[string, webSession], n int) (seconds float64, err error) {
	start := time.Now()
	count := 0
	for _, value := range s.All() {
		if value.User != "" {
			count++
		}
	}
	seconds = time.Since(start).Seconds()
	if count != n {
		err = fmt.Errorf("%d of %d sessions read", count, n)
	}
	return seconds, err
}

// sample makes sure that some sessions are what they should be.
func sample(n int, get func(key string) (webSession, bool)) error {
	for i, key := range sessionKeys(n) {
		if i%1000 != 0 {
			continue
		}
		if value, ok := get(key); !ok || !value.equals(webSessionOf(i)) {
			return fmt.Errorf("session %d is %+v (%v)", i, value, ok)
		}
	}
	return nil
}

// sessionPair is an element of the stream.
type sessionPair struct {
	Key   string
	Value webSession
}

// writeStream has arguments file and count. It writes all to one gob stream.
func writeStream(args []string) (err error) {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Clean(args[0]))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out := bufio.NewWriterSize(file, 1<<16)
	enc := gob.NewEncoder(out)
	for i, key := range sessionKeys(n) {
		if err := enc.Encode(sessionPair{key, webSessionOf(i)}); err != nil {
			return err
		}
	}
	return out.Flush()
}

// decodeStream has the same arguments. It returns the seconds that it took.
func decodeStream(args []string) (seconds float64, err error) {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return 0, err
	}
	start := time.Now()
	file, err := os.Open(filepath.Clean(args[0]))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	dec := gob.NewDecoder(bufio.NewReaderSize(file, 1<<16))
	sessions := make(map[string]webSession, n)
	for range n {
		var p sessionPair
		if err := dec.Decode(&p); err != nil {
			return 0, err
		}
		sessions[p.Key] = p.Value
	}
	seconds = time.Since(start).Seconds()
	return seconds, sample(n, func(key string) (webSession, bool) {
		value, ok := sessions[key]
		return value, ok
	})
}
