package imap

import "context"

// ApplePushOptions say which device is told of new mail.
type ApplePushOptions struct {
	AccountID   string // of the account on the device
	DeviceToken string
	Subtopic    string // "com.apple.mobilemail"
	Mailboxes   []string
}

// ApplePush has the server tell Apple's push service of new mail (XAPPLEPUSHSERVICE, an extension of Apple's in the form
// that Cyrus has; capability of that name; logged in). It returns what the server answers, by name: "aps-topic" is what
// the device listens to.
func (c *Client) ApplePush(ctx context.Context, opts *ApplePushOptions) (map[string]string, error) {
	if opts == nil {
		opts = &ApplePushOptions{}
	}
	cmd := &command{name: "XAPPLEPUSHSERVICE", states: inAuth}
	cmd.encode = func(e *encoder) {
		e.need("XAPPLEPUSHSERVICE").raw(` aps-version 2 aps-account-id `).astring(opts.AccountID).raw(" aps-device-token ")
		e.secret(opts.DeviceToken).raw(" aps-subtopic ").astring(opts.Subtopic)
		for i, m := range opts.Mailboxes {
			e.raw([]string{" mailboxes (", " "}[min(i, 1)]).mailbox(m)
		}
		if len(opts.Mailboxes) > 0 {
			e.raw(")")
		}
	}
	return gather(ctx, c, cmd, func() applePairs { return applePairs{} })
}

// applePairs is what an XAPPLEPUSHSERVICE response holds.
type applePairs map[string]string

func (a applePairs) take(r *response) (claim, error) {
	if r.name != "XAPPLEPUSHSERVICE" {
		return notMine, nil
	}
	for !r.atEnd() {
		name, err := r.astring()
		if err != nil {
			return mine, err
		}
		r.skipSpaces()
		value, _, err := r.nstring()
		if err != nil {
			return mine, err
		}
		a[name] = value
	}
	return mine, nil
}
