#!/usr/bin/env python3
"""Reads headers with Python's email package: lines of {"kind", "in" in base64} become lines of a JSON string or null."""
import base64
import email
import email.header
import email.utils
import json
import sys


def text(raw):
    value = raw.decode("ascii", "surrogateescape").replace("\r\n", "")
    return str(email.header.make_header(email.header.decode_header(value)))


def param(raw):
    return email.message_from_bytes(b"Content-Disposition: " + raw + b"\r\n\r\n").get_filename()


def date(raw):
    return email.utils.parsedate_to_datetime(raw.decode("ascii", "surrogateescape")).isoformat()


for line in sys.stdin:
    case = json.loads(line)
    try:
        out = {"text": text, "param": param, "date": date}[case["kind"]](base64.b64decode(case["in"]))
        if out is not None:
            out = out.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except Exception:  # whatever it does not read
        out = None
    print(json.dumps(out))
