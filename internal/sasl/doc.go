// Package sasl has the client side of SASL mechanisms (RFC 4422). Package imap documents them at its constructors of the
// same names; the interfaces here are what a mechanism can do beyond an exchange: check the server's last data, bind to a
// channel, name the host, try another way, and explain a refusal.
//
// A mechanism is good for one exchange at a time and shows no secret to package fmt, log/slog or encoding/json.
package sasl
