package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"time"
)

// handshakeTime is what a connection has to show who it is.
const handshakeTime = 10 * time.Second

type portRange struct{ first, last int }

func (ports *portRange) String() string { return fmt.Sprintf("%d-%d", ports.first, ports.last) }
func (ports *portRange) Set(text string) error {
	_, err := fmt.Sscanf(text, "%d-%d", &ports.first, &ports.last)
	return err
}

type listenOptions struct {
	address             string
	ports               portRange
	ca, cert, key, peer string
}

type listener struct {
	net.Listener
	port int
	tls  *tls.Config
}

func listen(options listenOptions) (*listener, error) {
	config, err := tlsConfig(options)
	if err != nil {
		return nil, err
	}
	for port := options.ports.first; port <= options.ports.last; port++ {
		socket, err := net.Listen("tcp4", fmt.Sprintf("%s:%d", options.address, port))
		if err == nil {
			return &listener{socket, port, config}, nil
		}
	}
	return nil, fmt.Errorf("no free page-server port between %d and %d", options.ports.first, options.ports.last)
}

func tlsConfig(options listenOptions) (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(options.cert, options.key)
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(options.ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", options.ca)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{certificate},
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		MinVersion:   tls.VersionTLS13,
		// CRIU takes a ticket for an answer that is not there
		SessionTicketsDisabled: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			if name := state.PeerCertificates[0].Subject.CommonName; name != options.peer {
				return fmt.Errorf("the certificate names %s, expected %s", name, options.peer)
			}
			return nil
		},
	}, nil
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
			go pages.greet(socket, accepted)
		}
	}()
	connection := <-accepted
	pages.Close()
	return connection
}

func (pages *listener) greet(socket net.Conn, accepted chan<- *tls.Conn) {
	connection := tls.Server(socket, pages.tls)
	socket.SetDeadline(time.Now().Add(handshakeTime))
	if err := connection.Handshake(); err != nil {
		fmt.Fprintf(os.Stderr, "Error: %s was sent away: %v\n", socket.RemoteAddr(), err)
		socket.Close()
		return
	}
	socket.SetDeadline(time.Time{})
	accepted <- connection
}
