package persist

// A Codec turns keys and values into bytes and back, nothing else. It must be
// safe for concurrent use and must not call the store that uses it. A codec
// that panics is treated as one that returned an error.
//
// Put a codec of your own through storetest.Codec.
type Codec interface {
	// ID names the encoding. It is recorded in every file, and opening a
	// file with a codec of another ID is [ErrCodecMismatch].
	ID() string
	// Marshal encodes v: a key or a value of the store (where the type of
	// the store's values is an interface, a pointer to one). It must not
	// keep v or change it.
	Marshal(v any) ([]byte, error)
	// Unmarshal decodes data, which Marshal made, into v, a non-nil
	// pointer. It must not keep data or change it.
	Unmarshal(data []byte, v any) error
}

// A Renewer is a [Codec] whose encodings can grow stale though they can still
// be decoded: those sealed with a key that is being rotated out, say. A store
// marshals the stale values it restores anew, so that its next snapshot holds
// none.
type Renewer interface {
	Codec
	// Stale reports whether data, which decodes well, should be replaced
	// by what Marshal makes today.
	Stale(data []byte) bool
}
