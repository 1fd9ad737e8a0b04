package native

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/client"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// What to paste where a client of an application that asks for passwords itself is configured. None holds a password:
// each names where it is read from.
const (
	basicAuthFile     = "basic_auth: {username: NAME, password_file: FILE}"                                                            // Prometheus, Alertmanager
	basicAuthSecret   = "basicAuth: {username: {name: SECRET, key: username}, password: {name: SECRET, key: password}}"                // the operator
	basicAuthGrafana  = "basicAuth: true, basicAuthUser: NAME, secureJsonData: {basicAuthPassword: $__file{FILE}}"                     // a data source of Grafana
	monitorKinds      = "ServiceMonitor PodMonitor"                                                                                    // that find what to scrape by labels
	grafanaDatasource = "grafana_datasource"                                                                                           // label by which Grafana's sidecar finds data sources
	fileHint          = ", with a Secret mounted at FILE that holds the password of a user of kubectl basicauth user add NAME"         // goes on
	secretHint        = ", with a Secret of the keys username and password that holds a user of kubectl basicauth user add --generate" // goes on
)

// Clients names what the stream shows of clients of the applications that ask for passwords themselves, each with
// what to paste.
func Clients(p *plan.Draft, s *manifest.Stream) {
	d := draft{p}
	var services []*topology.Service
	ports, seen := map[*topology.ServicePort]bool{}, map[*topology.Service]bool{}
	for _, l := range d.Logins {
		if l.Native == nil {
			continue
		}
		d.scraped(l)
		d.beside(l)
		d.operatorMonitors(s, l)
		for _, svc := range d.Model.SelectedBy(l.Workload) {
			for _, port := range svc.Ports {
				if n, _ := port.TargetOf(l.Workload); slices.Contains(l.Native.Ports, n) {
					ports[port] = true
					if !seen[svc] {
						seen[svc], services = true, append(services, svc)
					}
				}
			}
		}
	}
	c := client.New(d.Model, services, func(_ *topology.Service, port *topology.ServicePort) bool { return ports[port] })
	c.Run(s, d.tell)
	for _, l := range d.Logins {
		if l.Native != nil {
			d.configs(s, l, c)
		}
	}
}

// tell says what to paste for a client that names the Service of such an application. What configures Prometheus is
// left to configs, which reads more of it.
func (d draft) tell(o *manifest.Object, svc *topology.Service, field manifest.Path) {
	text := o.TextAt(field)
	hint := "give it a user"
	switch {
	case prometheusConfig(text) != nil:
		return
	case isDatasource(o, text):
		hint = "add to the data source: " + basicAuthGrafana + fileHint
	case o.Kind == "ServiceMonitor" || o.Group == "monitoring.coreos.com" && len(field) > 2 && field[1] == "alerting":
		at := field
		if o.Kind == "ServiceMonitor" {
			at = field[:len(field)-1]
		}
		if o.HasAt(at.With("basicAuth")) || o.HasAt(at.With("authorization")) {
			return
		}
		hint = "add beside it: " + basicAuthSecret + secretHint
	case o.Kind == "Probe":
		if o.HasAt(manifest.P("spec", "basicAuth")) {
			return
		}
		hint = "add to spec: " + basicAuthSecret + secretHint
	}
	d.Find(finding.Warning, o, field, hint, "uses a port of Service %q, whose application asks for a password itself from now on", svc.Object.Name)
}

// isDatasource says whether an object holds data sources for Grafana.
func isDatasource(o *manifest.Object, text string) bool {
	_, labelled := manifest.Map(o.Node, "metadata", "labels")[grafanaDatasource]
	return labelled || strings.Contains(text, "datasources:")
}

// prometheusConfig reads a text as the configuration of a Prometheus, nil where it is none.
func prometheusConfig(text string) *yaml.Node {
	if !strings.Contains(text, "scrape_configs:") && !strings.Contains(text, "alertmanagers:") {
		return nil
	}
	n, err := yaml.Parse(text)
	if err != nil || n.YNode().Kind != yaml.MappingNode {
		return nil
	}
	return n.YNode()
}

// configs looks into the configurations of Prometheus for jobs and Alertmanagers that lead to the application of a
// login and bring no password.
func (d draft) configs(s *manifest.Stream, l *plan.Login, c *client.Search) {
	own := map[string]bool{} // ConfigMaps that its pods mount
	for _, v := range manifest.Items(l.Workload.Spec(), "volumes") {
		own[manifest.String(v, "configMap", "name")] = true
		for _, source := range manifest.Items(v, "projected", "sources") {
			own[manifest.String(source, "configMap", "name")] = true
		}
	}
	for _, doc := range s.Docs {
		if !bytes.Contains(doc.Raw(), []byte("scrape_configs:")) && !bytes.Contains(doc.Raw(), []byte("alertmanagers:")) {
			continue
		}
		for _, o := range doc.Peek() {
			field := manifest.P("data")
			if o.Kind == "Secret" {
				field = manifest.P("stringData")
			}
			data := o.At(field)
			if o.Kind != "ConfigMap" && o.Kind != "Secret" || data == nil || data.Kind != yaml.MappingNode {
				continue
			}
			for key, text := range inOrder(data) {
				if config := prometheusConfig(text); config != nil {
					d.config(o, field.With(key), config, l, c, own[o.Name] && topology.SameNamespace(o.Namespace, l.Ref().Namespace))
				}
			}
		}
	}
}

// inOrder goes over the texts of a mapping.
func inOrder(data *yaml.Node) func(func(string, string) bool) {
	return func(each func(string, string) bool) {
		for i := 0; i+1 < len(data.Content); i += 2 {
			if !each(data.Content[i].Value, data.Content[i+1].Value) {
				return
			}
		}
	}
}

// config reports the parts of one configuration of Prometheus; own says that the pods of the login mount it.
func (d draft) config(o *manifest.Object, field manifest.Path, config *yaml.Node, l *plan.Login, c *client.Search, own bool) {
	leads := func(n *yaml.Node) string {
		return textIn(n, func(text string) bool {
			named := c.Hosts(text, func(svc *topology.Service) bool { return leadsToAny(svc, l.Workload, l.Native.Ports) })
			return named || own && asksItself(text, l.Native.Ports)
		})
	}
	for i, job := range manifest.Items(config, "scrape_configs") {
		name := cmp.Or(manifest.String(job, "job_name"), strconv.Itoa(i))
		if target := leads(job); target != "" && !authenticated(job) {
			d.Find(finding.Warning, o, field, "add to the job: "+basicAuthFile+fileHint, "the job %q scrapes %s, which is told 401 from now on", name, target)
		}
	}
	for _, am := range manifest.Items(config, "alerting", "alertmanagers") {
		target := leads(am)
		if target == "" && program.Of(l.Native.Container).Name == "alertmanager" && discovers(am) {
			target = "Alertmanagers that it discovers, as " + l.Ref().Short() + " may be"
		}
		if target != "" && !authenticated(am) {
			d.Find(finding.Warning, o, field, "write below alerting.alertmanagers, in place of another authorization: "+basicAuthFile+fileHint, "sends alerts to %s, which is told 401 from now on", target)
		}
	}
}

// authenticated says whether a part of Prometheus' configuration brings a name and password.
func authenticated(n *yaml.Node) bool { return manifest.Field(n, "basic_auth") != nil }

// discovers says whether a part of Prometheus' configuration finds its targets in the cluster.
func discovers(n *yaml.Node) bool { return manifest.Field(n, "kubernetes_sd_configs") != nil }

// textIn returns the first text below n that a test takes, "" where none is.
func textIn(n *yaml.Node, takes func(string) bool) string {
	if n.Kind == yaml.ScalarNode && takes(n.Value) {
		return n.Value
	}
	for _, c := range n.Content {
		if text := textIn(c, takes); text != "" {
			return text
		}
	}
	return ""
}

// operatorMonitors names the monitors of the operator that find the pods of a login, or name the port of its container.
func (d draft) operatorMonitors(s *manifest.Stream, l *plan.Login) {
	w := l.Workload
	for _, doc := range s.Docs {
		if !bytes.Contains(doc.Raw(), []byte("PodMonitor")) && !bytes.Contains(doc.Raw(), []byte("targetPort")) {
			continue
		}
		for _, o := range doc.Peek() {
			list, labels := "endpoints", []map[string]string(nil)
			switch {
			case !strings.Contains(monitorKinds, o.Kind) || o.Group != "monitoring.coreos.com" || !client.LooksInto(o, l.Ref().Namespace):
				continue
			case o.Kind == "PodMonitor":
				list, labels = "podMetricsEndpoints", append(labels, w.Labels)
			default:
				for _, svc := range d.Model.SelectedBy(w) {
					labels = append(labels, manifest.Map(svc.Object.Node, "metadata", "labels"))
				}
			}
			for i, e := range manifest.Items(o.Node, "spec", list) {
				if d.monitors(o, e, l, labels) && manifest.Field(e, "basicAuth") == nil {
					d.Find(finding.Warning, o, manifest.P("spec", list, i), "add to it: "+basicAuthSecret+secretHint, "scrapes %s, whose application asks for a password itself from now on", l.Ref().Short())
				}
			}
		}
	}
}

// monitors says whether an endpoint of a monitor names a port of the login by the container, and the monitor finds one of
// the labels.
func (d draft) monitors(o *manifest.Object, endpoint *yaml.Node, l *plan.Login, labels []map[string]string) bool {
	target := manifest.String(endpoint, "targetPort")
	if target == "" && o.Kind == "PodMonitor" {
		target = cmp.Or(manifest.String(endpoint, "port"), manifest.String(endpoint, "portNumber"))
	}
	asked := topology.ParsePort(target)
	for _, port := range l.Native.Container.Ports {
		if asked.Name != "" && port.Name == asked.Name {
			asked.Number = port.Number
		}
	}
	if !slices.Contains(l.Native.Ports, asked.Number) {
		return false
	}
	for _, have := range labels {
		if topology.Matches(manifest.Field(o.Node, "spec", "selector"), have) {
			return true
		}
	}
	return false
}
