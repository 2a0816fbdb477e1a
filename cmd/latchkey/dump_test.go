package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// line is a line of dump.
type line map[string]any

func dumped(t testing.TB, out string) (all []line) {
	t.Helper()
	for text := range strings.Lines(out) {
		var l line
		require.NoError(t, json.Unmarshal([]byte(text), &l), text)
		all = append(all, l)
	}
	return all
}

// Everything is shown of an entry but its value, those used longest ago first.
func TestDump(t *testing.T) {
	for _, s := range []shop{jsonShop, jsonCrashed} {
		t.Run(s.name, func(t *testing.T) {
			s.work(t)
			out := latchkey(t, "dump sessions").good(t)
			require.NotContains(t, out, "hush")
			all := dumped(t, out)
			require.Equal(t, []any{"customer-2", "customer-3", "customer-4", "customer-1", "customer-5"}, column(all, "key"))
			require.Equal(t, line{
				"key": "customer-1", "valueBytes": 29.0, "created": "2000-01-01T08:00:00Z", "updated": "2000-01-01T12:00:00Z",
				"accessed": "2000-01-01T12:00:00Z", "expires": "2000-01-03T12:00:00Z",
				"ttl": "48h0m0s", "accesses": 0.0, "revision": 2.0, "fence": 1.0,
			}, all[3])
			require.Equal(t, "2000-01-01T12:00:30Z", all[0]["lockedUntil"])
			require.NotContains(t, all[4], "ttl")
			require.NotContains(t, all[4], "expires")
		})
	}
}

func column(all []line, name string) (values []any) {
	for _, l := range all {
		values = append(values, l[name])
	}
	return values
}

func TestDumpOfKeys(t *testing.T) {
	jsonShop.work(t)
	require.Equal(t, `{"key":"customer-2"}
{"key":"customer-3"}
{"key":"customer-4"}
{"key":"customer-1"}
{"key":"customer-5"}
`, latchkey(t, "dump --keys-only sessions").good(t))
}

// Values are JSON, and easy to read, where the codec is json, and what the codec
// made elsewhere.
func TestDumpOfValues(t *testing.T) {
	for _, s := range shops(t) {
		t.Run(s.name, func(t *testing.T) {
			s.work(t)
			all := dumped(t, latchkey(t, "dump --redact=false sessions"+s.keyFile(t)).good(t))
			require.Len(t, all, 5)
			if strings.HasSuffix(s.codec.ID(), "json") {
				require.Equal(t, map[string]any{"User": "hush 2", "Cart": []any{"apple"}}, all[0]["value"])
				return
			}
			value, err := base64.StdEncoding.DecodeString(all[0]["valueBase64"].(string))
			require.NoError(t, err)
			require.Contains(t, string(value), "hush 2")
			key, err := base64.StdEncoding.DecodeString(all[0]["keyBase64"].(string))
			require.NoError(t, err)
			require.Contains(t, string(key), "customer-2")
			require.NotContains(t, all[0], "value")
		})
	}
}

// What is sealed stays so without the key.
func TestDumpOfSealed(t *testing.T) {
	sealedShop := shop{"aes256gcm+json, closed", sealed(t, jsonShop.codec), false}
	sealedShop.work(t)
	all := dumped(t, latchkey(t, "dump --redact=false sessions").good(t))
	require.Len(t, all, 5)
	value, err := base64.StdEncoding.DecodeString(all[0]["valueBase64"].(string))
	require.NoError(t, err)
	require.NotContains(t, string(value), "hush")
}

// A key is taken as it is, in hex and in base64; several may be given, and what is
// no key, or not the one, is told without being shown.
func TestKeyFiles(t *testing.T) {
	sealedShop := shop{"aes256gcm+json, closed", sealed(t, jsonShop.codec), false}
	sealedShop.work(t)
	other := strings.Repeat("k", 32)
	for name, data := range map[string]string{
		"raw":     string(sealKey[:]),
		"hex":     strings.ToUpper(hex.EncodeToString(sealKey[:])) + "\r\n",
		"base64":  base64.StdEncoding.EncodeToString(sealKey[:]),
		"rawurl":  base64.RawURLEncoding.EncodeToString(sealKey[:]) + "\n",
		"another": other,
		"short":   "hush",
	} {
		require.NoError(t, os.WriteFile(name, []byte(data), 0o600))
	}
	for _, files := range []string{"raw", "hex", "base64", "rawurl", "another --key-file raw"} {
		require.Contains(t, latchkey(t, "dump sessions --key-file "+files).good(t), "customer-3", files)
	}
	latchkey(t, "dump sessions --key-file another").failed(t, statusFailed, "sealed with another key than those of --key-file")
	latchkey(t, "dump sessions --key-file short").failed(t, statusFailed, "short holds no key: that is 32 bytes")
	latchkey(t, "dump sessions --key-file none").failed(t, statusFailed, "none: no such file")
}

// Of a folder that is damaged, nothing is shown as if it were all.
func TestDumpOfDamage(t *testing.T) {
	jsonShop.work(t)
	damage(t, newestSnapshot(t), smashed("customer-3"))
	require.Empty(t, latchkey(t, "dump sessions").failed(t, statusDamaged, "its newest snapshot", `"latchkey salvage" saves`))
}
