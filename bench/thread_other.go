//go:build !linux

package main

import "time"

var began = time.Now()

// threadTime is the time that has passed, where the system does not tell how
// much of it a thread had.
func threadTime() time.Duration { return time.Since(began) }
