// A room chat on gorilla/websocket, after the library's own chat example: a hub a room, two goroutines a connection, what
// waits for a connection written together. It keeps nothing.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// How many messages may wait for a connection before it is closed.
const queued = 256

// How long the room waits for a client whose queue is full.
const patience = time.Second

var upgrader = websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024}

type said struct {
	Text string `json:"text"`
}

type chat struct {
	Type      string `json:"type"`
	User      string `json:"user"`
	Room      string `json:"room"`
	Text      string `json:"text"`
	Timestamp string `json:"timestamp"`
}

type client struct {
	hub  *hub
	conn *websocket.Conn
	send chan []byte
	// Closed when nothing is written any more.
	done chan struct{}
}

// What the clients of a room go through.
type hub struct {
	room       string
	clients    map[*client]bool
	register   chan *client
	unregister chan *client
	broadcast  chan []byte
	// Connections that are registered or about to be; guarded by the lock over all rooms.
	users int
}

var (
	lock sync.Mutex
	hubs = map[string]*hub{}
)

func enter(room string) *hub {
	lock.Lock()
	defer lock.Unlock()
	h := hubs[room]
	if h == nil {
		h = &hub{
			room:       room,
			clients:    map[*client]bool{},
			register:   make(chan *client),
			unregister: make(chan *client),
			broadcast:  make(chan []byte),
		}
		hubs[room] = h
		go h.run()
	}
	h.users++
	return h
}

func (h *hub) leave() {
	lock.Lock()
	defer lock.Unlock()
	if h.users--; h.users == 0 {
		delete(hubs, h.room)
		close(h.broadcast)
	}
}

func (h *hub) remove(c *client) {
	if h.clients[c] {
		delete(h.clients, c)
		close(c.send)
	}
}

// The example closes a client whose queue is full at once; here it has a second, so that a busy machine loses nothing.
func (h *hub) send(c *client, message []byte) {
	select {
	case c.send <- message:
		return
	default:
	}
	select {
	case c.send <- message:
	case <-c.done:
	case <-time.After(patience):
		h.remove(c)
	}
}

func (h *hub) run() {
	for {
		select {
		case c := <-h.register:
			h.clients[c] = true
			c.send <- []byte(`{"type":"welcome"}`)
		case c := <-h.unregister:
			h.remove(c)
		case message, open := <-h.broadcast:
			if !open {
				return
			}
			for c := range h.clients {
				h.send(c, message)
			}
		}
	}
}

func (c *client) readPump() {
	defer func() {
		c.hub.unregister <- c
		c.hub.leave()
		c.conn.Close()
	}()
	for {
		_, data, err := c.conn.ReadMessage()
		if err != nil {
			return
		}
		var heard said
		if json.Unmarshal(data, &heard) != nil {
			return
		}
		timestamp := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
		message, err := json.Marshal(chat{"chat", "load", c.hub.room, heard.Text, timestamp})
		if err != nil {
			return
		}
		c.hub.broadcast <- message
	}
}

func (c *client) writePump() {
	defer c.conn.Close()
	defer close(c.done)
	var batch []byte
	for message := range c.send {
		// One frame: the example's writer cuts what is longer than its buffer into fragments, even within a message.
		if n := len(c.send); n > 0 {
			batch = append(batch[:0], message...)
			for ; n > 0; n-- {
				if next, open := <-c.send; open {
					batch = append(append(batch, '\n'), next...)
				}
			}
			message = batch
		}
		if c.conn.WriteMessage(websocket.TextMessage, message) != nil {
			return
		}
	}
	c.conn.WriteMessage(websocket.CloseMessage, nil)
}

func serve(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &client{
		hub:  enter(r.URL.Query().Get("room")),
		conn: conn,
		send: make(chan []byte, queued),
		done: make(chan struct{}),
	}
	c.hub.register <- c
	go c.writePump()
	go c.readPump()
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(os.Stderr, "listening on http://%s\n", listener.Addr())
	http.HandleFunc("/room", serve)
	log.Fatal(http.Serve(listener, nil))
}
