package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/wbundle/wbundle/internal/config"
	"github.com/wbundle/wbundle/internal/nearest"
)

// input is one input file, read.
type input struct {
	id, path string
	bytes    []byte
	hash     string // for JSON, and for inputs whose hash the configuration tells
}

// source is an input file to read.
type source struct {
	id, path string
	sha256   string // "": unchecked
	where    string // place in the configuration; "": the command line
}

// sources turns INPUT arguments into sources: a path, or id=path. The id of a
// path is its base name without .wasm; the second of that name gets -2.
func (a *app) sources(args []string) ([]source, error) {
	taken := map[string]bool{}
	sources := make([]source, len(args))
	for i, arg := range args {
		id, path, ok := strings.Cut(arg, "=")
		if !ok || strings.ContainsRune(id, '/') || config.CheckID(id) != nil || exists(a.path(arg)) {
			sources[i].path = a.path(arg)
			continue
		}
		if path == "" {
			return nil, usagef("%s: want id=path", arg)
		}
		if taken[id] {
			return nil, usagef("two inputs are called %q", id)
		}
		taken[id] = true
		sources[i] = source{id: id, path: a.path(path)}
	}
	stdin := 0
	for i := range sources {
		s := &sources[i]
		if s.path == "-" {
			stdin++
		}
		if s.id != "" {
			continue
		}
		base := "stdin"
		if s.path != "-" {
			base = config.BaseID(s.path)
		}
		if config.CheckID(base) != nil {
			return nil, usagef("%s: the file name cannot serve as an id; write id=%s", s.path, s.path)
		}
		s.id = base
		for n := 2; taken[s.id]; n++ {
			s.id = fmt.Sprintf("%s-%d", base, n)
		}
		taken[s.id] = true
	}
	if stdin > 1 {
		return nil, usagef("- is standard input, which can be read only once")
	}
	return sources, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// read reads all sources at once; a file that occurs twice is read twice, for
// that is rare and the second read comes from the cache. Every file that
// cannot be read is in the error.
func (a *app) read(ctx context.Context, sources []source) ([]input, error) {
	inputs := make([]input, len(sources))
	errs := make([]error, len(sources))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range sources {
		g.Go(func() error {
			if errs[i] = ctx.Err(); errs[i] != nil {
				return nil
			}
			inputs[i], errs[i] = a.readOne(s)
			return nil
		})
	}
	g.Wait()
	return inputs, errors.Join(errs...)
}

func (a *app) readOne(s source) (input, error) {
	in := input{id: s.id, path: s.path}
	where := ""
	if s.where != "" {
		where = s.where + ": "
	}
	var err error
	if s.path == "-" {
		in.path = "standard input"
		in.bytes, err = io.ReadAll(a.stdin)
	} else {
		in.bytes, err = os.ReadFile(s.path)
	}
	if err != nil {
		return in, fmt.Errorf("%sinput %q: %w%s", where, s.id, err, nearestFile(s.path, err))
	}
	if s.sha256 == "" && !a.json {
		return in, nil // nobody would see the hash
	}
	sum := sha256.Sum256(in.bytes)
	in.hash = hex.EncodeToString(sum[:])
	if s.sha256 != "" && in.hash != s.sha256 {
		return in, fmt.Errorf("%sinput %q: %s has sha256 %s, the configuration wants %s", where, s.id, s.path, in.hash, s.sha256)
	}
	return in, nil
}

// nearestFile suggests a file of the same directory for one that is missing.
func nearestFile(path string, err error) string {
	if !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Sprintf(" (there is no directory %s)", dir)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".wasm") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	if near := nearest.Name(filepath.Base(path), names); near != "" {
		return fmt.Sprintf("; did you mean %s?", filepath.Join(dir, near))
	}
	return ""
}

// staged is an output that is on disk under a temporary name.
type staged struct {
	temp, path string
}

// stage writes data beside path under a temporary name and syncs it; commit
// moves it into place, discard removes it. So the file at path is whole or
// what it was before.
func stage(path string, data []byte) (*staged, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a directory", path)
	}
	// A link stays a link; what it points to is replaced.
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path, dir = target, filepath.Dir(target)
	}
	name := fmt.Sprintf(".%s.%s.tmp", filepath.Base(path), strings.ToLower(rand.Text()[:8]))
	s := &staged{temp: filepath.Join(dir, name), path: path}
	f, err := os.OpenFile(s.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(data)
	if info != nil && err == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		s.discard()
		return nil, err
	}
	return s, nil
}

// commit moves the output into place.
func (s *staged) commit() error {
	if err := os.Rename(s.temp, s.path); err != nil {
		s.discard()
		return err
	}
	// The name is on disk once the directory is. Not every system can sync a
	// directory, and none loses more than the name when it cannot.
	if d, err := os.Open(filepath.Dir(s.path)); err == nil {
		_ = d.Sync()
		d.Close()
	}
	return nil
}

// discard removes the temporary file; after commit it does nothing.
func (s *staged) discard() { _ = os.Remove(s.temp) }

// checkWritable says early, before the work, that an output cannot be written.
func checkWritable(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return fmt.Errorf("output %s is a directory", path)
	}
	// The nearest directory that exists must be one.
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return fmt.Errorf("output %s: %s is not a directory", path, dir)
		case err == nil:
			return nil
		case dir == filepath.Dir(dir):
			return nil
		}
	}
}

// special reports whether path is something that cannot be replaced by a
// rename: a device or a pipe.
func special(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// file is a finished output.
type file struct {
	path string
	data []byte
}

// writeAll writes files, all of them or (short of a crash between two renames)
// none.
func (a *app) writeAll(files []file) error {
	var ready []*staged
	defer func() {
		for _, s := range ready {
			s.discard()
		}
	}()
	for _, f := range files {
		if f.path == "-" || special(f.path) {
			continue
		}
		s, err := stage(f.path, f.data)
		if err != nil {
			return fmt.Errorf("output %s: %w", f.path, err)
		}
		ready = append(ready, s)
	}
	for _, f := range files {
		switch {
		case f.path == "-":
			if _, err := a.stdout.Write(f.data); err != nil {
				return fmt.Errorf("standard output: %w", err)
			}
		case special(f.path):
			if err := os.WriteFile(f.path, f.data, 0o666); err != nil {
				return fmt.Errorf("output %s: %w", f.path, err)
			}
		}
	}
	for _, s := range ready {
		if err := s.commit(); err != nil {
			return fmt.Errorf("output %s: %w", s.path, err)
		}
	}
	return nil
}

// emit writes data, which is text, to -o or to standard output.
func (a *app) emit(data []byte) error {
	if a.output == "" || a.output == "-" {
		_, err := a.stdout.Write(data)
		return err
	}
	return a.writeAll([]file{{a.path(a.output), data}})
}

// writeJSON writes v, indented, with a final newline.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
