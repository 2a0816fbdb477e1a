// Package scsstore keeps sessions.
package scsstore
