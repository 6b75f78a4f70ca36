package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"runtime"
)

const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar"
	// what containerd and its kin know a checkpoint by; it has to stand in the manifest that the tag leads to
	containerKey = "org.criu.checkpoint.container.name"
	// in the folder of CRIU's images: tells the node that restores them whose they are. See migrator/engine/restore-hold.ts
	markFile = "checkpoint/godwit-migration"
)

// A descriptor names a blob: OCI image specification, descriptor.md.
type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// In the archive, and without the folder what the target looks for: the memory's pages.
var pagesName = regexp.MustCompile(`^checkpoint/(pages-\d+\.img)$`)

// splitArchive copies the kubelet's archive, with the migration's mark at its head. Where there is somebody to take them, the memory's
// pages go there, as an archive of their own, and it waits until they have arrived.
func splitArchive(archive io.Reader, layer io.Writer, pages io.ReadWriter, migration string) error {
	from, image := tar.NewReader(archive), tar.NewWriter(layer)
	mark := []byte(migration + "\n")
	head := &tar.Header{Name: markFile, Mode: 0o600, Size: int64(len(mark)), Format: tar.FormatUSTAR}
	if err := copyEntry(image, head, bytes.NewReader(mark)); err != nil {
		return err
	}
	var apart *tar.Writer
	if pages != nil {
		apart = tar.NewWriter(pages)
	}
	for {
		header, err := from.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("the kubelet's archive: %w", err)
		}
		to := image
		if name := pagesName.FindStringSubmatch(header.Name); name != nil && apart != nil {
			to, header.Name = apart, name[1]
		}
		if err := copyEntry(to, header, from); err != nil {
			return err
		}
	}
	if err := image.Close(); err != nil || apart == nil {
		return err
	}
	if err := apart.Close(); err != nil {
		return fmt.Errorf("the memory's pages: %w", err)
	}
	if _, err := io.ReadFull(pages, make([]byte, 4)); err != nil {
		return fmt.Errorf("the memory's pages have not arrived: %w", err)
	}
	return nil
}

func copyEntry(to *tar.Writer, header *tar.Header, content io.Reader) error {
	if err := to.WriteHeader(header); err != nil {
		return err
	}
	_, err := io.CopyBuffer(onlyWriter{to}, onlyReader{content}, make([]byte, 256<<10))
	return err
}

// onlyWriter and onlyReader hide methods by which io.Copy would take smaller buffers.
type onlyWriter struct{ io.Writer }
type onlyReader struct{ io.Reader }

func imageConfig(layer descriptor) ([]byte, error) {
	return json.Marshal(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config":       map[string]any{},
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{layer.Digest}},
	})
}

func imageManifest(config, layer descriptor, container string) ([]byte, error) {
	return json.Marshal(map[string]any{
		"schemaVersion": 2,
		"mediaType":     manifestType,
		"config":        config,
		"layers":        []descriptor{layer},
		"annotations":   map[string]string{containerKey: container},
	})
}
