package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Commands of a dump to its page server, and flags of pages (criu/page-xfer.c and criu/include/pagemap.h of CRIU 4.2). A header is five
// little-endian fields: command, with the flags in its upper half, and four bytes of padding; pages; address; image.
const (
	headerSize   = 32
	openImage    = 4
	addPages     = 6
	endOfPages   = 0x1023
	endOfServer  = 0x1024
	commandBits  = 16
	kindBits     = 8
	pagesPresent = 1 << 2
	pagesLazy    = 1 << 1
	pageSize     = 4096
	// more than an address space holds
	maxPages = 1 << 36
)

type header struct {
	command, flags        uint32
	pages, address, image uint64
}

func readHeader(stream io.Reader) (header, error) {
	var bytes [headerSize]byte
	if _, err := io.ReadFull(stream, bytes[:]); err != nil {
		return header{}, err
	}
	word := func(at int) uint64 { return binary.LittleEndian.Uint64(bytes[at:]) }
	command := binary.LittleEndian.Uint32(bytes[:])
	return header{command & (1<<commandBits - 1), command >> commandBits, word(8), word(16), word(24)}, nil
}

// serve writes the images of one dump. It returns without error when the dump has said that this was all.
func serve(peer io.ReadWriter, images *images) error {
	stream := bufio.NewReaderSize(peer, 256<<10)
	for {
		head, err := readHeader(stream)
		if err != nil {
			return fmt.Errorf("the dump broke off: %w", err)
		}
		switch head.command {
		case openImage:
			err = images.open(head.image&(1<<kindBits-1), head.image>>kindBits)
			if err == nil {
				// no parent: there was no dump before
				_, err = peer.Write([]byte{0})
			}
		case addPages:
			err = add(stream, images, head)
		case endOfPages, endOfServer:
			if err := images.close(); err != nil {
				return err
			}
			_, err := peer.Write([]byte{0, 0, 0, 0})
			return err
		default:
			err = fmt.Errorf("command %d is not known; does this CRIU speak as version 4.2 does?", head.command)
		}
		if err != nil {
			return err
		}
	}
}

func add(stream *bufio.Reader, images *images, head header) error {
	if head.address%pageSize != 0 || head.pages == 0 || head.pages > maxPages || head.flags&^(pagesPresent|pagesLazy) != 0 {
		return fmt.Errorf("%d pages at %#x with flags %#x are not understood", head.pages, head.address, head.flags)
	}
	if head.image != images.current {
		return errors.New("pages of an image that was not opened")
	}
	if err := images.note(head.address, head.pages, head.flags); err != nil {
		return err
	}
	if head.flags&pagesPresent == 0 {
		return nil
	}
	for left := head.pages; left > 0; {
		some := uint64(stream.Size() / pageSize)
		if some > left {
			some = left
		}
		chunk, err := stream.Peek(int(some * pageSize))
		if err != nil {
			return fmt.Errorf("the dump broke off: %w", err)
		}
		if _, err := images.pages.Write(chunk); err != nil {
			return err
		}
		stream.Discard(len(chunk))
		left -= some
	}
	return nil
}
