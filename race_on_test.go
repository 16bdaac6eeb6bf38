//go:build race

package imap_test

// raceDetector tells tests that time and memory are not the library's own.
const raceDetector = true
