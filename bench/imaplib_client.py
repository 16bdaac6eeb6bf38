"""One workload of bench with Python's imaplib: WORKLOAD N ADDRESS USER PASSWORD, prints the result as JSON."""

import imaplib
import json
import re
import resource
import sys
import time

imaplib._MAXLINE = 1 << 30  # without it a SEARCH of a million numbers is an error

workload, n, address, user, password = sys.argv[1], int(sys.argv[2]), *sys.argv[3:]


def lengths(data, name):
    """Octets of FETCH or LIST responses as they were on the wire, and how many there were."""
    items = total = 0
    for d in data:
        if isinstance(d, tuple):
            total += len(d[0]) + 2 + len(d[1])
        elif d == b")":
            total += 1 + len("*  %s\r\n" % name)
            items += 1
        else:
            total += len(d) + len("* %s \r\n" % name)
            items += 1
    return items, total


def fetch(items):
    status, data = m.uid("FETCH", "1:*", items)
    return (*lengths(data, "FETCH"), 0)


def search():
    status, data = m.uid("SEARCH", "ALL")
    return (*lengths(data, "SEARCH"), 0)


def esearch():
    m.uid("SEARCH", "RETURN", "(ALL)", "ALL")
    _, data = m.response("ESEARCH")
    text = data[0]
    tag = text[: text.index(b")")]
    return 1, len(text) - len(tag) + len('(TAG "@TAG@"') + len("* ESEARCH \r\n"), 0


def listing():
    status, data = m.list('""', "*")
    return (*lengths(data, "LIST"), 0)


def noop():
    for _ in range(n):
        m.noop()
    return n, 0, n


def append():
    status, data = m.append("INBOX", None, None, message)
    return 1, 0, n if status == "OK" else 0


def status():
    total = 0
    for i in range(n):
        _, data = m.status("box%04d" % i, "(MESSAGES UIDNEXT)")
        total += sum(int(v) for v in re.findall(rb"(?:MESSAGES|UIDNEXT) (\d+)", data[0]))
    return n, 0, total


runs = {
    "flags": lambda: fetch("(UID FLAGS)"),
    "envelope": lambda: fetch("(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"),
    "structure": lambda: fetch("(UID BODYSTRUCTURE)"),
    "stream": lambda: fetch("(UID BODY.PEEK[])"),
    "bodies": lambda: fetch("(UID BODY.PEEK[])"),
    "search": search,
    "sparse": search,
    "esearch": esearch,
    "list": listing,
    "noop": noop,
    "append": append,
    "sync": lambda: fetch("(UID FLAGS ENVELOPE BODYSTRUCTURE)"),
    "status": status,
}
if workload not in runs:
    print("null")
    sys.exit()


def memory(name):
    try:
        with open("/proc/self/status") as f:
            for line in f:
                if line.startswith(name):
                    return int(line.split()[1]) << 10
    except OSError:
        pass
    return 0


host, port = address.rsplit(":", 1)
m = imaplib.IMAP4(host, int(port))
m.login(user, password)
m.select("INBOX")
if workload == "append":  # imaplib takes no reader
    pattern = sys.stdin.buffer.read()
    message = (pattern * (n // len(pattern) + 1))[:n]
try:
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")
except OSError:
    pass
rss = memory("VmRSS:")
before, wall = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
items, octets, total = runs[workload]()
after, wall = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - wall
user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
print(json.dumps({
    "Items": items, "Bytes": octets, "Sum": total,
    "CPU": int((user + system) * 1e9), "Sys": int(system * 1e9), "Wall": int(wall * 1e9),
    "Allocs": -1, "Alloc": -1, "Peak": max(memory("VmHWM:") - rss, 0),
}))
m.shutdown()
