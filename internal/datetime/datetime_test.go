package datetime

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDays: the days that exist are those of package time.
func TestDays(t *testing.T) {
	for _, year := range []int{0, 1, 4, 100, 400, 1900, 1996, 1999, 2000, 2023, 2024, 2100, 9999} {
		for month := -1; month <= 14; month++ {
			for day := -1; day <= 33; day++ {
				want := time.Date(year, time.Month(month), day, 1, 2, 3, 0, time.UTC)
				got, ok := Date(year, month, day, 1, 2, 3, time.UTC)
				require.Equal(t, want.Month() == time.Month(month) && want.Day() == day, ok, "%d-%d-%d", year, month, day)
				if ok {
					require.Equal(t, want, got)
				}
			}
		}
	}
}

// TestZones: every offset has a location of its own, which is the same each time.
func TestZones(t *testing.T) {
	for minutes := -6000; minutes <= 6000; minutes += 5 {
		zone := Zone(minutes)
		_, offset := time.Unix(0, 0).In(zone).Zone()
		require.Equal(t, minutes*60, offset)
		if minutes%15 == 0 && -maxQuarter <= minutes/15 && minutes/15 <= maxQuarter {
			require.Same(t, zone, Zone(minutes))
		}
	}
}
