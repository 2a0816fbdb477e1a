package main

import "testing"

func TestContenders(t *testing.T) {
	t.Run("strings", testContenders[string])
	t.Run("ints", testContenders[int])
}

// Each contender is a cache: what was set is got, and what was not is not there. One
// with a capacity keeps about that many.
func testContenders[K key](t *testing.T) {
	const capacity = 1000
	keys, others := newKeys[K](capacity, 3), newKeys[K](10*capacity, 5)
	ours := 0
	for _, contender := range contenders[K]() {
		if contender.ours {
			ours++
		}
		t.Run(contender.name, func(t *testing.T) {
			c, err := contender.open(capacity)
			if err != nil {
				t.Fatal(err)
			}
			defer c.close()
			fill(c, keys)
			for i, k := range copies(keys) {
				if value, found := c.get(k); !found || value != i {
					t.Fatalf("%v is %d, %v; want %d", k, value, found, i)
				}
			}
			for _, k := range others {
				if _, found := c.get(k); found {
					t.Fatalf("%v is there, which was never set", k)
				}
			}
			c.set(keys[7], 700)
			c.settle()
			if value, found := c.get(keys[7]); !found || value != 700 {
				t.Errorf("what was set again is %d, %v", value, found)
			}
			fill(c, others)
			kept := 0
			for _, k := range append(keys, others...) {
				if _, found := c.get(k); found {
					kept++
				}
			}
			if want := capacity + capacity/10; !contender.endless && kept > want || contender.endless && kept != 11*capacity {
				t.Errorf("it keeps %d entries, of a capacity of %d", kept, capacity)
			}
		})
	}
	if ours == 0 {
		t.Error("nothing to compare with")
	}
}

func TestNamed(t *testing.T) {
	got := named[string]("otter", "latchkey LRU")
	if len(got) != 2 || got[0].name != "otter" || got[1].name != "latchkey LRU" {
		t.Errorf("got %d: %+v", len(got), got)
	}
}
