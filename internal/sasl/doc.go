// Package sasl implements the client side of SASL mechanisms (RFC 4422). Package imap documents them at its
// constructors with the same names. The optional interfaces are for further abilities of a mechanism: checking the
// server's last data, binding to a channel, using the host name, trying another variant, and explaining a refusal.
//
// A mechanism can run one exchange at a time, and does not reveal its secrets to package fmt, log/slog or encoding/json.
package sasl
