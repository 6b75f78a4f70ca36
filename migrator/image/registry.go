package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// A reference is one tag of one repository, by the distribution specification of OCI.
type reference struct{ host, name, tag string }

var referencePattern = regexp.MustCompile(`^([a-zA-Z0-9.-]+(?::\d+)?)/([a-z0-9._/-]+):([A-Za-z0-9_][A-Za-z0-9._-]{0,127})$`)

func parseReference(text string) (reference, error) {
	parts := referencePattern.FindStringSubmatch(text)
	if parts == nil {
		return reference{}, fmt.Errorf("%q is not HOST/NAME:TAG", text)
	}
	return reference{parts[1], parts[2], parts[3]}, nil
}

func (to reference) url(format string, args ...any) string {
	return fmt.Sprintf("https://%s/v2/%s/", to.host, to.name) + fmt.Sprintf(format, args...)
}

// pushCheckpoint answers the layer. The memory's pages go to `pages`, unless that is nil.
func (to reference) pushCheckpoint(ctx context.Context, archive io.Reader, pages io.ReadWriter, container, migration string) (descriptor, error) {
	content, writer := io.Pipe()
	go func() { writer.CloseWithError(splitArchive(archive, writer, pages, migration)) }()
	defer content.Close()
	layer, err := to.pushBlob(ctx, content, unknown, layerType)
	if err != nil {
		return descriptor{}, err
	}
	text, err := imageConfig(layer)
	if err != nil {
		return descriptor{}, err
	}
	config, err := to.pushBlob(ctx, bytes.NewReader(text), int64(len(text)), configType)
	if err != nil {
		return descriptor{}, err
	}
	manifest, err := imageManifest(config, layer, path.Base(container))
	if err != nil {
		return descriptor{}, err
	}
	header := http.Header{"Content-Type": {manifestType}}
	_, err = call(ctx, http.MethodPut, to.url("manifests/%s", to.tag), header, bytes.NewReader(manifest), int64(len(manifest)), http.StatusCreated)
	return layer, err
}

// unknown is the size of a body that is sent in chunks.
const unknown = -1

// pushBlob sends what it reads once: the digest, known when all has been read, follows.
func (to reference) pushBlob(ctx context.Context, content io.Reader, size int64, mediaType string) (descriptor, error) {
	begun, err := call(ctx, http.MethodPost, to.url("blobs/uploads/"), nil, nil, 0, http.StatusAccepted)
	if err != nil {
		return descriptor{}, err
	}
	place, err := location(begun)
	if err != nil {
		return descriptor{}, err
	}
	digester := &digester{Hash: sha256.New()}
	header := http.Header{"Content-Type": {"application/octet-stream"}}
	sent, err := call(ctx, http.MethodPatch, place.String(), header, io.TeeReader(content, digester), size, http.StatusAccepted)
	if err != nil {
		return descriptor{}, err
	}
	digest := "sha256:" + hex.EncodeToString(digester.Sum(nil))
	place, err = location(sent)
	if err != nil {
		return descriptor{}, err
	}
	query := place.Query()
	query.Set("digest", digest)
	place.RawQuery = query.Encode()
	_, err = call(ctx, http.MethodPut, place.String(), nil, nil, 0, http.StatusCreated)
	return descriptor{mediaType, digest, digester.size}, err
}

type digester struct {
	hash.Hash
	size int64
}

func (it *digester) Write(chunk []byte) (int, error) {
	it.size += int64(len(chunk))
	return it.Hash.Write(chunk)
}

// remove takes the image out of the registry's index; its blobs go with the registry's next garbage collection. A repeat does nothing,
// and neither does a registry that removes nothing (405).
func (to reference) remove(ctx context.Context) error {
	header := http.Header{"Accept": {manifestType}}
	found, err := call(ctx, http.MethodHead, to.url("manifests/%s", to.tag), header, nil, 0, http.StatusOK, http.StatusNotFound)
	if err != nil || found.StatusCode == http.StatusNotFound {
		return err
	}
	digest := found.Header.Get("Docker-Content-Digest")
	_, err = call(ctx, http.MethodDelete, to.url("manifests/%s", digest), nil, nil, 0, http.StatusAccepted, http.StatusNotFound, http.StatusMethodNotAllowed)
	return err
}

// location is where an upload goes on; it may be relative.
func location(response *http.Response) (*url.URL, error) {
	place, err := response.Location()
	if err != nil {
		return nil, fmt.Errorf("registry named no place to upload to: %w", err)
	}
	return place, nil
}

// call answers only what is expected; the body of the answer has been read.
func call(ctx context.Context, method, url string, header http.Header, body io.Reader, size int64, expected ...int) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	if header != nil {
		request.Header = header
	}
	request.ContentLength = size
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
	for _, code := range expected {
		if response.StatusCode == code {
			return response, nil
		}
	}
	return nil, fmt.Errorf("registry answered %s to %s %s: %s", response.Status, method, request.URL.Path, strings.TrimSpace(string(text)))
}
