package imap

import (
	"context"
	"strings"
)

// The entries of GetMetadata and SetMetadata that are registered.
const (
	EntrySharedComment  = "/shared/comment"          // of a mailbox or the server
	EntryPrivateComment = "/private/comment"         // of a mailbox
	EntryAdmin          = "/shared/admin"            // of the server: a URL by which its administrator is reached
	EntrySpecialUse     = "/private/specialuse"      // of a mailbox (RFC 6154 section 4): see SetSpecialUse
	EntrySieveScript    = "/shared/imapsieve/script" // of a mailbox or the server (RFC 6785): see SetSieveScript
	EntryMediaServers   = "/shared/mediaServers"     // of the server (RFC 5616)
)

// SetSpecialUse says what a mailbox is for, in place of what was said before; no use takes that back (SETMETADATA of
// /private/specialuse, RFC 6154 section 4; capabilities SPECIAL-USE and METADATA; logged in). A use that the server does
// not allow is refused with CodeUseAttr.
func (c *Client) SetSpecialUse(ctx context.Context, mailbox string, uses ...MailboxAttr) error {
	if err := c.needAll(ctx, "SETMETADATA", "SPECIAL-USE", "METADATA"); err != nil {
		return err
	}
	var words []string
	for _, use := range uses {
		if !strings.HasPrefix(string(use), `\`) || !validFlag(Flag(use)) {
			return unsent("SETMETADATA", argError("not the attribute of a mailbox"))
		}
		words = append(words, string(use))
	}
	value := []byte(strings.Join(words, " "))
	if len(words) == 0 {
		value = nil
	}
	return c.SetMetadata(ctx, mailbox, map[string][]byte{EntrySpecialUse: value})
}

// GetSpecialUse returns what a mailbox is for (GETMETADATA of /private/specialuse, RFC 6154 section 4; capabilities
// SPECIAL-USE and METADATA; logged in).
func (c *Client) GetSpecialUse(ctx context.Context, mailbox string) ([]MailboxAttr, error) {
	if err := c.needAll(ctx, "GETMETADATA", "SPECIAL-USE", "METADATA"); err != nil {
		return nil, err
	}
	values, err := c.GetMetadata(ctx, mailbox, EntrySpecialUse)
	if err != nil {
		return nil, err
	}
	var uses []MailboxAttr
	for _, word := range strings.Fields(string(values[EntrySpecialUse])) {
		use := MailboxAttr(word)
		if known, ok := knownAttrs.find([]byte(word)); ok {
			use = known
		}
		uses = append(uses, use)
	}
	return uses, nil
}

// SieveURL returns where the scripts are kept that SetSieveScript names: the ManageSieve server of the capability
// IMAPSIEVE (RFC 6785). ok is false where the server runs none.
func (c Caps) SieveURL() (url string, ok bool) { return c.sieve, c.offers("IMAPSIEVE=") }

// SetSieveScript names the script that the server runs when messages of a mailbox come or change, or for the mailbox "" of
// those mailboxes that have none of their own; "" takes it away (SETMETADATA of /shared/imapsieve/script, RFC 6785;
// capability IMAPSIEVE with METADATA; logged in). The script itself is put there by ManageSieve, see Caps.SieveURL.
func (c *Client) SetSieveScript(ctx context.Context, mailbox, script string) error {
	if err := c.needAll(ctx, "SETMETADATA", "IMAPSIEVE="); err != nil {
		return err
	}
	var value []byte
	if script != "" {
		value = []byte(script)
	}
	return c.SetMetadata(ctx, mailbox, map[string][]byte{EntrySieveScript: value})
}

// GetSieveScript returns the name of the script that SetSieveScript set, "" if there is none (GETMETADATA, RFC 6785;
// capability IMAPSIEVE with METADATA; logged in).
func (c *Client) GetSieveScript(ctx context.Context, mailbox string) (string, error) {
	if err := c.needAll(ctx, "GETMETADATA", "IMAPSIEVE="); err != nil {
		return "", err
	}
	values, err := c.GetMetadata(ctx, mailbox, EntrySieveScript)
	return string(values[EntrySieveScript]), err
}
