package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// exits runs a command that must exit with the given code; stdout and stderr
// are checked afterwards, as after exec.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		code, ok := strings.CutPrefix(err.Error(), "exit status ")
		if got, _ = strconv.Atoi(code); !ok {
			ts.Fatalf("%v", err)
		}
	}
	if got != want {
		ts.Fatalf("%s exited with %d, want %d", args[1], got, want)
	}
}

// absent checks that files do not exist, and that no temporary file was left
// beside them.
func absent(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("absent cannot be negated; use exists")
	}
	for _, arg := range args {
		file := ts.MkAbs(arg)
		if _, err := os.Lstat(file); err == nil {
			ts.Fatalf("%s exists", arg)
		}
		left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".*.tmp"))
		ts.Check(err)
		if len(left) > 0 {
			ts.Fatalf("left behind: %v", left)
		}
	}
}
