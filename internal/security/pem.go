package security

import (
	"bytes"
	"encoding/pem"
	"errors"
)

// EachPEM has take look at the blocks of text (RFC 7468), one after the other. It fails if
// there is anything behind them.
func EachPEM(text []byte, take func(*pem.Block) error) error {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		if err := take(block); err != nil {
			return err
		}
		text = rest
	}
	if len(bytes.TrimSpace(text)) != 0 {
		return errors.New("there is something in it that is no PEM")
	}
	return nil
}
