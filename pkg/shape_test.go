package pkg

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// The limits of style.md section 1, in lines.
const (
	maxFile     = 300
	maxFunction = 60
	maxMain     = 40
)

type sourceFile struct {
	path string // from the module's root
	ast  *ast.File
	fset *token.FileSet
}

func (f sourceFile) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

func (f sourceFile) lines(n ast.Node) int {
	return f.fset.Position(n.End()).Line - f.fset.Position(n.Pos()).Line + 1
}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	for _, f := range sources(t) {
		if f.isTest() {
			continue
		}
		limit := maxFile
		if strings.HasPrefix(f.path, "cmd/") {
			limit = maxMain
		}
		if n := f.fset.File(f.ast.FileStart).LineCount(); n > limit {
			t.Errorf("%s: %d lines; at most %d, split it by idea", f.path, n, limit)
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && f.lines(fn) > maxFunction {
				t.Errorf("%s: %s: %d lines; at most %d", f.path, fn.Name.Name, f.lines(fn), maxFunction)
			}
		}
	}
}

// A process is ended in one place: what calls os.Exit skips every deferred clean-up and cannot be tested.
func TestOnlyMainExits(t *testing.T) {
	for _, f := range sources(t) {
		if f.isTest() || f.ast.Name.Name == "main" && (strings.HasPrefix(f.path, "cmd/") || strings.HasPrefix(f.path, "test/") || strings.HasPrefix(f.path, "image/")) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := call.X.(*ast.Ident); ok && (x.Name == "os" && call.Sel.Name == "Exit" || x.Name == "log" && strings.HasPrefix(call.Sel.Name, "Fatal")) {
					t.Errorf("%s: %s.%s; return an error", f.fset.Position(call.Pos()), x.Name, call.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestPackagesSayWhatTheyOwn(t *testing.T) {
	docs, names := map[string]string{}, map[string]string{}
	for _, f := range sources(t) {
		dir := filepath.Dir(f.path)
		name := strings.TrimSuffix(f.ast.Name.Name, "_test")
		if _, seen := docs[dir]; !seen {
			docs[dir], names[dir] = "", name
		}
		if f.ast.Doc != nil {
			if docs[dir] != "" {
				t.Errorf("%s: a second package comment; keep one", f.path)
			}
			docs[dir] = f.ast.Doc.Text()
		}
	}
	for dir, doc := range docs {
		want := "Package " + names[dir] + " owns "
		if names[dir] == "main" {
			want = "Command " + filepath.Base(dir) + " "
		}
		if !strings.HasPrefix(doc, want) {
			t.Errorf("%s: package comment starts %.40q, want %q", dir, doc, want)
		}
		for _, word := range []string{"util", "common", "helper", "misc", "types"} {
			if strings.HasPrefix(filepath.Base(dir), word) {
				t.Errorf("%s: a package is named after what it owns", dir)
			}
		}
	}
}

// sources parses every Go file of the tree, other modules' included.
func sources(t *testing.T) []sourceFile {
	t.Helper()
	fset := token.NewFileSet()
	var files []sourceFile
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != ".." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin" || d.Name() == "dist") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("..", path)
		if err != nil {
			return err
		}
		files = append(files, sourceFile{filepath.ToSlash(rel), parsed, fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("found %d Go files; is the working directory pkg?", len(files))
	}
	return files
}
