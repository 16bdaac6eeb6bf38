// Package programs tests what long-running programs are built on: Sync, Watch and Pool.
package programs
