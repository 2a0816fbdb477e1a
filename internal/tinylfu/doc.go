// Package tinylfu decides which entry of a store is evicted.
package tinylfu
