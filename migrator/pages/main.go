// Command godwit-pages carries the pages of one migration from the source's CRIU into images on the target.
//
//	godwit-pages send    -to ADDRESS:PORT -ca F -cert F -key F -peer NODE -descriptor N -- runc checkpoint ...
//	godwit-pages receive -address A -ports FIRST-LAST -port-file F -ca F -cert F -key F -peer NODE -images FOLDER [-archive]
//	godwit-pages dirty   -interval DURATION PID...
//
// send connects, runs the command then, which talks plain over a socket pair that it finds as descriptor N (CRIU's --ps-socket), and ends
// with its exit code. receive listens on the first free port of the range, writes the port to a file, takes one connection, and writes
// what comes as CRIU's page server would; with -archive what comes is an archive of pages that are images already. Either way the peer's
// certificate has to be signed by the CA and to be pages.NODE's. dirty prints how many bytes a second the processes write.
//
// CRIU can do both itself. But its TLS receiver keeps three of four packets in memory until its end (criu/tls.c, tls_recv_data_to_fd), its
// sender corks the connection and never uncorks it, so that the last bytes of a dump wait for 200 ms, it encrypts in the thread that
// collects the pages, knows the peer by its address only, and makes the handshake while the workload stands still; and behind a TLS of
// our own its page server costs each page one copy more.
package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
	}
	os.Exit(code)
}

func run(args []string) (int, error) {
	if len(args) == 0 {
		return 2, errors.New("send, receive or dirty?")
	}
	switch args[0] {
	case "dirty":
		return dirty(args[1:])
	case "send", "receive":
		return carry(args)
	}
	return 2, fmt.Errorf("%s: expected send, receive or dirty", args[0])
}

func dirty(args []string) (int, error) {
	flags := flag.NewFlagSet("dirty", flag.ExitOnError)
	interval := flags.Duration("interval", 250*time.Millisecond, "between the two looks")
	flags.Parse(args)
	if flags.NArg() == 0 {
		return 2, errors.New("of which processes?")
	}
	bytesPerSecond, err := dirtyRate(flags.Args(), *interval)
	if err != nil {
		return 1, err
	}
	fmt.Printf("%.0f\n", bytesPerSecond)
	return 0, nil
}

func carry(args []string) (int, error) {
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	var who identity
	flags.StringVar(&who.ca, "ca", "", "file of the CA's certificate")
	flags.StringVar(&who.cert, "cert", "", "file of the own certificate")
	flags.StringVar(&who.key, "key", "", "file of its key")
	flags.StringVar(&who.peer, "peer", "", "node whose certificate the other side has to have")
	to := flags.String("to", "", "send: address and port of the receiver")
	descriptor := flags.Int("descriptor", 3, "send: number of the command's end of the connection")
	address := flags.String("address", "0.0.0.0", "receive: address to listen on")
	var ports portRange
	flags.Var(&ports, "ports", "receive: FIRST-LAST, ports to try")
	portFile := flags.String("port-file", "", "receive: file that gets the port")
	folder := flags.String("images", "", "receive: folder of the images")
	archive := flags.Bool("archive", false, "receive: what comes is an archive of images")
	flags.Parse(args[1:])
	config, err := tlsConfig(who)
	if err != nil {
		return 1, err
	}
	if args[0] == "receive" {
		take := func(peer io.ReadWriter) error { return serve(peer, &images{folder: *folder}) }
		if *archive {
			take = func(peer io.ReadWriter) error { return unpack(peer, *folder) }
		}
		return receive(*address, ports, config, *portFile, take)
	}
	if flags.NArg() == 0 || *descriptor < 3 {
		return 2, errors.New("no command after --, or a descriptor below 3")
	}
	return send(*to, config, flags.Args(), *descriptor)
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
	err = started.Wait()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return 1, fmt.Errorf("%s: %w", started.Path, err)
	}
	return exitCode(err), err
}

func receive(address string, ports portRange, config *tls.Config, portFile string, take func(io.ReadWriter) error) (int, error) {
	pages, err := listen(address, ports, config)
	if err != nil {
		return 1, err
	}
	if err := writeWhole(portFile, fmt.Sprint(pages.port)); err != nil {
		return 1, err
	}
	peer := pages.accept()
	defer peer.Close()
	err = take(peer)
	return exitCode(err), err
}

func exitCode(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

// writeWhole makes the file appear with its content.
func writeWhole(path, text string) error {
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
