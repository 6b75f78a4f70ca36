package main

import (
	"archive/tar"
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

var pagesName = regexp.MustCompile(`^pages-\d+\.img$`)

// unpack writes the images of an archive as they come, and says when all of them are there. What breaks off between two of them looks like
// an end: whoever sends knows better, and takes only that answer for one.
func unpack(peer io.ReadWriter, folder string) error {
	archive := tar.NewReader(bufio.NewReaderSize(peer, 256<<10))
	for {
		header, err := archive.Next()
		if err == io.EOF {
			_, err := peer.Write([]byte{0, 0, 0, 0})
			return err
		}
		if err != nil {
			return fmt.Errorf("the archive broke off: %w", err)
		}
		if header.Typeflag != tar.TypeReg || !pagesName.MatchString(header.Name) {
			return fmt.Errorf("%q is no image of pages", header.Name)
		}
		if err := unpackFile(filepath.Join(folder, header.Name), archive); err != nil {
			return fmt.Errorf("the archive broke off: %w", err)
		}
	}
}

func unpackFile(path string, content io.Reader) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(onlyWriter{file}, onlyReader{content}, make([]byte, 256<<10))
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
