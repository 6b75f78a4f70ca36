package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"time"
)

// greetingTime is what a connection has to come about and to show who it is.
const greetingTime = 10 * time.Second

type portRange struct{ first, last int }

func (ports *portRange) String() string { return fmt.Sprintf("%d-%d", ports.first, ports.last) }
func (ports *portRange) Set(text string) error {
	_, err := fmt.Sscanf(text, "%d-%d", &ports.first, &ports.last)
	return err
}

func dial(to string, config *tls.Config) (*tls.Conn, error) {
	socket, err := net.DialTimeout("tcp4", to, greetingTime)
	if err != nil {
		return nil, err
	}
	return greet(tls.Client(socket, config))
}

type listener struct {
	net.Listener
	port int
	tls  *tls.Config
}

func listen(address string, ports portRange, config *tls.Config) (*listener, error) {
	for port := ports.first; port <= ports.last; port++ {
		socket, err := net.Listen("tcp4", fmt.Sprintf("%s:%d", address, port))
		if err == nil {
			return &listener{socket, port, config}, nil
		}
	}
	return nil, fmt.Errorf("no free page-server port between %d and %d", ports.first, ports.last)
}

// accept waits for the peer. Others are sent away, and do not keep it waiting.
func (pages *listener) accept() *tls.Conn {
	accepted := make(chan *tls.Conn)
	go func() {
		for {
			socket, err := pages.Accept()
			if err != nil {
				return
			}
			go func() {
				connection, err := greet(tls.Server(socket, pages.tls))
				if err == nil {
					accepted <- connection
					return
				}
				fmt.Fprintf(os.Stderr, "Error: %s was sent away: %v\n", socket.RemoteAddr(), err)
			}()
		}
	}()
	connection := <-accepted
	pages.Close()
	return connection
}

func greet(connection *tls.Conn) (*tls.Conn, error) {
	connection.SetDeadline(time.Now().Add(greetingTime))
	if err := connection.Handshake(); err != nil {
		connection.NetConn().Close()
		return nil, err
	}
	connection.SetDeadline(time.Time{})
	return connection, nil
}
