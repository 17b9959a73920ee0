package manual

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// dateVar names the variable that says how old the source is, in seconds since
// 1970: https://reproducible-builds.org/specs/source-date-epoch/.
const dateVar = "SOURCE_DATE_EPOCH"

// SourceDate is the date that SOURCE_DATE_EPOCH gives, zero where it gives none.
func SourceDate() (time.Time, error) {
	text := os.Getenv(dateVar)
	if text == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, fmt.Errorf("cannot read %s %q: want seconds since 1970", dateVar, text)
	}
	return time.Unix(seconds, 0), nil
}
