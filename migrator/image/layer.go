package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
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

// markEntry is the beginning of a tar archive, without its end: what follows it goes on as the same archive.
func markEntry(migration string) ([]byte, error) {
	var text bytes.Buffer
	writer := tar.NewWriter(&text)
	content := []byte(migration + "\n")
	if err := writer.WriteHeader(&tar.Header{Name: markFile, Mode: 0o600, Size: int64(len(content)), Format: tar.FormatUSTAR}); err != nil {
		return nil, err
	}
	if _, err := writer.Write(content); err != nil {
		return nil, err
	}
	// pads the content, and writes no end
	if err := writer.Flush(); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

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
