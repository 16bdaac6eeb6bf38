package imap

// Err returns why the connection is gone, as far as that is known without asking: nil while it is open, ErrClosed behind
// Close and Logout, the server's BYE, or an error for which errors.Is(err, ErrClosed) holds with its cause. Between two calls
// nothing is read, so that a connection that the other side has dropped in the meantime is open until a command tells: Noop.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.conn.IsClosed() {
		return nil
	}
	switch lost := c.lost.(type) {
	case nil:
	case *Error:
		return lost
	default:
		if lost != ErrClosed {
			return failed("connection", lost)
		}
	}
	return ErrClosed
}

// Bye returns the BYE by which the server ended the connection, or answered Logout, with its words; nil if it sent none.
func (c *Client) Bye() *Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lastBye == nil {
		return nil
	}
	bye := *c.lastBye
	return &bye
}
