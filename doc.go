/*
Package imap implements a client for IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051), the protocol for reading mail on a
server.

A [Client] is one connection. Each command of the protocol is a method that returns the server's answer as typed values.
This program prints the unread messages of a mailbox:

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, "mail.example.org", nil)
	if err != nil {
		return err
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "ada", password); err != nil {
		return err
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		return err
	}
	unread, err := c.Search(ctx, imap.Where().Unseen(), nil)
	if err != nil {
		return err
	}
	for m, err := range c.Fetch(ctx, unread.UIDs, imap.FetchEnvelope, imap.Section{}) {
		if err != nil {
			return err
		}
		fmt.Println(m.UID, m.Envelope.Subject, len(m.Section(imap.Section{})))
	}

# Common tasks

	task                                     method                      example
	show the text of messages, in UTF-8      Client.FetchText            ExampleClient_FetchText
	list messages with a line of their text  Client.Previews             ExampleClient_Previews
	find text, attachments and images        BodyStructure.Attachments   ExampleBodyStructure_Attachments
	save an attachment of any size           Body.Decoded                ExampleBody_Decoded
	name the file of an attachment           BodyStructure.SafeFilename  ExampleBodyStructure_SafeFilename
	hand a message to net/mail               Message.Section             ExampleMessage_Section_netMail
	decode header text                       DecodeText                  ExampleDecodeText
	read address lists                       ParseAddressList            ExampleParseAddressList
	find the newest messages                 SearchOptions.Last          ExampleSearchOptions
	sort and thread on any server            Options.LocalSort           ExampleOptions_localSort
	sort fetched messages                    SortMessages                ExampleSortMessages
	thread fetched messages                  ThreadMessages              ExampleThreadMessages
	combine sets of messages                 Set.Minus                   ExampleSet_Minus
	follow a mailbox across reconnects       Watch                       ExampleWatch
	find what changed since the last run     Client.Sync                 ExampleClient_Sync
	use several connections                  Pool.Do                     ExamplePool_Do
	work on very many messages               Client.Batches              ExampleClient_Batches
	append text with Unix line endings       LiteralText                 ExampleLiteralText
	copy flags to another server             Mailbox.Storable            ExampleMailbox_Storable
	log in with OAuth 2.0                    Client.AuthenticateToken    ExampleClient_AuthenticateToken
	identify the client (163.com, 126.com)   Options.ID                  ExampleOptions_id
	decide whether to try again              IsTransient                 ExampleIsTransient
	wait as long as the server asks          WaitBackoff                 ExampleWaitBackoff
	check whether the connection is alive    Client.Err                  ExampleClient_Err
	read why the server disconnected         Client.Bye                  ExampleClient_Bye
	receive informational server messages    InfoEvent                   ExampleInfoEvent

Package [github.com/go-imaplib/imap/imaptest] is an in-memory server for testing such programs.

# Connecting

[DialTLS] uses TLS from the first byte, [DialStartTLS] connects in the clear and upgrades before anything else,
[DialInsecure] does not encrypt, [DialStream] talks to a child process, and [NewClient] uses any open stream. Certificates
are verified. A password is never sent in the clear, except to the local machine or with [Options].AllowInsecureAuth: a
call that would send it fails with [ErrInsecure] first. [Client.AuthenticatePassword] picks the strongest mechanism that
the server offers.

# Messages and sets

A message is identified by its [UID], which does not change, or by its [SeqNum], which changes when earlier messages are
removed. The type of the set selects the form of the command: a [UIDSet] the UID form, a [SeqSet] the plain one; mixing
them up does not compile. A set is a list of ranges, so that a million consecutive messages cost as much as one. A call
with an empty set sends nothing and returns no error.

[Client.Fetch] yields messages that the caller owns, with their parts in memory. [Client.FetchStream] leaves the bodies on
the connection, so that they are read in constant memory. Both loops may be left at any time: by break, return or panic.
Other commands can be issued inside a Fetch loop. Fetching a body does not mark a message as seen, unless
[Section].MarkSeen is set.

# Errors

When the server refuses a command (NO), does not understand it (BAD) or closes the connection (BYE), the call returns an
[Error] with the server's text; [CodeOf] returns the machine-readable reason, if the server gave one:

	err := c.Create(ctx, "Archive", nil)
	if imap.CodeOf(err) == imap.CodeAlreadyExists {
		err = nil
	}

On a closed connection the error satisfies errors.Is(err, [ErrClosed]). A [CapabilityError] reports an extension that the
server does not have, and satisfies errors.Is(err, [errors.ErrUnsupported]); a [StateError] a command that is not allowed
in the current state; an [ArgumentError] an argument that cannot be sent; a [LimitError] a server that exceeds a limit.
When ctx has ended, errors.Is finds its cause. After all of these except [ErrClosed], [LimitError] and a timeout the
client remains usable; [SafeToRetry] reports whether the command was not sent and can be repeated. A value that cannot be parsed affects
only its own message, which comes with a [ProtocolError]. No error contains an argument of a command, and no error or log
record contains a secret.

# Concurrency and cancellation

All methods are safe for concurrent use. Commands run one after the other, in the order of the calls; [Client.Pipeline]
sends them without waiting for the answers to earlier ones. When ctx ends, a call returns at once and the connection
remains usable: the answer is discarded when it arrives. Only if a command was interrupted while it was being written is
the connection closed. [Client.Close] wakes every waiting call and never waits for the server.

Some calls send several commands: with a set that is too long for one, or [Client.Move] if the server has no MOVE. If
another goroutine selects another mailbox between two of them, the call fails and changes nothing in that mailbox.

A client has no goroutine of its own, and no buffer while it is idle. Nothing is therefore read between calls: what the
server sends unsolicited, such as the arrival of new mail, is returned by [Client.Idle], which waits for it, and by
[Client.Events] after any command. [Client.Mailbox] returns the current state of the selected mailbox.

# Limits

Servers are not trusted. The length of a response, the literals in memory, the depth of nesting and the data kept for a
suspended loop are bounded by [Options], with defaults that allow a mailbox of a million messages and a message of 50 MB.
[Options].Timeout bounds how long the client waits for an answer without receiving a byte; a body that makes progress never
times out.

# Coming from Python's imaplib

	imaplib                           imap
	IMAP4, IMAP4_SSL, IMAP4_stream    DialInsecure, DialTLS, DialStream
	starttls                          DialStartTLS, Client.StartTLS
	login, login_cram_md5             Client.Login, Client.LoginCRAMMD5
	authenticate                      Client.Authenticate, Client.AuthenticatePassword
	select(readonly=True)             Client.Select, Client.Examine
	close, unselect                   Client.CloseMailbox, Client.Unselect
	shutdown                          Client.Close
	search, uid("SEARCH")             Client.SearchSeq, Client.Search
	fetch, uid("FETCH")               Client.Fetch with a SeqSet, with a UIDSet
	store, copy, expunge              Client.Store, Client.Copy, Client.Expunge
	append                            Client.Append
	list, lsub, status                Client.List, Client.Lsub, Client.Status
	idle                              Client.Idle, Client.IdleBursts
	capability, capabilities          Client.Capability, Client.Caps
	enable, utf8_enabled              Client.Enable, Client.Enabled
	response, recent                  Client.LastData, Client.Recent
	xatom                             Client.Do
	Internaldate2tuple                ParseInternalDate
	Time2Internaldate                 FormatInternalDate
	Int2AP, ParseFlags                Int2AP, ParseFlags
	IMAP4.error, abort, readonly      Error, ErrClosed, ErrReadOnly

A NO, which imaplib returns as a status, is an error here, and the caller has nothing to parse. docs/imaplib.md lists
every name, and shows common programs side by side.
*/
package imap
