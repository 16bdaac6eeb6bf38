// Package testkit has what tests of more than one package need: clients of a server that follows a script or is played by
// the test, connections, events, and a check for goroutines that are left behind.
package testkit
