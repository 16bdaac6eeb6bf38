package main

import (
	"net"
	"time"
)

// farAway listens for connections and hands them on to addr, each byte later by half of the latency in either
// direction. It does not limit how much is under way.
func farAway(addr string, latency time.Duration) (net.Listener, error) {
	l, err := listen(nil)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", addr)
			if err != nil {
				near.Close()
				continue
			}
			go delay(far, near, latency/2)
			go delay(near, far, latency/2)
		}
	}()
	return l, nil
}

// piece is what came at once, and when it has to go on.
type piece struct {
	octets []byte
	due    time.Time
}

// delay copies from one connection to another until one of them ends, and closes both then.
func delay(to, from net.Conn, by time.Duration) {
	under := make(chan piece, 1<<12)
	go func() {
		for p := range under {
			time.Sleep(time.Until(p.due))
			if _, err := to.Write(p.octets); err != nil {
				from.Close()
			}
		}
		from.Close()
		to.Close()
	}()
	defer close(under)
	for {
		buf := make([]byte, 16<<10)
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		under <- piece{buf[:n], time.Now().Add(by)}
	}
}
