// Command godwit-pages carries the pages of one migration from node to node, between two ends of CRIU.
//
//	godwit-pages send    -to ADDRESS:PORT -ca F -cert F -key F -peer NODE -descriptor N -- runc checkpoint ...
//	godwit-pages receive -address A -ports FIRST-LAST -port-file F -ca F -cert F -key F -peer NODE -descriptor N -- criu page-server ...
//
// send connects first and runs the command then; receive runs the command, listens on the first free port of the range, writes the port
// to a file and takes one connection. Either way the peer's certificate has to be signed by the CA and be that of the peer (pages.NODE), and the command
// talks plain over a socket pair that it finds as descriptor N (CRIU's --ps-socket). The exit code is the command's.
//
// CRIU can do TLS itself. But its receiver keeps three of four packets in memory until its end (criu/tls.c, tls_recv_data_to_fd), its
// sender corks the connection and never uncorks it, so that the last bytes of a dump wait for 200 ms, it encrypts in the thread that
// collects the pages, knows the peer by its address only, and makes the handshake while the workload stands still.
package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
	}
	os.Exit(code)
}

func run(args []string) (int, error) {
	if len(args) == 0 || (args[0] != "send" && args[0] != "receive") {
		return 2, errors.New("send or receive?")
	}
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	var who identity
	flags.StringVar(&who.ca, "ca", "", "file of the CA's certificate")
	flags.StringVar(&who.cert, "cert", "", "file of the own certificate")
	flags.StringVar(&who.key, "key", "", "file of its key")
	flags.StringVar(&who.peer, "peer", "", "node whose certificate the other side has to have")
	descriptor := flags.Int("descriptor", 3, "number of the command's end of the connection")
	to := flags.String("to", "", "send: address and port of the receiver")
	address := flags.String("address", "0.0.0.0", "receive: address to listen on")
	var ports portRange
	flags.Var(&ports, "ports", "receive: FIRST-LAST, ports to try")
	portFile := flags.String("port-file", "", "receive: file that gets the port")
	flags.Parse(args[1:])
	command := flags.Args()
	if len(command) == 0 || *descriptor < 3 {
		return 2, errors.New("no command after --, or a descriptor below 3")
	}
	config, err := tlsConfig(who)
	if err != nil {
		return 1, err
	}
	if args[0] == "send" {
		return send(*to, config, command, *descriptor)
	}
	pages, err := listen(*address, ports, config)
	if err != nil {
		return 1, err
	}
	return receive(pages, *portFile, command, *descriptor)
}

func send(to string, config *tls.Config, command []string, descriptor int) (int, error) {
	peer, err := dial(to, config)
	if err != nil {
		return 1, err
	}
	started, own, err := start(command, descriptor)
	if err != nil {
		return 1, err
	}
	relay(peer, own)
	return ended(started)
}

func receive(pages *listener, portFile string, command []string, descriptor int) (int, error) {
	started, own, err := start(command, descriptor)
	if err != nil {
		return 1, err
	}
	if err := writeWhole(portFile, fmt.Sprint(pages.port)); err != nil {
		started.Process.Kill()
		return 1, err
	}
	relay(pages.accept(), own)
	return ended(started)
}

func ended(started *exec.Cmd) (int, error) {
	err := started.Wait()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return 1, fmt.Errorf("%s: %w", started.Path, err)
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
