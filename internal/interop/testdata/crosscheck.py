"""An independent reading of a mailbox, by imaplib and email: one JSON object a line, first the messages, then searches.

Arguments: host, port, user, mailbox as it is quoted on the wire. The password is in the environment, CROSSCHECK_PASSWORD.
"""

import email
import email.header
import email.utils
import hashlib
import imaplib
import json
import os
import re
import sys
import time

SEARCHES = [
    ["ALL"],
    ["SEEN"],
    ["NOT", "FLAGGED"],
    ["KEYWORD", "$Label"],
    ["SUBJECT", '"generated 1"'],
    ["FROM", '"example.org"'],
    ["TO", '"list"'],
    ["LARGER", "4000"],
    ["SMALLER", "600"],
    ["SINCE", "1-Jan-2010"],
    ["BEFORE", "1-Jan-2005"],
    ["BODY", '"number 77 "'],
    ["TEXT", '"generated 25"'],
    ["HEADER", '"X-Group"', '"3"'],
    ["OR", "FLAGGED", "SMALLER", "500"],
    ["100:200", "UNSEEN"],
]
SORTS = ["(ARRIVAL)", "(REVERSE SIZE)", "(SUBJECT)", "(DATE)"]

def decoded(value):
    if value is None:
        return ""
    try:
        text = str(email.header.make_header(email.header.decode_header(value)))
    except Exception:  # what it cannot decode it leaves
        text = value
    return re.sub(r"\s+", " ", text).strip()

def addresses(message, name):
    pairs = email.utils.getaddresses([str(v) for v in message.get_all(name, [])])
    return [address for _, address in pairs if "@" in address]

def leaves(message):
    if message.is_multipart() and message.get_content_maintype() != "message":
        return [leaf for part in message.get_payload() for leaf in leaves(part)]
    return [message]

def sum_of(octets):
    return hashlib.sha256(octets).hexdigest()[:16]

def leaf(part):
    payload = None
    if not part.is_multipart():
        payload = part.get_payload(decode=True)
    return {"type": part.get_content_type(), "payload": sum_of(payload) if payload is not None else ""}

def describe(attributes, raw):
    message = email.message_from_bytes(raw)
    date = imaplib.Internaldate2tuple(attributes)
    return {
        "uid": int(re.search(rb"UID (\d+)", attributes).group(1)),
        "size": int(re.search(rb"RFC822.SIZE (\d+)", attributes).group(1)),
        "flags": sorted(f.decode() for f in imaplib.ParseFlags(attributes) if f.lower() != rb"\recent"),
        "internaldate": int(time.mktime(date)),
        "whole": sum_of(raw),
        "subject": decoded(message["Subject"]),
        "message-id": (message["Message-ID"] or "").strip(),
        "from": addresses(message, "From"),
        "to": addresses(message, "To"),
        "leaves": [leaf(part) for part in leaves(message)],
    }

def main():
    host, port, user, mailbox = sys.argv[1:]
    connection = imaplib.IMAP4(host, int(port))
    connection.login(user, os.environ["CROSSCHECK_PASSWORD"])
    status, data = connection.select(mailbox, readonly=True)
    assert status == "OK", data
    for first in range(1, int(data[0]) + 1, 50):
        status, data = connection.fetch("%d:%d" % (first, first + 49), "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")
        assert status == "OK", data
        for i, row in enumerate(data):
            if not isinstance(row, tuple):
                continue
            # What stands behind the body belongs to the row too.
            behind = data[i + 1] if i + 1 < len(data) and isinstance(data[i + 1], bytes) else b""
            print(json.dumps(describe(row[0] + b" " + behind, row[1])))
    for criteria in SEARCHES:
        status, data = connection.uid("SEARCH", *criteria)
        print(json.dumps({"search": " ".join(criteria), "uids": [int(n) for n in (data[0] or b"").split()]}))
    if "SORT" in connection.capabilities or b"SORT" in connection.capability()[1][0]:
        for key in SORTS:
            status, data = connection.uid("SORT", key, "UTF-8", "ALL")
            print(json.dumps({"sort": key, "uids": [int(n) for n in (data[0] or b"").split()]}))
    connection.logout()

main()
