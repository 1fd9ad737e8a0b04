package basicauth

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/userstore"
	"github.com/kauth-dev/kauth/pkg/visible"
)

// forPrograms says whether the format holds a new password as a program wants it.
func (o output) forPrograms() bool { return o == "header" || o == "curl" || o == "grafana" }

// address is the flag --url: where programs find the gate.
type address struct{ url string }

// A destination is where a program sends a password.
type destination struct{ url, name string }

// nowhere stands for an address that is not known. Nothing can be called so (RFC 2606).
const nowhere = "https://gate.example"

// lookFor is how long Services are looked for.
const lookFor = 5 * time.Second

func (a *address) addFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.url, "url", "", "Address of the gate, for -o curl and -o grafana")
}

func (a *address) check(o output) error {
	if a.url == "" {
		return nil
	}
	u, err := url.Parse(a.url)
	switch {
	case o != "curl" && o != "grafana":
		return usagef("--url is for -o curl and -o grafana")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return usagef("--url: %q is no address, such as https://prom.example.com", a.url)
	case u.User != nil:
		return usagef("--url: holds a user; give the address alone")
	}
	return nil
}

// find returns where the password is to be sent, where the format tells that. Who is inside the cluster is sent to the one
// Service that leads to a gate; how people get there, the Service does not tell.
func (o *setOptions) find(ctx context.Context, store *userstore.Store, format output) destination {
	to := destination{url: o.url, name: "prometheus"}
	if to.url != "" || format != "curl" && format != "grafana" || store.DryRun != userstore.DryRunNone {
		return to
	}
	to.url = nowhere
	if format == "curl" {
		say(o.ErrOut, "%s stands for the address of the gate; give it with --url\n", nowhere)
		return to
	}
	service, err := o.service(ctx, store)
	if err != nil {
		say(o.ErrOut, "%s stands for the address of the gate: %v; give it with --url\n", nowhere, err)
		return to
	}
	return *service
}

// service finds the Service of the namespace that leads to a gate, where there is just one.
func (c *cluster) service(ctx context.Context, store *userstore.Store) (*destination, error) {
	config, err := c.restConfig()
	if err != nil {
		return nil, err
	}
	client, err := clientcorev1.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	list, err := client.Services(store.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("the Services of namespace %s cannot be listed: %w", store.Namespace, err)
	}
	var found []destination
	for _, s := range list.Items {
		if port := gatePort(&s); port != nil {
			scheme := "http"
			if port.AppProtocol != nil && strings.EqualFold(*port.AppProtocol, "https") {
				scheme = "https"
			}
			found = append(found, destination{fmt.Sprintf("%s://%s.%s.svc:%d", scheme, s.Name, s.Namespace, port.Port), s.Name})
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("no Service of namespace %s leads to a gate", store.Namespace)
	case 1:
		return &found[0], nil
	}
	return nil, fmt.Errorf("%d Services of namespace %s lead to gates", len(found), store.Namespace)
}

// gatePort returns the port of a Service that leads to a gate: one that kauth added, or moved there.
func gatePort(s *corev1.Service) *corev1.ServicePort {
	for i, p := range s.Spec.Ports {
		if p.Name == gateconf.PortName || p.TargetPort.StrVal == gateconf.PortName {
			return &s.Spec.Ports[i]
		}
	}
	return nil
}

// credential returns what a program needs to get in, in one of the formats for programs.
func (d destination) credential(format output, user, password string) (string, error) {
	switch format {
	case "header":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)) + "\n", nil // RFC 7617 section 2
	case "curl":
		return curlLine(d.url, user, password), nil
	case "grafana":
		return dataSource(d, user, password)
	}
	return "", errors.New("no format for programs: " + strconv.Quote(string(format)))
}

// curlLine is a line for a shell. The password goes through a pipe from a command that the shell itself is, for arguments are
// shown to all by ps. Within double quotes, curl's configuration has \ before \ and " (man curl, --config).
func curlLine(address, user, password string) string {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(user + ":" + password)
	return fmt.Sprintf("printf '%%s\\n' %s | curl --config - %s\n", visible.ShellQuoted(`user = "`+quoted+`"`), visible.ShellQuoted(address))
}

// dataSource is a file for the folder provisioning/datasources of Grafana.
func dataSource(d destination, user, password string) (string, error) {
	text := func(value string) *yaml.Node { // $ begins a variable there, and $$ stands for it
		return &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Value: strings.ReplaceAll(value, "$", "$$")}
	}
	type secure struct {
		Password *yaml.Node `yaml:"basicAuthPassword"`
	}
	type source struct {
		Name   *yaml.Node `yaml:"name"`
		Type   string     `yaml:"type"`
		Access string     `yaml:"access"`
		URL    *yaml.Node `yaml:"url"`
		Basic  bool       `yaml:"basicAuth"`
		User   *yaml.Node `yaml:"basicAuthUser"`
		Secure secure     `yaml:"secureJsonData"`
	}
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	err := e.Encode(struct {
		Version int      `yaml:"apiVersion"`
		Sources []source `yaml:"datasources"`
	}{1, []source{{text(d.name), "prometheus", "proxy", text(d.url), true, text(user), secure{text(password)}}}})
	return out.String(), errors.Join(err, e.Close())
}
