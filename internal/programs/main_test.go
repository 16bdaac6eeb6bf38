package programs_test

import (
	"testing"

	"github.com/go-imaplib/imap/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
