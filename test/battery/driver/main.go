// driver tries rows of the battery in a virtual machine: it reads a list of them
// as JSON, submits each at every level that it is for, and prints a list of what
// became of them. It runs as root, beside the daemons.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/test/battery/row"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var rows []row.Row
	if err := json.NewDecoder(os.Stdin).Decode(&rows); err != nil {
		return err
	}
	l := &lab{client: client.New(client.Options{})}
	if err := l.settle(ctx); err != nil {
		return err
	}
	// One after the other, and each said at once: of a machine that hangs one knows
	// what did it.
	out := json.NewEncoder(os.Stdout)
	for i := range rows {
		if err := out.Encode(l.try(ctx, &rows[i])); err != nil {
			return err
		}
	}
	return nil
}
