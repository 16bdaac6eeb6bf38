package imap

import (
	"reflect"
	"strings"
	"testing"

	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// textOf is how many bytes of text a value holds.
func textOf(v reflect.Value) (n int) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			n = textOf(v.Elem())
		}
	case reflect.String:
		n = v.Len()
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Len()
		}
		for i := range v.Len() {
			n += textOf(v.Index(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			n += textOf(k) + textOf(v.MapIndex(k))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += textOf(v.Field(i))
		}
	}
	return n
}

// TestEventsCountTheirTexts: the queue of events is bounded in bytes, so an event counts all text that it holds.
func TestEventsCountTheirTexts(t *testing.T) {
	const caps = "IMAP4rev1 CONTEXT=SEARCH ESEARCH NOTIFY METADATA OBJECTID OBJECTID+ X-GM-EXT-1 ANNOTATE-EXPERIMENT-1 LOGIN-REFERRALS MAILBOX-REFERRALS QRESYNC CONDSTORE LIST-EXTENDED LIST-STATUS LIST-MYRIGHTS LIST-METADATA INPROGRESS PREVIEW"
	for _, response := range []string{
		`* ESEARCH (TAG "%") ADDTO (0 1)`,
		`* NO [NOUPDATE "%"] text`,
		`* NO [NOUPDATE "a"] %`,
		`* OK [NOTIFICATIONOVERFLOW] %`,
		`* OK [REFERRAL imap://%@host/] text`,
		`* OK [ALERT] %`,
		`* OK [X-% x] text`,
		`* OK [INPROGRESS ("a" 1 2)] %`,
		`* OK %`,
		`* X-THING %`,
		`* FLAGS (% %b)`,
		`* STATUS "%" (MESSAGES 1)`,
		`* STATUS a (MAILBOXID (%))`,
		`* STATUS a (OBJECTID (ACCOUNTID %))`,
		`* STATUS a (OBJECTID (MAILBOXID %))`,
		`* METADATA "%" /shared/a`,
		`* METADATA "a" "/shared/%"`,
		`* LIST (\%) "/" a`,
		`* LIST () "/" "%"`,
		`* LIST () "/" a ("OLDNAME" ("%"))`,
		`* LIST () "/" a ("CHILDINFO" ("%"))`,
		`* 1 FETCH (FLAGS (%))`,
		`* 1 FETCH (EMAILID (%))`,
		`* 1 FETCH (THREADID (%))`,
		`* 1 FETCH (PREVIEW "%")`,
		`* 1 FETCH (X-GM-LABELS ("%"))`,
		`* 1 FETCH (ANNOTATION ("/%" (value.priv "x")))`,
		`* 1 FETCH (ANNOTATION ("/a" (value.priv "%")))`,
		`* 1 FETCH (BODY[] "%")`,
		`* 1 FETCH (BODY[HEADER.FIELDS (%)] "x")`,
		`* 1 FETCH (BODY[HEADER.FIELDS.NOT (%)] "x")`,
		`* 1 FETCH (ENVELOPE ("%" "%" (("%" "%" "%" "%")) NIL NIL NIL NIL NIL "%" "%"))`,
		`* 1 FETCH (BODYSTRUCTURE ("%" "%" ("%" "%") "%" "%" "7BIT" 1 1 "%" ("%" ("%" "%")) ("%") "%"))`,
	} {
		t.Run(response, func(t *testing.T) {
			response := strings.ReplaceAll(response, "%", strings.Repeat("a", 1<<12))
			near, far := imaptest.Pipe()
			t.Cleanup(func() { far.Close() })
			go imaptest.Script(t, far, "S: * PREAUTH [CAPABILITY "+caps+"] hi\nC: $ SELECT INBOX\nS: * 5 EXISTS\nS: $ OK done\nC: $ NOOP\nS: "+
				strings.ReplaceAll(response, `\`, `\\`)+"\nS: $ OK done\n")
			c, err := NewClient(t.Context(), near, nil)
			require.NoError(t, err)
			t.Cleanup(func() { c.Close() })
			_, err = c.Select(t.Context(), "INBOX", nil)
			require.NoError(t, err)
			require.NoError(t, c.Noop(t.Context()))
			events := c.Events()
			require.Len(t, events, 1)
			t.Logf("%T", events[0])
			assert.Greater(t, textOf(reflect.ValueOf(events)), 1<<12-8)
			assert.GreaterOrEqual(t, events[0].size(), textOf(reflect.ValueOf(events)))
		})
	}
}

// TestEndOfUpdatesStays: that a server does not keep a search current any more outlives an overflow of the queue.
func TestEndOfUpdatesStays(t *testing.T) {
	q := &eventQueue{}
	end := &ContextEvent{Tag: "A1", Refusal: &Error{Status: "NO", Code: CodeNoUpdate}}
	q.add(end)
	q.add(&ContextEvent{Tag: "A1"})
	q.overflow()
	assert.Equal(t, []Event{&DroppedEvent{}, end}, q.take())
}
