package persist

import (
	"encoding/binary"
	"errors"
)

// Record is one entry on disk. Times are nanoseconds of wall time since 1970.
type Record struct {
	Created     int64
	Updated     int64
	Accessed    int64
	Expires     int64 // end of the TTL; 0 = never
	TTL         int64 // in nanoseconds, started anew by a write; 0 = for ever
	Accesses    uint64
	Revision    uint64
	Used        uint64 // rises with every use: the order of eviction
	Fence       uint64 // of the last lease; 0 = none ever
	LockedUntil int64  // deadline of the lease; 0 = not locked

	Key, Value []byte // as the codec made them

	In *Contents // of the file that Value is from; not on disk
}

// A record's payload: ten numbers in the order of Record's fields, 8 bytes
// each, then the length of the key, the key, and the value to the end.
//
//	 0  8  Created            40  8  Accesses
//	 8  8  Updated            48  8  Revision
//	16  8  Accessed           56  8  Used
//	24  8  Expires            64  8  Fence
//	32  8  TTL                72  8  LockedUntil
//	80  4  length k of Key    84  k  Key, then Value
const recordSize = 84

func (r *Record) append(b []byte) []byte {
	le := binary.LittleEndian
	for _, n := range [...]uint64{
		uint64(r.Created), uint64(r.Updated), uint64(r.Accessed), uint64(r.Expires), uint64(r.TTL),
		r.Accesses, r.Revision, r.Used, r.Fence, uint64(r.LockedUntil),
	} {
		b = le.AppendUint64(b, n)
	}
	b = le.AppendUint32(b, uint32(len(r.Key)))
	b = append(b, r.Key...)
	return append(b, r.Value...)
}

// parseRecord returns the record in a payload; Key and Value point into it.
func parseRecord(b []byte) (Record, error) {
	if len(b) < recordSize {
		return Record{}, errors.New("a record is too short")
	}
	var n [10]uint64
	for i := range n {
		n[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	if n[8] > maxNumber {
		return Record{}, errors.New("a record's fence is too high")
	}
	k := binary.LittleEndian.Uint32(b[80:])
	b = b[recordSize:]
	if uint64(k) > uint64(len(b)) {
		return Record{}, errors.New("a record's key is longer than the record")
	}
	return Record{
		Created: int64(n[0]), Updated: int64(n[1]), Accessed: int64(n[2]), Expires: int64(n[3]), TTL: int64(n[4]),
		Accesses: n[5], Revision: n[6], Used: n[7], Fence: n[8], LockedUntil: int64(n[9]),
		Key: b[:k:k], Value: b[k:],
	}, nil
}
