package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/latchkey-go/latchkey/persist"
)

func TestRawCodec(t *testing.T) {
	var c rawCodec
	value := []byte{0, 1, 255}
	data, err := c.Marshal(value)
	var back []byte
	if err = errors.Join(err, c.Unmarshal(data, &back)); err != nil || !bytes.Equal(back, value) {
		t.Errorf("%v comes back as %v, %v", value, back, err)
	}
	if value[0] = 9; back[0] != 0 {
		t.Error("what was decoded is shared")
	}
	data, err = c.Marshal("text")
	var text string
	if err = errors.Join(err, c.Unmarshal(data, &text)); err != nil || text != "text" {
		t.Errorf("text comes back as %q, %v", text, err)
	}
	if _, err := c.Marshal(1); err == nil {
		t.Error("it encodes a number")
	}
	if err := c.Unmarshal(data, new(int)); err == nil {
		t.Error("it decodes a number")
	}
}

// The sizes that the tables speak of.
func TestSizes(t *testing.T) {
	c, err := encoder(persist.Gob{}, webSession{})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 123_456, 999_999} {
		data, err := c.Marshal(webSessionOf(i))
		if err != nil || len(data) < 180 || len(data) > 220 {
			t.Errorf("session %d takes %d bytes as gob, %v; want about 200", i, len(data), err)
		}
		var back webSession
		if err := c.Unmarshal(data, &back); err != nil || !back.equals(webSessionOf(i)) {
			t.Errorf("session %d comes back as %v, %v", i, back, err)
		}
	}
	if webSessionOf(1).equals(webSessionOf(2)) {
		t.Error("two sessions are equal")
	}
	if n := len(shortKeys(1)[0]); n != 16 {
		t.Errorf("short keys have %d bytes", n)
	}
	if n := len(sessionKeys(1)[0]); n != 40 {
		t.Errorf("session keys have %d bytes", n)
	}
}
