package component

import (
	"fmt"
	"slices"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Canonical definitions (CanonicalABI.md, the validation paragraphs under
// "Canonical Definitions"; Binary.md has the list).

// maxFlatAsyncParams is MaxFlatParams for an async lower (CanonicalABI.md,
// MAX_FLAT_ASYNC_PARAMS).
const maxFlatAsyncParams = 4

// Signatures, together with those of abi.go.
var (
	noTypes = []wasm.ValType{}
	flat3   = []wasm.ValType{wasm.I32, wasm.I32, wasm.I32}
	flat4   = []wasm.ValType{wasm.I32, wasm.I32, wasm.I32, wasm.I32}
)

// signature returns an error unless a core function, which is called what, has
// the given parameters and results.
func (v *validator) signature(what string, t *wasm.SubType, params, results []wasm.ValType) error {
	if slices.Equal(t.Params, params) && slices.Equal(t.Results, results) {
		return nil
	}
	return fmt.Errorf("%s has an incorrect signature: expected %s, found %s",
		what, sigText(params, results), sigText(t.Params, t.Results))
}

// needMemory returns an error unless there is a memory; why says what for.
func (o *CanonOpts) needMemory(why string) error {
	if o.HasMemory {
		return nil
	}
	return fmt.Errorf("canonical option `memory` is required: %s", why)
}

// needRealloc is needMemory and the same for realloc.
func (o *CanonOpts) needRealloc(why string) error {
	if err := o.needMemory(why); err != nil || o.HasRealloc {
		return err
	}
	return fmt.Errorf("canonical option `realloc` is required: %s", why)
}

// canon validates a canonical definition and appends the function it defines.
func (v *validator) canon(s *staticScope, d *Canon) error {
	if d.Op == CanonLift {
		t, err := v.lift(s, d)
		if err != nil {
			return err
		}
		s.funcs = append(s.funcs, t)
		return s.limitFuncs()
	}
	var params, results []wasm.ValType
	var err error
	if d.Op == CanonLower {
		params, results, err = v.lower(s, d)
	} else {
		params, results, err = v.builtin(s, d)
	}
	if err != nil {
		return err
	}
	if d.Options().HasCoreType {
		id := s.coreTypes[d.Options().CoreType].id
		if err := v.signature("the declared core type of "+d.Op.String(), &v.core.types[id], params, results); err != nil {
			return err
		}
		// With references there can be types of one signature that differ.
		s.coreFuncs = append(s.coreFuncs, id)
	} else {
		s.coreFuncs = append(s.coreFuncs, v.core.addFunc(params, results))
	}
	return s.limitFuncs()
}

// options checks what holds for options wherever they stand.
func (v *validator) options(s *staticScope, o *CanonOpts) error {
	if o.HasMemory {
		if err := s.canonMemory(o.Memory); err != nil {
			return err
		}
	}
	if o.HasRealloc {
		if !o.HasMemory {
			return fmt.Errorf("canonical option `realloc` requires `memory` to also be specified")
		}
		t := &v.core.types[s.coreFuncs[o.Realloc]]
		if err := v.signature("canonical option `realloc`", t, flat4, flatI32); err != nil {
			return err
		}
	}
	if o.HasCallback && !o.Async {
		return fmt.Errorf("cannot specify callback without async")
	}
	if o.Async && o.HasPost {
		return fmt.Errorf("cannot specify post-return function in async")
	}
	if o.HasCoreType {
		if !o.GC {
			return fmt.Errorf("cannot specify `core-type` without `gc`")
		}
		c := s.coreTypes[o.CoreType]
		if c.module != nil || v.core.types[c.id].Kind != wasm.CompFunc {
			return fmt.Errorf("canonical option `core-type` must reference a core function type")
		}
	}
	return nil
}

// canonMemory checks a memory that the canonical ABI is to use.
func (s *staticScope) canonMemory(i uint32) error {
	m := s.coreMemories[i]
	switch {
	case m.Is64:
		return fmt.Errorf("canonical option `memory`: core memory %d has 64-bit addresses; values cross only through 32-bit memories", i)
	case m.Shared:
		return fmt.Errorf("mismatch in the shared flag: core memory %d is shared", i)
	}
	return nil
}

// lowerOptions checks options of a lowering or of a built-in.
func lowerOptions(o *CanonOpts) error {
	switch {
	case o.HasPost:
		return fmt.Errorf("canonical option `post-return` cannot be specified for lowerings")
	case o.HasCallback:
		return fmt.Errorf("canonical option `callback` cannot be specified for lowerings")
	case o.GC && !o.HasCoreType:
		return fmt.Errorf("cannot specify `gc` without also specifying a `core-type` for lowerings")
	}
	return nil
}

func asyncOption(o *CanonOpts, f *funcType) error {
	if o.Async && !f.Async {
		return fmt.Errorf("the `async` canonical option requires an async function type")
	}
	return nil
}

// lift validates canon lift and returns the type of the function.
func (v *validator) lift(s *staticScope, d *Canon) (*funcType, error) {
	t, ok := s.types[d.Type].(*funcType)
	if !ok {
		return nil, fmt.Errorf("type %d is a %s, not a function type", d.Type, s.types[d.Type].sortOfType())
	}
	o := d.Options()
	coreID := s.coreFuncs[d.Func]
	core := &v.core.types[coreID]
	if err := v.options(s, o); err != nil {
		return nil, err
	}
	if o.HasPost {
		post := &v.core.types[s.coreFuncs[o.PostReturn]]
		if err := v.signature("canonical option `post-return`", post, core.Results, noTypes); err != nil {
			return nil, err
		}
	}
	if o.HasCallback {
		callback := &v.core.types[s.coreFuncs[o.Callback]]
		if err := v.signature("canonical option `callback`", callback, flat3, flatI32); err != nil {
			return nil, err
		}
	}
	if o.HasCoreType {
		return nil, fmt.Errorf("canonical option `core-type` is not allowed in `canon lift`")
	}
	if err := asyncOption(o, t); err != nil {
		return nil, err
	}
	if o.GC {
		return t, v.gcLowered(t, core, o.Encoding)
	}
	params, results, spilled, spilledResult := FlattenFunc(&t.FuncType, Lift)
	for _, p := range t.Params {
		if p.Type.ContainsPointers() {
			if err := o.needRealloc(fmt.Sprintf("parameter `%s` is passed in memory", p.Name)); err != nil {
				return nil, err
			}
		}
	}
	if spilled {
		if err := o.needRealloc("the parameters are passed in memory"); err != nil {
			return nil, err
		}
	}
	switch {
	case t.Result == nil:
	case o.Async && (t.Result.FlatCount() > MaxFlatParams || t.Result.ContainsPointers()), !o.Async && spilledResult:
		if err := o.needMemory("the result is returned in memory"); err != nil {
			return nil, err
		}
	}
	if o.Async {
		// The result goes to task.return. A callback's function returns what
		// to do next.
		results = noTypes
		if o.HasCallback {
			results = flatI32
		}
	}
	if !slices.Equal(params, core.Params) {
		return nil, fmt.Errorf("lowered parameter types `(%s)` do not match parameter types `(%s)` of core function %d",
			typesText(params), typesText(core.Params), d.Func)
	}
	if !slices.Equal(results, core.Results) {
		return nil, fmt.Errorf("lowered result types `(%s)` do not match result types `(%s)` of core function %d",
			typesText(results), typesText(core.Results), d.Func)
	}
	// The type must be the plain one with this signature: not one of a larger
	// recursion group, and neither open to nor declared as a subtype.
	if v.core.addFunc(params, results) != coreID {
		return nil, fmt.Errorf("lowered function type `%s` does not match the type of core function %d", sigText(params, results), d.Func)
	}
	return t, nil
}

// lower validates canon lower and returns the signature of the core function.
func (v *validator) lower(s *staticScope, d *Canon) (params, results []wasm.ValType, err error) {
	t := s.funcs[d.Func]
	o := d.Options()
	if err := v.options(s, o); err != nil {
		return nil, nil, err
	}
	if err := lowerOptions(o); err != nil {
		return nil, nil, err
	}
	if err := asyncOption(o, t); err != nil {
		return nil, nil, err
	}
	return v.lowered(s, t, o)
}

// lowered is the signature of a lowered function.
func (v *validator) lowered(s *staticScope, t *funcType, o *CanonOpts) (params, results []wasm.ValType, err error) {
	if o.GC {
		core := &v.core.types[s.coreTypes[o.CoreType].id]
		return core.Params, core.Results, v.gcLowered(t, core, o.Encoding)
	}
	for _, p := range t.Params {
		if p.Type.ContainsPointers() {
			if err := o.needMemory(fmt.Sprintf("parameter `%s` is passed in memory", p.Name)); err != nil {
				return nil, nil, err
			}
		}
	}
	if t.Result != nil && t.Result.ContainsPointers() {
		if err := o.needRealloc("the result is returned in memory"); err != nil {
			return nil, nil, err
		}
	}
	params, results, spilled, spilledResult := FlattenFunc(&t.FuncType, Lower)
	if o.Async {
		count := 0
		for _, p := range t.Params {
			count = min(count+p.Type.FlatCount(), flatOver)
		}
		spilled = count > maxFlatAsyncParams
		spilledResult = t.Result != nil
		if spilled {
			params = []wasm.ValType{wasm.I32}
		} else {
			params = params[:count:count]
		}
		if spilledResult {
			params = append(params, wasm.I32)
		}
		results = flatI32 // the state of the call
	}
	if spilled {
		if err := o.needMemory("the parameters are passed in memory"); err != nil {
			return nil, nil, err
		}
	}
	if spilledResult {
		if err := o.needMemory("the result is returned in memory"); err != nil {
			return nil, nil, err
		}
	}
	return params, results, nil
}

// builtin validates a canonical definition that is no lift and no lower, and
// returns the signature of the core function.
func (v *validator) builtin(s *staticScope, d *Canon) (params, results []wasm.ValType, err error) {
	fail := func(format string, args ...any) ([]wasm.ValType, []wasm.ValType, error) {
		return nil, nil, fmt.Errorf("`"+d.Op.String()+"` "+format, args...)
	}
	switch d.Op {
	case CanonResourceNew, CanonResourceRep:
		r, err := s.resourceType(d.Type)
		if err != nil {
			return nil, nil, err
		}
		if _, local := s.reps[r.ID]; !local {
			return nil, nil, fmt.Errorf("type %d is not a local resource", d.Type)
		}
		return flatI32, flatI32, nil // the representation is an i32, like a handle
	case CanonResourceDrop:
		_, err := s.resourceType(d.Type)
		return flatI32, noTypes, err
	case 0x09: // task.return
		return v.taskReturn(s, d)
	case 0x0a, 0x0b: // context.get, context.set
		t := *d.rest().ValImm
		if t != wasm.I32 {
			return fail("of type %s: only i32 is supported", t)
		}
		if s.contextType == nil {
			s.contextType = &t
		}
		if d.rest().Imm[0] > 1 {
			return fail("immediate must be zero or one, not %d", d.rest().Imm[0])
		}
		if d.Op == 0x0a {
			return noTypes, flatI32, nil
		}
		return flatI32, noTypes, nil
	case 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x2e:
		return v.streamBuiltin(s, d, KindStream)
	case 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x2f:
		return v.streamBuiltin(s, d, KindFuture)
	case 0x1c, 0x1d: // error-context.new, error-context.debug-message
		if err := v.options(s, d.Options()); err != nil {
			return nil, nil, err
		}
		if err := lowerOptions(d.Options()); err != nil {
			return nil, nil, err
		}
		if d.Options().Async {
			return fail("cannot have the `async` option")
		}
		if d.Op == 0x1c {
			return flatI32I32, flatI32, d.Options().needMemory("the message is in memory")
		}
		return flatI32I32, noTypes, d.Options().needRealloc("the message is returned in memory")
	case 0x20, 0x21: // waitable-set.wait, waitable-set.poll
		return flatI32I32, flatI32, s.canonMemory(d.rest().Imm[0])
	case 0x27: // thread.new-indirect
		if err := v.threadStart(s, d); err != nil {
			return nil, nil, err
		}
		return flatI32I32, flatI32, nil
	case 0x05, 0x24, 0x25: // task.cancel, backpressure.inc, backpressure.dec
		return noTypes, noTypes, nil
	case 0x06: // subtask.cancel
		return flatI32, flatI32, nil
	case 0x0c, 0x1f, 0x26, 0x29: // thread.yield, waitable-set.new, thread.index, thread.suspend
		return noTypes, flatI32, nil
	case 0x0d, 0x1e, 0x22, 0x28: // subtask.drop, error-context.drop, waitable-set.drop, thread.resume-later
		return flatI32, noTypes, nil
	case 0x23: // waitable.join
		return flatI32I32, noTypes, nil
	case 0x2a, 0x2b, 0x2c, 0x2d: // thread.suspend-then-resume and the like
		return flatI32, flatI32, nil
	case 0x42: // thread.available-parallelism
		return noTypes, flatI32, nil
	}
	// thread.spawn-ref and thread.spawn-indirect need shared types, which
	// Decode does not read, and no engine has resource.drop async.
	return fail("is not supported")
}

func (v *validator) taskReturn(s *staticScope, d *Canon) (params, results []wasm.ValType, err error) {
	t := &funcType{}
	if d.rest().Result != nil {
		r, err := ResolveVal(*d.rest().Result, s.valType)
		if err != nil {
			return nil, nil, err
		}
		if r.ContainsBorrow() {
			return nil, nil, fmt.Errorf("`task.return` result cannot contain a `borrow` type")
		}
		t.Params = []Field{{Name: "v", Type: r}}
	}
	o := d.Options()
	if err := v.options(s, o); err != nil {
		return nil, nil, err
	}
	switch {
	case o.HasRealloc:
		return nil, nil, fmt.Errorf("cannot specify `realloc` option on `task.return`")
	case o.Async:
		return nil, nil, fmt.Errorf("cannot specify `async` option on `task.return`")
	}
	if err := lowerOptions(o); err != nil {
		return nil, nil, err
	}
	return v.lowered(s, t, o)
}

// streamBuiltin validates the built-ins of streams and of futures.
func (v *validator) streamBuiltin(s *staticScope, d *Canon, kind Kind) (params, results []wasm.ValType, err error) {
	t, ok := s.types[d.Type].(*ValType)
	if !ok || t.Kind != kind {
		return nil, nil, fmt.Errorf("`%s` requires a %s type", d.Op, kind)
	}
	switch d.Op {
	case 0x0e, 0x15: // new
		return noTypes, []wasm.ValType{wasm.I64}, nil
	case 0x11, 0x12, 0x18, 0x19: // cancel-read, cancel-write
		return flatI32, flatI32, nil
	case 0x13, 0x14, 0x1a, 0x1b: // drop-readable, drop-writable
		return flatI32, noTypes, nil
	case 0x2e, 0x2f: // forward
		return flatI32I32, noTypes, nil
	}
	o := d.Options()
	if err := v.options(s, o); err != nil {
		return nil, nil, err
	}
	if err := lowerOptions(o); err != nil {
		return nil, nil, err
	}
	read := d.Op == 0x0f || d.Op == 0x16
	if t.Elem != nil {
		err = o.needMemory("what is transferred is in memory")
		if read && t.Elem.ContainsPointers() {
			err = o.needRealloc("what is read points to memory")
		}
	}
	if kind == KindStream {
		return flat3, flatI32, err // handle, pointer, count
	}
	return flatI32I32, flatI32, err
}

// threadStart checks the type and table of thread.new-indirect.
func (v *validator) threadStart(s *staticScope, d *Canon) error {
	c := s.coreTypes[d.rest().Imm[0]]
	if c.module != nil {
		return fmt.Errorf("`%s` expects a core function type", d.Op)
	}
	t := &v.core.types[c.id]
	if t.Kind != wasm.CompFunc {
		return fmt.Errorf("`%s` expects a core function type", d.Op)
	}
	if err := v.signature("start function", t, flatI32, noTypes); err != nil {
		return err
	}
	want := wasm.TableType{Elem: wasm.FuncRef}
	if err := tableMatch(s.coreTables[d.rest().Imm[1]], want); err != nil {
		return fmt.Errorf("table is not a 32-bit table of funcref: %w", err)
	}
	return nil
}
