// Command godwit-pages ends the TLS of one page connection in front of CRIU's page server.
//
//	godwit-pages -address A -ports FIRST-LAST -ca F -cert F -key F -peer NAME -port-file F -- criu page-server ...
//
// It listens on the first free port of the range, writes the port to a file, takes the one connection whose certificate is signed by
// the CA and names the peer, and hands the plain bytes to CRIU over a socket pair (--ps-socket). Its exit code is CRIU's.
//
// CRIU could end the TLS itself, but keeps three of four packets in memory until its end (criu/tls.c, tls_recv_data_to_fd), sits out
// a delayed acknowledgement in the handshake, and decrypts, copies and writes in one thread.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
)

func main() {
	var options listenOptions
	flag.StringVar(&options.address, "address", "0.0.0.0", "address to listen on")
	flag.Var(&options.ports, "ports", "FIRST-LAST: ports to try")
	flag.StringVar(&options.ca, "ca", "", "file of the CA's certificate")
	flag.StringVar(&options.cert, "cert", "", "file of the own certificate")
	flag.StringVar(&options.key, "key", "", "file of its key")
	flag.StringVar(&options.peer, "peer", "", "common name that the peer's certificate has to have")
	portFile := flag.String("port-file", "", "file that gets the port")
	flag.Parse()
	code, err := serve(options, *portFile, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
	}
	os.Exit(code)
}

func serve(options listenOptions, portFile string, command []string) (int, error) {
	if len(command) == 0 {
		return 2, errors.New("no page server named after --")
	}
	pages, err := listen(options)
	if err != nil {
		return 1, err
	}
	server, pair, err := startPageServer(command)
	if err != nil {
		return 1, err
	}
	if err := writeWhole(portFile, fmt.Sprint(pages.port)); err != nil {
		server.Process.Kill()
		return 1, err
	}
	relay(pages.accept(), pair)
	err = server.Wait()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return 1, fmt.Errorf("%s: %w", command[0], err)
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

// writeWhole makes the file appear with its content.
func writeWhole(path, text string) error {
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
