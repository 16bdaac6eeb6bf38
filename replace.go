package imap

import "context"

// Replace puts a message in the place of another: msg is added to the mailbox, and the message with that UID is removed
// from the selected one, both or neither (UID REPLACE, RFC 8508; capability REPLACE; selected for writing). Options are
// those of Append. Most often mailbox is the selected one and the message a draft.
func (c *Client) Replace(ctx context.Context, uid UID, mailbox string, msg Literal, opts *AppendOptions) (*AppendResult, error) {
	return c.replace(ctx, &command{name: "UID REPLACE"}, uint64(uid), mailbox, msg, opts)
}

// ReplaceSeq is Replace for a message by its sequence number (REPLACE, RFC 8508; capability REPLACE; selected for
// writing).
func (c *Client) ReplaceSeq(ctx context.Context, num SeqNum, mailbox string, msg Literal, opts *AppendOptions) (*AppendResult, error) {
	return c.replace(ctx, &command{name: "REPLACE", byNumber: true, numbers: true}, uint64(num), mailbox, msg, opts)
}

func (c *Client) replace(ctx context.Context, cmd *command, num uint64, mailbox string, msg Literal, opts *AppendOptions) (*AppendResult, error) {
	cmd.states, cmd.writes = inSelected, true
	cmd.encode = func(e *encoder) {
		if num == 0 {
			e.fail(argError("the number 0"))
		}
		e.need("REPLACE").sp()
		if cmd.byNumber {
			e.set(Seqs(SeqNum(num)))
		} else {
			e.number(num)
		}
		e.sp().mailbox(mailbox)
		m := NewMessage{msg, opts}
		m.encode(e)
	}
	list, err := c.appendWith(ctx, cmd, 1)
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}
