package redisstore

import (
	"crypto/sha1"
	"embed"
	"encoding/hex"
	"strings"

	"github.com/redis/rueidis"
)

//go:embed scripts/*.lua
var scriptFiles embed.FS

// script is one operation on one key: atomic, and on one node.
type script struct {
	lua     *rueidis.Lua
	sha     string
	text    string
	changes bool // what it does may have been done though no answer came
	lasting bool // what it does must be proven to last, see Options.Durability
}

// The scripts. Those that are not lasting do no harm when they are undone: an
// access, or the end of a lease.
var (
	scriptGet    = newScript("get", false, false)
	scriptTouch  = newScript("touch", true, false)
	scriptSet    = newScript("set", true, true)
	scriptDelete = newScript("delete", true, true)
	scriptLock   = newScript("lock", true, true)
	scriptExtend = newScript("extend", true, true)
	scriptUnlock = newScript("unlock", true, false)
	scriptResume = newScript("resume", false, false)
	scriptForce  = newScript("force", true, false)
	scriptMeta   = newScript("meta", false, false)
	scriptPlace  = newScript("place", true, true)
)

func newScript(name string, changes, lasting bool) *script {
	text := parts.Replace(file(name))
	sum := sha1.Sum([]byte(text)) // the name that the server gives to a script
	return &script{rueidis.NewLuaScript(text), hex.EncodeToString(sum[:]), text, changes, lasting}
}

// parts are what scripts have in common, in place of lines that name them.
var parts = strings.NewReplacer("--load\n", file("load"), "--save\n", file("save"), "--tell\n", file("tell"))

func file(name string) string {
	text, err := scriptFiles.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err) // it is part of the program
	}
	return string(text)
}

// What a script returns in place of an answer, as scripts/load.lua has it.
const (
	codeGone     = -1
	codeLocked   = -2
	codeLost     = -3
	codeConflict = -4
	codeForeign  = -5
)
