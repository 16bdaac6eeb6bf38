// Package imaplib has the tests of Python's imaplib, and a test for each row of docs/imaplib.md.
package imaplib
