// As burn.c and drive.c, in Go, on one thread.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"unsafe"
)

var sink uint64

// now is the processor time of this thread; 3 is CLOCK_THREAD_CPUTIME_ID.
func now() uint64 {
	var t syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 3, uintptr(unsafe.Pointer(&t)), 0)
	return uint64(t.Sec)*1000000000 + uint64(t.Nsec)
}

// stir is small enough to be inlined.
func stir(x uint64) uint64 {
	x ^= x << 13
	x ^= x >> 7
	return x ^ x<<17
}

//go:noinline
func sixty(x uint64) uint64 {
	for i := 0; i < 13320000; i++ {
		x = stir(x)
	}
	return x + 6
}

//go:noinline
func thirty(x uint64) uint64 {
	for i := 0; i < 6660000; i++ {
		x = stir(x)
	}
	return x + 3
}

//go:noinline
func ten(x uint64) uint64 {
	for i := 0; i < 2220000; i++ {
		x = stir(x)
	}
	return x + 1
}

//go:noinline
func warmUp(ns uint64) {
	for from := now(); now()-from < ns; {
		sink = ten(sink + 1)
	}
}

//go:noinline
func work(ns uint64) {
	var took [3]uint64
	begun := now()
	at := begun
	for at-begun < ns {
		for i, part := range []func(uint64) uint64{sixty, thirty, ten} {
			sink = part(sink + 1)
			then := now()
			took[i] += then - at
			at = then
		}
	}
	fmt.Printf("{\"took_ns\":[%d,%d,%d]}\n", took[0], took[1], took[2])
}

func main() {
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	ms := uint64(1000)
	if len(os.Args) > 1 {
		ms, _ = strconv.ParseUint(os.Args[1], 10, 64)
	}
	warmUp(400000000)
	fmt.Println("ready")
	var b [1]byte
	if n, _ := os.Stdin.Read(b[:]); n != 1 {
		os.Exit(1)
	}
	work(ms * 1000000)
	for n := 1; n == 1; {
		n, _ = os.Stdin.Read(b[:])
	}
}
