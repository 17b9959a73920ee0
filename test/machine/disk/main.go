// Command disk is a disk with a volatile write cache, for a virtual machine whose
// power is to be cut many times within one boot: a network block device whose
// server is this process.
//
//	disk DEVICE SIZE     /dev/nbd0 and so many MiB, in memory
//
// What is written lies in the cache until a flush, or until it is written with
// FUA; what the device has promised to keep, no more, is on the medium. It takes
// a line at a time from standard input and answers each with one:
//
//	cut SHARE SEED N   the power goes after N more requests, as soon as the cache is
//	                   in use. Of the blocks in it, SHARE percent, drawn by SEED,
//	                   reach the medium, in no order; the rest is gone. Every later
//	                   request fails
//	on                 the power is back: the device appears anew, with what the
//	                   medium holds. It must not be in use
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "disk: error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want DEVICE and SIZE, not %q", args)
	}
	mib, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	d := &device{path: args[0], medium: newMedium(mib)}
	if err := d.attach(); err != nil {
		return err
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		said, err := d.obey(in.Text())
		if err != nil {
			return err
		}
		fmt.Println(said)
	}
	return d.detach()
}

func (d *device) obey(line string) (string, error) {
	var c cut
	switch _, err := fmt.Sscanf(line, "cut %d %d %d", &c.share, &c.seed, &c.after); {
	case err == nil:
		kept, lost := d.medium.cut(&c)
		return fmt.Sprintf("%d blocks kept, %d lost", kept, lost), nil
	case line != "on":
		return "", fmt.Errorf("cannot read %q: %w", line, err)
	}
	if err := d.detach(); err != nil {
		return "", err
	}
	d.medium.on()
	return "on", d.attach()
}
