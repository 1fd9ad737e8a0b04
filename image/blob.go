package image

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// blob is content that is known by its digest: small ones in memory, layers in a file without a name.
type blob struct {
	desc v1.Descriptor
	data []byte
	file *os.File
}

func (b blob) reader() io.Reader {
	if b.file != nil {
		return io.NewSectionReader(b.file, 0, b.desc.Size)
	}
	return bytes.NewReader(b.data)
}

func (b blob) close() error {
	if b.file == nil {
		return nil
	}
	err := b.file.Close()
	if e := os.Remove(b.file.Name()); e != nil && !errors.Is(e, fs.ErrNotExist) {
		return errors.Join(err, e)
	}
	return err
}

// jsonBlob encodes v, which holds nothing that JSON cannot say.
func jsonBlob(mediaType types.MediaType, v any) (blob, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return blob{}, err
	}
	h := sha256.New()
	h.Write(data)
	return blob{desc: v1.Descriptor{MediaType: mediaType, Size: int64(len(data)), Digest: digest(h)}, data: data}, nil
}

// layerBlob packs the image's files, and returns with them the digest that they have when not compressed. A layer's digest
// must be known before the first byte of the archive is written, so it goes through a file.
func (im Image) layerBlob() (b blob, diffID v1.Hash, err error) {
	f, err := os.CreateTemp("", "image-layer-*")
	if err != nil {
		return blob{}, v1.Hash{}, err
	}
	b = blob{file: f, desc: v1.Descriptor{MediaType: types.OCIUncompressedLayer}}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	_ = os.Remove(f.Name()) // while open it lives on; where that does not go, close removes it

	stored, plain := sha256.New(), sha256.New()
	out := io.MultiWriter(f, stored)
	if im.Uncompressed {
		plain = stored
		err = im.writeLayer(out)
	} else {
		b.desc.MediaType = types.OCILayer
		zw := gzip.NewWriter(out)
		if err = im.writeLayer(io.MultiWriter(zw, plain)); err == nil {
			err = zw.Close()
		}
	}
	if err != nil {
		return b, v1.Hash{}, err
	}
	b.desc.Digest = digest(stored)
	b.desc.Size, err = f.Seek(0, io.SeekCurrent)
	return b, digest(plain), err
}

func digest(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}
