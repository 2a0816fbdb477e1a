package store

// deadlines lists slots by the instant at which their entries want to be looked at. Most
// come in order of time, as they have one TTL: those stand in a queue, which takes them
// in and lets any of them go in a few steps. What would be out of order there is in an
// agenda, if these are few or soon due, and else in a calendar, from which it comes to the
// agenda when its day has begun: each takes a few steps, however many there are.
type deadlines struct {
	nodes       pieces[deadline] // by slot
	first, last int32            // of the queue; -1 = it is empty
	others      agenda[int32]
	later       calendar
}

type deadline struct {
	at            instant // never = not listed
	before, after int32   // neighbours in the queue, -1 at its ends, or in a day
}

const (
	// elsewhere is what stands in before if a slot is with the others: then after is
	// its place there.
	elsewhere = -2
	// mostMoved is how many are moved to the others for one that comes before them. So
	// a few that are much later than most don't keep those out of the queue for long.
	mostMoved = 4
	// fewOthers are no more work in the agenda than in a calendar.
	fewOthers = 512
)

func newDeadlines() *deadlines {
	d := &deadlines{}
	d.later.nodes = &d.nodes
	d.others.place = func(slot int32) *int32 { return &d.nodes.at(int(slot)).after }
	d.reset()
	return d
}

// reset takes all slots off, and away.
func (d *deadlines) reset() {
	d.nodes, d.others.items = pieces[deadline]{}, pieces[agendaItem[int32]]{}
	d.first, d.last = -1, -1
	d.later.reset()
}

// grow makes room for one more slot, which is not listed.
func (d *deadlines) grow() { d.nodes.push(deadline{at: never}) }

// next returns the earliest instant listed, or the one at which the day of that begins;
// never if there is none.
func (d *deadlines) next() instant { return min(d.nextQueued(), d.others.next(), d.later.next()) }

func (d *deadlines) nextQueued() instant {
	if d.first < 0 {
		return never
	}
	return d.nodes.at(int(d.first)).at
}

// earliest returns a slot listed at the instant that is next, or in the day that begins
// then: if its time has not come, it is to be set again.
func (d *deadlines) earliest() (slot int32) {
	switch d.next() {
	case d.nextQueued():
		return d.first
	case d.others.next():
		return d.others.first()
	}
	return d.later.one()
}

// set lists a slot at the instant given, wherever it was listed; never takes it off.
func (d *deadlines) set(slot int32, at instant) {
	d.remove(slot)
	if at == never {
		return
	}
	for n := 0; d.last >= 0 && at < d.nodes.at(int(d.last)).at; n++ {
		if n == mostMoved {
			d.putElsewhere(slot, at)
			return
		}
		last := d.last
		later := d.nodes.at(int(last)).at
		d.remove(last)
		d.putElsewhere(last, later)
	}
	*d.nodes.at(int(slot)) = deadline{at: at, before: d.last, after: -1}
	if d.last < 0 {
		d.first = slot
	} else {
		d.nodes.at(int(d.last)).after = slot
	}
	d.last = slot
}

func (d *deadlines) putElsewhere(slot int32, at instant) {
	if others := d.others.len(); others >= fewOthers {
		if d.later.keyOf(at).from > d.next() {
			d.later.put(slot, at)
			return
		}
		if others >= 4*fewOthers {
			d.later.shorten()
		}
	}
	*d.nodes.at(int(slot)) = deadline{at: at, before: elsewhere, after: -1}
	d.others.set(slot, at)
}

// soonen lists a slot at the instant given if it isn't listed by then already.
func (d *deadlines) soonen(slot int32, at instant) {
	if at < d.nodes.at(int(slot)).at {
		d.set(slot, at)
	}
}

// remove takes a slot off, if it is listed.
func (d *deadlines) remove(slot int32) {
	n := d.nodes.at(int(slot))
	switch {
	case n.at == never:
		return
	case n.before == elsewhere:
		d.others.remove(slot)
	default:
		switch {
		case n.before >= 0:
			d.nodes.at(int(n.before)).after = n.after
		case n.before == -1:
			d.first = n.after
		default:
			d.later.firstIs(ofDay(n.before), n.after)
		}
		switch {
		case n.after >= 0:
			d.nodes.at(int(n.after)).before = n.before
		case n.after == -1:
			d.last = n.before
		}
	}
	n.at = never
}

// neighbours looks at what a removal of a slot has to change.
func (d *deadlines) neighbours(slot int32) (seen uint64) {
	n := d.nodes.at(int(slot))
	if n.at == never || n.before == elsewhere {
		return 0
	}
	if n.before >= 0 {
		seen += uint64(d.nodes.at(int(n.before)).at)
	}
	if n.after >= 0 {
		seen += uint64(d.nodes.at(int(n.after)).at)
	}
	return seen
}
