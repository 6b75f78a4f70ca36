package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	sampledPages = 2048
	// Documentation/admin-guide/mm/pagemap.rst: one word a page, bit 63 is set for those in memory
	entryBytes  = 8
	inMemoryBit = 63
)

type page struct {
	memory  *os.File
	address int64
}

// dirtyRate estimates the bytes of distinct pages that the processes write a second: a random sample of their writable pages is read
// twice. A page written twice counts once, as it would in a round of pre-copy; one that got back its old content, not at all.
func dirtyRate(pids []string, interval time.Duration) (float64, error) {
	lots := rand.New(rand.NewSource(time.Now().UnixNano()))
	sample := make([]page, 0, sampledPages)
	resident := 0
	for _, pid := range pids {
		memory, err := os.Open("/proc/" + pid + "/mem")
		if err != nil {
			// it has ended
			continue
		}
		defer memory.Close()
		err = eachWritablePage(pid, func(address int64) {
			resident++
			// reservoir sampling, algorithm R
			if len(sample) < sampledPages {
				sample = append(sample, page{memory, address})
			} else if at := lots.Intn(resident); at < sampledPages {
				sample[at] = page{memory, address}
			}
		})
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
			return 0, err
		}
	}
	before, first := readAll(sample)
	time.Sleep(interval)
	after, second := readAll(sample)
	compared, changed := 0, 0
	for i := range sample {
		if before[i] == nil || after[i] == nil {
			continue
		}
		compared++
		if !bytes.Equal(before[i], after[i]) {
			changed++
		}
	}
	if compared == 0 {
		return 0, errors.New("no page could be read")
	}
	return float64(changed) / float64(compared) * float64(resident) * pageSize / second.Sub(first).Seconds(), nil
}

// readAll returns the pages' contents and the middle of the time that reading took.
func readAll(sample []page) ([][]byte, time.Time) {
	started := time.Now()
	contents := make([][]byte, len(sample))
	for i, page := range sample {
		contents[i] = page.read()
	}
	return contents, started.Add(time.Since(started) / 2)
}

// read returns nil where the page is gone, or not for reading (a device's).
func (page page) read() []byte {
	content := make([]byte, pageSize)
	if _, err := page.memory.ReadAt(content, page.address); err != nil {
		return nil
	}
	return content
}

func eachWritablePage(pid string, visit func(address int64)) error {
	maps, err := os.Open("/proc/" + pid + "/maps")
	if err != nil {
		return err
	}
	defer maps.Close()
	pagemap, err := os.Open("/proc/" + pid + "/pagemap")
	if err != nil {
		return err
	}
	defer pagemap.Close()
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		var from, to uint64
		var rights string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &rights); err != nil {
			return fmt.Errorf("/proc/%s/maps: %w", pid, err)
		}
		if !strings.Contains(rights, "w") {
			continue
		}
		words := io.NewSectionReader(pagemap, int64(from/pageSize*entryBytes), int64((to-from)/pageSize*entryBytes))
		entries := bufio.NewReaderSize(words, 1<<16)
		word := make([]byte, entryBytes)
		for address := from; address < to; address += pageSize {
			if _, err := io.ReadFull(entries, word); err != nil {
				break
			}
			if binary.LittleEndian.Uint64(word)>>inMemoryBit == 1 {
				visit(int64(address))
			}
		}
	}
	return lines.Err()
}
