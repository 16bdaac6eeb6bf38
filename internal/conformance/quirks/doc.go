// Package quirks tests known deviations of servers from the RFCs: testdata/quirks.txt lists them, and each row has a test
// here.
package quirks
