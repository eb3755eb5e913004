package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime is the processor time that the thread has had: what else the
// machine does is not in it.
func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
