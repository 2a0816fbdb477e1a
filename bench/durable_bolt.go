package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"

	"go.etcd.io/bbolt"
)

// bolt is a bbolt database with as many keys as the store has.
type bolt struct {
	db    *bbolt.DB
	keys  [][]byte
	order []int
	value []byte
}

var boltBucket = []byte("sessions")

// newBolt makes a database in which a batch ends with that many writes, 0 for
// bbolt's own choice, or after bbolt's usual delay.
func newBolt(d *durable, batch int) (*bolt, error) {
	db, err := bbolt.Open(d.path(fmt.Sprintf("bolt-%d", batch)), 0o600, nil)
	if err != nil {
		return nil, err
	}
	if batch != 0 {
		db.MaxBatchSize = batch
	}
	b := &bolt{db: db, value: bytes.Repeat([]byte{'v'}, valueSize)}
	for _, key := range shortKeys(d.entries) {
		b.keys = append(b.keys, []byte(key))
	}
	b.order = rand.New(rand.NewPCG(1, 2)).Perm(len(b.keys))
	return b, db.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucket(boltBucket)
		for _, key := range b.keys {
			if err == nil {
				err = bucket.Put(key, b.value)
			}
		}
		return err
	})
}

func (b *bolt) round(about time.Duration) (float64, error) {
	perSecond, _, err := hammer(manyWriters, 1, about, func(i int) error {
		return b.db.Batch(func(tx *bbolt.Tx) error {
			return tx.Bucket(boltBucket).Put(b.keys[b.order[i%len(b.order)]], b.value)
		})
	})
	return perSecond, err
}

func (b *bolt) close() error { return b.db.Close() }
