// Arguments of every kind that Go has.
package main

import (
	"errors"
	"os"
)

type Point struct {
	X, Y int32
	Name string
}

type Cart struct {
	total int
	kind  uint8
	on    bool
	price float64
}

var sink int

//go:noinline
func (c *Cart) Add(n int, name string, list []uint16) int {
	c.total += n + len(name) + len(list)
	return c.total
}

//go:noinline
func mixed(p Point, f float64, b byte, on bool, any interface{}, err error) (string, int) {
	sink += int(p.X) + int(f) + int(b)
	if on || any == nil || err != nil {
		return "text " + p.Name, sink
	}
	return "", 0
}

//go:noinline
func many(a, b, c, d, e, f, g, h, i, j, k int) (int, error) {
	if a > 5 {
		return a + b + c + d + e + f + g + h + i + j + k, nil
	}
	return k, errors.New("small")
}

//go:noinline
func array(list [3]int, last int) int { return list[0] + last }

// Grows its stack.
//
//go:noinline
func deep(n int) int {
	var room [200]int
	for i := range room {
		room[i] = n + i
	}
	if n == 0 {
		return room[7]
	}
	return deep(n-1) + room[n]
}

func main() {
	cart := &Cart{100, 200, true, 1.5}
	cart.Add(5, "a name", []uint16{1, 65535, 3})
	mixed(Point{1, -2, "point"}, 2.5, 'b', true, 42, nil)
	many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	many(6, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	array([3]int{7, 8, 9}, 3)
	done := make(chan int)
	go func() { done <- deep(20) }()
	if <-done < 0 {
		os.Exit(1)
	}
}
