package main

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"
)

// letter is a message for a real server, and what a client has to find out about it.
type letter struct {
	text  string
	flags string
	sum   int64 // as of syncSum without the UID: what headerSum, partsSum and 7 for each flag come to
}

// letters makes n messages of differing structure, the same for the same n: plain ones, alternatives, and mixed ones with
// attachments, with the long headers that mail has nowadays, and encoded words in subjects and names.
func letters(n int, yield func(letter) error) error {
	r := source()
	for i := range n {
		if err := yield(newLetter(r, i)); err != nil {
			return err
		}
	}
	return nil
}

func newLetter(r *rand.Rand, i int) letter {
	var l letter
	var b strings.Builder
	traceFields(&b, r, i)
	l.sum += envelopeFields(&b, r, i)
	threadFields(&b, r, i)
	b.WriteString("MIME-Version: 1.0\r\n")
	entity, parts := newEntity(r, i)
	b.WriteString(entity)
	l.text, l.flags = b.String(), pick(r, flagLists)
	l.sum += parts + 7*countFlags(l.flags)
	return l
}

// traceFields are what servers put in front.
func traceFields(b *strings.Builder, r *rand.Rand, i int) {
	for hop := range 2 + r.IntN(4) {
		fmt.Fprintf(b, "Received: from mx%d.example.net (mx%d.example.net [192.0.2.%d])\r\n\tby mail%d.example.org (Postfix) with ESMTPS id %010X\r\n"+
			"\tfor <ada@example.org>; Wed, 17 Jul 2024 02:%02d:%02d -0700 (PDT)\r\n", hop, hop, r.IntN(256), hop, r.Uint32(), r.IntN(60), r.IntN(60))
	}
	fmt.Fprintf(b, "Authentication-Results: mail0.example.org; dkim=pass (2048-bit key)\r\n\theader.d=example.net header.i=@example.net header.b=%08x;\r\n\tspf=pass; dmarc=pass\r\n", r.Uint32())
	b.WriteString("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net;\r\n\ts=s2048; h=from:to:subject:date:message-id; b=")
	for line := range 6 {
		fmt.Fprintf(b, "%s\r\n\t", base64.StdEncoding.EncodeToString(pattern[(i+line)%4000:][:42]))
	}
	b.WriteString("=\r\n")
}

// letterSubjects as they are read; those outside ASCII travel as encoded words, long ones as several.
var letterSubjects = []string{
	"IMAP4rev2 WG mtg summary and minutes", "Re: [project] Review requested on change 4711", "Your invoice for October", "Lunch?",
	"Grüße aus München", "Fwd: Fwd: photos of the summer", `He said "no"`, "お問い合わせありがとうございます。担当者より折り返しご連絡いたします",
	"Счёт за октябрь и акт выполненных работ по договору", "Order #2026-118 has been shipped",
}

var letterPeople = []person{
	{"Terry Gray", "gray", "cac.washington.edu"}, {"", "imap", "cac.washington.edu"}, {"Jürgen Groß", "juergen", "example.de"},
	{"Ada Lovelace", "ada", "example.org"}, {"Hopper, Grace M.", "grace.hopper", "navy.example.com"}, {"山田太郎", "yamada", "example.jp"},
	{"Build Robot", "noreply+build", "ci.example.net"}, {"Customer Service", "service", "shop.example.com"},
}

// envelopeFields are those that ENVELOPE tells of. The sum is that of headerSum.
func envelopeFields(b *strings.Builder, r *rand.Rand, i int) int64 {
	date := time.Date(2024, 7, 17, 2, 44, 25, 0, time.FixedZone("", -7*3600)).Add(time.Duration(i) * 7 * time.Minute)
	subject := fmt.Sprintf("%s %d", pick(r, letterSubjects), i)
	id := fmt.Sprintf("B27397-%07d-%08x@cac.washington.edu", i, r.Uint32())
	sum := date.Unix()%1000 + int64(len(subject)) + int64(len(id))
	sum += 3 * addressField(b, r, "From", 1) // it stands for Sender and Reply-To
	sum += addressField(b, r, "To", 1+r.IntN(3)+r.IntN(8)/7*8)
	if r.IntN(3) == 0 {
		sum += addressField(b, r, "Cc", 1+r.IntN(2))
	}
	fmt.Fprintf(b, "Subject: %s\r\n", folded(mime.QEncoding.Encode("utf-8", subject)))
	fmt.Fprintf(b, "Date: %s\r\nMessage-ID: <%s>\r\n", date.Format("Mon, 2 Jan 2006 15:04:05 -0700"), id)
	return sum
}

// folded puts each of several encoded words on a line of its own.
func folded(field string) string { return strings.ReplaceAll(field, "?= =?", "?=\r\n =?") }

func addressField(b *strings.Builder, r *rand.Rand, name string, count int) (sum int64) {
	list := make([]string, count)
	for i := range list {
		p := pick(r, letterPeople)
		list[i] = p.mailbox + "@" + p.host
		switch word := mime.BEncoding.Encode("utf-8", p.name); {
		case p.name == "":
		case word != p.name:
			list[i] = word + " <" + list[i] + ">"
		default:
			list[i] = fmt.Sprintf("%q <%s>", p.name, list[i])
		}
		sum += int64(len(p.name) + len(p.mailbox) + len(p.host))
	}
	fmt.Fprintf(b, "%s: %s\r\n", name, strings.Join(list, ",\r\n\t"))
	return sum
}

// threadFields are long and not part of ENVELOPE, but for In-Reply-To, which no sum counts.
func threadFields(b *strings.Builder, r *rand.Rand, i int) {
	if r.IntN(2) == 0 {
		fmt.Fprintf(b, "In-Reply-To: <%08x.%d@example.org>\r\nReferences:", r.Uint32(), i)
		for range 1 + r.IntN(10) {
			fmt.Fprintf(b, " <%08x.%d@example.org>\r\n", r.Uint32(), i)
		}
	}
	if r.IntN(3) == 0 {
		fmt.Fprintf(b, "List-Id: <golang-nuts.example.com>\r\nList-Unsubscribe: <https://lists.example.com/u/%08x%08x>,\r\n\t<mailto:leave@lists.example.com>\r\n", r.Uint32(), r.Uint32())
	}
}

// newEntity is a body with the fields that describe it. The sum is that of partsSum.
func newEntity(r *rand.Rand, i int) (string, int64) {
	switch r.IntN(10) {
	case 0, 1, 2, 3:
		return textEntity(r, "plain")
	case 4, 5, 6:
		return alternativeEntity(r, i)
	}
	list, sum := []string{}, int64(0)
	add := func(entity string, parts int64) { list, sum = append(list, entity), sum+parts }
	add(alternativeEntity(r, i))
	for j := range 1 + r.IntN(3) {
		add(fileEntity(r, i, j))
	}
	return multipart("mixed", i, list), sum + 1
}

func alternativeEntity(r *rand.Rand, i int) (string, int64) {
	plain, a := textEntity(r, "plain")
	html, b := textEntity(r, "html")
	return multipart("alternative", i, []string{plain, html}), 1 + a + b
}

func multipart(subtype string, i int, entities []string) string {
	boundary := fmt.Sprintf("----=_Part_%d_%s", i, subtype)
	var b strings.Builder
	fmt.Fprintf(&b, "Content-Type: multipart/%s;\r\n\tboundary=\"%s\"\r\n\r\n", subtype, boundary)
	for _, e := range entities {
		fmt.Fprintf(&b, "--%s\r\n%s\r\n", boundary, e)
	}
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	return b.String()
}

var letterWords = strings.Fields("the mailbox holds what a server sent and nothing else für alle Fälle; minutes of the meeting are below, " +
	"please answer until Friday = or call me: the number is the same as in <https://www.example.com/a/rather/long/path?with=query&and=more>")

// textEntity: 1 for the part, its size, and 3 for each of two parameters.
func textEntity(r *rand.Rand, subtype string) (string, int64) {
	var body strings.Builder
	w := quotedprintable.NewWriter(&body)
	for words := 30 + r.IntN(400); words > 0; words-- {
		sep := " "
		if words%70 == 0 {
			sep = "\r\n\r\n"
		}
		fmt.Fprint(w, pick(r, letterWords), sep)
	}
	w.Close()
	text := body.String()
	return fmt.Sprintf("Content-Type: text/%s; charset=utf-8; format=flowed\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n%s", subtype, text),
		int64(1 + len(text) + 6)
}

// fileEntity: 1 for the part, its size, and 3 for its parameter.
func fileEntity(r *rand.Rand, i, j int) (string, int64) {
	size := 2_000 + r.IntN(8_000)
	if r.IntN(8) == 0 {
		size = 20_000 + r.IntN(40_000)
	}
	var body strings.Builder
	for coded := base64.StdEncoding.EncodeToString(pattern[:size]); coded != ""; {
		n := min(76, len(coded))
		body.WriteString(coded[:n] + "\r\n")
		coded = coded[n:]
	}
	text := body.String()
	return fmt.Sprintf("Content-Type: application/pdf; name=\"report-%d-%d.pdf\"\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <part%d@example.org>\r\n"+
		"Content-Disposition: attachment;\r\n\tfilename=\"report-%d-%d.pdf\"; size=%d\r\n\r\n%s", i, j, j, i, j, size, text), int64(1 + len(text) + 3)
}
