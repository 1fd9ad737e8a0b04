package front

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

const (
	maxOut  = 4 << 10 // bytes that wait to be sent together
	maxBody = 2 << 10 // bytes of a body without a length that wait for its end, as many as net/http lets wait
)

// A response is the http.ResponseWriter of one request. What it sends is what net/http's would, but for the order of the
// header. It can flush, and nothing else of what an http.ResponseController can do.
type response struct {
	conn   *Conn
	head   bool // the request's method is HEAD
	header http.Header

	status   int   // 0: none yet
	length   int64 // of the body, as the handler announced it; -1: it did not
	written  int64
	bodied   bool     // the status allows a body
	typed    bool     // Content-Type was set, if only to nothing, or must not be
	dated    bool     // Date was set
	trailers []string // names that the handler announced
	trailing bool     // it announced some, or set some with http.TrailerPrefix

	body    []byte // of unknown length, as long as it is short
	framed  bool   // out has the end of the header
	chunked bool
	final   bool // the connection is closed after this
	ended   bool // the handler returned

	out *outBuffer // nil: nothing was written, or the handler returned
	err error      // of sending
}

// An outBuffer is what waits to be sent.
type outBuffer struct {
	space [maxOut]byte
	bytes []byte
}

var outBuffers = sync.Pool{New: func() any { return new(outBuffer) }}

func newResponse(c *Conn, r *http.Request) *response {
	return &response{conn: c, head: r.Method == http.MethodHead, length: -1}
}

// open is before the first byte: thousands of requests may wait for their answers, and few are being answered.
func (w *response) open() {
	if w.out == nil {
		w.out, _ = outBuffers.Get().(*outBuffer)
		w.out.bytes = w.out.space[:0]
	}
}

// release is after the handler, whatever became of it. What it sent of an answer goes out still, so that the client can
// tell that it is not whole.
func (w *response) release() {
	if w.framed {
		w.flush(nil, "")
	}
	out := w.out
	w.out, w.err = nil, errEnded
	if out != nil {
		outBuffers.Put(out)
	}
}

func (w *response) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

// Adopt makes h the header, as if it had been copied, and says whether it did: it does not where something was set before.
func (w *response) Adopt(h http.Header) bool {
	if len(w.header) > 0 || w.status != 0 {
		return false
	}
	w.header = h
	return true
}

// WriteHeader sends an informational answer at once, and writes down the header of a final one but for its framing.
func (w *response) WriteHeader(status int) {
	if w.status != 0 || w.err != nil {
		return
	}
	if status < 100 || status > 999 {
		panic("front: invalid WriteHeader code " + strconv.Itoa(status))
	}
	if status < 200 && status != http.StatusSwitchingProtocols {
		w.inform(status)
		return
	}
	w.status = status
	w.bodied = bodyAllowed(status)
	length, given := w.announced()
	w.line(status)
	for name, values := range w.header {
		switch name {
		case "Content-Length":
			if !given || !w.bodied {
				continue
			}
		case "Content-Type":
			w.typed = true
			if status == http.StatusNotModified {
				continue
			}
		case "Content-Encoding":
			w.typed = w.typed || len(values) > 0 && values[0] != ""
		case "Date":
			w.dated = len(values) > 0
		case "Transfer-Encoding":
			continue
		case "Trailer":
			w.announce(values)
		case "Connection":
			w.final = w.final || len(values) > 0 && values[0] == "close"
		default:
			if strings.HasPrefix(name, http.TrailerPrefix) {
				w.trailing = true
				continue
			}
		}
		w.field(name, values)
	}
	if given {
		w.length = length
	}
}

// bodyAllowed is RFC 9110 section 6.4.1 for final statuses.
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// announced returns the Content-Length that the handler set, if it set a good one.
func (w *response) announced() (int64, bool) {
	said := w.header["Content-Length"]
	if len(said) == 0 || said[0] == "" {
		return 0, false
	}
	n, err := strconv.ParseInt(said[0], 10, 64)
	return n, err == nil && n >= 0
}

func (w *response) inform(status int) {
	w.line(status)
	for name, values := range w.header {
		if name != "Content-Length" && name != "Transfer-Encoding" {
			w.field(name, values)
		}
	}
	w.text(lineEnd)
	w.flush(nil, "")
}

func (w *response) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if !w.bodied {
		return 0, http.ErrBodyNotAllowed
	}
	if w.written += int64(len(p)); w.length >= 0 && w.written > w.length {
		return 0, http.ErrContentLength
	}
	if w.length < 0 && !w.framed && len(w.body)+len(p) <= maxBody {
		w.body = append(w.body, p...)
		return len(p), nil
	}
	w.frame(p)
	w.send(p)
	if w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}

// Flush sends what waits.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError is Flush, and says whether that failed; http.ResponseController looks for it.
func (w *response) FlushError() error {
	if w.err != nil {
		return w.err
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.frame(nil)
	w.flush(nil, "")
	return w.err
}

// finish ends an answer whose handler returned, and says whether the connection can be used again.
func (w *response) finish() bool {
	w.ended = true
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.frame(nil)
	if w.chunked {
		w.text("0" + lineEnd)
		w.writeTrailers()
		w.text(lineEnd)
	}
	w.flush(nil, "")
	short := w.length >= 0 && w.bodied && !w.head && w.written != w.length
	return w.err == nil && !w.final && !short
}

// send puts a piece of the body behind what waits.
func (w *response) send(p []byte) {
	if w.head || len(p) == 0 {
		return
	}
	tail := ""
	if w.chunked {
		w.out.bytes = strconv.AppendInt(w.out.bytes, int64(len(p)), 16)
		w.text(lineEnd)
		tail = lineEnd
	}
	if len(w.out.bytes)+len(p)+len(tail) > maxOut {
		w.flush(p, tail)
		return
	}
	w.out.bytes = append(w.out.bytes, p...)
	w.text(tail)
}

// flush sends what waits, with p and tail behind it.
func (w *response) flush(p []byte, tail string) {
	if w.err != nil || len(w.out.bytes)+len(p) == 0 {
		return
	}
	var err error
	if len(p) == 0 {
		_, err = w.conn.Conn.Write(w.out.bytes)
	} else {
		both := net.Buffers{w.out.bytes, p, []byte(tail)}
		_, err = both.WriteTo(w.conn.Conn)
	}
	w.out.bytes = w.out.space[:0]
	if err != nil {
		w.err = err
		w.conn.lose()
	}
}

var errEnded = errors.New("the handler of this answer has returned")
