package basicauth

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // kubeconfigs that log in through OIDC
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/history"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// cluster is what every command knows: which Secret of which cluster, and where to print.
type cluster struct {
	genericiooptions.IOStreams
	config *genericclioptions.ConfigFlags
	secret string
	clock  func() time.Time
}

// write is what commands know that write.
type write struct {
	dryRun       string
	fieldManager string
	cmd          *cobra.Command
}

func newCluster(streams genericiooptions.IOStreams) *cluster {
	return &cluster{IOStreams: streams, config: genericclioptions.NewConfigFlags(true), secret: gateconf.UsersSecret, clock: time.Now}
}

func (c *cluster) addFlags(flags *pflag.FlagSet) {
	c.config.CacheDir = nil // nothing is discovered, so nothing is cached
	c.config.AddFlags(flags)
	flags.StringVar(&c.secret, "secret", c.secret, "Name of the Secret with the users")
}

func (w *write) addFlags(cmd *cobra.Command) {
	w.cmd = cmd
	cmd.Flags().StringVar(&w.dryRun, "dry-run", "none", `"none", "client" (print what would be done) or "server" (let the API server check it too, and store nothing)`)
	cmd.Flags().StringVar(&w.fieldManager, "field-manager", "kubectl-basicauth", "Name of the manager that the API server notes for changed fields")
	complete(cmd, "dry-run", "none", "client", "server")
}

func complete(cmd *cobra.Command, flag string, values ...string) {
	// It fails for flags that do not exist only.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// store connects. For commands that only read, w is nil.
func (c *cluster) store(w *write) (*userstore.Store, error) {
	s := &userstore.Store{Name: c.secret, ReadOnly: w == nil, Now: c.clock}
	if problems := content.IsDNS1123Subdomain(c.secret); len(problems) > 0 {
		return nil, usagef("--secret: %q is not a name of a Secret: %s", c.secret, problems[0])
	}
	if w != nil {
		s.FieldManager = w.fieldManager
		modes := map[string]userstore.DryRun{"none": userstore.DryRunNone, "client": userstore.DryRunClient, "server": userstore.DryRunServer}
		mode, ok := modes[w.dryRun]
		if !ok {
			return nil, usagef("--dry-run: %q; use none, client or server", w.dryRun)
		}
		s.DryRun = mode
	}
	if _, err := clientcmd.ParseTimeout(*c.config.Timeout); err != nil {
		return nil, usagef("--request-timeout: %q; use a number of seconds, or one with a unit, such as 30s or 2m", *c.config.Timeout)
	}
	var err error
	if s.Namespace, _, err = c.config.ToRawKubeConfigLoader().Namespace(); err != nil {
		return nil, unusable(err)
	}
	if problems := content.IsDNS1123Label(s.Namespace); len(problems) > 0 {
		return nil, usagef("--namespace: %q is not a name of a namespace: %s", s.Namespace, problems[0])
	}
	config, err := c.restConfig()
	if err != nil {
		return nil, err
	}
	config.DisableCompression = true // hashes have nothing to compress, and the API server would take most of its time for it
	client, err := clientcorev1.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	s.Client = client
	if w != nil {
		s.Keep = &userstore.Keeping{Command: w.told(), Who: c.caller(config)}
	}
	return s, nil
}

// told is the command line as the history of the users tells it: without options, and arguments are no secrets.
func (w *write) told() string {
	words := append(strings.Fields(w.cmd.CommandPath())[2:], w.cmd.Flags().Args()...)
	return strings.Join(words, " ")
}

// caller asks the API server who we are. Where it does not say, it is who the kubeconfig says that we are.
func (c *cluster) caller(config *rest.Config) func(context.Context) string {
	return func(ctx context.Context) string {
		name := *c.config.AuthInfoName
		if raw, err := c.config.ToRawKubeConfigLoader().RawConfig(); err == nil && name == "" {
			if kube := raw.Contexts[cmp.Or(*c.config.Context, raw.CurrentContext)]; kube != nil {
				name = kube.AuthInfo
			}
		}
		return history.Caller(ctx, config, strings.TrimSpace(name+" (in the kubeconfig)"))
	}
}

// restConfig says how to reach the cluster.
func (c *cluster) restConfig() (*rest.Config, error) {
	config, err := c.config.ToRESTConfig()
	if err != nil {
		return nil, unusable(err)
	}
	config.QPS = -1 // retries have their own pauses, and the API server its own limits
	config.WarningHandler = &serverWarnings{cluster: c, said: map[string]bool{}}
	config.UserAgent = "kubectl-basicauth " + rest.DefaultKubernetesUserAgent()
	return config, nil
}

// unusable is the error of a kubeconfig that leads to no cluster.
func unusable(err error) error {
	return fmt.Errorf("kubeconfig: %w; name a cluster with --context, --kubeconfig or KUBECONFIG", err)
}

// serverWarnings prints what the API server warns of, in our form, and each text once: several requests make a change.
type serverWarnings struct {
	*cluster
	mu   sync.Mutex
	said map[string]bool
}

// HandleWarningHeader may be called by several requests at once.
func (s *serverWarnings) HandleWarningHeader(code int, _, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code == 299 && text != "" && !s.said[text] {
		s.said[text] = true
		warn(s.ErrOut, "API server: %s", text)
	}
}

func (c *cluster) warnAll(lines []string) {
	for _, line := range lines {
		warn(c.ErrOut, "%s", line)
	}
}

// ensureSessionKey makes the session key when it is missing. The users are stored by then, and most gates need none: so
// whatever is in the way is a warning.
func (c *cluster) ensureSessionKey(ctx context.Context, store *userstore.Store) {
	switch made, err := store.EnsureSessionKey(ctx); {
	case err != nil:
		warn(c.ErrOut, "%v", err)
	case made:
		say(c.ErrOut, "%s created\n", store.SessionKeyRef())
	}
}

// dryRunNote is what kubectl appends to its lines.
func dryRunNote(s *userstore.Store) string { return dryRunWords(s.DryRun) }

func dryRunWords(run userstore.DryRun) string {
	switch run {
	case userstore.DryRunClient:
		return " (dry run)"
	case userstore.DryRunServer:
		return " (server dry run)"
	case userstore.DryRunNone:
	}
	return ""
}
