package store

// calendar lists slots by days: each has those that want to be looked at within a span of
// time, in no order. To list one and to take it off is a few steps, however many there are.
// After R. Brown, Calendar queues, CACM 31(10), 1988; but here a day is there only while it
// has slots, and days of several lengths may overlap.
type calendar struct {
	days  pieces[day]
	free  pieces[int32]     // days that are not there
	byKey map[dayKey]int32  // those that are
	begin agenda[int32]     // by their first instants
	shift uint8             // new days are of 1<<shift nanoseconds
	nodes *pieces[deadline] // by slot
}

type dayKey struct {
	from  instant
	shift uint8
}

type day struct {
	key    dayKey
	first  int32 // slot, of a list that goes on in nodes
	listed int32 // how many there have been
	place  int32 // in begin
}

const (
	longestDay = 36 // a minute or so
	// New days are shorter once one has so many slots: a store frees a few in a turn, and
	// must have looked at all of the day that has begun, before it evicts.
	daySlots = 256
	// They are longer again once there are as many as one for so many slots.
	slotsPerDay = 16
	endOfDay    = -2 // is what comes after the last slot of a day
)

func (c *calendar) reset() {
	c.days, c.free, c.begin.items = pieces[day]{}, pieces[int32]{}, pieces[agendaItem[int32]]{}
	c.byKey = make(map[dayKey]int32)
	c.begin.place = func(day int32) *int32 { return &c.days.at(int(day)).place }
	c.shift = longestDay
}

// next returns an instant before which nothing is listed.
func (c *calendar) next() instant { return c.begin.next() }

// one returns a slot of the first day.
func (c *calendar) one() int32 { return c.days.at(int(c.begin.first())).first }

func (c *calendar) keyOf(at instant) dayKey { return dayKey{at >> c.shift << c.shift, c.shift} }

// put lists a slot that isn't listed.
func (c *calendar) put(slot int32, at instant) {
	key := c.keyOf(at)
	i, ok := c.byKey[key]
	if !ok {
		i = c.add(key)
	}
	d := c.days.at(int(i))
	*c.nodes.at(int(slot)) = deadline{at: at, before: ofDay(i), after: d.first}
	if d.first >= 0 {
		c.nodes.at(int(d.first)).before = slot
	}
	d.first = slot
	if d.listed++; d.listed == daySlots {
		c.shorten()
	}
}

// shorten has new days be half as long.
func (c *calendar) shorten() { c.shift -= min(c.shift, 1) }

// ofDay is what stands before the first slot of a day; it is its own inverse.
func ofDay(day int32) int32 { return -3 - day }

// add makes a day.
func (c *calendar) add(key dayKey) (i int32) {
	if c.free.n > 0 {
		i = c.free.pop()
	} else {
		i = int32(c.days.n)
		c.days.push(day{})
	}
	*c.days.at(int(i)) = day{key: key, first: endOfDay, place: -1}
	c.byKey[key] = i
	c.begin.push(i, key.from)
	if len(c.byKey) > c.nodes.n/slotsPerDay && c.shift < longestDay {
		c.shift++
	}
	return i
}

// firstIs tells which slot is the first of a day now; a day that has none goes.
func (c *calendar) firstIs(i, slot int32) {
	d := c.days.at(int(i))
	if d.first = slot; slot < 0 {
		delete(c.byKey, d.key)
		c.begin.remove(i)
		c.free.push(i)
	}
}
