//go:build !race

package testenv

// Race reports whether the race detector is on: what it can find nothing in
// and slows down tenfold may do with less then.
const Race = false
