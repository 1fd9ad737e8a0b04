package ways

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Changes compares documents: those of objects that have nothing to do with a gate, in whichever of the namespaces the
// release may be, keep their bytes; the others change only where the documentation says.
func (r Run) Changes(namespaces ...string) []string {
	in, all := r.In, r.Out
	out, added := r.parted()
	if len(in.Docs) != len(out.Docs) || len(in.Objects) != len(out.Objects) {
		return []string{fmt.Sprintf("%d documents became %d, less %d that kauth may add", len(in.Docs), len(all.Docs), len(added))}
	}
	concerned := map[int]bool{}
	for _, ns := range namespaces {
		before, after := Resolve(in, ns), Resolve(all, ns)
		gates, _ := after.gates()
		these := before.concerned(gates)
		for i, o := range before.Objects {
			concerned[i] = concerned[i] || these[o] || r.Unsure
		}
	}
	var wrong []string
	changed := map[int]bool{}
	for i, b := range in.Objects {
		a := out.Objects[i]
		var diffs []string
		diff("", b.Map, a.Map, &diffs)
		for _, d := range diffs {
			changed[b.Doc] = true
			if d = strings.TrimPrefix(d, "."); !concerned[i] {
				wrong = append(wrong, fmt.Sprintf("%s: %s changed, of an object that nothing led through", b, d))
			} else if !mayChange(b, d) {
				wrong = append(wrong, fmt.Sprintf("%s: %s changed", b, d))
			}
		}
	}
	for i := range in.Docs {
		if !changed[i] && !bytes.Equal(in.Docs[i], out.Docs[i]) {
			wrong = append(wrong, fmt.Sprintf("document %d: its bytes changed, and nothing else", i))
		}
	}
	return wrong
}

// parted parts what a run wrote in the objects that the input has, and those that kauth may add: each a document of its own,
// behind the one of a Service.
func (r Run) parted() (rest *Stream, added []*Object) {
	rest = &Stream{}
	had, alone, gone := map[string]bool{}, map[int]int{}, map[int]bool{}
	for _, o := range r.In.Objects {
		had[o.Group+o.String()] = true
	}
	for _, o := range r.Out.Objects {
		alone[o.Doc]++
	}
	for _, o := range r.Out.Objects {
		if !had[o.Group+o.String()] && alone[o.Doc] == 1 && mayAdd(o) {
			added, gone[o.Doc] = append(added, o), true
		} else {
			rest.Objects = append(rest.Objects, o)
		}
	}
	for i, doc := range r.Out.Docs {
		if !gone[i] {
			rest.Docs = append(rest.Docs, doc)
		}
	}
	return rest, added
}

// mayAdd says whether an object is of a kind that kauth adds: a Service that only clients inside the cluster can reach, what
// tells an AWS load balancer to ask the gate for health, or a NetworkPolicy, which is judged by policies.
func mayAdd(o *Object) bool {
	marked := o.annotation("kauth.dev/undo") == "object" && len(texts(o.Map, "metadata", "annotations")) == 1
	switch o.Group + "/" + o.Kind {
	case "/Service":
		return marked && text(o.Map, "spec", "type") == "ClusterIP" && !exposed(o)
	case "gateway.k8s.aws/TargetGroupConfiguration":
		return marked && text(o.Map, "spec", "targetReference", "kind") == "Service" && strings.HasSuffix(o.Name, "-kauth")
	case "networking.k8s.io/NetworkPolicy":
		return marked && strings.HasSuffix(o.Name, "-kauth") && fmt.Sprint(dig(o.Map, "spec", "policyTypes")) == "[Ingress]"
	case "networking.gke.io/HealthCheckPolicy":
		return marked && text(o.Map, "spec", "targetRef", "kind") == "Service" && strings.HasSuffix(o.Name, "-kauth")
	default:
		return false
	}
}

// concerned returns the objects that a gate may change: gated workloads, their Services, doors that lead to them, and
// policies.
func (w *World) concerned(gates map[string]Gate) map[*Object]bool {
	all := map[*Object]bool{}
	for _, p := range w.Pods {
		if _, ok := gates[p.Workload.String()]; !ok {
			continue
		}
		all[p.Workload] = true
		for _, s := range w.Objects { // a port is offered by every Service, for routes that come later
			if s.Kind == "Service" && s.NS == p.NS && p.like(texts(s.Map, "spec", "selector")) {
				all[s] = true
			}
		}
	}
	for _, way := range w.Ways {
		if _, ok := gates[way.Workload]; !ok {
			continue
		}
		for _, d := range w.Doors {
			if d.String() != way.Door {
				continue
			}
			all[d.Object] = true
		}
	}
	for _, o := range w.Objects {
		switch o.Kind {
		case "NetworkPolicy", "TargetGroupConfiguration":
			all[o] = true // the former are judged by policies
		case "HealthCheckPolicy", "BackendConfig":
			all[o] = slices.ContainsFunc(w.Objects, func(s *Object) bool { return all[s] && s.Kind == "Service" && asks(o, s) })
		}
	}
	return all
}

// asks says whether an object of GKE says how load balancers ask a Service for its health.
func asks(o, s *Object) bool {
	if o.Kind == "HealthCheckPolicy" {
		return o.NS == s.NS && text(o.Map, "spec", "targetRef", "kind") == "Service" && text(o.Map, "spec", "targetRef", "name") == s.Name
	}
	return o.NS == s.NS && strings.Contains(s.annotation("cloud.google.com/backend-config"), strconv.Quote(o.Name))
}

const annotations = `metadata\.annotations(\.(kauth\.dev/.*|alb\.ingress\.kubernetes\.io/(healthcheck-.*|success-codes|backend-protocol(-version)?|actions\..*)|nginx\.ingress\.kubernetes\.io/backend-protocol|traefik\.ingress\.kubernetes\.io/service\.serversscheme|service\.beta\.kubernetes\.io/aws-load-balancer-(healthcheck-.*|backend-protocol)|cloud\.google\.com/(backend-config|app-protocols)|appgw\.ingress\.kubernetes\.io/(health-probe-(path|port|status-codes)|backend-protocol)|service\.beta\.kubernetes\.io/(azure-load-balancer-health-probe|port_\d+_health-probe_)(-?(request-path|protocol))))?`

// Where kauth may change what, as the README has it. Places are as diff prints them.
var (
	anywhere = regexp.MustCompile(`^` + annotations + `$`)
	places   = map[string]*regexp.Regexp{
		"Service":                  regexp.MustCompile(`^spec\.ports\[\d+\](\.(name|targetPort|appProtocol))?$`),
		"Ingress":                  regexp.MustCompile(`^spec\.(rules\[\d+\]\.http\.paths\[\d+\]\.backend|defaultBackend|backend)\.(service\.port(\.(number|name))?|servicePort)$`),
		"HTTPRoute":                regexp.MustCompile(`^spec\.rules\[\d+\](\.backendRefs\[\d+\])?(\.filters\[\d+\]\.(requestMirror|externalAuth)\.backendRef)?\.port$`),
		"IngressRoute":             regexp.MustCompile(`^spec\.routes\[\d+\]\.services\[\d+\]\.(port|scheme|healthCheck\.(path|port|scheme))$`),
		"TraefikService":           regexp.MustCompile(`^spec\.(mirroring|failover|weighted|highestRandomWeight)(\.(services|mirrors)\[\d+\]|\.service|\.fallback)?\.(port|scheme|healthCheck\.(path|port|scheme))$`),
		"Middleware":               regexp.MustCompile(`^spec\.errors\.service\.(port|scheme|healthCheck\.(path|port|scheme))$`),
		"VirtualService":           regexp.MustCompile(`^spec\.http\[\d+\]\.(route\[\d+\]\.destination|mirror|mirrors\[\d+\]\.destination)\.port(\.number)?$`),
		"Route":                    regexp.MustCompile(`^spec\.(port(\.targetPort)?|tls\.termination)$`),
		"HTTPProxy":                regexp.MustCompile(`^spec\.routes\[\d+\]\.(services\[\d+\]\.(port|protocol)|healthCheckPolicy\.path)$`),
		"TargetGroupBinding":       regexp.MustCompile(`^spec\.serviceRef\.port$`),
		"NetworkPolicy":            regexp.MustCompile(`^spec\.ingress\[\d+\]\.ports\[\d+\]$`),
		"TargetGroupConfiguration": regexp.MustCompile(`^spec\.(defaultConfiguration|routeConfigurations\[\d+\]\.targetGroupProps)\.(protocol|protocolVersion|healthCheckConfig(\.(healthCheck(Path|Port|Protocol)|matcher\.httpCode))?)$`),
		"BackendConfig":            regexp.MustCompile(`^spec\.healthCheck\.(requestPath|type|port)$`),
		"HealthCheckPolicy":        regexp.MustCompile(`^spec\.default\.config\.(type|(tcp|https?|http2)HealthCheck\.(requestPath|port))$`),
		"workload":                 regexp.MustCompile(`^spec(\.template\.spec|\.jobTemplate\.spec\.template\.spec)?\.((init)?[cC]ontainers|volumes)(\[\d+\](\.ports\[\d+\]\.hostPort)?)?$`),
	}
)

func mayChange(o *Object, place string) bool {
	if anywhere.MatchString(place) {
		return true
	}
	kind := o.Kind
	if len(podsOf(o)) > 0 {
		kind = "workload"
	}
	allowed := places[kind]
	return allowed != nil && allowed.MatchString(place)
}

// diff lists the places where two values differ. An entry that one list has after all of the other is named by itself.
func diff(at string, b, a any, places *[]string) {
	switch b := b.(type) {
	case Map:
		if a, ok := a.(Map); ok {
			var keys []string
			for k := range b {
				keys = append(keys, k)
			}
			for k := range a {
				if _, ok := b[k]; !ok {
					keys = append(keys, k)
				}
			}
			slices.Sort(keys)
			for _, k := range keys {
				diff(at+"."+k, b[k], a[k], places)
			}
			return
		}
	case []any:
		if a, ok := a.([]any); ok && len(a) >= len(b) {
			for i := range a {
				if i < len(b) {
					diff(fmt.Sprintf("%s[%d]", at, i), b[i], a[i], places)
				} else if !oursToAdd(a[i]) {
					*places = append(*places, fmt.Sprintf("%s[%d].new", at, i))
				} else {
					*places = append(*places, fmt.Sprintf("%s[%d]", at, i))
				}
			}
			return
		}
	case nil:
		if a, ok := a.([]any); ok && len(a) > 0 && !slices.ContainsFunc(a, func(v any) bool { return !oursToAdd(v) }) {
			*places = append(*places, at)
			return
		}
		if a, ok := a.(Map); ok {
			diff(at, Map{}, a, places)
			return
		}
	}
	if !reflect.DeepEqual(b, a) {
		*places = append(*places, at)
	}
}

// oursToAdd says whether an entry of a list is one that kauth adds: it has kauth's name, or is a port of a policy.
func oursToAdd(v any) bool {
	m, _ := v.(Map)
	n, named := m["name"].(string)
	_, policy := m["port"].(json.Number)
	return strings.HasPrefix(n, "kauth") || !named && policy
}
