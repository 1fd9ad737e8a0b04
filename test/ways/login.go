package ways

import (
	"strconv"
	"strings"
)

// undeclared is a port that no container of the tests declares.
const undeclared = 12345

// A lock is what --network-policy has to know of the ports of a workload.
type lock struct {
	open  []int // on which everybody is asked for a password
	app   int   // of the application, 0 where it asks itself
	route bool  // the ingress controller asks, on whatever port a route leads to
}

// logins finds what asks for passwords without a gate, as the annotations on the workloads say, by workload.
func (w *World) logins() map[string]lock {
	all := map[string]lock{}
	for _, p := range w.Pods {
		mode, text, _ := strings.Cut(p.Workload.annotation("kauth.dev/gate"), " -> ")
		port, err := strconv.Atoi(text)
		switch {
		case err != nil:
		case mode == "ingress":
			all[p.Workload.String()] = lock{app: port, route: true}
		case mode == "native":
			all[p.Workload.String()] = lock{open: p.listens(port)}
		}
	}
	return all
}

// listens returns the ports that the containers which are told of a web configuration listen on, else the one given.
func (p *Pods) listens(otherwise int) []int {
	var ports []int
	for _, c := range entries(p.Spec, "containers") {
		args, _ := c.m["args"].([]any)
		var own []int
		told := false
		for _, a := range args {
			arg, _ := a.(string)
			told = told || strings.HasPrefix(arg, "--web.config.file=")
			if address, ok := strings.CutPrefix(arg, "--web.listen-address="); ok {
				n, _ := strconv.Atoi(address[strings.LastIndexByte(address, ':')+1:])
				own = append(own, n)
			}
		}
		if told {
			ports = append(ports, own...)
		}
	}
	if len(ports) == 0 {
		ports = []int{otherwise}
	}
	return ports
}
