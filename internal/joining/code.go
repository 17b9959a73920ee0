package joining

import (
	"fmt"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Code is six digits, written "483-112". "" is none.
type Code string

// ParseCode reads a code as people type it: 483-112, 483112, "483 112". The error is a
// *octaskly.FieldError.
func ParseCode(text string) (Code, error) {
	digits := strings.NewReplacer("-", "", " ", "").Replace(text)
	if len(text) <= 16 && len(digits) == 6 && strings.Trim(digits, "0123456789") == "" {
		return Code(digits[:3] + "-" + digits[3:]), nil
	}
	return "", &octaskly.FieldError{Field: "code", Why: fmt.Sprintf("want six digits such as 483-112, as the worker shows them, not %.16q", text)}
}
