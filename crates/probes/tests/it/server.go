// A net/http server with the files that the tests ask for; each answer is a line on standard output: its status, and
// "cut" when it could not be written to its end.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

var (
	lock sync.Mutex
	big  = make([]byte, 30_000_000)
)

func log(status int, err error) {
	end := "whole"
	if err != nil {
		end = "cut"
	}
	lock.Lock()
	defer lock.Unlock()
	fmt.Fprintln(os.Stdout, status, end)
}

func answer(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	status, body := 200, []byte("hello\n")
	switch {
	case r.URL.Path == "/missing":
		status, body = 404, nil
	case r.URL.Path == "/big":
		w.Header().Set("Content-Length", fmt.Sprint(len(big)))
		body = big
	}
	w.WriteHeader(status)
	var err error
	if r.Method != http.MethodHead {
		_, err = w.Write(body)
	}
	log(status, err)
}

func main() {
	fmt.Fprintln(os.Stderr, http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(answer)))
}
