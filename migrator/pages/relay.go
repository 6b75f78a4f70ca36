package main

import (
	"crypto/tls"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// startPageServer runs CRIU's page server on one end of a socket pair and returns the other.
func startPageServer(command []string) (*exec.Cmd, *os.File, error) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	own, its := os.NewFile(uintptr(ends[0]), "pages"), os.NewFile(uintptr(ends[1]), "page server")
	defer its.Close()
	syscall.SetsockoptInt(ends[0], syscall.SOL_SOCKET, syscall.SO_SNDBUF, 1<<20)
	// 3 is the first descriptor after the standard ones
	server := exec.Command(command[0], append(command[1:], "--ps-socket", "3")...)
	server.ExtraFiles = []*os.File{its}
	server.Stdout, server.Stderr = os.Stdout, os.Stderr
	return server, own, server.Start()
}

// relay returns when the page server has closed its end; what it makes of a cut connection is in its exit code.
func relay(peer *tls.Conn, pages *os.File) {
	go func() {
		io.CopyBuffer(onlyWriter{pages}, peer, make([]byte, 64<<10))
		syscall.Shutdown(int(pages.Fd()), syscall.SHUT_WR)
	}()
	io.Copy(peer, pages)
	peer.Close()
}

// onlyWriter hides the file's ReadFrom, which would try splice on what is no descriptor.
type onlyWriter struct{ io.Writer }
