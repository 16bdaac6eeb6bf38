// Package extensions uses each extension on the server in memory and on each real server that offers it.
package extensions
