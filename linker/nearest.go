package linker

import (
	near "github.com/wbundle/wbundle/internal/nearest"
)

// nearest lists up to three names for an error message, those most like the
// wanted one first.
func nearest(want string, names []string) string { return near.List(want, names, 3) }
