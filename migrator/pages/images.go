package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
)

// images writes pagemap-*.img and pages-*.img as CRIU's restore reads them (images/pagemap.proto, criu/include/magic.h): a pagemap is
// two magic numbers, then messages, each with its length before it.
type images struct {
	folder  string
	opened  uint64
	current uint64
	pages   *os.File
	pagemap *os.File
	entries *bufio.Writer
}

const (
	commonMagic  = 0x54564319
	pagemapMagic = 0x56084025
	// the dump numbers the images that it keeps for itself from 1
	firstPages = 0x10001
	ofProcess  = 1
	ofShared   = 2
)

var nameOfKind = map[uint64]string{ofProcess: "pagemap-%d.img", ofShared: "pagemap-shmem-%d.img"}

func (images *images) open(kind, id uint64) error {
	name, known := nameOfKind[kind]
	if !known {
		return fmt.Errorf("image of kind %d is not known", kind)
	}
	if err := images.close(); err != nil {
		return err
	}
	number := firstPages + images.opened
	images.opened++
	var err error
	if images.pagemap, err = images.create(fmt.Sprintf(name, id)); err != nil {
		return err
	}
	if images.pages, err = images.create(fmt.Sprintf("pages-%d.img", number)); err != nil {
		return err
	}
	images.current = id<<kindBits | kind
	images.entries = bufio.NewWriter(images.pagemap)
	images.entries.Write(binary.LittleEndian.AppendUint32(nil, commonMagic))
	images.entries.Write(binary.LittleEndian.AppendUint32(nil, pagemapMagic))
	return images.message(field(nil, 1, number))
}

func (images *images) create(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(images.folder, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
}

// note tells of pages in the pagemap. Field 2 is the count of older versions, which 4.2 requires and does not read.
func (images *images) note(address, pages uint64, flags uint32) error {
	return images.message(field(field(field(field(nil, 1, address), 2, 0), 4, uint64(flags)), 5, pages))
}

func (images *images) message(bytes []byte) error {
	images.entries.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(bytes))))
	_, err := images.entries.Write(bytes)
	return err
}

// field appends a number as protobuf does.
func field(bytes []byte, number, value uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(bytes, number<<3), value)
}

func (images *images) close() error {
	if images.pagemap == nil {
		return nil
	}
	if err := images.entries.Flush(); err != nil {
		return err
	}
	if err := images.pagemap.Close(); err != nil {
		return err
	}
	images.pagemap, images.current = nil, 0
	return images.pages.Close()
}
