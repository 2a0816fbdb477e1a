package store_test

import (
	"context"
	"fmt"

	"github.com/latchkey-go/latchkey/store"
)

// visit counts a visit. It takes what it is given: a store in this process, or one
// on a server.
func visit(ctx context.Context, sessions store.Shared[string, int], id string) (int, error) {
	return sessions.Update(ctx, id, func(visits int, _ bool) (int, error) { return visits + 1, nil })
}

// Code that is written for a Shared runs on any engine.
func ExampleStore_Shared() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	sessions := s.Shared()
	defer sessions.Close()

	ctx := context.Background()
	_, err = visit(ctx, sessions, "ada")
	check(err)
	visits, err := visit(ctx, sessions, "ada")
	check(err)
	e, err := sessions.Entry(ctx, "ada")
	check(err)
	fmt.Println(visits, e.Value, e.Metadata.Revision)
	// Output: 2 2 2
}
