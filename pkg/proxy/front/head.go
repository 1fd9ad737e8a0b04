package front

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kauth-dev/kauth/pkg/proxy/octets"
)

// text puts s behind what waits. Heads are not bounded: the space only becomes another one.
func (w *response) text(s string) { w.out.bytes = append(w.out.bytes, s...) }

func (w *response) line(status int) {
	w.open()
	w.text("HTTP/1.1 ")
	w.out.bytes = strconv.AppendInt(w.out.bytes, int64(status), 10)
	w.text(" ")
	if reason := http.StatusText(status); reason != "" {
		w.text(reason)
	} else {
		w.text("status code ")
		w.out.bytes = strconv.AppendInt(w.out.bytes, int64(status), 10)
	}
	w.text(lineEnd)
}

// field writes the lines of one name. As in net/http, a name that is none is left out, and a value cannot end its line.
func (w *response) field(name string, values []string) {
	if name == "" || !octets.Token.All(name) {
		return
	}
	for _, v := range values {
		if strings.ContainsAny(v, lineEnd) {
			v = oneLine.Replace(v)
		}
		w.text(name)
		w.text(": ")
		w.text(textproto.TrimString(v))
		w.text(lineEnd)
	}
}

var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

// frame writes the rest of the header, once: how long the body is that begins with p, and what else only that tells. Then it
// sends what of the body waited for it.
func (w *response) frame(p []byte) {
	if w.framed {
		return
	}
	w.framed = true
	if len(w.body) > 0 {
		p = w.body
	}
	automatic := w.ended && !w.trailing && w.bodied && w.length < 0 && (!w.head || len(p) > 0)
	switch {
	case automatic:
		w.text("Content-Length: ")
		w.out.bytes = strconv.AppendInt(w.out.bytes, int64(len(p)), 10)
		w.text(lineEnd)
	case w.length < 0 && w.bodied && !w.head:
		w.chunked = true
		w.text("Transfer-Encoding: chunked" + lineEnd)
	}
	if w.bodied && !w.typed && len(p) > 0 {
		w.text("Content-Type: ")
		w.text(http.DetectContentType(p))
		w.text(lineEnd)
	}
	if !w.dated {
		w.text(date())
	}
	w.text(lineEnd)
	w.send(w.body)
	w.body = nil
}

// announce notes the names of trailers, but for those that none may have: RFC 9110 section 6.5.1.
func (w *response) announce(lists []string) {
	w.trailing = true
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			name = http.CanonicalHeaderKey(textproto.TrimString(name))
			if !strings.HasPrefix(name, "If-") && !noTrailer[name] {
				w.trailers = append(w.trailers, name)
			}
		}
	}
}

var noTrailer = map[string]bool{
	"": true, "Authorization": true, "Cache-Control": true, "Connection": true, "Content-Encoding": true, "Content-Length": true, "Content-Range": true,
	"Content-Type": true, "Expect": true, "Host": true, "Keep-Alive": true, "Max-Forwards": true, "Pragma": true, "Proxy-Authenticate": true,
	"Proxy-Authorization": true, "Proxy-Connection": true, "Range": true, "Realm": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Www-Authenticate": true,
}

// writeTrailers writes what the handler set for after the body.
func (w *response) writeTrailers() {
	for name, values := range w.header {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			w.field(name, values)
		}
	}
	for _, name := range w.trailers {
		w.field(name, w.header[name])
	}
}

// A stamp is the Date line of one second.
type stamp struct {
	second int64
	line   string
}

var lastDate atomic.Pointer[stamp]

func date() string {
	now := time.Now()
	if s := lastDate.Load(); s != nil && s.second == now.Unix() {
		return s.line
	}
	s := &stamp{now.Unix(), "Date: " + now.UTC().Format(http.TimeFormat) + lineEnd}
	lastDate.Store(s)
	return s.line
}
