package verify

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// TestNames: the names of checks are stable, for scripts; docs/verify.md has all that the code gives, and no others.
func TestNames(t *testing.T) {
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "verify.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "\n| check | what is looked at |\n|---|---|\n")
	if !found {
		t.Fatal("docs/verify.md has no table of the checks")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	documented := map[string]bool{}
	for row := range strings.Lines(table) {
		for _, name := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(strings.Split(row, "|")[1], -1) {
			documented[name[1]] = true
		}
	}
	given := map[string]bool{}
	for _, dir := range []string{"verify", "userstore"} {
		files, err := filepath.Glob(filepath.Join(root, "pkg", dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				namesIn(t, file, given)
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(given))); diff != "" {
		t.Errorf("names of checks, in docs/verify.md (-) and in the code (+):\n%s", diff)
	}
}

// namesIn finds the names of the checks that a file makes: by the method add, whose third argument is the name, and of the type Check.
func namesIn(t *testing.T, file string, given map[string]bool) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range parsed.Decls {
		f, is := decl.(*ast.FuncDecl)
		if !is || f.Name.Name == "add" {
			continue
		}
		note := func(x ast.Expr) {
			if passed, is := x.(*ast.SelectorExpr); is && passed.Sel.Name == "Name" {
				return // of a check that is another's
			}
			if name := nameOf(f, x); name != "" {
				given[name] = true
			} else {
				t.Errorf("%s: %s: the name of a check is not known", file, f.Name.Name)
			}
		}
		var list ast.Node // whose elements are Checks without saying so
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if called, is := n.Fun.(*ast.SelectorExpr); is && called.Sel.Name == "add" && len(n.Args) > 4 {
					note(n.Args[2])
				}
			case *ast.CompositeLit:
				if array, is := n.Type.(*ast.ArrayType); is && isCheck(array.Elt) && len(n.Elts) > 0 {
					list = n.Elts[0]
				} else if isCheck(n.Type) || list != nil && n == list {
					note(nameIn(n))
				}
			}
			return true
		})
	}
}

func isCheck(x ast.Expr) bool {
	name, is := x.(*ast.Ident)
	return is && name.Name == "Check"
}

// nameIn is the field Name of a Check, which is the second of those of package userstore.
func nameIn(check *ast.CompositeLit) ast.Expr {
	for i, x := range check.Elts {
		field, named := x.(*ast.KeyValueExpr)
		if !named && i == 1 {
			return x
		}
		if named && field.Key.(*ast.Ident).Name == "Name" {
			return field.Value
		}
	}
	return nil
}

// nameOf is a name as the table writes it, "" where it cannot be told from the code.
func nameOf(f *ast.FuncDecl, x ast.Expr) string {
	switch x := x.(type) {
	case *ast.BasicLit:
		name, _ := strconv.Unquote(x.Value)
		return strings.NewReplacer("%q", `"NAME"`, "%d", "N").Replace(name)
	case *ast.BinaryExpr:
		return nameOf(f, x.X) + "KIND"
	case *ast.CallExpr:
		return nameOf(f, x.Args[0]) // fmt.Sprintf
	case *ast.Ident:
		name := ""
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				if i := slices.IndexFunc(n.Names, func(id *ast.Ident) bool { return id.Name == x.Name }); i >= 0 && i < len(n.Values) {
					name = nameOf(f, n.Values[i])
				}
			case *ast.AssignStmt:
				if id, is := n.Lhs[0].(*ast.Ident); is && id.Name == x.Name {
					name = nameOf(f, n.Rhs[0])
				}
			}
			return true
		})
		return name
	}
	return ""
}
