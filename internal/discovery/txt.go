package discovery

import (
	"fmt"
	"strconv"
	"strings"
)

// txtVersion is that of the keys below. Another one means other keys.
const txtVersion = "1"

// TXT is the announcement's TXT record.
func (a *Announcement) TXT() []string {
	lines := a.txt()
	if a.Seal != "" {
		lines = append(lines, "seal="+a.Seal)
	}
	return lines
}

func (a *Announcement) txt() []string {
	lines := []string{
		"txtvers=" + txtVersion, "fleet=" + a.Fleet, "id=" + a.ID, "protocol=" + strconv.Itoa(a.Protocol),
		"version=" + a.Version, "transports=" + strings.Join(a.Transports, ","),
	}
	if a.REST != 0 {
		lines = append(lines, "rest="+strconv.Itoa(int(a.REST)))
	}
	return lines
}

// maxLines bounds a TXT record. Each line has 255 bytes at most, by its format.
const maxLines = 32

// parseTXT sets what a TXT record says. Keys that are not known are left to later
// versions; of a key that is there twice the first counts (RFC 6763 §6.4).
func (a *Announcement) parseTXT(lines []string) error {
	if len(lines) > maxLines {
		return fmt.Errorf("a TXT record of %d lines is too long", len(lines))
	}
	values := map[string]string{}
	for _, line := range lines {
		key, value, _ := strings.Cut(line, "=")
		if key = strings.ToLower(key); values[key] == "" {
			values[key] = value
		}
	}
	if got := values["txtvers"]; got != txtVersion {
		return fmt.Errorf("txtvers %.40q is another than %s", got, txtVersion)
	}
	a.Fleet, a.ID, a.Version, a.Seal = values["fleet"], values["id"], values["version"], values["seal"]
	if list := values["transports"]; list != "" {
		a.Transports = strings.Split(list, ",")
	}
	var err error
	if a.Protocol, err = number(values["protocol"], 15); err != nil {
		return fmt.Errorf("protocol: %w", err)
	}
	rest, err := number(values["rest"], 16)
	if err != nil {
		return fmt.Errorf("rest: %w", err)
	}
	a.REST = uint16(rest)
	return nil
}

// number is 0 where nothing is said. It takes what number prints and no more, as
// the seal is over that.
func number(text string, bits int) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, fmt.Errorf("%.40q is no number", text)
	}
	return int(n), nil
}
