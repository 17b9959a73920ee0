// Package units holds the quantities people type, configure and read: byte
// sizes, durations and shares of processors. Each is a plain integer with a
// parser for what people write, a String that the parser reads back to the same
// value, and the same two as MarshalText and UnmarshalText.
//
// Parsers take plain decimals: no sign, no exponent, no NaN, nothing that
// overflows. Their errors name the text, the reason and an example.
package units
