package imap

import "context"

// RemoteList is List of mailboxes of which some may be on other servers (RLIST, RFC 2193 section 5.1; capability
// MAILBOX-REFERRALS; logged in). To select one of those is an error with CodeReferral, whose ReferralData says where it
// is. The library follows no referral by itself.
func (c *Client) RemoteList(ctx context.Context, reference, pattern string) ([]ListEntry, error) {
	return c.remoteList(ctx, "RLIST", reference, pattern)
}

// RemoteLsub is Lsub of mailboxes of which some may be on other servers (RLSUB, RFC 2193 section 5.2; capability
// MAILBOX-REFERRALS; logged in).
func (c *Client) RemoteLsub(ctx context.Context, reference, pattern string) ([]ListEntry, error) {
	return c.remoteList(ctx, "RLSUB", reference, pattern)
}

func (c *Client) remoteList(ctx context.Context, name, reference, pattern string) ([]ListEntry, error) {
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return nil, err
	}
	if !caps.offers("MAILBOX-REFERRALS") {
		return nil, unsent(name, &CapabilityError{Name: "MAILBOX-REFERRALS"})
	}
	l := &list{name: name, reference: reference, patterns: []string{pattern}}
	err = l.run(ctx, c)
	return l.entries, err
}

// ReferralEvent says that a server did what was asked and would rather have it asked of another: a login that succeeded,
// with the code REFERRAL (RFC 2221 section 3).
type ReferralEvent struct {
	ReferralData
	Text string
}

func (ev *ReferralEvent) size() int { return eventSize + len(ev.Text) }

// referralCode is the table entry of REFERRAL. A refusal has it in its error.
func referralCode(_ *engine, s *status) Event {
	data, err := readCode(s.code, s.args, false)
	if !s.ok() || err != nil {
		return nil
	}
	return &ReferralEvent{data.(ReferralData), s.text}
}
