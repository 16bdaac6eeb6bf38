package quirks_test

import (
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuirksOfBodies(t *testing.T) { runQuirks(t, bodyQuirks) }

// structured is a quirk in a body structure, which is a part of a multipart followed by a plain text: the quirk must not
// affect that.
func structured(row int, server string, odd bool, text string, want imap.BodyStructure) quirk {
	data := "BODYSTRUCTURE (" + text + `("text" "plain" NIL NIL NIL "7bit" 3 1) "mixed") RFC822.SIZE 7`
	return ofMessage(row, server, odd, data, whole(func(t *testing.T, m *imap.Message) {
		require.NotNil(t, m.BodyStructure)
		require.Len(t, m.BodyStructure.Children, 2)
		if want.Part == nil {
			want.Part = []int{1}
		}
		assert.Equal(t, &want, m.BodyStructure.Children[0])
		assert.Equal(t, &imap.BodyStructure{Part: []int{2}, Type: "text", Subtype: "plain", Encoding: "7bit", Size: 3, Lines: 1}, m.BodyStructure.Children[1])
		assert.Equal(t, "mixed", m.BodyStructure.Subtype)
		assert.EqualValues(t, 7, m.Size, "what follows")
	}))
}

func param(nameValue ...string) []imap.Param {
	var list []imap.Param
	for i := 0; i < len(nameValue); i += 2 {
		list = append(list, imap.Param{Name: nameValue[i], Value: nameValue[i+1]})
	}
	return list
}

// image is a part without anything special.
func image(change func(*imap.BodyStructure)) imap.BodyStructure {
	b := imap.BodyStructure{Type: "image", Subtype: "png", Encoding: "base64", Size: 9}
	if change != nil {
		change(&b)
	}
	return b
}

func plain(change func(*imap.BodyStructure)) imap.BodyStructure {
	b := imap.BodyStructure{Type: "text", Subtype: "plain", Encoding: "base64", Size: 356, Lines: 5}
	if change != nil {
		change(&b)
	}
	return b
}

// bodyQuirks are about BODY and BODYSTRUCTURE.
var bodyQuirks = []quirk{
	structured(199, "Gmail, QQ, Yandex", true, `("ALTERNATIVE" ("BOUNDARY" "x") NIL NIL)`, imap.BodyStructure{Type: "multipart", Subtype: "alternative", Params: param("boundary", "x")}),
	structured(199, "Gmail, QQ, Yandex", true, `("RELATED" NIL ("ATTACHMENT" NIL) NIL)`, imap.BodyStructure{Type: "multipart", Subtype: "related", Disposition: "attachment"}),
	structured(199, "Gmail, QQ, Yandex", true, `("MIXED")`, imap.BodyStructure{Type: "multipart", Subtype: "mixed"}),
	structured(200, "Dovecot", true, `(NIL "alternative" ("boundary" "x") NIL NIL NIL)`, imap.BodyStructure{Type: "multipart", Subtype: "alternative", Params: param("boundary", "x")}),
	structured(201, "GMX", true, `("multipart" "related" ("boundary" "x") NIL NIL "7BIT" 400 ("boundary" "x") NIL NIL NIL)`,
		imap.BodyStructure{Type: "multipart", Subtype: "related", Params: param("boundary", "x"), Encoding: "7bit", Size: 400}),
	structured(202, "Office 365, SIMS 4.0", true, `(NIL NIL NIL NIL NIL "7BIT" 0 NIL NIL NIL NIL)`, imap.BodyStructure{Type: "application", Subtype: "octet-stream", Encoding: "7bit"}),
	structured(203, "?", true, `("TEXT" ("CHARSET" "x") NIL NIL "base64" 356 5)`, plain(func(b *imap.BodyStructure) { b.Params = param("charset", "x") })),
	structured(203, "?", true, `("TEXT" NIL ("CHARSET" "x") NIL NIL "base64" 356 5)`, plain(func(b *imap.BodyStructure) { b.Params = param("charset", "x") })),
	structured(203, "?", true, `("X-ZIP" NIL NIL NIL NIL "base64" 4096)`, imap.BodyStructure{Type: "x-zip", Subtype: "octet-stream", Encoding: "base64", Size: 4096}),
	structured(203, "?", true, `( "X-ZIP" ("a" "b") NIL NIL "base64" 4096)`, imap.BodyStructure{Type: "x-zip", Subtype: "octet-stream", Params: param("a", "b"), Encoding: "base64", Size: 4096}),
	structured(204, "Domino", true, `("message" "rfc822" NIL NIL NIL "7bit" 10 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) () 0 NIL NIL NIL)`,
		imap.BodyStructure{Type: "message", Subtype: "rfc822", Encoding: "7bit", Size: 10, Envelope: &imap.Envelope{}}),
	structured(205, "Gmail", true, `("MESSAGE" "RFC822" NIL NIL NIL "BASE64" 5000 NIL ("ATTACHMENT" NIL) NIL)`,
		imap.BodyStructure{Type: "message", Subtype: "rfc822", Encoding: "base64", Size: 5000, Disposition: "attachment"}),
	structured(206, "Bigfoot", false, `("message" "delivery-status" NIL NIL NIL "7bit" 10 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" NIL NIL NIL "7bit" 4 2) 3 NIL NIL NIL)`,
		imap.BodyStructure{Type: "message", Subtype: "delivery-status", Encoding: "7bit", Size: 10, Lines: 3, Envelope: &imap.Envelope{Subject: "s"},
			Children: []*imap.BodyStructure{{Part: []int{1, 1}, Type: "text", Subtype: "plain", Encoding: "7bit", Size: 4, Lines: 2}}}),
	structured(207, "Bluemind", true, `("text" "plain" NIL NIL NIL "base64" 356 NIL ("inline" NIL) NIL NIL)`, plain(func(b *imap.BodyStructure) { b.Lines = 0; b.Disposition = "inline" })),
	structured(207, "Bluemind", true, `("text" "plain" NIL NIL NIL "base64" 356)`, plain(func(b *imap.BodyStructure) { b.Lines = 0 })),
	structured(208, "lavabit", true, `("image" "png" NIL NIL NIL "base64" 9 12 NIL ("inline" NIL) NIL NIL)`, image(func(b *imap.BodyStructure) { b.Disposition = "inline" })),
	structured(209, "Exchange, Dovecot proxy", true, `("image" "png" NIL NIL NIL "base64" -1 NIL NIL NIL)`, image(func(b *imap.BodyStructure) { b.Size = 0 })),
	structured(209, "Exchange, Dovecot proxy", true, `("text" "plain" NIL NIL NIL "base64" 356 -1 NIL NIL NIL)`, plain(func(b *imap.BodyStructure) { b.Lines = 0 })),
	structured(210, "mbox mail (Mac)", true, `(NIL NIL NIL NIL NIL "base64" NIL NIL NIL NIL)`, imap.BodyStructure{Type: "application", Subtype: "octet-stream", Encoding: "base64"}),
	structured(211, "mail.ru", true, `("image" "png" NIL NIL NIL "base64" 9.3736e+06 NIL NIL NIL)`, image(func(b *imap.BodyStructure) { b.Size = 9373600 })),
	structured(212, "maddy", true, `("image" "png" NIL NIL NIL NIL 9 NIL NIL NIL)`, image(func(b *imap.BodyStructure) { b.Encoding = "" })),
	structured(213, "Exchange 2010", true, `("image" "png" NIL NIL NIL base64 9 NIL NIL NIL)`, image(nil)),
	structured(214, "Office 365", true, `("image" "png" NIL NIL NIL "base64 " 9 NIL NIL NIL)`, image(nil)),
	structured(215, "mail.ru, Exchange", true, `("image" "png" ("boundary" NIL "name" NIL "a" "b") NIL NIL "base64" 9)`, image(func(b *imap.BodyStructure) { b.Params = param("boundary", "", "name", "", "a", "b") })),
	structured(216, "?, Exchange", true, `("image" "png" () NIL NIL "base64" 9)`, image(nil)),
	structured(217, "?", true, `("image" "png" ("charset " " " "utf-8") NIL NIL "base64" 9)`, image(func(b *imap.BodyStructure) { b.Params = param("charset", " ") })),
	structured(218, "Domino", true, `("image" "png" ("charset" "3D"Windows-1252"") NIL NIL "base64" 9)`, image(func(b *imap.BodyStructure) { b.Params = param("charset", `3D"Windows-1252"`) })),
	structured(219, "Exchange", true, `("image" "png" NIL NIL NIL "base64" 9 NIL "inline" NIL NIL)`, image(func(b *imap.BodyStructure) { b.Disposition = "inline" })),
	structured(219, "Exchange", true, `("image" "png" NIL NIL NIL "base64" 9 NIL "attachment" ("filename" "x") NIL NIL)`, image(func(b *imap.BodyStructure) {
		b.Disposition, b.DispositionParams = "attachment", param("filename", "x")
	})),
	structured(220, "Exchange", true, `("image" "png" NIL NIL NIL "base64" 9 NIL (NIL NIL) NIL NIL)`, image(nil)),
	structured(221, "Citadel", true, `("image" "png" NIL NIL NIL "base64" 9 NIL ("attachment") NIL NIL)`, image(func(b *imap.BodyStructure) { b.Disposition = "attachment" })),
	structured(222, "Exchange", true, `(("image" "png" NIL NIL NIL "base64" 9) "mixed" ("boundary" "x") "S/MIME Encrypted Message" NIL)`,
		imap.BodyStructure{Type: "multipart", Subtype: "mixed", Params: param("boundary", "x"), Description: "S/MIME Encrypted Message",
			Children: []*imap.BodyStructure{{Part: []int{1, 1}, Type: "image", Subtype: "png", Encoding: "base64", Size: 9}}}),
	structured(223, "?", true, `("image" "png" NIL NIL NIL "base64" 9 NIL NIL (NIL) ())`, image(nil)),
	structured(224, "?", true, `("image" "png" NIL NIL NIL "base64" 9 NIL NIL ("inline" NIL) NIL NIL)`, image(func(b *imap.BodyStructure) { b.Language = []string{"inline"} })),
	structured(225, "Gmail", true, `("image" "png" NIL NIL NIL "base64" 9 7 "md5" NIL NIL NIL)`, image(func(b *imap.BodyStructure) { b.MD5 = "md5" })),
	structured(226, "many, maddy", true, `(("image" "png" NIL NIL NIL "base64" 9) ("image" "png" NIL NIL NIL "base64" 9) "mixed")`,
		imap.BodyStructure{Type: "multipart", Subtype: "mixed", Children: []*imap.BodyStructure{
			{Part: []int{1, 1}, Type: "image", Subtype: "png", Encoding: "base64", Size: 9},
			{Part: []int{1, 2}, Type: "image", Subtype: "png", Encoding: "base64", Size: 9}}}),
	structured(226, "many, maddy", true, `( "text" "plain"  ("a" "b")NIL NIL "base64" 356 5)`, plain(func(b *imap.BodyStructure) { b.Params = param("a", "b") })),
	structured(226, "many, maddy", true, `(("image" "png" NIL NIL NIL "base64" 9)"mixed"("a" "b")NIL NIL)`,
		imap.BodyStructure{Type: "multipart", Subtype: "mixed", Params: param("a", "b"), Children: []*imap.BodyStructure{
			{Part: []int{1, 1}, Type: "image", Subtype: "png", Encoding: "base64", Size: 9}}}),
	structured(227, "many", true, `("image" "png")`, imap.BodyStructure{Type: "image", Subtype: "png"}),
	structured(227, "many", false, `("image" "png" ("a" "b") NIL NIL "base64" 9 NIL NIL NIL "loc" ("x" (1 2)) 7)`, image(func(b *imap.BodyStructure) { b.Params = param("a", "b"); b.Location = "loc" })),
	structured(227, "many", false, `(("image" "png" NIL NIL NIL "base64" 9) "mixed" ("a" "b") ("inline" NIL) "en" "loc" (x) 1)`,
		imap.BodyStructure{Type: "multipart", Subtype: "mixed", Params: param("a", "b"), Disposition: "inline", Language: []string{"en"}, Location: "loc",
			Children: []*imap.BodyStructure{{Part: []int{1, 1}, Type: "image", Subtype: "png", Encoding: "base64", Size: 9}}}),
	ofMessage(228, "hostile", false, "RFC822.SIZE 7 BODYSTRUCTURE "+strings.Repeat("(", 5000), func(t *testing.T, m *imap.Message, err error) {
		var limit *imap.LimitError
		require.ErrorAs(t, err, &limit)
		assert.Equal(t, &imap.LimitError{Name: "MaxDepth", Limit: 100}, limit)
		assert.EqualValues(t, 7, m.Size)
	}),
	ofMessage(229, "?", false, `BODYSTRUCTURE ("a" "b" NIL NIL NIL "base64" 9 NIL ("attachment" ("filename" "utf-8''%e2%82%ac%20x")) NIL NIL)`, filename("€ x")),
	ofMessage(229, "?", true, "BODYSTRUCTURE (\"a\" \"b\" (\"name\" \"\xfcber\") NIL NIL \"base64\" 9)", filename("über")),
	ofMessage(229, "?", false, `BODYSTRUCTURE ("a" "b" NIL NIL NIL "base64" 9 NIL ("attachment" ("filename" "it's a '100%' x")) NIL NIL)`, filename("it's a '100%' x")),
}

func filename(want string) func(*testing.T, *imap.Message, error) {
	return whole(func(t *testing.T, m *imap.Message) { assert.Equal(t, want, m.BodyStructure.Filename()) })
}
