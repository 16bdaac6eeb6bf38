/*
Package imap is a client for IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051), the protocol by which mail is read on a server.

A [Client] is one connection. Each command of the protocol is a method; what the server answers comes back as typed values.
A program that prints what is unread in a mailbox:

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

# What people do with mail

	task                                     method                      example
	show the text of messages, in UTF-8      Client.FetchText            ExampleClient_FetchText
	list messages with a line of their text  Client.Previews             ExampleClient_Previews
	find text, attachments and images        BodyStructure.Attachments   ExampleBodyStructure_Attachments
	save an attachment of any size           Body.Decoded                ExampleBody_Decoded
	name the file of an attachment           BodyStructure.SafeFilename  ExampleBodyStructure_SafeFilename
	hand a message to net/mail               Message.Section             ExampleMessage_Section_netMail
	decode header text                       DecodeText                  ExampleDecodeText
	read address lists                       ParseAddressList            ExampleParseAddressList
	find the newest of many                  SearchOptions.Last          ExampleSearchOptions
	sort and thread on any server            Options.LocalSort           ExampleOptions_localSort
	sort messages that are here              SortMessages                ExampleSortMessages
	thread messages that are here            ThreadMessages              ExampleThreadMessages
	calculate with sets of messages          Set.Minus                   ExampleSet_Minus
	follow a mailbox, whatever breaks        Watch                       ExampleWatch
	learn what changed since the last run    Client.Sync                 ExampleClient_Sync
	use several connections                  Pool.Do                     ExamplePool_Do
	work on very many messages               Client.Batches              ExampleClient_Batches
	append text with the line ends of Unix   LiteralText                 ExampleLiteralText
	copy flags to another server             Mailbox.Storable            ExampleMailbox_Storable
	log in by OAuth 2.0                      Client.AuthenticateToken    ExampleClient_AuthenticateToken
	say who we are (163.com, 126.com)        Options.ID                  ExampleOptions_id
	try again, or give up                    IsTransient                 ExampleIsTransient
	wait as long as the server asks          WaitBackoff                 ExampleWaitBackoff
	see that the connection is gone          Client.Err                  ExampleClient_Err
	read the server's last words             Client.Bye                  ExampleClient_Bye
	see what the server says in between      InfoEvent                   ExampleInfoEvent

To test such programs there is a server in memory: package [github.com/go-imaplib/imap/imaptest].

# Connecting

[DialTLS] speaks TLS from the first octet, [DialStartTLS] begins in the clear and upgrades before anything else,
[DialInsecure] stays in the clear, [DialStream] talks to a program, and [NewClient] to any open stream. Certificates are
verified. A password never leaves in the clear, except to this machine or with [Options].AllowInsecureAuth: what would send
it fails with [ErrInsecure] before it does. [Client.AuthenticatePassword] takes the strongest mechanism that the server
offers.

# Messages and sets

Messages are named by [UID], which stays, or by [SeqNum], which changes when messages before it go. The type of the set
decides: a [UIDSet] makes a command its UID form, a [SeqSet] its plain form, and a mix-up does not compile. A set is a
short list of ranges, so that a million messages in a row cost as much as one. An empty set sends nothing and is no error.

[Client.Fetch] yields messages that the caller owns, with their parts in memory, and [Client.FetchStream] leaves the bodies
on the connection, to be read there in constant memory. Both are loops that may be left at any time: by break, return or
panic. Inside a Fetch loop other commands can be used. Fetching a body does not mark a message as seen, unless
[Section].MarkSeen asks for it.

# Errors

What the server refuses (NO), does not understand (BAD) or ends with (BYE) is an [Error] with its own words; [CodeOf] is
the machine-readable reason, where it gave one:

	err := c.Create(ctx, "Archive", nil)
	if imap.CodeOf(err) == imap.CodeAlreadyExists {
		err = nil
	}

A connection that is gone is an error for which errors.Is(err, [ErrClosed]) holds. An extension that the server does not
have is a [CapabilityError], for which errors.Is(err, [errors.ErrUnsupported]) holds, a command out of place a
[StateError], an argument that cannot be sent an [ArgumentError], and a server beyond a limit a [LimitError]. Where ctx
ended, errors.Is finds its cause. After all of them but [ErrClosed], [LimitError] and a timeout the client goes on;
[SafeToRetry] says whether the command was ever sent. One value that does not parse costs its own message: it comes as a
[ProtocolError] beside the message. No error holds an argument of a command, and no error or log record holds a secret.

# Concurrency and cancellation

All methods are safe for concurrent use. Commands run one after the other, in the order of the calls; [Client.Pipeline]
sends them without waiting for the answers of earlier ones. When ctx ends a call returns at once and the connection stays
usable: the answer that comes later is read and dropped. Only where a command was cut while it was being written the
connection is closed. [Client.Close] wakes every call that waits and never waits for the server.

Some calls send several commands: about a set that is too long for one, or [Client.Move] where the server has no MOVE.
When somebody selects another mailbox between two of them, such a call ends with an error and touches nothing there.

A client holds no goroutine, and at rest no buffer. So nothing is read between the calls: what the server says unasked,
new mail above all, comes from [Client.Idle], which waits for it, and from [Client.Events] after any command.
[Client.Mailbox] is the selected mailbox as it is known now.

# Limits

A server is not trusted. The length of a response, the literals in memory, the depth of nesting and what is kept for a
suspended loop are bounded by [Options], with defaults that pass a mailbox of a million messages and a message of 50 MB.
[Options].Timeout bounds the silence of a server that owes an answer; a body that makes progress never times out.

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

NO is an error here, which imaplib returns as a status, and nothing has to be parsed by the caller. docs/imaplib.md has
every name, and the programs that everybody writes side by side.
*/
package imap
