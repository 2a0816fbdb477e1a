// Package redisstore keeps the entries of store.Shared on a server of Redis or
// Valkey, so that several processes and machines share them.
package redisstore
