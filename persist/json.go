package persist

import "encoding/json"

// JSON encodes with encoding/json: exported fields only, readable by every
// language. A string with bytes that are not UTF-8 does not survive it.
type JSON struct{}

// ID returns "json".
func (JSON) ID() string { return "json" }

// Marshal returns the JSON encoding of v.
func (JSON) Marshal(v any) ([]byte, error) { return json.Marshal(v) }

// Unmarshal parses JSON into the value that v points to.
func (JSON) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }
