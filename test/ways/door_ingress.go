package ways

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A portRef is a port as routes and Services write it: by number or by name.
type portRef struct {
	Name   string
	Number int
}

// refOf reads a number or a name. A text that is a number means the number, as the ALB controller has it.
func refOf(v any) portRef {
	switch v := v.(type) {
	case json.Number:
		n, _ := v.Int64()
		return portRef{Number: int(n)}
	case float64:
		return portRef{Number: int(v)}
	case string:
		if n, err := strconv.Atoi(v); err == nil {
			return portRef{Number: n}
		}
		return portRef{Name: v}
	}
	return portRef{}
}

// is says whether a Service's port is the one that is meant.
func (r portRef) is(p servicePort, _ []servicePort) bool {
	if r.Name != "" {
		return p.Name == r.Name
	}
	return p.Number == r.Number
}

// ingress reads networking.k8s.io/v1, v1beta1 and extensions/v1beta1 alike: the fields of the versions do not clash.
func ingress(o *Object) []backend {
	if o.Kind != "Ingress" || o.Group != "networking.k8s.io" && o.Group != "extensions" {
		return nil
	}
	root := entry{"", o.Map}
	places := []entry{child(root, "spec", "defaultBackend"), child(root, "spec", "backend")}
	for _, r := range entries(root, "spec", "rules") {
		for _, p := range entries(r, "http", "paths") {
			places = append(places, child(p, "backend"))
		}
	}
	var all []backend
	for _, e := range places {
		if e.m != nil {
			all = append(all, ingressBackend(o, e)...)
		}
	}
	if svc := o.annotation("nginx.ingress.kubernetes.io/default-backend"); svc != "" {
		d := Door{Object: o, At: "metadata.annotations[nginx.ingress.kubernetes.io/default-backend]", Speaks: "HTTP"}
		all = append(all, backend{d, o.NS, svc, func(p servicePort, all []servicePort) bool { return p == all[0] }, 0})
	}
	return all
}

func ingressBackend(o *Object, e entry) []backend {
	door := Door{Object: o, At: e.at, Speaks: "HTTP"}
	svc, port := text(e.m, "serviceName"), refOf(e.m["servicePort"])
	if s, ok := e.m["service"].(Map); ok {
		svc = text(s, "name")
		port = portRef{text(s, "port", "name"), number(s, "port", "number")}
	}
	switch {
	case svc == "":
		return nil // a resource, such as a bucket
	case port.Name == "use-annotation":
		return albAction(o, door, svc)
	}
	return []backend{{door, o.NS, svc, port.is, 0}}
}

// albAction follows the forward action that the AWS Load Balancer Controller reads from an annotation. It takes keys in
// any case.
func albAction(o *Object, door Door, action string) []backend {
	var a Map
	if json.Unmarshal([]byte(o.annotation("alb.ingress.kubernetes.io/actions."+action)), &a) != nil {
		return nil
	}
	if kind, _ := folded(a, "type").(string); kind != "forward" {
		return nil
	}
	forward, _ := folded(a, "forwardConfig").(Map)
	groups, _ := folded(forward, "targetGroups").([]any)
	var all []backend
	for i, g := range groups {
		m, _ := g.(Map)
		svc, _ := folded(m, "serviceName").(string)
		if svc == "" {
			continue // a target group by its ARN
		}
		d := door
		d.Field = fmt.Sprintf(`metadata.annotations["alb.ingress.kubernetes.io/actions.%s"]`, action)
		d.At += fmt.Sprintf(" action %s targetGroups[%d]", action, i)
		all = append(all, backend{d, o.NS, svc, refOf(folded(m, "servicePort")).is, 0})
	}
	return all
}

func folded(m Map, key string) any {
	for k, v := range m {
		if strings.EqualFold(k, key) {
			return v
		}
	}
	return nil
}

// targetGroupBinding is how the ALB controller, or a person, ties a Service to a target group that is there already.
func targetGroupBinding(o *Object) []backend {
	if o.Kind != "TargetGroupBinding" || o.Group != "elbv2.k8s.aws" {
		return nil
	}
	e := child(entry{"", o.Map}, "spec", "serviceRef")
	return []backend{{Door{Object: o, At: e.at, Speaks: "HTTP"}, o.NS, text(e.m, "name"), refOf(dig(e.m, "port")).is, 0}}
}

// streams reads the ConfigMap by which ingress-nginx leads ports of its own to Services; it knows one by its entries alone.
func streams(o *Object) []backend {
	if o.Kind != "ConfigMap" || o.Group != "" {
		return nil
	}
	var all []backend
	data, _ := dig(o.Map, "data").(Map)
	for _, key := range slices.Sorted(maps.Keys(data)) {
		to := text(data, key)
		ns, rest, _ := strings.Cut(to, "/")
		svc, port, found := strings.Cut(rest, ":")
		if _, err := strconv.Atoi(key); err != nil || !found || strings.ContainsAny(to, " \n") {
			return nil
		}
		port, _, _ = strings.Cut(port, ":") // what follows is about the PROXY protocol
		all = append(all, backend{Door{Object: o, At: fmt.Sprintf("data[%q]", key), Speaks: "TCP"}, ns, svc, refOf(port).is, 0})
	}
	return all
}
