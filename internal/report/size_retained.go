package report

import mathbits "math/bits"

// goesWith tells of every item which inputs it goes with: if nothing of the
// input were reachable, neither would the item be. Those are its own input, the one
// that an adapter calls, and those that every way to the item leads through.
// The result has a bit for each of the inputs.
//
// What every way to a node leads through is what its own is, and all nodes before
// it have in common; sets only shrink, so walking until nothing changes ends.
func (a *Account) goesWith(inputs []string) []bits {
	r := a.reach
	words := (len(inputs) + 63) / 64
	bit := map[string]int{}
	for i, id := range inputs {
		bit[id] = i
	}
	callee := map[string]string{} // component instance -> input
	if a.origins != nil {
		p := a.origins.Program()
		for _, c := range p.Components[1:] {
			callee[c.Name] = p.Inputs[c.Input].ID
		}
	}
	own := func(v int, set bits) {
		i := a.itemOf[v]
		if i < 0 {
			return
		}
		if k, ok := bit[a.Items[i].Input]; ok {
			set.add(k)
		}
		if k, ok := bit[callee[a.Items[i].Callee]]; ok && a.Items[i].Callee != "" {
			set.add(k)
		}
	}
	memory := make(bits, words*len(r.items))
	before := make([]bits, len(r.items)) // nil: not reached so far
	before[0] = memory[:words]
	queue, queued := []int{0}, make([]bool, len(r.items))
	set := make(bits, words)
	for done := 0; done < len(queue); done++ {
		v := queue[done]
		queued[v] = false
		copy(set, before[v])
		own(v, set)
		for _, e := range r.edges[v] {
			changed := before[e.to] == nil
			if changed {
				before[e.to] = memory[e.to*words : (e.to+1)*words]
				copy(before[e.to], set)
			} else {
				changed = before[e.to].intersect(set)
			}
			if changed && !queued[e.to] {
				queued[e.to] = true
				queue = append(queue, e.to)
			}
		}
	}
	all := make([]bits, len(a.Items))
	for v := range r.items {
		if i := a.itemOf[v]; i >= 0 && before[v] != nil {
			own(v, before[v])
			if all[i] == nil {
				all[i] = before[v]
			} else {
				all[i].unite(before[v])
			}
		}
	}
	return all
}

// bits is a set of small numbers.
type bits []uint64

func (b bits) add(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bits) has(i int) bool { return b != nil && b[i/64]&(1<<(i%64)) != 0 }

func (b bits) unite(other bits) {
	for i := range b {
		b[i] |= other[i]
	}
}

// intersect reports whether it took something away.
func (b bits) intersect(other bits) bool {
	changed := false
	for i := range b {
		if left := b[i] & other[i]; left != b[i] {
			b[i], changed = left, true
		}
	}
	return changed
}

// retainedByInputs is, for each input, how many bytes would go from the file if
// nothing of the input were reachable: what is attributed to it, and what
// only it needs.
func (a *Account) retainedByInputs(inputs []string) []int {
	goes := a.goesWith(inputs)
	bytes := make([]int, len(inputs))
	place := map[string]int{}
	for k, id := range inputs {
		place[id] = k
	}
	for i := range a.Items {
		it := &a.Items[i]
		own, ok := place[it.Input]
		if ok {
			bytes[own] += it.Bytes
		}
		for w, word := range goes[i] {
			for ; word != 0; word &= word - 1 {
				if k := w*64 + mathbits.TrailingZeros64(word); !ok || k != own {
					bytes[k] += it.Bytes
				}
			}
		}
	}
	return bytes
}
