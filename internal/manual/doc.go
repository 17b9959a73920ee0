// Package manual writes pages of the manual: roff with the macros of man(7), as
// groff and mandoc both read it. A page of a program takes commands and flags
// from its *cli.App, the same that parses them; what cannot be known from there
// the caller adds as text.
//
// Text is written as in a plain file. A blank line ends a paragraph. A paragraph
// of lines that all begin with four spaces is an example and stays as it is. One
// whose first line ends in "::" is an item of a list: that line is its tag, the
// others explain it.
//
//	*bold*        is typed as it stands: commands, files, values
//	_ITALIC_      stands for something else
//	-f, --force   flags, names of pages such as man(7) and the commands of the
//	              App are bold by themselves
//
// The texts of an App (Usage, Description) are read for --help too, so they know
// no marks but the `VALUE` in backquotes that cli has. UsageText holds examples,
// a line each.
//
// What is written is ASCII: everything else becomes an escape sequence, and no
// text, whatever it contains, is taken for a request.
package manual
