package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// database stands for what is slow or far away.
type database map[string]string

func (d database) user(_ context.Context, id string) (string, error) {
	fmt.Println("asks for", id)
	name, found := d[id]
	if !found {
		return "", store.ErrNotFound
	}
	return name, nil
}

// nameOf is the README's recipe.
func nameOf(ctx context.Context, users *store.Store[string, string], db database, id string) (string, error) {
	user, err := users.GetOrLoad(ctx, id, db.user)
	if errors.Is(err, store.ErrNotFound) {
		return "nobody", nil
	}
	return user, err
}

// What is missing is loaded. With ErrorTTL, that there is nothing is remembered too.
func ExampleStore_GetOrLoad() {
	users, err := store.New(store.Options[string, string]{
		TTL:      time.Hour,
		ErrorTTL: time.Minute,
	})
	check(err)
	defer users.Close()
	db := database{"1": "Ada"}

	for _, id := range []string{"1", "1", "2", "2"} {
		name, err := nameOf(context.Background(), users, db, id)
		fmt.Println(name, err)
	}

	db["2"] = "Bob"
	check(users.Delete("2")) // once the database has the change
	fmt.Println(nameOf(context.Background(), users, db, "2"))
	// Output:
	// asks for 1
	// Ada <nil>
	// Ada <nil>
	// asks for 2
	// nobody <nil>
	// nobody <nil>
	// asks for 2
	// Bob <nil>
}

// One call of the function gets all that is missing.
func ExampleStore_GetOrLoadMany() {
	users, err := store.New(store.Options[string, string]{})
	check(err)
	defer users.Close()
	check(users.Set("1", "Ada"))
	db := database{"2": "Bob", "3": "Cyd"}

	names, err := users.GetOrLoadMany(context.Background(), []string{"1", "2", "3", "4"},
		func(_ context.Context, missing []string) (map[string]string, error) {
			fmt.Println("asks for", strings.Join(missing, ", "))
			found := maps.Clone(db)
			maps.DeleteFunc(found, func(id, _ string) bool { return !slices.Contains(missing, id) })
			return found, nil
		})
	fmt.Println(names, err)
	// Output:
	// asks for 2, 3, 4
	// map[1:Ada 2:Bob 3:Cyd] <nil>
}
