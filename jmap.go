package imap

import "context"

// JMAPAccess returns the URL at which the same mail is had by JMAP, with the same credentials and object identifiers
// (GETJMAPACCESS, RFC 9698; capability JMAPACCESS; logged in).
func (c *Client) JMAPAccess(ctx context.Context) (string, error) {
	cmd := &command{name: "GETJMAPACCESS", states: inAuth, encode: func(e *encoder) { e.need("JMAPACCESS") }}
	url, err := gather(ctx, c, cmd, func() *jmapURL { return new(jmapURL) })
	if err != nil {
		return "", err
	}
	return string(*url), nil
}

// jmapURL is what a JMAPACCESS response holds.
type jmapURL string

func (u *jmapURL) take(r *response) (claim, error) {
	if r.name != "JMAPACCESS" {
		return notMine, nil
	}
	s, err := r.astring()
	*u = jmapURL(s)
	return mine, err
}
