package proxy

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/reload"
)

// origin asks every request for a header that only whoever is in front of the gate adds, such as a CloudFront distribution: a
// load balancer that anybody can reach by its own name would otherwise let in who goes round the CDN.
type origin struct {
	name    string // canonical; empty: nothing is asked for
	dir     string
	watcher *reload.Watcher[[]digest]
	values  atomic.Pointer[[]digest]
	log     *slog.Logger
}

// A digest stands for a value, so that all are of the same length and comparing takes the same time.
type digest [sha256.Size]byte

func newOrigin(cfg gateconf.Config, log *slog.Logger) *origin {
	o := &origin{name: http.CanonicalHeaderKey(cfg.RequireHeader), dir: cfg.HeaderValuesDir, log: log}
	o.values.Store(&[]digest{})
	o.watcher = &reload.Watcher[[]digest]{
		Read: func() ([]byte, error) { return readValues(cfg.HeaderValuesDir) }, Build: parseValues, OnChange: o.told,
	}
	return o
}

// admits says whether r came the way it should, and takes the header out: what it says is nobody else's to know. It is asked
// before anything else is taken out, for the name may be one that clients must not send.
func (o *origin) admits(r *http.Request) bool {
	if o.name == "" {
		return true
	}
	said := r.Header[o.name]
	delete(r.Header, o.name)
	delete(r.Trailer, o.name)
	if len(said) != 1 {
		return false
	}
	sum := digest(sha256.Sum256([]byte(said[0])))
	right := 0
	for _, value := range *o.values.Load() {
		right |= subtle.ConstantTimeCompare(sum[:], value[:])
	}
	return right == 1
}

// readValues returns the files of a directory as lines "NAME SIZE" with the content below each.
func readValues(dir string) ([]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all bytes.Buffer
	files := 0
	for _, e := range entries {
		if !gateconf.IsHeaderFile(e.Name()) {
			continue
		}
		content, err := reload.File(filepath.Join(dir, e.Name()))()
		switch {
		case errors.Is(err, fs.ErrNotExist): // swapped under our hands; the next look sees what is there now
			continue
		case err != nil:
			return nil, err
		}
		if files++; files > gateconf.MaxHeaderValues {
			return nil, fmt.Errorf("%s: more than %d files, and each holds an accepted value; is it the right directory?", dir, gateconf.MaxHeaderValues)
		}
		fmt.Fprintf(&all, "%q %d\n%s\n", e.Name(), len(content), content)
	}
	if files == 0 {
		return nil, fmt.Errorf("%s: %w: no file in it", dir, fs.ErrNotExist)
	}
	return all.Bytes(), nil
}

// parseValues reads what readValues wrote.
func parseValues(text []byte) ([]digest, error) {
	var values []digest
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte{'\n'})
		var name string
		var size int
		if _, err := fmt.Sscanf(string(line), "%q %d", &name, &size); err != nil || size < 0 || size+1 > len(rest) {
			return nil, errors.New("the files changed while they were read")
		}
		value := gateconf.TrimHeaderValue(rest[:size])
		if err := gateconf.ValidHeaderValue(value); err != nil {
			return nil, fmt.Errorf("file %q: %w", name, err)
		}
		values = append(values, sha256.Sum256(value))
		text = rest[size+1:]
	}
	return values, nil
}

// told puts a change in force and says it once.
func (o *origin) told(s reload.State[[]digest]) {
	values := s.Value
	if !s.OK {
		values = nil
	}
	o.values.Store(&values)
	switch {
	case s.Err != nil && len(values) > 0:
		o.log.Error("values of the required header cannot be used: the last good ones stay in force", "header", o.name, "dir", o.dir, "error", oneLine(s.Err))
	case s.Err != nil:
		o.log.Error("no value of the required header: everybody is refused", "header", o.name, "dir", o.dir, "error", oneLine(s.Err))
	default:
		o.log.Info("values of the required header loaded", "header", o.name, "values", len(values))
	}
}
