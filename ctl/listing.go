package main

// writeList writes what was found as s.output says: whole as JSON, the id of each on a
// line, or a table.
func writeList[T any](s *session, found []T, whole func([]T) any, id func(*T) string, table func() error) error {
	switch s.output {
	case outputJSON:
		return s.printJSON(whole(append([]T{}, found...))) // [], never null
	case outputQuiet:
		for i := range found {
			if err := s.print("%s\n", id(&found[i])); err != nil {
				return err
			}
		}
		return nil
	}
	return table()
}

// writePage writes one of several things that were asked for: as JSON, its id, or a page
// of its own, with an empty line between two.
func writePage(s *session, what any, id string, further bool, page func() error) error {
	switch s.output {
	case outputJSON:
		return s.printJSON(what)
	case outputQuiet:
		return s.print("%s\n", id)
	}
	if further {
		if err := s.print("\n"); err != nil {
			return err
		}
	}
	return page()
}
