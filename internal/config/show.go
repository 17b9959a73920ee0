package config

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Show writes a configuration that loaded without error as a file that gives
// the same values, with a comment on each line that says where it is from.
func Show(w io.Writer, cfg Config) error {
	buffer := bufio.NewWriter(w)
	lines := tabwriter.NewWriter(buffer, 0, 0, 2, ' ', 0)
	inTable := ""
	for _, f := range fieldsOf(cfg) {
		if !cfg.uses(f.key) {
			continue
		}
		table, name, nested := strings.Cut(f.key, ".")
		if !nested {
			table, name = "", f.key
		}
		if table != inTable {
			fmt.Fprintf(lines, "\n[%s]\n", table)
			inTable = table
		}
		value, err := f.toml()
		if err != nil {
			return fmt.Errorf("cannot show %s: %w", f.key, err)
		}
		fmt.Fprintf(lines, "%s = %s\t# %s\n", name, value, comment(cfg.Origin(f.key)))
	}
	if err := lines.Flush(); err != nil {
		return err
	}
	return buffer.Flush()
}

// comment quotes an origin that would not stay on its line.
func comment(origin Origin) string {
	if text := origin.String(); strconv.CanBackquote(text) && !strings.Contains(text, "\t") {
		return text
	}
	return strconv.Quote(origin.String())
}
