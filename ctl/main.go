// Octasklyctl gives commands to octaskly and shows what becomes of them.
//
// A command line is taken apart (argv.go) and handed to urfave/cli, whose
// commands (app.go) each have a file here and speak to the dispatcher through
// package client alone.
package main

import (
	"context"
	"os"

	"github.com/octaskly/octaskly/internal/tui"
)

// version is set when the program is linked.
var version = "dev"

func main() {
	tui.KeepTerminal()
	os.Exit(run(context.Background(), os.Args, os.Stdin, os.Stdout, os.Stderr))
}
