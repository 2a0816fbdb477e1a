// Customcodec keeps a store on disk in an encoding of the user's own, CBOR, and
// then the same encrypted, with a key that is rotated.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// Session is what the store keeps for a visitor.
type Session struct {
	User  string    `cbor:"user"`
	Since time.Time `cbor:"since"`
}

func main() {
	dir, err := os.MkdirTemp("", "customcodec")
	if err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(run(dir), os.RemoveAll(dir)); err != nil {
		log.Fatal(err)
	}
}

func run(dir string) error {
	codec, err := NewCBOR()
	if err != nil {
		return err
	}
	if err := plain(filepath.Join(dir, "plain"), codec); err != nil {
		return err
	}
	return rotate(filepath.Join(dir, "sealed"), codec, newKey(), newKey())
}

// plain keeps a store in CBOR.
func plain(dir string, codec persist.Codec) error {
	if err := visit(dir, codec, login); err != nil {
		return err
	}
	if err := visit(dir, codec, greet("in CBOR")); err != nil {
		return err
	}
	// The files say what they are in.
	err := visit(dir, persist.JSON{}, greet("in JSON"))
	fmt.Println("opened as JSON:", errors.Is(err, persist.ErrCodecMismatch))
	return nil
}

// rotate keeps a store encrypted, first with key a and then with key b. The
// keys of a real program come from where its other secrets are.
func rotate(dir string, codec persist.Codec, a, b []byte) error {
	onlyA, err := persist.Encrypt(codec, a)
	if err != nil {
		return err
	}
	bAndA, err := persist.Encrypt(codec, b, a) // b seals, both open
	if err != nil {
		return err
	}
	onlyB, err := persist.Encrypt(codec, b)
	if err != nil {
		return err
	}

	if err := visit(dir, onlyA, login); err != nil {
		return err
	}
	fmt.Println("opened with B too early:", visit(dir, onlyB, greet("B")) == nil)

	// Restart with both keys. Each snapshot from now on is sealed with B
	// alone; once it has pushed out those before, A can go.
	err = visit(dir, bAndA, func(s *store.Store[string, Session]) error {
		for range persist.DefaultGenerations {
			if err := s.Snapshot(context.Background()); err != nil {
				return err
			}
		}
		return greet("with B and A")(s)
	})
	if err != nil {
		return err
	}

	if err := visit(dir, onlyB, greet("with B")); err != nil {
		return err
	}
	fmt.Println("opened with A too late:", visit(dir, onlyA, greet("A")) == nil)
	return nil
}

func newKey() []byte {
	key := make([]byte, persist.KeySize)
	rand.Read(key) // never fails
	return key
}

// visit is the life of a process: it opens the store in dir, uses it, and
// closes it, which takes a snapshot.
func visit(dir string, codec persist.Codec, use func(*store.Store[string, Session]) error) error {
	s, err := store.New(store.Options[string, Session]{
		Persist: persist.Config{Dir: dir, Codec: codec},
	})
	if err != nil {
		return err
	}
	return errors.Join(use(s), s.Close())
}

func login(s *store.Store[string, Session]) error {
	return s.Set("id-1", Session{"Ada", time.Date(2026, time.March, 2, 12, 0, 0, 5, time.UTC)})
}

func greet(how string) func(*store.Store[string, Session]) error {
	return func(s *store.Store[string, Session]) error {
		session, err := s.Get("id-1")
		fmt.Printf("%s: hello, %s, here since %s\n", how, session.User, session.Since.Format(time.RFC3339Nano))
		return err
	}
}
