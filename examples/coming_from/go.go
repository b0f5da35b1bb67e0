// SPDX-License-Identifier: MIT
package main

import (
	"errors"
	"fmt"
	"sync"
)

var mutex sync.Mutex
var loaded = map[string]bool{}

func load(name string) error {
	if name == "b" {
		return errors.New("there is no file b")
	}
	mutex.Lock()
	defer mutex.Unlock()
	loaded[name] = true
	return nil
}

func main() {
	var group sync.WaitGroup // main would end without them
	for _, name := range []string{"a", "b", "c"} {
		group.Add(1)
		go func(name string) {
			defer group.Done()
			if err := load(name); err != nil { // a panic would end the program
				fmt.Println("failed:", err)
			}
		}(name)
	}
	group.Wait()
	for _, name := range []string{"a", "b", "c"} {
		if loaded[name] {
			fmt.Println("loaded", name)
		}
	}
}
