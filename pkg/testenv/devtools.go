package testenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/coder/websocket"
)

// Params are the parameters of a DevTools method, or of an event, by name.
type Params map[string]any

// errBrowserGone marks what failed because the browser hung up.
var errBrowserGone = errors.New("the browser hung up")

// maxMessage bounds one message of the browser, in bytes; a screenshot is the largest.
const maxMessage = 64 << 20

// devtools is one connection to a target of a browser. It is not safe for concurrent use.
type devtools struct {
	conn   *websocket.Conn
	lastID int
	events []event // that nobody has asked for yet
}

type event struct {
	method string
	params json.RawMessage
}

// message is an answer, which has an ID, or an event, which has none.
type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
		Data    string `json:"data"`
	} `json:"error"`
}

func dialDevTools(url string) (*devtools, error) {
	ctx, cancel := context.WithTimeout(context.Background(), browserTimeout)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url, nil) //nolint:bodyclose // Dial says that the body need not be closed
	if err != nil {
		return nil, fmt.Errorf("DevTools: %w", err)
	}
	conn.SetReadLimit(maxMessage)
	return &devtools{conn: conn}, nil
}

func (d *devtools) close() { _ = d.conn.CloseNow() }

// send asks for something and does not wait for the answer, whose id it returns.
func (d *devtools) send(method string, params any) (int, error) {
	if params == nil {
		params = Params{}
	}
	d.lastID++
	data, err := json.Marshal(map[string]any{"id": d.lastID, "method": method, "params": params})
	if err != nil {
		return 0, fmt.Errorf("DevTools: %s: %w", method, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), browserTimeout)
	defer cancel()
	if err := d.conn.Write(ctx, websocket.MessageText, data); err != nil {
		return 0, fmt.Errorf("DevTools: %s: %w: %w", method, errBrowserGone, err)
	}
	return d.lastID, nil
}

// call asks for something and stores the answer in result, unless that is nil. Events that come before it are kept.
func (d *devtools) call(method string, params, result any) error {
	id, err := d.send(method, params)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), browserTimeout)
	defer cancel()
	for {
		m, err := d.read(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("DevTools: %s: %w", method, err)
		case m.ID != id: // an event, which read has kept, or the answer to what nobody waits for
			continue
		case m.Error != nil:
			return fmt.Errorf("DevTools: %s: %s %s", method, m.Error.Message, m.Error.Data)
		case result == nil:
			return nil
		}
		if err := json.Unmarshal(m.Result, result); err != nil {
			return fmt.Errorf("DevTools: %s: %w", method, err)
		}
		return nil
	}
}

// wait returns the first event of that name which nobody was given yet, and drops those before it of the same name
// that accept refuses.
func (d *devtools) wait(method string, accept func(json.RawMessage) (bool, error)) error {
	ctx, cancel := context.WithTimeout(context.Background(), browserTimeout)
	defer cancel()
	for i := 0; ; {
		for i < len(d.events) {
			e := d.events[i]
			if e.method != method {
				i++
				continue
			}
			d.events = slices.Delete(d.events, i, i+1)
			if ok, err := accept(e.params); ok || err != nil {
				return err
			}
		}
		if _, err := d.read(ctx); err != nil {
			return fmt.Errorf("DevTools: waiting for %s: %w", method, err)
		}
	}
}

// read returns the next message, and keeps it too if it is an event.
func (d *devtools) read(ctx context.Context) (message, error) {
	var m message
	_, data, err := d.conn.Read(ctx)
	switch {
	case ctx.Err() != nil:
		return m, fmt.Errorf("nothing after %s: %w", browserTimeout, ctx.Err())
	case err != nil:
		return m, fmt.Errorf("%w: %w", errBrowserGone, err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, err
	}
	if m.Method != "" {
		d.events = append(d.events, event{m.Method, m.Params})
	}
	return m, nil
}
