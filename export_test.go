package imap

// Offers is what the methods ask before they use an extension.
func (c Caps) Offers(name string) bool { return c.offers(name) }
