// Follows a stream of events with Go's net/http, and prints what each event says, a line each. With a second word it takes
// what each read brings for an event.
package main

import (
	"bufio"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
)

func say(event string) {
	for _, line := range strings.Split(event, "\n") {
		if data, found := strings.CutPrefix(line, "data: "); found {
			fmt.Println(data)
		}
	}
}

func main() {
	answer, err := http.Get(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if len(os.Args) > 2 {
		buffer := make([]byte, 1<<16)
		for {
			read, err := answer.Body.Read(buffer)
			say(string(buffer[:read]))
			if err != nil {
				return
			}
		}
	}
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		say(lines.Text())
	}
}
