package interop_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mimeMessage is a message of testdata/corpus/mime.
type mimeMessage struct {
	Name string
	Raw  []byte `json:"wire_base64"`
}

func mimeMessages(t *testing.T) []mimeMessage {
	t.Helper()
	text, err := os.ReadFile("../../testdata/corpus/mime/messages.jsonl")
	require.NoError(t, err)
	var list []mimeMessage
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
		var m mimeMessage
		require.NoError(t, d.Decode(&m))
		list = append(list, m)
	}
	require.Len(t, list, 49)
	return list
}

// TestWholeMessages appends the messages to each server: what the library returns for them agrees with what the standard
// library returns for the same bytes, and every part comes back byte for byte. Where it does not, the server is named in
// mimeDifferences with the reason.
func TestWholeMessages(t *testing.T) {
	for _, server := range []string{"dovecot", "cyrus", "courier"} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			s := realserver.Get(t, server)
			user, password, err := s.NewUser()
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			c, err := imap.DialInsecure(ctx, s.Addr, nil)
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, c.Login(ctx, user, password))
			_, err = c.Select(ctx, "INBOX", nil)
			require.NoError(t, err)
			for _, m := range mimeMessages(t) {
				t.Run(m.Name, func(t *testing.T) { wholeMessage(ctx, t, c, server, m) })
			}
			checkDifferencesSeen(t, server)
		})
	}
}

func wholeMessage(ctx context.Context, t *testing.T, c *imap.Client, server string, m mimeMessage) {
	_, err := c.Append(ctx, "INBOX", imap.LiteralBytes(m.Raw), nil)
	if e, ok := errors.AsType[*imap.Error](err); ok {
		checkDifferences(t, server, m.Name, []string{"APPEND: " + e.Status + " " + e.Text})
		return
	}
	require.NoError(t, err)
	require.NoError(t, c.Noop(ctx))
	last := imap.SeqNum(c.Mailbox().Exists)
	rows, err := imap.Collect(c.Fetch(ctx, imap.Seqs(last), imap.FetchEnvelope, imap.FetchBodyStructure, imap.FetchSize, imap.Section{}))
	require.NoError(t, err)
	require.Len(t, rows, 1)
	row := rows[0]
	whole := row.Section(imap.Section{})
	assert.EqualValues(t, len(whole), row.Size)
	want, bodies := readMessage(m.Raw)
	got, places := factsOf(row)
	diff := differences(want, got)
	if !bytes.Equal(whole, m.Raw) {
		diff = append(diff, "whole: other bytes")
	}
	for at, path := range places {
		part := imap.Section{Part: path}
		one, err := c.FetchOne(ctx, row.UID, part)
		require.NoError(t, err)
		if body, ok := bodies[at]; ok && !bytes.Equal(body, one.Section(part)) {
			diff = append(diff, fmt.Sprintf("%s body: %d bytes, not %d", at, len(one.Section(part)), len(body)))
		}
	}
	checkDifferences(t, server, m.Name, diff)
}

// checkDifferences fails for a difference that is not in the list.
func checkDifferences(t *testing.T, server, message string, diff []string) {
	t.Helper()
	for _, what := range diff {
		covered := false
		for _, d := range mimeDifferences {
			covered = d.covers(server, message, what) || covered
		}
		assert.True(t, covered, "%s, %s: %s", server, message, what)
	}
}

// factsOf collects what the library returns for a message, and the paths of the parts that can be fetched.
func factsOf(m *imap.Message) (facts, map[string][]int) {
	f, places := facts{}, map[string][]int{}
	noteEnvelope(f, "0", m.Envelope)
	notePart(f, places, "0", m.BodyStructure)
	return f, places
}

func noteFact(f facts, at, field, value string) {
	if value != "" {
		f[at+" "+field] = value
	}
}

func notePart(f facts, places map[string][]int, at string, b *imap.BodyStructure) {
	kind := b.Type + "/" + b.Subtype
	noteFact(f, at, "type", kind)
	for _, p := range b.Params {
		noteFact(f, at, "param "+p.Name, b.Param(p.Name))
	}
	noteFact(f, at, "id", b.ID)
	noteFact(f, at, "description", b.Description)
	noteFact(f, at, "location", b.Location)
	noteFact(f, at, "language", strings.Join(b.Language, ","))
	noteFact(f, at, "disposition", b.Disposition)
	noteFact(f, at, "filename", b.Filename())
	if b.Type != "multipart" {
		places[at] = b.Part
		noteFact(f, at, "encoding", b.Encoding)
		noteFact(f, at, "size", fmt.Sprint(b.Size))
		if b.Type == "text" || kind == "message/rfc822" {
			noteFact(f, at, "lines", fmt.Sprint(b.Lines))
		}
	}
	if b.Envelope != nil {
		noteEnvelope(f, at, b.Envelope)
	}
	for i, child := range b.Children {
		notePart(f, places, fmt.Sprintf("%s.%d", at, i), child)
	}
}

func noteEnvelope(f facts, at string, e *imap.Envelope) {
	noteFact(f, at, "subject", e.Subject)
	noteFact(f, at, "message-id", e.MessageID)
	noteFact(f, at, "in-reply-to", e.InReplyTo)
	if !e.Date.IsZero() {
		noteFact(f, at, "date", e.Date.UTC().Format(time.RFC3339))
	}
	for _, l := range []struct {
		name string
		list []imap.Address
	}{{"from", e.From}, {"sender", e.Sender}, {"reply-to", e.ReplyTo}, {"to", e.To}, {"cc", e.CC}, {"bcc", e.BCC}} {
		var out []string
		for _, a := range l.list {
			if a.Host != "" || a.Name != "" {
				out = append(out, fmt.Sprintf("%q <%s>", a.Name, a.Addr()))
			}
		}
		noteFact(f, at, l.name, strings.Join(out, ", "))
	}
}

// mimeDifference is something that servers say otherwise than the standard library reads it, in these messages.
type mimeDifference struct {
	servers, messages string // separated by blanks; "*" is all
	what              string // a regular expression of the difference
	reason            string
	seen              sync.Map // by server
}

func (d *mimeDifference) covers(server, message, what string) bool {
	if !slices.Contains(strings.Fields(d.servers), server) || d.messages != "*" && !slices.Contains(strings.Fields(d.messages), message) {
		return false
	}
	matched := regexp.MustCompile("^(?:" + d.what + ")$").MatchString(what)
	if matched {
		d.seen.Store(server, true)
	}
	return matched
}

func except(servers, messages, what, reason string) *mimeDifference {
	return &mimeDifference{servers: servers, messages: messages, what: what, reason: reason}
}

// mimeDifferences lists where a server differs from the standard library, each with the reason. The library
// returns what the server sends.
var mimeDifferences = []*mimeDifference{
	// The standard library stops where servers read on.
	except("dovecot cyrus", "delivery-status-multiple-blank-lines.txt", `0\.1 (size|body):? .*157.* not .*155.*`,
		"the last boundary is missing: mime/multipart drops the line end before the end of the message"),
	except("dovecot cyrus", "empty-multipart.txt", `0\.[01](\.0)? .*`, "a multipart without any boundary in it: Dovecot makes it hold an empty part, Cyrus the part behind it"),
	except("dovecot cyrus courier", "message.21.msg", `0.* not ""`, "mime.ParseMediaType refuses the doubled semicolon, and the standard library sees no parts"),
	except("dovecot cyrus", "rfc2060.txt", `0\.(2|3\.1) .*`, "the line end between the last boundaries of a multipart and of the one around it: servers count it to the inner one"),
	except("courier", "rfc2060.txt", `0\.(2|3\.1) .*`, "the same, and Courier ends a message inside a message behind the CR"),
	except("dovecot cyrus courier", "disposition-notification.txt message.20.msg message.25.msg", `0(\.\d+)* date: .* not ""`,
		"net/mail refuses the date: a time with dots, a zone of another form, or the day in another place"),
	except("dovecot cyrus courier", "message.35.msg", `0(\.\d+)* filename: "loser.gif", not "/.*"`, "a path: Filename returns what follows its last separator"),

	// Dovecot.
	except("dovecot", "missing-subtype.txt", `0 (filename|param name|type): "/?", not .*`, "a media type without a subtype: Dovecot says the empty string for both, and no parameters"),

	// Cyrus.
	except("cyrus", "missing-subtype.txt", `0 (filename|lines|param name|type): .*`, "a media type without a subtype: Cyrus takes it for text/plain"),
	except("cyrus", "feedback-report.txt", `whole: other bytes`, "bytes above 127 in a header: Cyrus stores X for each"),
	except("cyrus", "issue358.txt", `APPEND: NO Message contains invalid header`, "Cyrus refuses a header line without a colon"),
	except("cyrus", "message.27.msg message.3.msg", `0 (cc|to): .*佐藤豊 \\" .*`, "Cyrus keeps the blank between two encoded words of a comment"),

	// Courier.
	except("courier", "*", `0[.0-9]* encoding: "8bit", not "(7bit|)"`, "Courier sends 8bit where a part names no encoding"),
	except("courier", "body.1.txt body.2.txt bounce.txt issue1130.txt message.14.msg message.15.msg message.18.msg message.2.msg",
		`whole: other bytes|0 (body|lines|size): .*`, "Courier ends the last line of a message"),
	except("courier", "delivery-status-multiple-blank-lines.txt delivery-status2.txt", `0.*`, "without MIME-Version Courier takes the body for text/plain"),
	except("courier", "multipart-digest.txt", `0.*`, "without MIME-Version Courier takes the body of the inner message for text/plain"),
	except("courier", "missing-subtype.txt", `0 type: "application-x-gzip/", not "application-x-gzip"`, "a media type without a subtype"),
	except("courier", "multipart-related-mhtml.txt", `0\.0 location: .*`, "Courier says no Content-Location"),
	except("courier", "delivery-status-no-blank-line.txt delivery-status.txt disposition-notification.txt feedback-report.txt simple-embedded-message.eml "+
		"message.18.msg message.20.msg message.37.msg message.38.msg", `0[.0-9]* (body|size): .*`,
		"Courier ends a message inside a message behind the CR of its last line end, and with a message in that numbers its parts one level too deep"),
	except("courier", "message.29.msg", `0[.0-9]* (body|size|lines): .*`, "Courier numbers the parts of messages inside messages one level too deep"),
}

// checkDifferencesSeen fails for a difference in the list that is none any more.
func checkDifferencesSeen(t *testing.T, server string) {
	for _, d := range mimeDifferences {
		if slices.Contains(strings.Fields(d.servers), server) {
			_, seen := d.seen.Load(server)
			assert.True(t, seen, "%s does no longer: %s (%s)", server, d.reason, d.what)
		}
	}
}
