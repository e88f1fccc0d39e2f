// A program in Go whose main thread is walked instruction by instruction.
package main

import (
	"os"
	"runtime"
)

var sink int

//go:noinline
func leaf(n int) {
	for i := 0; i < n; i++ {
		sink += i
	}
}

//go:noinline
func c(n int) int {
	leaf(3)
	var kept [40]byte
	kept[n&31] = 1
	return int(kept[sink&31]) + n
}

//go:noinline
func b(n int) int {
	if n > 0 {
		return a(n-1) + sink
	}
	return c(n) + sink
}

//go:noinline
func a(n int) int { return b(n)*3 + sink }

func main() {
	runtime.LockOSThread()
	for i := 0; i < 1000; i++ {
		a(5)
	}
	os.Stdout.WriteString("+")
	for {
		a(5)
	}
}
