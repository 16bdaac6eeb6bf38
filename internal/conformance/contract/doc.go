// Package contract holds the exported names that programs rely on, with their types: a change of one does not compile.
package contract
