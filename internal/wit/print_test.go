package wit

import (
	"testing"

	"github.com/wbundle/wbundle/internal/component"
)

func TestWorldText(t *testing.T) {
	counter := &component.Resource{Name: "counter"}
	own, borrow := component.NewOwn(counter), component.NewBorrow(counter)
	ops := Interface{
		Name: "demo:calc/ops@0.1.0",
		Types: []NamedType{
			{Name: "point", Type: tPoint},
			{Name: "response", Type: tResponse},
			{Name: "perms", Type: tPerms},
			{Name: "id", Type: component.U32},
			{Name: "points", Type: component.NewList(tPoint)},
			{Name: "counter", Resource: counter},
		},
		Funcs: []NamedFunc{
			{"add", &component.FuncType{Params: []component.Field{field("a", component.U32), field("list", tPoint)}, Result: tResult}},
			{"[constructor]counter", &component.FuncType{Params: []component.Field{field("start", component.U32)}, Result: own}},
			{"[method]counter.next", &component.FuncType{Params: []component.Field{field("self", borrow)}, Result: component.U32}},
			{"[static]counter.of", &component.FuncType{Params: []component.Field{field("c", own)}}},
			{"peek", &component.FuncType{Params: []component.Field{field("c", borrow)}, Result: component.NewOption(own)}},
		},
	}
	got := WorldText(World{
		Name:    "w",
		Imports: WorldSide{Funcs: []NamedFunc{{"log", &component.FuncType{Params: []component.Field{field("s", component.String)}}}}},
		Exports: WorldSide{Interfaces: []Interface{ops}},
	})
	const want = `world w {
  import log: func(s: string);
  export demo:calc/ops@0.1.0 {
    record point {
      x: u32,
      y: option<string>,
    }
    variant response {
      empty,
      body(list<u8>),
      err(string),
    }
    flags perms {
      read,
      write,
      exec,
    }
    type id = u32;
    type points = list<point>;
    resource counter {
      constructor(start: u32);
      next: func() -> u32;
      of: static func(c: counter);
    }
    add: func(a: u32, %list: point) -> result<u8, string>;
    peek: func(c: borrow<counter>) -> option<counter>;
  }
}
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
