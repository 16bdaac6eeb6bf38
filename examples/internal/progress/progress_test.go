package progress

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBar(t *testing.T) {
	var out strings.Builder
	b := &Bar{w: &out, name: "INBOX"}
	b.Set(0, 4)
	b.Set(1, 4)
	b.Set(1, 4)
	b.Set(4, 4)
	b.Clear()
	b.Clear()
	line := func(full int, numbers string) string {
		return "\rINBOX [" + strings.Repeat("=", full) + strings.Repeat(" ", 40-full) + "] " + numbers
	}
	last := line(40, "4/4")
	require.Equal(t, line(0, "0/4")+line(10, "1/4")+last+"\r"+strings.Repeat(" ", len(last))+"\r", out.String())

	out.Reset()
	b.Set(0, 0)
	require.Equal(t, line(40, "0/0"), out.String())
	silent := &Bar{}
	silent.Set(1, 2)
	silent.Clear()
}
