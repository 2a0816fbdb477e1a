package store

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// byMark lists slots by mark, the earliest first. As a rule many come, and then all go one by
// one: so they are put in order as they go, by incremental quicksort, of which each takes a
// few steps (R. Paredes and G. Navarro, Optimal Incremental Sorting, ALENEX 2006). What
// comes once that has begun, or is too much, stands in a heap.
type byMark struct {
	some   []marked
	first  int   // of some that has not gone
	sorted int   // so many of some are in order; 0 = that has not begun
	ends   []int // of parts of some, the last first: what is behind one is not earlier than what is before
	rest   agenda[int32]
}

// marked is a slot, and the mark that it had.
type marked = agendaItem[int32]

const (
	// To look at each of so many twice takes some tens of microseconds, and so does it to copy
	// them where room is made for more. It is 256 kB, which stays.
	mostSome  = 1 << 14
	fewMarked = 16 // are sorted at once
)

func (b *byMark) len() int { return len(b.some) - b.first + b.rest.len() }

// clear takes off all.
func (b *byMark) clear() {
	b.clearSome()
	b.rest.items.clear()
}

func (b *byMark) clearSome() {
	b.some, b.ends = b.some[:0], b.ends[:0]
	b.first, b.sorted = 0, 0
}

// push lists a slot, by a mark that is not never.
func (b *byMark) push(slot int32, mark instant) {
	if b.sorted == 0 && len(b.some) < mostSome {
		b.some = append(b.some, marked{mark, slot})
	} else {
		b.rest.push(slot, mark)
	}
}

// next returns the earliest mark listed, never if there is none.
func (b *byMark) next() instant { return min(b.nextOfSome(), b.rest.next()) }

func (b *byMark) nextOfSome() instant {
	if b.first == len(b.some) {
		return never
	}
	if b.first == b.sorted {
		b.sortMore()
	}
	return b.some[b.first].at
}

// pop takes off the first of those listed.
func (b *byMark) pop() (first marked) {
	if b.rest.next() < b.nextOfSome() {
		return b.rest.pop()
	}
	first = b.some[b.first]
	if b.first++; b.first == len(b.some) {
		b.clearSome()
	}
	return first
}

// sortMore puts the next few of some in order.
func (b *byMark) sortMore() {
	last := len(b.ends) - 1
	for ; last >= 0 && b.ends[last] == b.first; last-- {
		b.ends = b.ends[:last]
	}
	end := len(b.some)
	if last >= 0 {
		end = b.ends[last]
	}
	for end-b.first > fewMarked {
		part := b.some[b.first:end]
		pivot := medianOfThree(part)
		n := partition(part, pivot)
		if n == 0 { // none is earlier: those like it are in order
			b.sorted = b.first + partition(part, pivot+1)
			b.ends = append(b.ends, b.sorted)
			return
		}
		end = b.first + n
		b.ends = append(b.ends, end)
	}
	slices.SortFunc(b.some[b.first:end], func(x, y marked) int { return cmp.Compare(x.at, y.at) })
	b.sorted = end
}

// medianOfThree returns the middle one of three marks.
func medianOfThree(part []marked) instant {
	x, y, z := part[rand.IntN(len(part))].at, part[rand.IntN(len(part))].at, part[rand.IntN(len(part))].at
	return max(min(x, y), min(max(x, y), z))
}

// partition puts those before a mark before the others, and returns how many they are.
func partition(part []marked, mark instant) (n int) {
	for i, m := range part {
		part[i], part[n] = part[n], m
		one := 0 // without a branch, which a processor could not foresee
		if m.at < mark {
			one = 1
		}
		n += one
	}
	return n
}
