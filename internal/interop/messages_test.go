package interop_test

import "strings"

// crlf makes a message of text with plain line ends.
func crlf(s string) string { return strings.ReplaceAll(strings.TrimLeft(s, "\n"), "\n", "\r\n") }

// note is a short message with that subject.
func note(subject string) string {
	return crlf("From: Ann <ann@example.org>\nTo: bob@example.net\nSubject: " + subject +
		"\nDate: Mon, 7 Feb 1994 21:52:25 -0800\nMessage-ID: <" + strings.ReplaceAll(subject, " ", ".") +
		"@example.org>\n\nThe body of " + subject + ".\n")
}

// mixed is a message of two parts whose texts are not ASCII.
var mixed = crlf(`
From: =?UTF-8?Q?J=C3=B6rg_M=C3=BCller?= <joerg@example.org>
To: bob@example.net
Cc: "Carol, C." <carol@example.com>
Subject: =?ISO-8859-1?Q?Gr=FC=DFe_aus_K=F6ln?=
Date: Tue, 8 Feb 1994 10:00:00 +0100
Message-ID: <mixed@example.org>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="=_b"

--=_b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Sch=C3=B6ne Gr=C3=BC=C3=9Fe
--=_b
Content-Type: application/octet-stream
Content-Disposition: attachment; filename*=utf-8''%C3%BCbersicht.bin
Content-Transfer-Encoding: base64

AAECAwQFBgcICQ==
--=_b--
`)
