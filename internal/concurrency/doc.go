// Package concurrency tests calls that overlap: commands in the loop over another call, pipelines, streamed bodies, and many
// goroutines with one client.
package concurrency
