package basicauth

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpguts"
	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/kauth-dev/kauth/pkg/rotation"
	"github.com/kauth-dev/kauth/pkg/secretstore"
)

// headerOptions are what the commands below header know.
type headerOptions struct {
	rotateOptions
	name   string // of the Secret
	key    string
	header string
}

func newHeader(c *cluster) *cobra.Command {
	cmd := group("header", "Make, replace and list the values of a header that only the CDN sends", `
Make, replace and list the values of the header that gates with --require-header ask for. They stand
in the Secret that kauth's --header-secret names, one a data key, and gates accept each.`, `
# A new value, which is printed, once
kubectl basicauth header rotate origin -n monitoring

# Which values are accepted, and until when?
kubectl basicauth header list origin -n monitoring

# Take away what has had its time
kubectl basicauth header expire origin -n monitoring`)
	cmd.AddCommand(newHeaderRotate(c), newHeaderExpire(c), newHeaderList(c))
	return cmd
}

func newHeaderRotate(c *cluster) *cobra.Command {
	o := &headerOptions{rotateOptions: rotateOptions{cluster: c}}
	cmd := o.command("rotate SECRET", "Make a new value, and go on accepting the old one for a while", `
Make a new random value and print it to standard output, once. The value that it replaces moves to a
data key which says until when it is accepted, such as current.until-20260102T030405Z. Nothing watches
the clock: from then on the next rotate or expire takes it away. The Secret is created when it is
missing.

Gates read the new value as soon as the kubelet has brought it to the pods, usually within a minute or
so. Give it to the CDN then, and within the overlap.

Without --key, the value under "current" is replaced, or the only one if kauth made it. Values under
other keys stay as they are.`, `
# A first value, or the next one
kubectl basicauth header rotate origin -n monitoring

# For the CustomHeaders of a CloudFront origin
kubectl basicauth header rotate origin --header X-Origin-Verify -o cloudfront

# It is known to others: the old one counts no more
kubectl basicauth header rotate origin --overlap 0`, o.rotate)
	cmd.Flags().StringVar(&o.key, "key", "", `Data key of the value to replace, or of one more value`)
	cmd.Flags().StringVar(&o.header, "header", "", "Name of the header, for -o cloudfront")
	o.addOverlap(cmd, time.Hour, "How long the old value is still accepted; 0: not at all")
	o.output.addFlag(cmd, "value", "json", "yaml", "name", "cloudfront")
	o.write.addFlags(cmd)
	return cmd
}

func newHeaderExpire(c *cluster) *cobra.Command {
	o := &headerOptions{rotateOptions: rotateOptions{cluster: c}}
	cmd := o.command("expire SECRET", "Take away old values whose overlap is over", `
Take away the values that were replaced and whose overlap is over. Values that were not replaced stay.`, `
# Take away what has had its time
kubectl basicauth header expire origin -n monitoring

# The CDN sends the new value everywhere: the old one counts no more
kubectl basicauth header expire origin --now`, o.expire)
	o.addNow(cmd, "Take away also those whose overlap is not over")
	o.output.addFlag(cmd, "table", "json", "yaml", "name")
	o.write.addFlags(cmd)
	return cmd
}

func newHeaderList(c *cluster) *cobra.Command {
	o := &headerOptions{rotateOptions: rotateOptions{cluster: c}}
	cmd := o.command("list SECRET", "List the values that gates accept, without showing them", `
List the values that gates accept, by their data keys: since when there is one that kauth made, and
until when one that was replaced is accepted. A value itself is never shown. The fingerprint is the
start of the SHA-256 of one that kauth made, to compare it with what the CDN has:

  printf %s "$VALUE" | sha256sum | cut -c1-8`, `
# Which values are accepted, and until when?
kubectl basicauth header list origin -n monitoring

# The same for programs
kubectl basicauth header list origin -o json`, o.list)
	cmd.Aliases = []string{"ls"}
	o.output.addFlag(cmd, "table", "json", "yaml", "name")
	return cmd
}

func (o *headerOptions) command(use, short, long, example string, run func(context.Context) error) *cobra.Command {
	return command(use, short, long, example, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args, "SECRET"); err != nil {
			return err
		}
		o.name = args[0]
		return run(cmd.Context())
	})
}

// connect returns the Secret of the header. For commands that only read, w is nil.
func (o *headerOptions) connect(w *write) (rotation.Header, error) {
	if problems := content.IsDNS1123Subdomain(o.name); len(problems) > 0 {
		return rotation.Header{}, usagef("SECRET: %q is not a name of a Secret: %s", o.name, problems[0])
	}
	users, err := o.store(w)
	if err != nil {
		return rotation.Header{}, err
	}
	if o.name == users.Name || o.name == users.SessionKeys().Name {
		return rotation.Header{}, usagef("SECRET: %q holds users or session keys; values of a header want a Secret of their own", o.name)
	}
	return rotation.Header{Now: o.clock, Store: &secretstore.Store{
		Client: users.Client, Namespace: users.Namespace, Name: o.name, FieldManager: users.FieldManager, DryRun: users.DryRun,
		Advice: secretstore.Advice{
			Missing:   "kubectl basicauth header rotate creates it with a first value",
			Immutable: "so its values cannot change; make another Secret, and gate with that one",
			Full:      "take old values away with kubectl basicauth header expire --now",
			Look:      "kubectl basicauth header list",
			Verbs:     users.Verbs("get and update"),
		},
	}}, nil
}

func (o *headerOptions) rotate(ctx context.Context) error {
	switch {
	case o.checkOverlap() != nil:
		return o.checkOverlap()
	case o.output == "cloudfront" && o.header == "":
		return usagef("-o cloudfront needs --header, the name that gates are given as --require-header")
	case o.header != "" && !httpguts.ValidHeaderFieldName(o.header):
		return usagef("--header: %q is not a name of a header", o.header)
	case o.key != "":
		if err := rotation.ValidKey(o.key); err != nil {
			return usagef("--key: %q: %w", o.key, err)
		}
	}
	h, err := o.connect(&o.write)
	if err != nil {
		return err
	}
	change, err := h.Rotate(ctx, o.key, o.overlap)
	if err != nil {
		return err
	}
	o.warnAll(change.Warnings(h.Store))
	if change.Created {
		say(o.ErrOut, "%s created%s\n", h.Ref(), dryRunWords(h.DryRun))
	}
	inForce := h.DryRun == secretstore.DryRunNone // a value that is not in force is not printed
	r := o.rotated("HeaderRotation", h.Store, change.Left).of(change, h.Store, o.write)
	if inForce {
		r.Value = change.Secret
	}
	if ok, err := o.output.structured(o.Out, r); ok {
		return inForceThough(err)
	}
	for _, line := range told(h.Store, change) {
		say(o.ErrOut, "%s\n", line)
	}
	switch {
	case o.output == "name":
		return emit(o.Out, change.Added+"\n")
	case !inForce:
		return nil
	case o.output == "cloudfront":
		return inForceThough(emit(o.Out, customHeaders(o.header, change.Secret)))
	}
	return inForceThough(emit(o.Out, change.Secret+"\n"))
}

// inForceThough adds to what kept the value from being printed that it is in force.
func inForceThough(err error) error {
	return though(err, "the new value counts all the same, rotate again for another one")
}

// told says what a rotation did, a line each, without the value.
func told(store *secretstore.Store, change rotation.Change) []string {
	lines := append(removed("data.", store, change.Removed),
		fmt.Sprintf("data.%s of %s has a new value%s; gates have read it in a minute or so, give it to the CDN then", change.Added, store.Ref(), dryRunWords(store.DryRun)))
	for _, v := range change.Left {
		if strings.HasPrefix(v.Name, change.Added+".until-") {
			lines = append(lines, fmt.Sprintf("data.%s is accepted until %s; kubectl basicauth header expire %s then takes it away", v.Name, moment(v.Until), store.Name))
		}
	}
	return lines
}

// customHeaders is what the CustomHeaders of an origin are in CloudFront's DistributionConfig.
func customHeaders(name, value string) string {
	type item struct{ HeaderName, HeaderValue string }
	text, _ := json.MarshalIndent(struct { // texts and a number: no error
		Quantity int
		Items    []item
	}{1, []item{{name, value}}}, "", "    ")
	return string(text) + "\n"
}

func (o *headerOptions) expire(ctx context.Context) error {
	h, err := o.connect(&o.write)
	if err != nil {
		return err
	}
	change, err := h.Expire(ctx, o.now)
	if err != nil {
		return err
	}
	o.warnAll(change.Warnings(h.Store))
	r := o.rotated("HeaderExpiry", h.Store, change.Left).of(change, h.Store, o.write)
	return o.printExpired(r, "data.", h.Store, change)
}

func (o *headerOptions) list(ctx context.Context) error {
	h, err := o.connect(nil)
	if err != nil {
		return err
	}
	values, warnings, err := h.List(ctx)
	if err != nil {
		return err
	}
	o.warnAll(warnings)
	if len(values) == 0 {
		warn(o.ErrOut, "%s: no value, so gates refuse everybody; make one with kubectl basicauth header rotate %s", h.Ref(), h.Name)
	}
	rows := [][]string{{"KEY", "FINGERPRINT", "SINCE", "UNTIL"}}
	for _, v := range values {
		rows = append(rows, []string{v.Name, cmp.Or(v.Fingerprint, "-"), moment(v.Since), o.until(v)})
	}
	return o.printList(o.rotated("HeaderList", h.Store, values), rows)
}
