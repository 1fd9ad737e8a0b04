//go:build linux

package kit

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
)

// A Kit is everything that a lab is stocked with.
type Kit struct {
	Tools
	Kauth, NextKauth Product
	Images           []string // archives, the sidecar's among them
}

// Stock makes a Kit below dir, outside the lab's walls, where there is a network for what go build may lack.
func Stock(ctx context.Context, dir string) error {
	var k Kit
	var err error
	if k.Tools, err = FindTools(); err != nil {
		return err
	}
	dir = filepath.Join(dir, "kit")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if k.Images, err = writeImages(ctx, dir, k.Tools); err != nil {
		return err
	}
	for version, product := range map[string]*Product{Version: &k.Kauth, NextVersion: &k.NextKauth} {
		if *product, err = buildProduct(ctx, dir, version); err != nil {
			return err
		}
		k.Images = append(k.Images, product.Image)
	}
	data, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "kit.json"), data, 0o600)
}

// Open returns the Kit that Stock made below dir.
func Open(dir string) (Kit, error) {
	var k Kit
	data, err := os.ReadFile(filepath.Join(dir, "kit", "kit.json"))
	if err != nil {
		return k, err
	}
	return k, json.Unmarshal(data, &k)
}
