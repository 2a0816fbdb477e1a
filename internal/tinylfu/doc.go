// Package tinylfu decides which entry of a store is evicted: W-TinyLFU (Einziger,
// Friedman and Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", 2017)
// that finds out while it runs how large its window should be and whom it should
// let in. It knows entries by slot and hash, no keys, no values and no locks, and
// it is deterministic: the same calls evict the same entries.
//
// # Lists
//
// A newcomer enters the window, a small LRU list. What the window pushes out, the
// candidate, has to be worth more than what would be evicted for it, the oldest
// on probation, or goes itself. What is used on probation is protected: up to
// 80 % of the space beside the window, whose oldest goes back on probation.
//
// The lists are in the order of golang-lru's, to which tests compare them, but
// linked by slot in arrays: moving an entry takes a fifth of the time (51 ns
// beside 278 with 100,000 entries in random order, processor time of a busy
// machine; 15 beside 39 with 1,000), replacing one a ninth (41 beside 349), and
// an entry 16 bytes beside 88: no map, nothing for the garbage collector to follow.
//
// # Sketch
//
// Uses are counted in a count-min sketch of 4-bit counters, a 64-bit word for each
// entry of capacity (up to twice that: a power of 2), halved every 30 capacities.
// Halving is spread: 16 words a call, and what is still to be halved counts half.
// A doorkeeper, the Bloom filter that keeps keys seen once out of a sketch, made
// the hit ratio worse (by 0.09 to 0.24 points), so there is none.
//
// # Plans
//
// A plan is a size of the window with a rule of admission: 1 % or 20 % and fading,
// 1 % and strict (as in the paper), 60 % and returning, which is close to what LRU
// and S3-FIFO do. Shadows, one for each plan, replay the requests for a sample of
// the keys, about 256 of those that the store could hold or a 64th of them, with
// tags instead of entries. Every quarter of a capacity of requests the plan whose
// shadow hits most is adopted, if it leads the current one by more than 1.4
// standard deviations of chance; entries move over a few per call. What shadows
// cost is a matter of the share of keys they see: a 64th of a large store's, a
// third at a capacity of 1,000, all below 512.
//
// # Hit ratios
//
// In percent, over recorded traces of databases, disks, web shops and web logs,
// each at several capacities; the rows below are those with less than 3 million
// requests (182 of the 206), and LRU's worst loss is among the rows of visitors,
// as a session store has them:
//
//	                                                       182     206    beside LRU
//	LRU                                                  50.10   50.84
//	window 1 %, strict, nothing adaptive                 57.95                  -7.8
//	window 20 %                                          58.02                  -3.3
//	shadows: 1, 20, 60, 99 %, all strict                 59.37   59.79          -0.9
//	the same with a sketch halved every 30 capacities    59.35
//	shadows: 1 % strict, 10 % fading, 40 % returning     59.59
//	1 % fading as well                                   59.60                  -1.0
//	... halved every 30                                  59.78   60.24          -0.9
//	the plans here                                       59.80                  -0.7
//	... ahead by more than chance                        59.85   60.26          -0.7
//	... shadows of a 64th                                59.86   60.29          -0.7
//
// The best of otter, theine, ristretto, S3-FIFO, SIEVE, ARC, 2Q and LRU, chosen
// for each row in hindsight, has 59.92 and 60.38; the optimum for 206 is 65.75.
//
// # Late and lost hits
//
// A store that notes reads in buffers calls Hit late, out of order, and not at all
// for what it dropped. A late Hit of an entry that has gone counts for its key and
// moves nothing. Over 39 rows of web logs and web shops at capacities of 200 and
// more, where exact hits give 79.83: 79.78 with a tenth of the hits lost, 79.79 in
// batches of 64 in random order, 79.72 with both.
// If three of four are left out while nothing is added for more hits than the capacity
// and 1024, the 182 rows have 59.78 in place of 59.82 (means of three stores each); for a
// quarter of the capacity, 59.62.
//
// # Cost
//
// Memory per entry: 16 bytes, 8 to 16 for the sketch, and 2 to 6 for the shadows;
// these take 20 to 170 kB in all below a capacity of 32,768. No call does more than
// a bounded amount of work: for each use that it counts, 16 words halved; 8 entries moved
// from each list to another, 256 nodes allocated for each run. Resize alone takes time in
// proportion.
//
// From a capacity of 16,384 on, newcomers are counted 16 at a time, so that the waits for the
// sketch's memory overlap: inserts of a store of 100,000 are a tenth faster.
//
// A Hit with what it needs in the processor's cache takes about 30 ns at capacities
// of 10,000 and more, 60 at 1,000 and 150 at 100, where the shadows see most of the
// keys or all (processor time of a busy machine, on which the list's part, moving an
// entry, is 15).
package tinylfu
