package basicauth

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

const program = "kubectl-basicauth"

func newInstall(c *cluster) *cobra.Command {
	var dir string
	cmd := command("install", "Let kubectl complete kubectl basicauth", `
Let kubectl complete what follows "kubectl basicauth", in every shell for which kubectl itself completes:
commands, flags, and users, Secrets, namespaces, workloads and contexts as they are now. kubectl asks a
program called `+completer+` for that; this makes one, beside kubectl-basicauth, as
a link to it. Values of the cluster are waited for at most one second. On Windows a file kubectl-basicauth
of a line of text is made too, without which kubectl there completes "kubectl basicauth.exe" alone.

kubectl's own completion is loaded by the shell's start-up file:

  bash         source <(kubectl completion bash)
  zsh          source <(kubectl completion zsh)
  fish         kubectl completion fish | source
  powershell   kubectl completion powershell | Out-String | Invoke-Expression

An alias of kubectl, such as k, completes likewise in zsh and fish; the others want to be told of it:

  bash         complete -o default -F __start_kubectl k
  powershell   Register-ArgumentCompleter -CommandName k -ScriptBlock ${__kubectlCompleterBlock}`, `
# Make the link beside kubectl-basicauth
kubectl basicauth completion install

# Make it elsewhere, where that folder is not yours
kubectl basicauth completion install --dir ~/.local/bin`, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args); err != nil {
			return err
		}
		source, err := exec.LookPath(program) // as kubectl finds it: mostly a link of its own, which outlives an upgrade
		if err != nil {
			if source, err = os.Executable(); err != nil {
				return fmt.Errorf("where %s is: %w", program, err)
			}
		}
		return c.install(source, dir)
	})
	cmd.Flags().StringVar(&dir, "dir", "", "`Folder` of PATH for the link; without it, the one of kubectl-basicauth")
	return cmd
}

// install makes the completer, a link to this program.
func (c *cluster) install(source, dir string) error {
	source, err := filepath.Abs(source)
	if err != nil {
		return err
	}
	if dir == "" {
		dir = filepath.Dir(source)
	}
	target := filepath.Join(dir, completer)
	windows := strings.EqualFold(filepath.Ext(source), ".exe")
	if windows {
		target += ".exe"
	}
	if !inPath(dir) {
		warn(c.ErrOut, "%s: not a folder of PATH, so kubectl does not find what is in it", dir)
	}
	if windows {
		if err := nameTag(filepath.Join(dir, program)); err != nil {
			return err
		}
	}
	switch same, err := ours(target, source); {
	case err != nil:
		return err
	case same:
		return emit(c.Out, target+" is there already\n")
	}
	if err := link(source, target); err != nil {
		return fmt.Errorf("%w; name a folder of PATH that you may write to with --dir", err)
	}
	return emit(c.Out, target+" made; where kubectl completes, it completes kubectl basicauth now\n")
}

// nameTag makes the file by which kubectl for Windows completes a plugin's name: it takes the names of files for those of commands as
// they stand, so that kubectl-basicauth.exe alone would be a command "basicauth.exe". Windows runs no file without an ending.
func nameTag(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // it is for everybody to see
	if errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("%w; name a folder of PATH that you may write to with --dir", err)
	}
	_, err = io.WriteString(file, "Where a file of this name is, kubectl for Windows completes the commands of "+program+".exe.\n")
	return errors.Join(err, file.Close())
}

func inPath(dir string) bool {
	return slices.ContainsFunc(filepath.SplitList(os.Getenv("PATH")), func(p string) bool {
		return p == dir || same(p, dir)
	})
}

func same(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// ours says whether target is the source already. A link that leads elsewhere, to a program of the same name, is taken
// away; anything else that stands there is an error.
func ours(target, source string) (bool, error) {
	info, err := os.Lstat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case same(target, source):
		return true, nil
	}
	if to, err := os.Readlink(target); info.Mode()&fs.ModeSymlink != 0 && err == nil && strings.TrimSuffix(filepath.Base(to), ".exe") == program {
		return false, os.Remove(target)
	}
	return false, fmt.Errorf("%s: is there, and is not a link to %s; take it away", target, source)
}

// link makes target a link to source, by its name alone where they share a folder. Windows may refuse symbolic links; then it is
// a hard one, or a copy, which want another install after an upgrade.
func link(source, target string) error {
	to := source
	if filepath.Dir(source) == filepath.Dir(target) {
		to = filepath.Base(source)
	}
	err := os.Symlink(to, target)
	if err == nil || filepath.Ext(target) != ".exe" {
		return err
	}
	if os.Link(source, target) == nil {
		return nil
	}
	return duplicate(source, target)
}

func duplicate(source, target string) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()                                         // it was only read
	out, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755) //nolint:gosec // a program for everybody
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
