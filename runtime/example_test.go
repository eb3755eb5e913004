package runtime_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/wbundle/wbundle/runtime"
)

// A Go program that has a bundle in it: here from a file, else with go:embed.
func ExampleOpen() {
	ctx := context.Background()
	wasm, err := os.ReadFile("testdata/calc.wasm")
	if err != nil {
		log.Fatal(err)
	}
	inst, err := runtime.Open(ctx, wasm, runtime.Config{MemoryLimit: 64 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer inst.Close(ctx)
	sum, err := inst.Invoke(ctx, "demo:calc/ops@0.1.0#add(2, 3)")
	fmt.Println(sum, err)
	_, err = inst.Invoke(ctx, "sub(2, 3)")
	fmt.Println(err)
	// Output:
	// 5 <nil>
	// no exported function "sub"
}

// A command gets a directory, arguments and its standard streams.
func ExampleRun() {
	wasm, err := os.ReadFile("../fixtures/wasi/programs.wasm")
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	code, err := runtime.Run(context.Background(), wasm, runtime.Config{
		Args: []string{"programs", "create"}, Stdout: os.Stdout,
		Mounts: []runtime.Mount{{Guest: "/data", Host: dir}},
	})
	fmt.Println(code, err)
	// Output:
	// /data/new: 4 bytes: made
	// 0 <nil>
}
