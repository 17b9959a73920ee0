// driver runs boxes in a virtual machine for the tests of package box: it reads
// a list of cases as JSON and prints a list of results. It is no place for
// anything that a test could do outside the machine.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/octaskly/octaskly/test/box/boxcase"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(1)
	}
}

func run() error {
	lab, err := openLab()
	if err != nil {
		return err
	}
	defer lab.close()
	if len(os.Args) > 1 && os.Args[1] == "bench" {
		return lab.bench(os.Args[2:])
	}
	var cases []boxcase.Case
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		return err
	}
	results := make([]boxcase.Result, len(cases))
	for i := range cases {
		results[i] = lab.run(&cases[i])
	}
	return json.NewEncoder(os.Stdout).Encode(results)
}
