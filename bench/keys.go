package main

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// keyBytes is the length of keys that are strings.
const keyBytes = 40

// newKeys returns n different keys: strings as session ids look, of keyBytes, or ints.
// Other seeds give other keys.
func newKeys[K key](n int, seed uint64) []K {
	r := rand.New(rand.NewPCG(seed, 4))
	keys := make([]K, n)
	for i := range keys {
		switch k := any(&keys[i]).(type) {
		case *string:
			id := binary.BigEndian.AppendUint64(nil, r.Uint64())
			id = binary.BigEndian.AppendUint64(id, r.Uint64())
			*k = hex.EncodeToString(binary.BigEndian.AppendUint32(id, uint32(i)))
		case *int:
			*k = int(r.Uint64()>>32)<<31 | i
		}
	}
	return keys
}

// unusedKeys returns the i-th of many keys that are all different, and none of those of
// newKeys: keyBytes*n strings, or 1<<31 ints. The strings lie in n places, one after the
// other in one text; once all were used, they begin one byte further on, and are others.
func unusedKeys[K key](n int) func(i int) K {
	if _, ok := any(*new(K)).(int); ok {
		const spread = 0x9e3779b97f4a7c15 // odd, with its bits all over
		return any(func(i int) int { return int(uint64(i)*spread>>32)<<31 | i }).(func(int) K)
	}
	bytes := make([]byte, (n+1)*keyBytes/2)         // room for one more, as they begin further on
	_, _ = rand.NewChaCha8([32]byte{5}).Read(bytes) // always reads all
	text := hex.EncodeToString(bytes)
	return any(func(i int) string {
		at := i%n*keyBytes + i/n%keyBytes
		return text[at : at+keyBytes]
	}).(func(int) K)
}

// sessionKeys returns keys as session ids look.
func sessionKeys(n int) []string { return newKeys[string](n, 3) }

// copies returns the same keys in other memory, one after the other: what a program
// asks for came with a request, and is not the string that the cache holds.
func copies[K key](keys []K) []K {
	if texts, ok := any(keys).([]string); ok {
		all := strings.Join(texts, "")
		same := make([]string, len(texts))
		for i, text := range texts {
			same[i], all = all[:len(text)], all[len(text):]
		}
		return any(same).([]K)
	}
	return slices.Clone(keys)
}

// uniform draws numbers below n, all as likely.
func uniform(n int, r *rand.Rand) func() int {
	return func() int { return r.IntN(n) }
}

// zipf draws numbers below n, of which i is drawn with a likelihood proportional to
// 1/(i+1)^s. math/rand has it for s above 1 only.
func zipf(n int, s float64, r *rand.Rand) func() int {
	sums := make([]float64, n)
	sum := 0.0
	for i := range sums {
		sum += math.Pow(float64(i+1), -s)
		sums[i] = sum
	}
	return func() int {
		i, _ := slices.BinarySearch(sums, r.Float64()*sum)
		return i
	}
}
