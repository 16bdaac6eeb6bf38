// Package jsonfile stores the state of a program between two runs in a file.
package jsonfile

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
)

// Load reads the value from a file. Without a file, or with an empty name, the value is not changed.
func Load(name string, value any) error {
	b, err := os.ReadFile(name)
	if name == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(b, value)
}

// Save replaces the file atomically, so that an interrupted run leaves the previous one. With an empty name it does
// nothing.
func Save(name string, value any) error {
	if name == "" {
		return nil
	}
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
