#!/usr/bin/env python3
"""Write what Python's email package sees in messages, one JSON object a line.

With a number N it makes N messages by a seeded generator; the other arguments
are files of the corpus (JSON Lines with wire_base64). Each line holds the
message, its leaves (media type, file name, decoded bytes, text) and the body
that get_body chooses.
"""
import base64
import email
import email.policy
import hashlib
import json
import random
import sys
from email.message import EmailMessage

WORDS = ["Grüße", "lunch", "日本語", "naïve", "=equals=", "tab\there", "Ω", "plain", "-- ", "From here", "…", "a" * 90]
CHARSETS = ["utf-8", "utf-8", "iso-8859-1", "iso-2022-jp", "us-ascii", "windows-1252", "utf-16le", "shift_jis", "koi8-r"]
NAMES = ["a.pdf", "Bücher & Co.pdf", "日本.txt", 'quo"te.bin', "a" * 120 + ".dat", "semi;colon.doc", "two words.png"]


def text(rnd, charset):
    lines = []
    for _ in range(rnd.randint(0, 12)):
        words = []
        for _ in range(rnd.randint(0, 9)):
            word = rnd.choice(WORDS)
            words.append(word.encode(charset, "ignore").decode(charset))
        lines.append(" ".join(words).rstrip() + "\n")
    return "".join(lines)


def text_part(rnd, subtype):
    m = EmailMessage()
    charset = rnd.choice(CHARSETS)
    content = text(rnd, charset)
    encodings = ["base64", "quoted-printable"]
    if charset != "utf-16le":
        encodings.append("8bit" if charset != "iso-2022-jp" else "7bit")
    if charset == "us-ascii":
        encodings = ["7bit", "quoted-printable", "base64"]
    cte = rnd.choice(encodings)
    if cte == "quoted-printable" and charset == "utf-16le":
        cte = "base64"
    try:
        m.set_content(content, subtype=subtype, charset=charset, cte=cte)
    except ValueError:
        m.set_content(content, subtype=subtype, charset=charset, cte="base64")
    return m


def attach(rnd, m):
    name = rnd.choice(NAMES)
    kind = rnd.randint(0, 3)
    data = bytes(rnd.randrange(256) for _ in range(rnd.choice([0, 1, 2, 3, 56, 57, 58, 1000])))
    if kind == 0:
        m.add_attachment(text(rnd, "utf-8"), filename=name)
    elif kind == 1:
        inner = EmailMessage()
        inner["Subject"] = "inner"
        inner.set_content("inner text\n")
        m.add_attachment(inner)
    else:
        m.add_attachment(data, maintype="application", subtype=rnd.choice(["pdf", "octet-stream"]), filename=name,
                         cte=rnd.choice(["base64", "base64", "quoted-printable"]))


def generate(rnd, i):
    m = text_part(rnd, rnd.choice(["plain", "plain", "html"]))
    m["Subject"] = "message %d" % i
    m["From"] = "ada@example.org"
    if rnd.randint(0, 2) == 0 and m.get_content_subtype() == "plain":
        html = text_part(rnd, "html")
        m.make_alternative()
        m.attach(html)
        if rnd.randint(0, 1):
            html.make_related()
            html.add_related(b"\x89PNG" + bytes(20), "image", "png", cid="<logo@example.org>")
    for _ in range(rnd.choice([0, 0, 1, 1, 2, 3])):
        attach(rnd, m)
    return m.as_bytes(policy=email.policy.SMTP.clone(cte_type="8bit"))


def leaves_of(part):
    """The leaves as IMAP has them: a delivery status is one, though Python takes it apart."""
    if part.get_content_maintype() == "multipart":
        for child in part.get_payload() if part.is_multipart() else []:
            yield from leaves_of(child)
        return
    yield part
    if part.get_content_type() in ("message/rfc822", "message/global") and part.is_multipart():
        for child in part.get_payload():
            yield from leaves_of(child)


def decoded(part):
    payload = part.get_payload(decode=True)
    return payload if payload is not None else b""


def describe(name, raw):
    m = email.message_from_bytes(raw, policy=email.policy.default)
    leaves = []
    for part in leaves_of(m):
        if part.is_multipart():
            leaves.append({"type": part.get_content_type(), "name": part.get_filename() or "", "multipart": True})
            continue
        data = decoded(part)
        leaf = {"type": part.get_content_type(), "name": part.get_filename() or "", "size": len(data),
                "sha256": hashlib.sha256(data).hexdigest(), "defects": [type(d).__name__ for d in part.defects]}
        if part.get_content_maintype() == "text":
            try:
                leaf["text"] = part.get_content()
            except (LookupError, ValueError):
                leaf["unknown"] = True
        leaves.append(leaf)
    out = {"case": name, "raw": base64.b64encode(raw).decode(), "leaves": leaves}
    try:
        body = m.get_body(("plain", "html"))
    except Exception:
        body = None
    if body is not None:
        try:
            out["body"] = {"type": body.get_content_type(), "text": body.get_content()}
        except (LookupError, ValueError):
            pass
    return out


def main():
    rnd = random.Random(17)
    for arg in sys.argv[1:]:
        if arg.isdigit():
            for i in range(int(arg)):
                print(json.dumps(describe("generated %d" % i, generate(rnd, i))))
            continue
        with open(arg, encoding="utf-8") as f:
            for line in f:
                case = json.loads(line)
                print(json.dumps(describe(case["name"], base64.b64decode(case["wire_base64"]))))


main()
