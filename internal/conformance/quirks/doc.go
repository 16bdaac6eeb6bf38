// Package quirks has tests of what servers in the field are known to do otherwise than the RFCs: testdata/quirks.txt lists
// them, and each row of it has a test here.
package quirks
