package testkit

import (
	"errors"
)

// Stubborn is a mechanism that gives up at the first challenge.
type Stubborn struct{}

var ErrStubborn = errors.New("will not")

func (Stubborn) Start() (string, []byte, error)        { return "X-TEST", nil, nil }
func (Stubborn) Next(challenge []byte) ([]byte, error) { return nil, ErrStubborn }
