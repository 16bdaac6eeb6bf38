package interop_test

// extensionRows are the methods of extensions beyond IMAP4rev2.
var extensionRows = []row{}
