package basicauth

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kauth-dev/kauth/pkg/version"
)

var shells = []string{"bash", "zsh", "fish", "powershell"}

func newCompletion(c *cluster) *cobra.Command {
	cmd := command("completion SHELL", "Let shells complete command lines", `
Print the script by which bash, zsh, fish or powershell completes kubectl-basicauth, called by that
name. What follows "kubectl basicauth" is completed by kubectl; completion install lets it.`, `
# Complete what follows "kubectl basicauth"
kubectl basicauth completion install

# Complete kubectl-basicauth by that name, in bash, zsh, fish and PowerShell
source <(kubectl basicauth completion bash)
kubectl basicauth completion zsh > "${fpath[1]}/_kubectl-basicauth"
kubectl basicauth completion fish > ~/.config/fish/completions/kubectl-basicauth.fish
kubectl basicauth completion powershell | Out-String | Invoke-Expression`, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args, "SHELL ("+strings.Join(shells, ", ")+")"); err != nil {
			return err
		}
		root, out := cmd.Root(), cmd.OutOrStdout()
		switch args[0] {
		case "bash":
			return root.GenBashCompletionV2(out, true)
		case "zsh":
			return root.GenZshCompletion(out)
		case "fish":
			return root.GenFishCompletion(out, true)
		case "powershell":
			return root.GenPowerShellCompletionWithDesc(out)
		}
		return usagef("unknown shell %q; use one of %s", args[0], strings.Join(shells, ", "))
	})
	cmd.ValidArgs, cmd.ValidArgsFunction = shells, nil
	cmd.AddCommand(newInstall(c))
	return cmd
}

func newVersion() *cobra.Command {
	return command("version", "Print the version", `
Print the version of kubectl basicauth.`, `
# Which version is this?
kubectl basicauth version`, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args); err != nil {
			return err
		}
		return emit(cmd.OutOrStdout(), fmt.Sprintf("kubectl-basicauth %s\n", version.String()))
	})
}
