package interop_test

import (
	"maps"
	"slices"

	"github.com/stretchr/testify/require"
)

// A deviation is a difference of a server from the RFCs or from the others. A test expects it by its name, so that a change
// of the server is noticed.
type deviation struct {
	servers []string
	text    string // what it does, and what the client makes of it
}

var deviations = map[string]deviation{
	"external-without-certificate": {[]string{"dovecot"},
		"AUTH=EXTERNAL is announced on connections without a client certificate too, where it cannot work. " +
			"The server's NO comes back as *Error."},
	"select-without-uidnext": {[]string{"courier"},
		"SELECT does not say UIDNEXT. Mailbox.UIDNext is 0; Status has it."},
	"create-without-code": {[]string{"courier", "cyrus"},
		"CREATE of a mailbox that exists is refused without ALREADYEXISTS. The *Error has no Code."},
	"names-in-the-basic-plane": {[]string{"courier"},
		"A mailbox name with a character beyond U+FFFF is refused; in modified UTF-7 it is a pair of surrogates."},
	"one-special-use-each": {[]string{"cyrus"},
		"CREATE with a special use that another mailbox has is refused, with a code. RFC 6154 section 3 allows it."},
	"anonymous-ends-at-noop": {[]string{"cyrus"},
		"After AUTHENTICATE ANONYMOUS the first NOOP ends the server's process at a failed assertion. It sends BYE, " +
			"which the call returns as *Error with Status BYE; the client is closed."},
	"preview-empty": {[]string{"cyrus"},
		"PREVIEW is announced and always empty: nothing makes previews in this configuration."},
	"setquota-is-refused": {[]string{"dovecot", "courier"},
		"SETQUOTA is refused: limits are set in the configuration."},
	"getquota-is-for-administrators": {[]string{"cyrus"},
		"GETQUOTA is refused to users. GetQuotaRoot returns the same."},
	"alike-not-by-number": {[]string{"courier"},
		"Messages that are alike by all keys of SORT, or of the same second in THREAD, do not come in the order of their " +
			"numbers, as RFC 5256 section 3 wants it."},
	"esort-ends-by-number": {[]string{"cyrus"},
		"SORT RETURN (MIN MAX) returns the lowest and the highest number, not the first and the last in the order asked for " +
			"(RFC 5267 section 3.1). SortResult.Min and Max are what the server returns."},
	"over-quota-without-code": {[]string{"cyrus"},
		"APPEND over the quota is refused without OVERQUOTA. The *Error has no Code."},
	"no-permission-without-code": {[]string{"cyrus"},
		"APPEND to a mailbox that may only be read is refused without NOPERM. The *Error has no Code."},
	"binary-left-out": {[]string{"cyrus"},
		"BINARY of a part whose encoding it does not know is left out of an answer that is OK, instead of NO with UNKNOWN-CTE. " +
			"The message has no such section."},
	"message-unavailable": {[]string{"courier"},
		"A message that is gone, because its mailbox was deleted by another connection, is answered with an envelope whose " +
			"subject is \"message unavailable\"."},
	"no-thread-id": {[]string{imaptestName},
		"THREADID is always NIL, which RFC 8474 section 5.2 allows. Message.ThreadID is empty."},
	"sent-days-in-utc": {[]string{"courier"},
		"SENTSINCE and SENTBEFORE compare the Date field after converting it to UTC; RFC 9051 section 6.4.4 says to " +
			"disregard time and zone."},
	"search-misses-last-line": {[]string{"cyrus"},
		"SEARCH BODY does not see the last line of a quoted-printable part, where no line end belongs to the part."},
	"urlfetch-ends-where-selected": {[]string{"cyrus"},
		"URLFETCH of a message in the selected mailbox ends the connection. The call fails, and the client is closed."},
	"special-use-not-listed": {[]string{imaptestName},
		"/private/specialuse is kept as any entry of METADATA, and LIST does not show it."},
	"special-use-is-configured": {[]string{"dovecot"},
		"SETMETADATA of /private/specialuse is refused with CANNOT: uses are set in the configuration."},
}

// deviates expects that the server is one of those with the deviation.
func (e *env) deviates(name string) {
	e.Helper()
	d, ok := deviations[name]
	require.True(e, ok, "no deviation is called %s", name)
	require.Contains(e, d.servers, e.target.name)
}

func deviationNames() []string { return slices.Sorted(maps.Keys(deviations)) }
