// Package jsonfile keeps what a program remembers between two runs in a file.
package jsonfile

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
)

// Load reads the value from a file. Where there is no file yet, or no name of one, the value stays as it is.
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

// Save replaces the file at once, so that a run that breaks off leaves the one before. Without a name it does nothing.
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
