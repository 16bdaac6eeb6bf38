// Package testkit has the helpers of tests in more than one package: clients of a server that follows a script or is played
// by the test, connections, events, and a check for leaked goroutines.
package testkit
