// Package extensions uses each extension on the in-memory server and on each real server that offers it.
package extensions
