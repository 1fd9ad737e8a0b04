package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientauthorizationv1 "k8s.io/client-go/kubernetes/typed/authorization/v1"
	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
)

// MayForward returns an error where RBAC does not let us connect to pods of a namespace.
func MayForward(ctx context.Context, config *rest.Config, namespace string) error {
	client, err := clientauthorizationv1.NewForConfig(config)
	if err != nil {
		return err
	}
	review, err := client.SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: "create", Resource: "pods", Subresource: "portforward",
		}},
	}, metav1.CreateOptions{})
	if err == nil && !review.Status.Allowed {
		return fmt.Errorf("you may not create pods/portforward in namespace %s", namespace)
	}
	return nil // where nobody says, the attempt does
}

// Forward is a connection to one pod through the API server and the kubelet, as kubectl port-forward makes it. It ends
// at the pod's loopback, so no network policy is in its way.
type Forward struct {
	conn httpstream.Connection
	last atomic.Int64 // number of the last stream pair
}

// Open connects to a pod: by WebSocket, and by SPDY where the API server or a proxy on the way does not take that, as
// kubectl does. It needs the verb create on pods/portforward.
func Open(ctx context.Context, config *rest.Config, namespace, pod string) (*Forward, error) {
	client, err := clientcorev1.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	url := client.RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	websocket, err := portforward.NewSPDYOverWebsocketDialerForStreaming(url, config)
	if err != nil {
		return nil, err
	}
	dialer := portforward.NewFallbackDialerForStreaming(websocket, spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, url),
		func(err error) bool { return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err) })
	conn, err := within(ctx, func() (httpstream.Connection, error) {
		conn, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
		return conn, err
	}, func(conn httpstream.Connection) { _ = conn.Close() })
	if err != nil {
		return nil, err
	}
	return &Forward{conn: conn}, nil
}

// Close ends all connections.
func (f *Forward) Close() error { return f.conn.Close() }

// Dial connects to a port of the pod.
func (f *Forward) Dial(ctx context.Context, port int) (net.Conn, error) {
	headers := http.Header{}
	headers.Set(corev1.PortHeader, strconv.Itoa(port))
	headers.Set(corev1.PortForwardRequestIDHeader, strconv.FormatInt(f.last.Add(1), 10))
	stream := func(kind string) (httpstream.Stream, error) {
		headers.Set(corev1.StreamType, kind)
		h := headers.Clone()
		return within(ctx, func() (httpstream.Stream, error) { return f.conn.CreateStream(h) }, func(s httpstream.Stream) { _ = s.Reset() })
	}
	problems, err := stream(corev1.StreamTypeError)
	if err != nil {
		return nil, err
	}
	_ = problems.Close() // nothing is written to it
	data, err := stream(corev1.StreamTypeData)
	if err != nil {
		_ = problems.Reset()
		return nil, err
	}
	c := &podConn{Stream: data, port: port, problems: problems, refused: make(chan error, 1)}
	go c.watch()
	return c, nil
}

// within does work of clients that know no context, and gives up waiting for it when ctx ends. What comes back after that is thrown
// away. The work itself goes on to its own end.
func within[T any](ctx context.Context, work func() (T, error), discard func(T)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		value, err := work()
		done <- answer{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		go func() {
			if a := <-done; a.err == nil {
				discard(a.value)
			}
		}()
		var none T
		return none, context.Cause(ctx)
	}
}

// podConn is one connection to a port. It knows no deadlines: whoever uses it closes it in time.
type podConn struct {
	httpstream.Stream
	port     int
	problems httpstream.Stream
	refused  chan error // what the kubelet says went wrong, nil where nothing did
}

// watch waits for what the kubelet says.
func (c *podConn) watch() {
	const most = 4 << 10
	text, _ := io.ReadAll(io.LimitReader(c.problems, most)) // where that fails, the data stream ends too, and says so
	var refused error
	if message := strings.TrimSpace(string(text)); strings.Contains(message, "connection refused") {
		refused = errors.New("connection refused") // the kubelet puts the pod's address and namespace before it
	} else if message != "" {
		refused = errors.New(message)
	}
	c.refused <- refused
}

// Read is Stream.Read, but says why there is nothing to read where the kubelet could not connect.
func (c *podConn) Read(p []byte) (int, error) {
	n, err := c.Stream.Read(p)
	if err == nil {
		return n, nil
	}
	late := time.NewTimer(time.Second)
	defer late.Stop()
	select {
	case refused := <-c.refused:
		c.refused <- refused
		if refused != nil {
			return n, fmt.Errorf("port %d: %w", c.port, refused)
		}
	case <-late.C:
	}
	return n, err
}

// Close ends the connection at once.
func (c *podConn) Close() error {
	_ = c.problems.Reset()
	return c.Stream.Reset()
}

func (c *podConn) LocalAddr() net.Addr              { return podAddr("") }
func (c *podConn) RemoteAddr() net.Addr             { return podAddr(strconv.Itoa(c.port)) }
func (c *podConn) SetDeadline(time.Time) error      { return nil }
func (c *podConn) SetReadDeadline(time.Time) error  { return nil }
func (c *podConn) SetWriteDeadline(time.Time) error { return nil }

type podAddr string

func (podAddr) Network() string  { return "port-forward" }
func (a podAddr) String() string { return string(a) }
