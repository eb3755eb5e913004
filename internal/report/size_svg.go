package report

import (
	"cmp"
	"hash/fnv"
	"html"
	"io"
	"slices"
	"unicode/utf8"
)

// box is a rectangle of a treemap, and what lies in it.
type box struct {
	name  string
	bytes int
	hue   uint32
	kids  []*box

	x, y, w, h float64
}

// The size of the picture of one output, in pixels.
const (
	mapWidth  = 1200.0
	mapHeight = 700.0
	mapTitle  = 26.0
	labelHigh = 14.0
	minBox    = 3.0
)

// WriteSVG draws each output as a treemap: inputs, packages, functions. Areas
// are bytes. Boxes too small to see are left out of the drawing, not of the
// sizes of those around them.
func (s *Sizes) WriteSVG(w io.Writer) error {
	out := &stickyWriter{w: w}
	height := float64(len(s.Outputs)) * (mapHeight + mapTitle)
	out.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" font-family="sans-serif" font-size="11">`+"\n", mapWidth, height, mapWidth, height)
	for i, a := range s.Outputs {
		top := float64(i) * (mapHeight + mapTitle)
		out.printf(`<text x="4" y="%g" font-size="14">%s  %s</text>`+"\n", top+18, html.EscapeString(a.Path), html.EscapeString(a.Size.SizeSentence()))
		root := a.boxes()
		root.x, root.y, root.w, root.h = 0, top+mapTitle, mapWidth, mapHeight
		root.layOut()
		for _, k := range root.kids {
			k.draw(out)
		}
	}
	out.printf("</svg>\n")
	return out.err
}

// boxes groups the items by input and package.
func (a *Account) boxes() *box {
	root := &box{name: a.Path}
	index := map[[2]string]*box{}
	at := func(parent *box, key [2]string, name string) *box {
		b := index[key]
		if b == nil {
			h := fnv.New32a()
			h.Write([]byte(name))
			b = &box{name: name, hue: h.Sum32() % 360}
			index[key] = b
			parent.kids = append(parent.kids, b)
		}
		return b
	}
	for i := range a.Items {
		it := &a.Items[i]
		in := at(root, [2]string{it.Input, "\x00input"}, nameOfInput(it.Input))
		name := it.Package
		if name == "" {
			name = it.Kind
		}
		pkg := at(in, [2]string{it.Input, name}, name)
		pkg.kids = append(pkg.kids, &box{name: it.Name, bytes: it.Bytes, hue: pkg.hue})
		for _, b := range []*box{root, in, pkg} {
			b.bytes += it.Bytes
		}
	}
	return root
}

// layOut places what is in a box in rows that are as square as can be
// (M. Bruls, K. Huizing, J. van Wijk, "Squarified Treemaps", 2000).
func (b *box) layOut() {
	slices.SortStableFunc(b.kids, func(x, y *box) int { return cmp.Compare(y.bytes, x.bytes) })
	x, y, w, h := b.x, b.y, b.w, b.h
	sum := float64(b.bytes)
	for i := 0; i < len(b.kids) && sum > 0 && w > 0 && h > 0; {
		side, scale := min(w, h), w*h/sum
		row, best, j := 0.0, 0.0, i
		for ; j < len(b.kids); j++ {
			next := row + float64(b.kids[j].bytes)
			thick := next * scale / side
			worst := max(thick*thick/(float64(b.kids[j].bytes)*scale), float64(b.kids[i].bytes)*scale/(thick*thick))
			if j > i && worst > best {
				break
			}
			best, row = worst, next
		}
		thick, at := row*scale/side, 0.0
		for ; i < j; i++ {
			k := b.kids[i]
			long := float64(k.bytes) * scale / thick
			if w >= h {
				k.x, k.y, k.w, k.h = x, y+at, thick, long
			} else {
				k.x, k.y, k.w, k.h = x+at, y, long, thick
			}
			at += long
		}
		if w >= h {
			x, w = x+thick, w-thick
		} else {
			y, h = y+thick, h-thick
		}
		sum -= row
	}
	for _, k := range b.kids {
		if len(k.kids) > 0 && k.w > 4 && k.h > labelHigh+4 {
			whole := *k
			k.x, k.y, k.w, k.h = k.x+1, k.y+labelHigh, k.w-2, k.h-labelHigh-1
			k.layOut()
			k.x, k.y, k.w, k.h = whole.x, whole.y, whole.w, whole.h
		}
	}
}

func (b *box) draw(out *stickyWriter) {
	if b.w < minBox || b.h < minBox {
		return
	}
	light := 85
	if len(b.kids) == 0 {
		light = 74
	}
	out.printf(`<g><title>%s: %s B</title><rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="hsl(%d,55%%,%d%%)" stroke="#fff" stroke-width=".6"/>`,
		html.EscapeString(b.name), Exact(b.bytes), b.x, b.y, b.w, b.h, b.hue, light)
	const perLetter = 6.2
	if room := int((b.w - 4) / perLetter); room > 2 && b.h > labelHigh-2 {
		out.printf(`<text x="%.1f" y="%.1f">%s</text>`, b.x+2, b.y+11, html.EscapeString(clip(b.name, room)))
	}
	out.printf("</g>\n")
	if b.w > 4 && b.h > labelHigh+4 {
		for _, k := range b.kids {
			k.draw(out)
		}
	}
}

// clip cuts a name to n letters.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:max(n-1, 0)]) + "…"
}
