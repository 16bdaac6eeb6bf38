package imap

import (
	"context"
	"fmt"
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

// needRev1 fails where IMAP4rev2 is on: it knows nothing of \Recent (RFC 9051 appendix E).
func (e *encoder) needRev1() *encoder {
	if e.enabled["IMAP4REV2"] {
		e.fail(errRev2)
	}
	return e
}

var errRev2 = fmt.Errorf("IMAP4rev2, which is on, has none of this: %w", &CapabilityError{Name: "IMAP4rev1"})
