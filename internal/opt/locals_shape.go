package opt

import (
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The part of simplify-locals that is about blocks and ifs. With shape, a local
// that is set last on all ways through one of them is set once, after it:
//
//	local.get 0               local.get 0
//	if                        if (result i32)
//	  i32.const 1               i32.const 1
//	  local.set 1             else
//	else            becomes     i32.const 2
//	  i32.const 2             end
//	  local.set 1             local.set 1
//	end
//
// The set that comes out is live, so that the value may go on to where it is
// used. With an if without else, a set before it gives the other value.

// sinkSite is a branch without a value to a named block, with the sets that
// were live there and have been made in the same arm as the branch.
type sinkSite struct {
	slot   **ir.Node
	lo, hi int32 // in sinker.siteSets
	prev   int32 // the branch to the same label before, plus one
}

// site takes note of a branch.
func (k *sinker) site(slot **ir.Node) {
	n := *slot
	values := 0
	if n.Op == wasm.OpBrIf {
		values = 1
	}
	if !k.shape || n.Target == k.f.Body || n.Target.Op != wasm.OpBlock || len(n.Kids) != values || values == 1 && n.IsUnreachable() {
		return
	}
	l := &k.labels[n.Target.Imm-1]
	if l.count != 0 && l.sites == 0 {
		return // one before had no set
	}
	lo := len(k.siteSets)
	for i := range k.live {
		if s := &k.live[i]; s.born > l.serial && s.cond == k.cond && s.loop == k.loop && !s.crossed && s.inner == noBranch && k.movable(s) {
			k.siteSets = append(k.siteSets, *s)
		}
	}
	l.count++
	if lo == len(k.siteSets) {
		l.sites = 0
		return
	}
	k.sites = append(k.sites, sinkSite{slot: slot, lo: int32(lo), hi: int32(len(k.siteSets)), prev: l.sites})
	l.sites = int32(len(k.sites))
}

// movable reports whether the value of a set may become that of a block.
func (k *sinker) movable(s *sinkable) bool {
	return !isRef(k.f.Locals[s.local])
}

// inPlace reports whether the set is still where it was met.
func (s *sinkable) inPlace() bool { return *s.slot == s.set && s.set.Op == wasm.OpLocalSet }

// block walks through a named block.
func (k *sinker) block(slot **ir.Node) extent {
	n := *slot
	what := extent{outer: noBranch}
	lo, from := len(k.log), k.now
	serial := k.open(n)
	sites, siteSets := len(k.sites), len(k.siteSets)
	for i := range n.Kids {
		what.add(k.walk(&n.Kids[i]))
	}
	l := k.labels[n.Imm-1]
	k.close(n)
	if what.outer >= serial {
		what.outer = noBranch
	}
	shaped := k.shape && l.sites != 0 && l.count == n.Refs && n.Result.Kind == ir.KindNone && k.shapeBlock(slot, l, serial)
	k.remove(func(s *sinkable) bool {
		if s.inner >= serial {
			s.inner = noBranch
		}
		return s.born > serial
	})
	if len(k.labels) == 0 {
		k.sites, k.siteSets = k.sites[:sites], k.siteSets[:siteSets]
	}
	if shaped {
		k.redefine(slot, lo, from, &what)
	}
	return what
}

// redefine is define for a set that shape has made.
func (k *sinker) redefine(slot **ir.Node, lo int, from int32, what *extent) {
	x := uint32((*slot).Imm)
	k.changed = true
	k.accesses(x, true)
	k.does(ir.WritesLocal)
	k.define(slot, lo, from, *what)
	k.logAccess(x, true)
	what.fx |= ir.WritesLocal
}

// find is the index of a local in sets, of which only those count that ok
// accepts; -1 without.
func (k *sinker) find(sets []sinkable, local uint32, ok func(s *sinkable) bool) int {
	for i := range sets {
		if s := &sets[i]; s.local == local && s.inPlace() && ok(s) {
			return i
		}
	}
	return -1
}

// shapeBlock makes a local that is set at all ends of a block its value.
func (k *sinker) shapeBlock(slot **ir.Node, l openLabel, serial int32) bool {
	f := k.f
	n := *slot
	if len(n.Kids) == 0 {
		return false
	}
	last := len(n.Kids) - 1
	reached := !n.Kids[last].IsUnreachable()
	atEnd := func(s *sinkable) bool {
		return s.born > serial && s.cond == k.cond && s.loop == k.loop && !s.crossed && s.inner == noBranch && k.movable(s)
	}
	any := func(*sinkable) bool { return true }
	candidates := k.siteSets[k.sites[l.sites-1].lo:k.sites[l.sites-1].hi]
	for c := len(candidates) - 1; c >= 0; c-- {
		x := candidates[c].local
		gain, ok := -2, true
		end := -1
		if reached {
			end = k.find(k.live, x, atEnd)
			ok = end >= 0
			gain += 2
		}
		for i := l.sites; i != 0 && ok; i = k.sites[i-1].prev {
			st := &k.sites[i-1]
			br := *st.slot
			ok = br.Target == n && k.find(k.siteSets[st.lo:st.hi], x, any) >= 0
			if br.Op == wasm.OpBr {
				gain += 2
			}
		}
		if !ok || gain < 0 {
			continue
		}
		for i := l.sites; i != 0; i = k.sites[i-1].prev {
			st := &k.sites[i-1]
			s := &k.siteSets[st.lo:st.hi][k.find(k.siteSets[st.lo:st.hi], x, any)]
			br := *st.slot
			v := s.set.Kids[0]
			*s.slot = f.Nop()
			if br.Op == wasm.OpBr {
				br.Kids = []*ir.Node{v}
				continue
			}
			// br_if leaves the value.
			br.Kids = []*ir.Node{v, br.Kids[0]}
			br.Type = v.Type
			s.set.Kids[0] = br
			*st.slot = s.set
		}
		if reached {
			s := &k.live[end]
			v := s.set.Kids[0]
			*s.slot = f.Nop()
			n.Kids[last] = f.Block(n.Kids[last], v)
		}
		n.Result = f.Locals[x]
		f.Retype(n)
		*slot = f.Set(x, n)
		return true
	}
	return false
}

// branch walks through an if.
func (k *sinker) branch(slot **ir.Node) extent {
	n := *slot
	lo, from := len(k.log), k.now
	what := k.walk(&n.Kids[0])
	if n.Kids[0].IsUnreachable() {
		return what
	}
	base := len(k.saved)
	k.saved = append(k.saved, k.live...)
	k.cond++
	k.now++
	start := k.now
	armLo := len(k.log)
	arm := k.walk(&n.Kids[1])
	what.add(arm)
	shaped := false
	if len(n.Kids) == 2 {
		shaped = k.shape && k.shapeThen(slot, base, start, armLo, &arm)
		if shaped {
			// What the other value accesses belongs to the if now.
			s := &k.saved[base]
			if !s.wide {
				k.log = append(k.log, k.log[s.lo:s.hi]...)
			}
			what.add(s.what)
			what.wide = what.wide || s.wide
		}
		k.remove(func(s *sinkable) bool { return s.born > start || !s.inPlace() })
	} else {
		mid := len(k.saved)
		k.saved = append(k.saved, k.live...)
		k.live = k.live[:0]
		for i := base; i < mid; i++ {
			if s := &k.saved[i]; s.inPlace() {
				k.live = append(k.live, *s)
			}
		}
		k.gather()
		what.add(k.walk(&n.Kids[2]))
		shaped = k.meet(slot, k.saved[mid:], start)
	}
	k.saved = k.saved[:base]
	k.cond--
	for i := range k.live {
		k.live[i].cond = min(k.live[i].cond, k.cond)
	}
	if shaped {
		k.redefine(slot, lo, from, &what)
	}
	return what
}

// meet makes live what is so after both arms, of which then is what the first
// one left, and the second one is k.live.
func (k *sinker) meet(slot **ir.Node, then []sinkable, start int32) bool {
	f := k.f
	n := *slot
	yes, no := n.Kids[1].IsUnreachable(), n.Kids[2].IsUnreachable()
	shaped := false
	if k.shape && !yes && !no && n.Type.Kind == ir.KindNone {
		made := func(s *sinkable) bool {
			return s.born > start && s.cond == k.cond && s.loop == k.loop && !s.crossed && s.inner == noBranch && k.movable(s)
		}
		for i := len(then) - 1; i >= 0 && !shaped; i-- {
			a := &then[i]
			if !made(a) || !a.inPlace() {
				continue
			}
			e := k.find(k.live, a.local, made)
			if e < 0 {
				continue
			}
			b := &k.live[e]
			x := a.local
			av, bv := a.set.Kids[0], b.set.Kids[0]
			*a.slot, *b.slot = f.Nop(), f.Nop()
			n.Kids[1] = f.Block(n.Kids[1], av)
			n.Kids[2] = f.Block(n.Kids[2], bv)
			f.Retype(n)
			*slot = f.Set(x, n)
			shaped = true
		}
	}
	kept := k.live[:0]
	for i := range k.live {
		s := k.live[i]
		switch {
		case !s.inPlace():
			continue
		case s.born > start:
			if !yes || no {
				continue // the other arm comes here without it
			}
		default:
			j := k.find(then, s.local, func(o *sinkable) bool { return o.set == s.set })
			if j < 0 {
				continue
			}
			s.crossed = s.crossed || then[j].crossed
			s.inner = min(s.inner, then[j].inner)
		}
		kept = append(kept, s)
	}
	k.live = kept
	if no && !yes {
		for i := range then {
			if s := &then[i]; s.born > start && s.inPlace() && len(k.live) < sinkLive {
				k.live = append(k.live, *s)
			}
		}
	}
	k.gather()
	return shaped
}

// shapeThen gives an if without else the value that a set before it had, as in
//
//	i32.const 2               local.get 0
//	local.set 1               if (result i32)
//	local.get 0     becomes     i32.const 1
//	if                        else
//	  i32.const 1               i32.const 2
//	  local.set 1             end
//	end                       local.set 1
//
// That set is the first of the saved ones afterwards.
func (k *sinker) shapeThen(slot **ir.Node, base int, start int32, armLo int, arm *extent) bool {
	f := k.f
	n := *slot
	if n.Kids[1].IsUnreachable() || arm.outer != noBranch || arm.wide || len(k.log)-armLo > sinkAccesses || k.try {
		return false
	}
	made := func(s *sinkable) bool {
		return s.born > start && s.cond == k.cond && s.loop == k.loop && !s.crossed && s.inner == noBranch && k.movable(s)
	}
	before := func(s *sinkable) bool {
		return s.cond == k.cond-1 && s.loop == k.loop && !s.crossed && s.inner == noBranch && s.pure()
	}
	for i := len(k.live) - 1; i >= 0; i-- {
		a := &k.live[i]
		if !made(a) || !a.inPlace() {
			continue
		}
		x := a.local
		o := k.find(k.saved[base:], x, before)
		if o < 0 || k.readIn(x, armLo) {
			continue
		}
		b := &k.saved[base+o]
		av, bv := a.set.Kids[0], b.set.Kids[0]
		*a.slot, *b.slot = f.Nop(), f.Nop()
		n.Kids = []*ir.Node{n.Kids[0], f.Block(n.Kids[1], av), bv}
		f.Retype(n)
		*slot = f.Set(x, n)
		k.saved[base], k.saved[base+o] = k.saved[base+o], k.saved[base]
		return true
	}
	return false
}

// readIn reports whether a local is read in the log from lo.
func (k *sinker) readIn(local uint32, lo int) bool {
	for _, a := range k.log[lo:] {
		if a == local<<1 {
			return true
		}
	}
	return false
}
