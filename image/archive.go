package image

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Platform says what one platform's image became.
type Platform struct {
	Name   string // such as linux/amd64
	Digest string // of its manifest, such as sha256:...
	Size   int64  // what a node downloads, in bytes: the layer, its configuration and its manifest
}

// Archive is a set of packed images: one name, one image for each platform. It holds open files until Close.
type Archive struct {
	Ref       string
	Digest    string // what Ref stands for: the only image's manifest, or the index of all
	Platforms []Platform

	entries map[string]blob // by the name that each has in the archive
	docker  []dockerImage
}

// WriteArchive writes the images as one OCI archive that imports under the name ref: registry, repository and tag, all three
// written out. After an error w holds part of an archive.
func WriteArchive(w io.Writer, ref string, images ...Image) error {
	a, err := Pack(ref, images...)
	if err != nil {
		return err
	}
	_, err = a.WriteTo(w)
	return errors.Join(err, a.Close())
}

// Pack reads the files of all images and makes ready an archive, the one that WriteArchive writes. It is the caller's to close.
func Pack(ref string, images ...Image) (*Archive, error) {
	if err := validateAll(ref, images); err != nil {
		return nil, err
	}
	a := &Archive{Ref: ref, entries: map[string]blob{}}
	var manifests []v1.Descriptor
	for _, im := range images {
		m, err := a.addImage(im)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("image %s: %s/%s: %w", ref, osName, im.Architecture, err), a.Close())
		}
		manifests = append(manifests, m)
	}
	if err := a.addIndex(images, manifests); err != nil {
		return nil, errors.Join(fmt.Errorf("image %s: %w", ref, err), a.Close())
	}
	return a, nil
}

// addImage packs one image and returns the descriptor of its manifest.
func (a *Archive) addImage(im Image) (v1.Descriptor, error) {
	layer, diffID, err := im.layerBlob()
	if err != nil {
		return v1.Descriptor{}, err
	}
	if err := a.add(layer); err != nil {
		return v1.Descriptor{}, err
	}
	config, err := a.addJSON(types.OCIConfigJSON, im.config(diffID))
	if err != nil {
		return v1.Descriptor{}, err
	}
	manifest, err := a.addJSON(types.OCIManifestSchema1, v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config: config, Layers: []v1.Descriptor{layer.desc}, Annotations: annotations(im.Labels),
	})
	if err != nil {
		return v1.Descriptor{}, err
	}
	manifest.Platform = &v1.Platform{OS: osName, Architecture: im.Architecture}
	size := layer.desc.Size + config.Size + manifest.Size
	a.Platforms = append(a.Platforms, Platform{manifest.Platform.String(), manifest.Digest.String(), size})
	a.docker = append(a.docker, dockerImage{entryOf(config), []string{a.Ref}, []string{entryOf(layer.desc)}})
	return manifest, nil
}

// addIndex adds what leads to the manifests. Several get an index of their own below index.json, as docker's buildx does: podman
// and skopeo look for a name only at the top, and take what is there for one thing. Docker's own list, which old versions of it
// and crane read instead, knows no platforms: of several it would offer one at random, so then there is none.
func (a *Archive) addIndex(images []Image, manifests []v1.Descriptor) error {
	top := manifests[0]
	if len(manifests) == 1 {
		if err := a.addFile("manifest.json", a.docker); err != nil {
			return err
		}
	} else {
		var err error
		top, err = a.addJSON(types.OCIImageIndex, v1.IndexManifest{
			SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: manifests, Annotations: sharedAnnotations(images),
		})
		if err != nil {
			return err
		}
	}
	a.Digest = top.Digest.String()
	top.Annotations = map[string]string{
		"io.containerd.image.name":          a.Ref, // what containerd reads first
		"org.opencontainers.image.ref.name": a.Ref, // what podman reads
	}
	err := a.addFile("index.json", v1.IndexManifest{
		SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{top},
	})
	return errors.Join(err, a.addFile("oci-layout", map[string]string{"imageLayoutVersion": "1.0.0"}))
}

// dockerImage is an element of what docker save calls manifest.json.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func (im Image) config(diffID v1.Hash) v1.ConfigFile {
	c := v1.ConfigFile{
		OS: osName, Architecture: im.Architecture, Created: v1.Time{Time: epoch},
		RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{diffID}},
		Config: v1.Config{
			Entrypoint: im.Entrypoint, Env: im.Env, User: im.User, WorkingDir: im.WorkingDir, Labels: im.Labels,
			ExposedPorts: map[string]struct{}{},
		},
	}
	for _, p := range im.Ports {
		c.Config.ExposedPorts[exposed(p)] = struct{}{}
	}
	return c
}

// annotations are the labels that registries show; of an image for several platforms they look only at the index.
func annotations(labels map[string]string) map[string]string {
	shown := maps.Clone(labels)
	maps.DeleteFunc(shown, func(k, _ string) bool { return !strings.HasPrefix(k, "org.opencontainers.image.") })
	return shown
}

func sharedAnnotations(images []Image) map[string]string {
	shared := annotations(images[0].Labels)
	for _, im := range images[1:] {
		maps.DeleteFunc(shared, func(k, v string) bool { other, ok := im.Labels[k]; return !ok || other != v })
	}
	return shared
}

func (a *Archive) addJSON(mediaType types.MediaType, v any) (v1.Descriptor, error) {
	b, err := jsonBlob(mediaType, v)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return b.desc, a.add(b)
}

func (a *Archive) addFile(name string, v any) error {
	b, err := jsonBlob("", v)
	a.entries[name] = b
	return err
}

// add takes over b; of two with the same content one is kept.
func (a *Archive) add(b blob) error {
	entry := entryOf(b.desc)
	if _, ok := a.entries[entry]; ok {
		return b.close()
	}
	a.entries[entry] = b
	return nil
}

func entryOf(d v1.Descriptor) string { return "blobs/" + d.Digest.Algorithm + "/" + d.Digest.Hex }
