package linker

import (
	"encoding/binary"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/wbundle/wbundle/graph"
)

// The image of the files in a bundle: one passive segment.
//
//	image   ::= record* names stream* content* pad
//	record  ::= size:u32 at:u32 parent:u32 type:u32      ;; node n is record n-1
//	stream  ::= entry*                                   ;; of a directory
//	entry   ::= next:u64 node:u64 length:u32 type:u32 name
//
// A stream is what fd_readdir returns (the dirent of preview 1), and what paths
// are looked up in; next, the cookie, is the offset of the next entry in it.
// size and at are those of a directory's stream or of a file's content. All
// numbers are little-endian. The pad lets a word be read at any byte.

// Preview 1's file types.
const (
	typeDirectory = 3
	typeRegular   = 4
)

const (
	recordSize = 16
	entrySize  = 24 // without the name
	imagePad   = 4
	// maxImage keeps offsets in the image, and their sums, in 31 bits.
	maxImage = 1 << 30
	// nodeBits are the bits of a node in the state of a descriptor.
	nodeBits = 24
)

// fileImage is the image and where things are in it.
type fileImage struct {
	data   graph.DataID
	mounts []imageMount
	roots  []uint32 // nodes, in the order of mounts
}

// imageMount is the path of a mount in the image.
type imageMount struct{ at, length uint32 }

// imageNode is a file or directory on the way into the image.
type imageNode struct {
	number   uint32
	parent   *imageNode
	dir      bool
	content  []byte
	children map[string]*imageNode
}

// files returns the image of the mounts.
func (f *flattener) files() *fileImage {
	if f.embed.image == nil {
		img, data, err := newImage(f.opts.WASI.Mounts)
		if err != nil {
			f.embed.refuse("%w", err)
			img = &fileImage{}
		}
		img.data = f.bytes(data)
		f.embed.image = img
	}
	return f.embed.image
}

// newImage lays the mounts out, in the order in which they are given; what is in
// them, by name.
func newImage(mounts []Mount) (*fileImage, []byte, error) {
	img := &fileImage{}
	var nodes []*imageNode
	add := func(parent *imageNode, dir bool) *imageNode {
		n := &imageNode{number: uint32(len(nodes) + 1), parent: parent, dir: dir, children: map[string]*imageNode{}}
		nodes = append(nodes, n)
		return n
	}
	names := 0
	for _, m := range mounts {
		root := add(nil, true)
		root.parent = root
		img.roots = append(img.roots, root.number)
		names += len(m.Path)
		for _, name := range slices.Sorted(maps.Keys(m.Files)) {
			if err := grow(root, name, m.Files[name], add); err != nil {
				return nil, nil, fmt.Errorf("wasi mount %s: %w", m.Path, err)
			}
		}
	}
	if len(nodes) >= 1<<nodeBits {
		return nil, nil, fmt.Errorf("wasi mounts have %d files and directories, a bundle has room for %d", len(nodes), 1<<nodeBits-1)
	}
	out := make([]byte, recordSize*len(nodes), recordSize*len(nodes)+names)
	for _, m := range mounts {
		img.mounts = append(img.mounts, imageMount{uint32(len(out)), uint32(len(m.Path))})
		out = append(out, m.Path...)
	}
	for _, dirs := range []bool{true, false} { // contents behind all streams
		for _, n := range nodes {
			if n.dir != dirs {
				continue
			}
			part, typ := n.content, uint32(typeRegular)
			if dirs {
				part, typ = n.stream(), typeDirectory
			}
			if len(out)+len(part) > maxImage {
				return nil, nil, fmt.Errorf("wasi mounts have more than %d bytes, which is what a bundle has room for", maxImage)
			}
			r := out[recordSize*(n.number-1):]
			for i, v := range []uint32{uint32(len(part)), uint32(len(out)), n.parent.number, typ} {
				binary.LittleEndian.PutUint32(r[4*i:], v)
			}
			out = append(out, part...)
		}
	}
	return img, append(out, make([]byte, imagePad)...), nil
}

// grow adds one path below a directory.
func grow(n *imageNode, name string, content []byte, add func(*imageNode, bool) *imageNode) error {
	rest, isDir := strings.CutSuffix(name, "/")
	if rest == "" || path.IsAbs(rest) || path.Clean(rest) != rest || rest == ".." || strings.HasPrefix(rest, "../") || rest == "." || strings.ContainsRune(rest, 0) {
		return fmt.Errorf("%q is not a path below it", name)
	}
	parts := strings.Split(rest, "/")
	for i, p := range parts {
		dir := isDir || i < len(parts)-1
		child := n.children[p]
		switch {
		case child == nil:
			child = add(n, dir)
			n.children[p] = child
		case child.dir != dir || !dir:
			return fmt.Errorf("%q is there twice, as a file and as a directory", strings.Join(parts[:i+1], "/"))
		}
		n = child
	}
	n.content = content
	return nil
}

// stream is the entries of a directory, itself and its parent before the others.
func (n *imageNode) stream() []byte {
	var out []byte
	entry := func(name string, to *imageNode) {
		typ := uint32(typeRegular)
		if to.dir {
			typ = typeDirectory
		}
		out = binary.LittleEndian.AppendUint64(out, uint64(len(out)+entrySize+len(name)))
		out = binary.LittleEndian.AppendUint64(out, uint64(to.number))
		out = binary.LittleEndian.AppendUint32(out, uint32(len(name)))
		out = binary.LittleEndian.AppendUint32(out, typ)
		out = append(out, name...)
	}
	entry(".", n)
	entry("..", n.parent)
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		entry(name, n.children[name])
	}
	return out
}
