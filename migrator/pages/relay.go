package main

import (
	"crypto/tls"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// start runs a command that has one end of a socket pair as the given descriptor, and returns the other end.
func start(command []string, descriptor int) (*exec.Cmd, *os.File, error) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	own, its := os.NewFile(uintptr(ends[0]), "own end"), os.NewFile(uintptr(ends[1]), "its end")
	defer its.Close()
	for _, end := range ends {
		syscall.SetsockoptInt(end, syscall.SOL_SOCKET, syscall.SO_SNDBUF, 1<<20)
	}
	started := exec.Command(command[0], command[1:]...)
	// the first of them is 3
	started.ExtraFiles = make([]*os.File, descriptor-2)
	started.ExtraFiles[descriptor-3] = its
	started.Stdout, started.Stderr = os.Stdout, os.Stderr
	return started, own, started.Start()
}

// relay returns when the command has closed its end, or the peer can take no more; then it is cut for both.
// What the command makes of a cut connection is in its exit code.
func relay(peer *tls.Conn, own *os.File) {
	defer peer.Close()
	defer own.Close()
	go func() {
		io.CopyBuffer(onlyWriter{own}, peer, make([]byte, 64<<10))
		syscall.Shutdown(int(own.Fd()), syscall.SHUT_WR)
	}()
	io.CopyBuffer(peer, onlyReader{own}, make([]byte, 256<<10))
}

// onlyWriter and onlyReader hide the file's ReadFrom and WriteTo, which would try splice on what is no descriptor.
type onlyWriter struct{ io.Writer }
type onlyReader struct{ io.Reader }
