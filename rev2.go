package imap

import (
	"context"
	"strings"
)

// enableWanted switches on what Options.Enable names and the server offers.
func (c *Client) enableWanted(ctx context.Context) error {
	if len(c.opts.Enable) == 0 {
		return nil
	}
	caps, err := c.knownCaps(ctx)
	if err != nil || !caps.offers("ENABLE") {
		return err
	}
	var names []string
	for _, name := range c.opts.Enable {
		if caps.offers(strings.ToUpper(name)) {
			names = append(names, name)
		}
	}
	_, err = c.Enable(ctx, names...)
	return err
}

// enableAtPreauth is enableWanted on a connection that is logged in from the start.
func (c *Client) enableAtPreauth(ctx context.Context) error {
	if len(c.opts.Enable) == 0 || c.State() != Authenticated {
		return nil
	}
	return c.enableWanted(ctx)
}
