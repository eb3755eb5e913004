package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// readMount reads the files of a directory, by path with slashes; empty
// directories, with a slash at the end. A symbolic link stands for what it leads
// to, which must be in the directory.
func readMount(dir string) (map[string][]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		if info, statErr := os.Stat(dir); statErr == nil && !info.IsDir() {
			return nil, fmt.Errorf("%s is not a directory", dir)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no directory %s", dir)
		}
		return nil, err
	}
	defer root.Close()
	r := mountReader{root: root, dir: dir, files: map[string][]byte{}}
	if err := r.read(".", nil); err != nil {
		return nil, err
	}
	return r.files, nil
}

type mountReader struct {
	root  *os.Root
	dir   string
	files map[string][]byte
}

// read reads a directory; above are those that it is in.
func (r *mountReader) read(name string, above []fs.FileInfo) error {
	info, err := r.root.Stat(name)
	if err != nil {
		return err
	}
	for _, a := range above {
		if os.SameFile(a, info) {
			return fmt.Errorf("%s leads back to a directory that it is in", filepath.Join(r.dir, name))
		}
	}
	above = append(above, info)
	entries, err := fs.ReadDir(r.root.FS(), name)
	if err != nil {
		return err
	}
	if len(entries) == 0 && name != "." {
		r.files[name+"/"] = nil
	}
	for _, e := range entries {
		child := path.Join(name, e.Name())
		shown := filepath.Join(r.dir, filepath.FromSlash(child))
		info, err := r.root.Stat(child)
		switch {
		case err != nil && e.Type()&fs.ModeSymlink != 0:
			target, linkErr := r.root.Readlink(child)
			if linkErr != nil {
				return linkErr
			}
			return fmt.Errorf("%s is a symbolic link to %s, which is not in %s", shown, target, r.dir)
		case err != nil:
			return err
		case info.IsDir():
			if err := r.read(child, above); err != nil {
				return err
			}
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is neither a file nor a directory", shown)
		default:
			if r.files[child], err = r.root.ReadFile(child); err != nil {
				return err
			}
		}
	}
	return nil
}
