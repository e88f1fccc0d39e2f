// Calls whose stacks grow and move while they run, in many goroutines. Waits for a line with how many; tells what it did.
package main

import (
	"fmt"
	"sync"
)

//go:noinline
func risky(n int) int {
	if n%3 == 0 {
		panic("no")
	}
	return n * 2
}

// Each call needs a larger stack than a goroutine begins with.
//
//go:noinline
func deep(n int) int {
	var room [256]int
	room[n%256] = n
	if n == 0 {
		return room[0]
	}
	return deep(n-1) + room[n%256] - n + 1
}

//go:noinline
func middle(n int) (value int, caught int) {
	defer func() {
		if recover() != nil {
			caught = 1
		}
	}()
	return risky(n) + deep(20), 0
}

func main() {
	fmt.Println("ready")
	var times int
	for {
		if _, err := fmt.Scan(&times); err != nil {
			return
		}
		var all sync.WaitGroup
		var lock sync.Mutex
		sum, caught := 0, 0
		for i := 0; i < times; i++ {
			all.Add(1)
			go func(n int) {
				defer all.Done()
				value, lost := middle(n)
				lock.Lock()
				sum += value
				caught += lost
				lock.Unlock()
			}(i)
		}
		all.Wait()
		fmt.Println(sum, caught, 0)
	}
}
