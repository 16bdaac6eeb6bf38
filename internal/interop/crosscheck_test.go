package interop_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"mime"
	"mime/quotedprintable"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/require"
)

// crossMessages is the number of messages.
const crossMessages = 500

// crossMessage is a message with its flags and date.
type crossMessage struct {
	text  string
	flags []imap.Flag
	date  time.Time
}

// crossMailbox makes the messages: real ones first, then generated ones. It is always the same.
func crossMailbox(t *testing.T) []crossMessage {
	rng := rand.New(rand.NewPCG(20, 26))
	var all []crossMessage
	for _, m := range mimeMessages(t) {
		all = append(all, crossMessage{text: string(m.Raw)})
	}
	for len(all) < crossMessages {
		all = append(all, crossMessage{text: generated(rng, len(all))})
	}
	for i := range all {
		m := &all[i]
		m.date = time.Date(2000+i%20, time.Month(i%12+1), i%28+1, i%24, i%60, i%60, 0, time.FixedZone("", (i%25-12)*3600))
		for _, f := range []imap.Flag{imap.FlagSeen, imap.FlagFlagged, imap.FlagAnswered, imap.FlagDraft, "$Label"} {
			if rng.IntN(3) == 0 {
				m.flags = append(m.flags, f)
			}
		}
	}
	return all
}

var crossSubjects = []string{"plain words", "Grüße aus Köln", "日本語の件名", "привет мир", "émojis 📨 too", "  blanks  inside "}

// generated makes a message whose shape depends on its number.
func generated(rng *rand.Rand, i int) string {
	var b bytes.Buffer
	subject := fmt.Sprintf("generated %d %s", i, crossSubjects[rng.IntN(len(crossSubjects))])
	coding := []mime.WordEncoder{mime.QEncoding, mime.BEncoding}[i%2]
	fmt.Fprintf(&b, "Received: from a by b;\r\n\tMon, 7 Feb 1994 21:52:25 -0800\r\nFrom: %s <sender%d@example.org>\r\n",
		coding.Encode("utf-8", "Jörg der Erste"), i%7)
	b.WriteString([]string{
		"To: bob@example.net\r\n",
		"To: \"Quoted \\\"Name\\\"\" <bob@example.net>, list@example.com\r\n",
		"To: friends: ann@example.org, bob@example.net;, list@example.com\r\nCc: carol@example.net\r\n",
		"To: undisclosed-recipients:;\r\n",
		"To: very.long.address.number.one@example.org,\r\n very.long.address.number.two@example.org,\r\n list@example.com\r\n",
	}[i%5])
	fmt.Fprintf(&b, "Subject: %s\r\n", coding.Encode("utf-8", strings.TrimSpace(subject)))
	fmt.Fprintf(&b, "Date: %s\r\n", time.Date(1995+i%25, time.Month(i%12+1), i%28+1, i%24, i%60, 0, 0, time.UTC).Format(time.RFC1123Z))
	fmt.Fprintf(&b, "Message-ID: <generated.%d@example.org>\r\nX-Group: %d\r\nMIME-Version: 1.0\r\n", i, i%10)
	if i%9 == 0 {
		fmt.Fprintf(&b, "In-Reply-To: <generated.%d@example.org>\r\nReply-To: other@example.org\r\n", i-1)
	}
	part(&b, rng, i, 0)
	return b.String()
}

// part writes the fields and the body of a part.
func part(b *bytes.Buffer, rng *rand.Rand, i, depth int) {
	text := fmt.Sprintf("Text of number %d at depth %d: Grüße, 日本.\r\n", i, depth) + strings.Repeat("A line that is repeated.\r\n", rng.IntN(60))
	switch kind := rng.IntN(7); {
	case kind < 2 && depth < 3:
		boundary := fmt.Sprintf("=_%d_%d_%d", i, depth, rng.IntN(1000))
		fmt.Fprintf(b, "Content-Type: multipart/%s; boundary=\"%s\"\r\n\r\nPreamble\r\n", []string{"mixed", "alternative", "related"}[i%3], boundary)
		for range 1 + rng.IntN(3) {
			fmt.Fprintf(b, "--%s\r\n", boundary)
			part(b, rng, i, depth+1)
			b.WriteString("\r\n")
		}
		fmt.Fprintf(b, "--%s--\r\n", boundary)
	case kind == 2 && depth < 3 && depth > 0:
		fmt.Fprintf(b, "Content-Type: message/rfc822\r\n\r\nFrom: inner@example.org\r\nSubject: inner %d\r\nDate: Mon, 7 Feb 1994 21:52:25 -0800\r\n", i)
		part(b, rng, i, depth+1)
	case kind == 3:
		fmt.Fprintf(b, "Content-Type: application/octet-stream; name=\"file %d.bin\"\r\nContent-Disposition: attachment;\r\n filename*=utf-8''%%C3%%BC%d.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n", i, i)
		raw := make([]byte, rng.IntN(2000))
		for j := range raw {
			raw[j] = byte(rng.IntN(256))
		}
		for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(raw)), 76) {
			b.Write(line)
			b.WriteString("\r\n")
		}
	case kind == 4:
		b.WriteString("Content-Type: text/plain; charset=utf-8; format=flowed\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Language: de\r\n\r\n")
		w := quotedprintable.NewWriter(b)
		w.Write([]byte(text))
		w.Close()
	case kind == 5:
		fmt.Fprintf(b, "Content-Type: text/html; charset=\"us-ascii\"\r\nContent-ID: <part%d@example.org>\r\nContent-Description: a page\r\n\r\n<p>number %d</p>\r\n", i, i)
	default:
		b.WriteString("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + text)
	}
}

// crossFacts are what the client returns of one message, by name.
type crossFacts map[string]string

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

func flagText(flags []imap.Flag) string {
	var list []string
	for _, f := range flags {
		if f != imap.FlagRecent {
			list = append(list, string(f))
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func crossAddresses(list []imap.Address) string { return fmt.Sprintf("%q", list) }

// envelopeFacts records an envelope. Runs of spaces count as one.
func (f crossFacts) envelopeFacts(e *imap.Envelope) {
	for name, list := range map[string][]imap.Address{"from": e.From, "sender": e.Sender, "reply-to": e.ReplyTo, "to": e.To, "cc": e.CC, "bcc": e.BCC} {
		f[name] = crossAddresses(list)
	}
	f["subject"] = strings.Join(strings.Fields(e.Subject), " ")
	f["date"] = e.Date.UTC().Format(time.RFC3339)
	f["message-id"], f["in-reply-to"] = e.MessageID, e.InReplyTo
}

// structureFacts records the tree, and returns the paths of the leaves.
func (f crossFacts) structureFacts(s *imap.BodyStructure) (leaves [][]int) {
	var shape, fields, sizes, names strings.Builder
	for p := range s.All() {
		fmt.Fprintf(&shape, "%v %s/%s; ", p.Part, p.Type, p.Subtype)
		fmt.Fprintf(&fields, "%v %q %q %q %q %q; ", p.Part, strings.ToLower(p.Encoding), p.ID, p.Description, p.Language, strings.ToLower(p.Disposition))
		fmt.Fprintf(&sizes, "%v %d %d; ", p.Part, p.Size, p.Lines)
		fmt.Fprintf(&names, "%q %q; ", p.Filename(), strings.ToLower(p.Param("charset")))
		if len(p.Children) == 0 {
			leaves = append(leaves, p.Part)
		}
	}
	f["structure"], f["part fields"], f["part sizes"], f["file names"] = shape.String(), fields.String(), sizes.String(), names.String()
	return leaves
}

// crossRead fetches everything of the messages of a mailbox.
func (e *env) crossRead() []crossFacts {
	e.Helper()
	var all []crossFacts
	var leaves [][][]int
	uids := e.uids()
	part := imap.Section{Offset: 100, Count: 300}
	for m, err := range e.client().Fetch(e.ctx(), imap.SeqRange(1, 0), imap.FetchFlags, imap.FetchInternalDate, imap.FetchSize,
		imap.FetchEnvelope, imap.FetchBodyStructure, imap.Section{}, imap.Section{Specifier: "HEADER"}, imap.Section{Specifier: "TEXT"}, part,
		imap.Section{Specifier: "HEADER", Fields: []string{"Subject", "To"}}) {
		require.NoError(e, err)
		f := crossFacts{"flags": flagText(m.Flags), "internal date": m.InternalDate.UTC().Format(time.RFC3339), "size": fmt.Sprint(m.Size)}
		f.envelopeFacts(m.Envelope)
		leaves = append(leaves, f.structureFacts(m.BodyStructure))
		for _, s := range m.Sections {
			name := fmt.Sprintf("section %s%v%d", s.Section.Specifier, s.Section.Fields, s.Section.Offset)
			f[name] = sumOf(s.Bytes)
		}
		f["whole"] = sumOf(m.Section(imap.Section{}))
		all = append(all, f)
	}
	for i, f := range all {
		e.crossParts(f, uids[i], leaves[i])
	}
	return all
}

// crossParts fetches the leaves of a message, encoded and decoded by the server.
func (e *env) crossParts(f crossFacts, uid imap.UID, leaves [][]int) {
	e.Helper()
	var items []imap.FetchItem
	for _, path := range leaves {
		items = append(items, imap.Section{Part: path}, imap.Section{Part: path, Specifier: "MIME"})
	}
	m := e.fetchOne(uid, items...)
	var bodies, mimes strings.Builder
	for _, path := range leaves {
		fmt.Fprintf(&bodies, "%v %s; ", path, sumOf(m.Section(imap.Section{Part: path})))
		fmt.Fprintf(&mimes, "%v %s; ", path, sumOf(m.Section(imap.Section{Part: path, Specifier: "MIME"})))
	}
	f["parts"], f["part headers"] = bodies.String(), mimes.String()
	if !e.offers("BINARY", "IMAP4REV2") {
		return
	}
	var decoded strings.Builder
	for _, path := range leaves {
		s := imap.Section{Part: path, Binary: true}
		m, err := e.client().FetchOne(e.ctx(), uid, s)
		switch _, refused := errors.AsType[*imap.Error](err); {
		case refused: // UNKNOWN-CTE
			fmt.Fprintf(&decoded, "%v refused; ", path)
			continue
		case err == nil && (m == nil || len(m.Sections) == 0):
			e.deviates("binary-left-out")
			fmt.Fprintf(&decoded, "%v refused; ", path)
			continue
		}
		require.NoError(e, err)
		fmt.Fprintf(&decoded, "%v %s; ", path, sumOf(m.Section(s)))
	}
	f["binary"] = decoded.String()
}
