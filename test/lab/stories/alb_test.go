//go:build linux

package stories

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A target is a pod's port that an ALB with target-type ip sends requests to, and what it asks for to know the pod's health.
type target struct {
	page    string // URL
	health  string // URL
	success int    // the status that counts as healthy
}

// albTargets takes the way that the AWS controller takes, for there is none here: from the one backend of an Ingress to
// the Service's port, and from there through the EndpointSlices to the pods. Annotations of the Service win over those of
// the Ingress, key by key; defaults are the controller's.
func (s *story) albTargets(ingress string) []target {
	s.Helper()
	ctx := context.Background()
	ing, err := theLab.Client.NetworkingV1().Ingresses(s.ns).Get(ctx, ingress, metav1.GetOptions{})
	if err != nil {
		s.Fatal(err)
	}
	backend := onlyBackend(ing)
	svc, err := theLab.Client.CoreV1().Services(s.ns).Get(ctx, backend.Name, metav1.GetOptions{})
	if err != nil {
		s.Fatal(err)
	}
	annotation := func(key, otherwise string) string {
		for _, from := range []map[string]string{svc.Annotations, ing.Annotations} {
			if value, there := from["alb.ingress.kubernetes.io/"+key]; there {
				return value
			}
		}
		return otherwise
	}
	if kind := annotation("target-type", "instance"); kind != "ip" {
		s.Fatalf("Ingress %s: target-type %s, want ip", ingress, kind)
	}
	success, err := strconv.Atoi(annotation("success-codes", "200"))
	if err != nil {
		s.Fatalf("Ingress %s: success-codes: %v", ingress, err)
	}
	healthPort := annotation("healthcheck-port", "traffic-port")
	var targets []target
	for _, address := range s.endpoints(svc, backend.Port) {
		health := address
		if host, _, _ := net.SplitHostPort(address); healthPort != "traffic-port" {
			health = net.JoinHostPort(host, healthPort)
		}
		targets = append(targets, target{
			page:    strings.ToLower(annotation("backend-protocol", "HTTP")) + "://" + address + "/",
			health:  strings.ToLower(annotation("healthcheck-protocol", "HTTP")) + "://" + health + annotation("healthcheck-path", "/"),
			success: success,
		})
	}
	return targets
}

// onlyBackend is where an Ingress leads: the zero backend when it leads to several Services, or to none.
func onlyBackend(ing *networkingv1.Ingress) networkingv1.IngressServiceBackend {
	if len(ing.Spec.Rules) != 1 || len(ing.Spec.Rules[0].HTTP.Paths) != 1 || ing.Spec.DefaultBackend != nil {
		return networkingv1.IngressServiceBackend{}
	}
	return *ing.Spec.Rules[0].HTTP.Paths[0].Backend.Service
}

// endpoints are the addresses of all pods, Ready or not, that stand behind a Service's port.
func (s *story) endpoints(svc *corev1.Service, port networkingv1.ServiceBackendPort) (addresses []string) {
	s.Helper()
	name, found := "", false
	for _, p := range svc.Spec.Ports {
		if port.Name != "" && p.Name == port.Name || port.Name == "" && p.Port == port.Number {
			name, found = p.Name, true
		}
	}
	if !found {
		s.Fatalf("Service %s has no port %+v", svc.Name, port)
	}
	slices, err := theLab.Client.DiscoveryV1().EndpointSlices(svc.Namespace).List(context.Background(),
		metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + svc.Name})
	if err != nil {
		s.Fatal(err)
	}
	for _, slice := range slices.Items {
		for _, p := range slice.Ports {
			for _, e := range slice.Endpoints {
				if *p.Name == name {
					addresses = append(addresses, net.JoinHostPort(e.Addresses[0], fmt.Sprint(*p.Port)))
				}
			}
		}
	}
	return addresses
}
