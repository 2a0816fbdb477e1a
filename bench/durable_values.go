package main

import (
	"fmt"
	"time"

	"github.com/latchkey-go/latchkey/persist"
)

// rawCodec is for strings and bytes, and does next to nothing.
type rawCodec struct{}

func (rawCodec) ID() string { return "raw" }

func (rawCodec) Marshal(v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return []byte(v), nil
	case []byte:
		return v, nil
	}
	return nil, fmt.Errorf("raw: a %T", v)
}

func (rawCodec) Unmarshal(data []byte, v any) error {
	switch v := v.(type) {
	case *string:
		*v = string(data)
	case *[]byte:
		*v = append([]byte{}, data...)
	default:
		return fmt.Errorf("raw: a %T", v)
	}
	return nil
}

// codecNamed returns a codec by its ID.
func codecNamed(id string) (persist.Codec, error) {
	for _, c := range []persist.Codec{persist.JSON{}, persist.Gob{}, rawCodec{}} {
		if c.ID() == id {
			return c, nil
		}
	}
	return nil, fmt.Errorf("no codec %q", id)
}

// encoder returns the codec as a store uses it for values like that one.
func encoder(codec persist.Codec, value any) (persist.Codec, error) {
	if d, ok := codec.(persist.Describer); ok {
		c, _, err := d.Describe(value)
		if c != nil || err != nil {
			return c, err
		}
	}
	return codec, nil
}

// webSession is a session as a shop has them.
type webSession struct {
	User, Email string
	Roles       []string
	Cart        []item
	CSRF        string
	Created     time.Time
	Seen        time.Time
}

type item struct {
	Article string
	Count   int
}

// webSessionOf returns the session for a number, the same each time.
func webSessionOf(i int) webSession {
	created := time.Unix(1_700_000_000+int64(i), int64(i)%1_000_000_000).UTC()
	return webSession{
		User:    fmt.Sprintf("user-%08d", i),
		Email:   fmt.Sprintf("user-%08d@mail.example.com", i),
		Roles:   []string{"customer", "newsletter"},
		Cart:    []item{article(i), article(7 * i), article(11 * i)},
		CSRF:    fmt.Sprintf("%016x%016x", uint64(i)*0x9e3779b97f4a7c15, uint64(i)*0xbf58476d1ce4e5b9),
		Created: created,
		Seen:    created.Add(17 * time.Minute),
	}
}

func article(i int) item { return item{fmt.Sprintf("article-%06d", i%1_000_000), 1 + i%3} }

// equals reports whether both are the same session.
func (s webSession) equals(other webSession) bool { return fmt.Sprint(s) == fmt.Sprint(other) }

// shortKeys returns keys of 16 bytes.
func shortKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("key:%012d", i)
	}
	return keys
}
