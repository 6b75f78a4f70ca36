// Command godwit-image turns a container of a pod into an image that containerd restores, in a registry.
//
//	godwit-image checkpoint -kubelet ADDRESS:PORT -node NAME -trust F -token F -container NAMESPACE/POD/NAME -migration ID -to HOST/NAME:TAG [-pages N]
//	godwit-image remove     -from HOST/NAME:TAG
//
// checkpoint asks the kubelet, and sends the archive that it has written to the registry: read once, hashed on the way, written nowhere
// else. With -pages the memory's pages go another way: as an archive to the connection of that descriptor, whose other end answers four
// bytes when it has them. The archive loses its name as soon as it is open. Once the file that -stop names exists, a push ends at once,
// and a checkpoint under way is waited for, because a dump that is cut off can harm the container; either way nothing is left. What was
// done is a line of JSON on stdout.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 || (args[0] != "checkpoint" && args[0] != "remove") {
		return errors.New("checkpoint or remove?")
	}
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	var from kubelet
	flags.StringVar(&from.address, "kubelet", "", "address and port of the node's kubelet")
	flags.StringVar(&from.node, "node", "", "name of the node, for which the kubelet's certificate is")
	flags.StringVar(&from.trust, "trust", "", "file of certificates that the kubelet's is one of, or signed by")
	flags.StringVar(&from.token, "token", "", "file of a token that may create nodes/checkpoint")
	container := flags.String("container", "", "NAMESPACE/POD/NAME")
	timeout := flags.Duration("timeout", 110*time.Second, "what the kubelet gives the checkpoint")
	stop := flags.String("stop", "", "file that ends the work when it appears")
	migration := flags.String("migration", "", "id that the image carries")
	to := flags.String("to", "", "checkpoint: HOST/NAME:TAG")
	descriptor := flags.Int("pages", 0, "number of the connection that takes the memory's pages; without it they are in the image")
	removed := flags.String("from", "", "remove: HOST/NAME:TAG")
	flags.Parse(args[1:])
	if args[0] == "remove" {
		target, err := parseReference(*removed)
		if err != nil {
			return err
		}
		return target.remove(context.Background())
	}
	target, err := parseReference(*to)
	if err != nil {
		return err
	}
	stopped, done := untilThere(*stop)
	defer done()
	began := time.Now()
	archive, err := from.checkpoint(*container, *timeout)
	if err != nil {
		return err
	}
	defer archive.Close()
	written := time.Now()
	if stopped.Err() != nil {
		return errors.New("stopped after the checkpoint")
	}
	var pages io.ReadWriter
	if *descriptor > 0 {
		pages = os.NewFile(uintptr(*descriptor), "pages")
	}
	pushed, err := target.pushCheckpoint(stopped, archive, pages, *container, *migration)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"digest":       pushed.Digest,
		"bytes":        pushed.Size,
		"checkpointMs": written.Sub(began).Milliseconds(),
		"pushMs":       time.Since(written).Milliseconds(),
	})
}

const lookEvery = 100 * time.Millisecond

// untilThere answers a context that is over when the file is there.
func untilThere(path string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(path); path != "" && err == nil {
				cancel()
			}
			time.Sleep(lookEvery)
		}
	}()
	return ctx, cancel
}
