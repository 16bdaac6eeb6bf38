package imap_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"regexp"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// codes are the data of response codes, nil where it cannot be read.
var codes = []struct {
	command string
	code    imap.Code
	args    string
	data    imap.CodeData
}{
	{"STORE", imap.CodeModified, "7,9", imap.NumbersData{Seqs: imap.Seqs(7, 9)}},
	{"UID STORE", imap.CodeModified, "7,9", imap.NumbersData{UIDs: imap.UIDs(7, 9)}},
	{"UID STORE", imap.CodeModified, "7,*", nil},
	{"STORE", imap.CodeModified, "", nil},
	{"APPEND", imap.CodeAppendUID, "38505 3955:3957,3999", imap.AppendUIDData{UIDValidity: 38505, UIDs: imap.UIDSet{{Start: 3955, Stop: 3957}, {Start: 3999, Stop: 3999}}}},
	{"APPEND", imap.CodeAppendUID, "38505", nil},
	{"APPEND", imap.CodeAppendUID, "38505 0", nil},
	{"APPEND", imap.CodeAppendUID, "4294967296 1", nil},
	{"COPY", imap.CodeCopyUID, "38505 304,319:320 3956:3958", imap.CopyUIDData{UIDValidity: 38505, Source: imap.UIDSet{{Start: 304, Stop: 304}, {Start: 319, Stop: 320}}, Dest: imap.UIDRange(3956, 3958)}},
	{"COPY", imap.CodeCopyUID, "38505 9,3 1:2", imap.CopyUIDData{UIDValidity: 38505, Source: imap.UIDSet{{Start: 9, Stop: 9}, {Start: 3, Stop: 3}}, Dest: imap.UIDRange(1, 2)}},
	{"COPY", imap.CodeCopyUID, "38505 304,319 3956:3958", nil},
	{"COPY", imap.CodeCopyUID, "38505 304", nil},
	{"COPY", imap.CodeCopyUID, "38505 1:* 1:*", nil},
	{"COPY", imap.CodeCopyUID, "38505 1 2 3", nil},
	{"SEARCH", imap.CodeBadCharset, `(US-ASCII "UTF-8")`, imap.BadCharsetData{Charsets: []string{"US-ASCII", "UTF-8"}}},
	{"SEARCH", imap.CodeBadCharset, `US-ASCII UTF-8`, imap.BadCharsetData{Charsets: []string{"US-ASCII", "UTF-8"}}},
	{"SEARCH", imap.CodeBadCharset, ``, imap.BadCharsetData{}},
	{"SEARCH", imap.CodeBadCharset, `(US-ASCII`, nil},
	{"NOTIFY", imap.CodeBadEvent, `(MessageNew FlagChange)`, imap.BadEventData{Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyFlagChange}}},
	{"APPEND", imap.CodeBadURL, `"/INBOX/;UID=1"`, imap.URLData{URL: "/INBOX/;UID=1"}},
	{"APPEND", imap.CodeBadURL, `/INBOX/;UID=1`, imap.URLData{URL: "/INBOX/;UID=1"}},
	{"APPEND", imap.CodeBadURL, `/a(b)%20c/;UID=1/;SECTION=1.2`, imap.URLData{URL: "/a(b)%20c/;UID=1/;SECTION=1.2"}},
	{"APPEND", imap.CodeBadURL, "", nil},
	{"APPEND", imap.CodeTooBig, "", nil},
	{"SEARCH", imap.CodeInProgress, "", imap.ProgressData{}},
	{"SEARCH", imap.CodeInProgress, "(NIL NIL NIL)", imap.ProgressData{}},
	{"SEARCH", imap.CodeInProgress, `("A002" nil NIL)`, imap.ProgressData{Tag: "A002"}},
	{"SEARCH", imap.CodeInProgress, `("A002" 175 NIL)`, imap.ProgressData{Tag: "A002", Progress: testkit.Ptr(uint64(175))}},
	{"SEARCH", imap.CodeInProgress, `(NIL 0 18446744073709551615)`, imap.ProgressData{Progress: new(uint64), Goal: testkit.Ptr(uint64(math.MaxUint64))}},
	{"SEARCH", imap.CodeInProgress, `("A002" 454 1000`, nil},
	{"SEARCH", imap.CodeInProgress, `("A002" half 1000)`, nil},
	{"SEARCH", imap.CodeInProgress, `("A002" 454)`, nil},
	{"SEARCH", imap.CodeInProgress, `A002 454 1000`, nil},
	{"SELECT", imap.CodeNewName, `"old box" new/box`, imap.NewNameData{Old: "old box", New: "new/box"}},
	{"SELECT", imap.CodeNewName, `old`, nil},
	{"SELECT", imap.CodeNewName, "", nil},
	{"STORE", imap.CodeAnnotate, "TooBig", imap.AnnotateData{Reason: "TOOBIG"}},
	{"STORE", imap.CodeAnnotate, "", nil},
	{"SELECT", imap.CodeAnnotations, "20480 NOPRIVATE", imap.MailboxAnnotations{MaxSize: 20480, NoPrivate: true}},
	{"SELECT", imap.CodeAnnotations, "", nil},
	{"SELECT", imap.CodeHighestModSeq, "9223372036854775807", imap.NumberData(9223372036854775807)},
	{"SELECT", imap.CodeHighestModSeq, "18446744073709551616", nil},
	{"SELECT", imap.CodeUIDNext, "5 6", nil},
	{"SELECT", imap.CodeMailboxID, "(F2212)", imap.ObjectIDData{MailboxID: "F2212"}},
	{"SELECT", imap.CodeMailboxID, "F2212", imap.ObjectIDData{MailboxID: "F2212"}},
	{"SELECT", imap.CodeObjectID, "(MAILBOXID m ACCOUNTID a X (1 2) Y z)", imap.ObjectIDData{MailboxID: "m", AccountID: "a"}},
	{"SELECT", imap.CodeObjectID, "()", imap.ObjectIDData{}},
	{"SELECT", imap.CodeObjectID, "(MAILBOXID", nil},
	{"SELECT", imap.CodePermanentFlags, `(\seen \*)`, imap.FlagsData{Flags: []imap.Flag{imap.FlagSeen, imap.FlagAny}}},
	{"FETCH", imap.CodeMessageLimit, "1000 6000", imap.MessageLimitData{Limit: 1000, UID: 6000}},
	{"COPY", imap.CodeMessageLimit, "1000", imap.MessageLimitData{Limit: 1000}},
	{"COPY", imap.CodeMessageLimit, "many", nil},
	{"SETMETADATA", imap.CodeMetadata, "MAXSIZE 1024", imap.MetadataData{Reason: "MAXSIZE", Size: 1024}},
	{"SETMETADATA", imap.CodeMetadata, "toomany", imap.MetadataData{Reason: "TOOMANY"}},
	{"SETMETADATA", imap.CodeMetadata, "MAXSIZE big", nil},
	{"CONVERT", imap.CodeMaxConvertParts, "3", imap.NumberData(3)},
	{"SORT", imap.CodeNoUpdate, `"B02"`, imap.TagData{Tag: "B02"}},
	{"SEARCH", imap.CodeUndefinedFilter, "on-the-road", imap.FilterData{Filter: "on-the-road"}},
	{"RESETKEY", imap.CodeURLMech, "INTERNAL XSAMPLE=P34OKhO7VEkCbsiYY8rGEg==", imap.URLMechData{Mechanisms: map[string]string{"INTERNAL": "", "XSAMPLE": "P34OKhO7VEkCbsiYY8rGEg=="}}},
	{"LOGIN", imap.CodeReferral, "IMAP://MIKE@SERVER2/", imap.ReferralData{URLs: []*imap.URL{{User: "MIKE", Host: "SERVER2"}}, Raw: []string{"IMAP://MIKE@SERVER2/"}}},
	{"SELECT", imap.CodeReferral, "IMAP://user;AUTH=*@SERVER2/REMOTE http://x IMAP://SERVER3/REMOTE", imap.ReferralData{
		URLs: []*imap.URL{{User: "user", Auth: "*", Host: "SERVER2", Mailbox: "REMOTE"}, {Host: "SERVER3", Mailbox: "REMOTE"}},
		Raw:  []string{"IMAP://user;AUTH=*@SERVER2/REMOTE", "http://x", "IMAP://SERVER3/REMOTE"}}},
	{"LOGIN", imap.CodeReferral, "", nil},
	{"FETCH", "X-VENDOR", "anything (at all", nil},
}

// TestCodeData reads the data of each code, of errors and of raw responses. Unreadable data is reported and kept.
func TestCodeData(t *testing.T) {
	for _, tt := range codes {
		err := &imap.Error{Command: tt.command, Status: "NO", Code: tt.code, Args: tt.args}
		got, bad := err.Data()
		assert.Equal(t, tt.data, got, "%s %s", tt.code, tt.args)
		if malformed := tt.data == nil && tt.code != imap.CodeTooBig && tt.code != "X-VENDOR"; malformed {
			_, ok := errors.AsType[*imap.ProtocolError](bad)
			assert.True(t, ok, "%s %s: %v", tt.code, tt.args, bad)
		} else {
			assert.NoError(t, bad)
		}
		resp := &imap.Response{Code: tt.code, CodeArgs: tt.args}
		got, _ = resp.Data(tt.command == "UID STORE")
		assert.Equal(t, tt.data, got)
	}
	caps, err := (&imap.Response{Code: imap.CodeCapability, CodeArgs: "IMAP4rev1 IDLE"}).Data(false)
	require.NoError(t, err)
	assert.True(t, caps.(imap.CapabilityData).Caps.Has("IDLE"))
}

// TestCodeDataOf finds data of one type in the errors of calls.
func TestCodeDataOf(t *testing.T) {
	c := testkit.FollowWith(t, &imap.Options{AllowInsecureAuth: true}, `
		S: * OK [CAPABILITY IMAP4rev1 LOGIN-REFERRALS] hello
		C: $ LOGIN MIKE "JOE"
		S: $ NO [REFERRAL IMAP://MIKE@SERVER2/] Specified user is invalid on this server.
	`)
	err := c.Login(testkit.Context(t), "MIKE", "JOE")
	to, ok := imap.CodeDataOf[imap.ReferralData](err)
	require.True(t, ok, err)
	assert.Equal(t, "SERVER2", to.URLs[0].Host)
	_, ok = imap.CodeDataOf[imap.MetadataData](err)
	assert.False(t, ok)
	_, ok = imap.CodeDataOf[imap.ReferralData](errors.New("x"))
	assert.False(t, ok)
	_, ok = imap.CodeDataOf[imap.NumberData](&imap.Error{Code: imap.CodeUIDNext, Args: "x"})
	assert.False(t, ok)
}

// FuzzCodeData: the data of a code is read, or reported to be unreadable.
func FuzzCodeData(f *testing.F) {
	for _, tt := range codes {
		f.Add(string(tt.code), tt.args)
	}
	f.Fuzz(func(t *testing.T, code, args string) {
		data, err := (&imap.Error{Code: imap.Code(code), Args: args}).Data()
		if err != nil {
			assert.Nil(t, data)
		}
	})
}

// registeredCodes are the response codes of the IANA registry (IMAP Response Codes) and of the drafts that servers follow,
// with an argument if they have one.
var registeredCodes = map[imap.Code]string{
	"ALERT": "", "ALREADYEXISTS": "", "ANNOTATE": "TOOBIG", "ANNOTATIONS": "20480", "APPENDUID": "1 2", "AUTHENTICATIONFAILED": "", "AUTHORIZATIONFAILED": "",
	"BADCHARSET": "(UTF-8)", "BADCOMPARATOR": "", "BADEVENT": "(FlagChange)", "BADURL": "x", "CANNOT": "", "CAPABILITY": "IMAP4rev1", "CLIENTBUG": "",
	"CLOSED": "", "COMPRESSIONACTIVE": "", "CONTACTADMIN": "", "COPYUID": "1 2 3", "CORRUPTION": "", "DOWNGRADED": "1:3", "EXPIRED": "", "EXPUNGEISSUED": "",
	"HASCHILDREN": "", "HIGHESTMODSEQ": "5", "INPROGRESS": `("a" 1 2)`, "INUSE": "", "LIMIT": "", "MAILBOXID": "(x)", "MAXCONVERTMESSAGES": "1", "MAXCONVERTPARTS": "1",
	"MESSAGELIMIT": "1000 7", "METADATA": "MAXSIZE 5", "MODIFIED": "1", "NEWNAME": "a b", "NOMODSEQ": "", "NONEXISTENT": "", "NOPERM": "",
	"NOTIFICATIONOVERFLOW": "", "NOTSAVED": "", "NOUPDATE": `"a"`, "OBJECTID": "(MAILBOXID x)", "OVERQUOTA": "", "PARSE": "", "PERMANENTFLAGS": `(\*)`,
	"PRIVACYREQUIRED": "", "READ-ONLY": "", "READ-WRITE": "", "REFERRAL": "imap://x/", "SERVERBUG": "", "TEMPFAIL": "", "TOOBIG": "", "TOOFEW": "",
	"TOOMANY": "", "TRYCREATE": "", "UIDNEXT": "1", "UIDNOTSTICKY": "", "UIDREQUIRED": "", "UIDVALIDITY": "1", "UNAVAILABLE": "",
	"UNDEFINED-FILTER": "x", "UNKNOWN-CTE": "", "UNSEEN": "1", "URLMECH": "INTERNAL", "USEATTR": "",
}

// TestRegisteredCodes: each code has a constant, and a type of data if it has an argument.
func TestRegisteredCodes(t *testing.T) {
	api, err := os.ReadFile("testdata/api.txt")
	require.NoError(t, err)
	have := map[imap.Code]bool{}
	for _, m := range regexp.MustCompile(`(?m)^const Code\w+ Code = "([A-Z-]+)"`).FindAllStringSubmatch(string(api), -1) {
		have[imap.Code(m[1])] = true
	}
	for code, args := range registeredCodes {
		assert.True(t, have[code], "no constant for %s", code)
		delete(have, code)
		data, err := (&imap.Error{Command: "UID X", Status: "NO", Code: code, Args: args}).Data()
		require.NoError(t, err, code)
		assert.Equal(t, args != "", data != nil, "%s: %v", code, data)
	}
	assert.Empty(t, have, "constants of no registered code")
}

// TestArgumentErrors: an argument that cannot be sent is an ArgumentError, and nothing was sent.
func TestArgumentErrors(t *testing.T) {
	c := testkit.Selected(t, "C: $ NOOP\nS: $ OK alive")
	ctx := testkit.Context(t)
	for name, call := range map[string]func() error{
		"Select":  func() error { _, err := c.Select(ctx, "", nil); return err },
		"Create":  func() error { return c.Create(ctx, "a\x00b", nil) },
		"Append":  func() error { _, err := c.Append(ctx, "", imap.LiteralString("x"), nil); return err },
		"Store":   func() error { _, err := c.Store(ctx, imap.UIDs(1), imap.AddFlags("no atom"), nil); return err },
		"Search":  func() error { _, err := c.Search(ctx, imap.Where().Header("a b", "c"), nil); return err },
		"Do":      func() error { _, err := c.Do(ctx, "a b\r\n"); return err },
		"Idle":    func() error { _, err := testkit.OneEvent(ctx, c, &imap.IdleOptions{For: -1}); return err },
		"Fetch":   func() error { return testkit.Drain(c.Fetch(ctx, nil, imap.FetchFlags)) },
		"Enable":  func() error { _, err := c.Enable(ctx, "a b"); return err },
		"Section": func() error { return testkit.Drain(c.Fetch(ctx, imap.UIDs(1), imap.Section{Part: []int{0}})) },
	} {
		err := call()
		bad, ok := errors.AsType[*imap.ArgumentError](err)
		require.True(t, ok, "%s: %v", name, err)
		assert.NotEmpty(t, bad.Reason)
		assert.True(t, imap.SafeToRetry(err), name)
		assert.False(t, imap.IsTransient(err), name)
	}
	require.NoError(t, c.Noop(ctx))
}

// TestIsTransient distinguishes "try again" from "give up".
func TestIsTransient(t *testing.T) {
	no := func(command string, code imap.Code, text string) error {
		return &imap.Error{Command: command, Status: "NO", Code: code, Text: text}
	}
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{no("LOGIN", "", "Login failed."), false},
		{no("LOGIN", "", "[LOGIN-FAILED] Bad password"), false},
		{no("AUTHENTICATE", imap.CodeAuthenticationFailed, "Authentication failed."), false},
		{no("LOGIN", imap.CodeExpired, "password too old, temporary"), false},
		{no("LOGIN", imap.CodeUnavailable, "Temporary authentication failure."), true},
		{no("LOGIN", imap.CodeLimit, "LOGIN Rate limit hit."), true},
		{no("LOGIN", imap.CodeInUse, "busy"), true},
		{no("LOGIN", imap.CodeAlert, "Too many simultaneous connections. (Failure)"), true},
		{no("LOGIN", "", "Maximum number of connections from user+IP exceeded"), true},
		{no("FETCH", "", "Request is throttled. Suggested Backoff Time: 92415 milliseconds"), true},
		{no("SELECT", imap.CodeNonExistent, "no such mailbox"), false},
		{no("APPEND", imap.CodeOverQuota, "full"), false},
		{no("UID FETCH", imap.CodeOverQuota, "Account exceeded command or bandwidth limits. (Failure)"), true},
		{no("LOGIN", imap.CodeOverQuota, "Account exceeded bandwidth limits. (Failure)"), true},
		{&imap.Error{Command: "SELECT", Status: "BAD", Text: "User is authenticated but not connected."}, true},
		{&imap.Error{Command: "SELECT", Status: "BAD", Code: imap.CodeAuthenticationFailed, Text: "User is authenticated but not connected."}, true},
		{&imap.Error{Command: "FETCH", Status: "BAD", Text: "syntax"}, false},
		{&imap.Error{Status: "BYE", Text: "Server shutting down."}, true},
		{&imap.Error{Status: "BYE", Code: imap.CodeUnavailable, Text: "down"}, true},
		{&imap.Error{Status: "BYE", Code: imap.CodeAuthenticationFailed, Text: "who?"}, false},
		{imap.ErrClosed, true},
		{fmt.Errorf("x: %w", imap.ErrBusy), true},
		{imap.ErrReadOnly, false},
		{imap.ErrInsecure, false},
		{imap.ErrNoMessage, false},
		{&imap.CapabilityError{Name: "MOVE"}, false},
		{&imap.StateError{Command: "FETCH"}, false},
		{&imap.LimitError{Name: "MaxLine"}, false},
		{&imap.ProtocolError{}, false},
		{&imap.ServiceError{Service: "SMTP"}, false},
		{context.Canceled, false},
		{context.DeadlineExceeded, true},
		{os.ErrDeadlineExceeded, true},
		{io.ErrUnexpectedEOF, true},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, false},
		{&net.DNSError{Err: "server misbehaving", IsTemporary: true}, true},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, true},
		{&net.OpError{Op: "dial", Err: &net.AddrError{Err: "missing port"}}, false},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, false},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "a"}, false},
		{tls.RecordHeaderError{Msg: "x"}, false},
		{errors.New("something else"), false},
	} {
		assert.Equal(t, tt.want, imap.IsTransient(tt.err), "%v", tt.err)
		if tt.err != nil {
			assert.Equal(t, tt.want, imap.IsTransient(fmt.Errorf("wrapped: %w", tt.err)), "%v", tt.err)
		}
	}
}

func TestWaitBackoff(t *testing.T) {
	throttled := &imap.Error{Status: "NO", Text: "Request is throttled. Suggested Backoff Time: 5000 milliseconds"}
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			err  error
			most time.Duration
			want time.Duration
		}{
			{throttled, time.Minute, 5 * time.Second},
			{throttled, time.Second, time.Second},
			{throttled, 0, 0},
			{&imap.Error{Status: "NO", Text: "no"}, time.Minute, 0},
			{imap.ErrClosed, time.Minute, 0},
			{nil, time.Minute, 0},
		} {
			start := time.Now()
			require.NoError(t, imap.WaitBackoff(t.Context(), tt.err, tt.most))
			assert.Equal(t, tt.want, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, imap.WaitBackoff(ctx, throttled, time.Minute), context.DeadlineExceeded)
		require.ErrorIs(t, imap.WaitBackoff(ctx, nil, time.Minute), context.DeadlineExceeded)
	})
}
