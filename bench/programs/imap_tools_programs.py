# What people do with mail, written with imap_tools for Python, to do the same as the package ours. Lines are counted from one
# "task:" to the next; what several tasks need is counted for each.
import json
import os
import re
import sys
import time

from imap_tools import MailBox, MailboxLoginError, MailBoxUnencrypted


# task: texts

def texts(mailbox, f):
    for msg in mailbox.fetch(mark_seen=False):
        f(msg.subject, (msg.text or msg.html).replace('\r\n', '\n'))


# task: attachments

def attachments(mailbox, directory):
    for msg in mailbox.fetch(mark_seen=False):
        for att in msg.attachments:
            with create(directory, safe_name(att.filename)) as f:
                f.write(att.payload)


def safe_name(name):
    name = re.sub(r'[\x00-\x1f<>:"|?*]', '_', re.split(r'[/\\]', name)[-1]).strip('. ')
    return name or 'attachment'


def create(directory, name):
    stem, ext = os.path.splitext(name)
    n, attempt = 2, name
    while True:
        try:
            return open(os.path.join(directory, attempt), 'xb')
        except FileExistsError:
            attempt = f'{stem} ({n}){ext}'
            n += 1


# task: inbox

def newest(mailbox):
    rows = []
    for msg in mailbox.fetch(limit=50, reverse=True, mark_seen=False, bulk=True):
        name = msg.from_values.name or msg.from_values.email if msg.from_values else ''
        rows.append((int(msg.uid), name, msg.subject, ' '.join((msg.text or msg.html).split())[:256], msg.date))
    return rows


# task: code, backup

def load(file, value):
    try:
        with open(file) as f:
            return json.load(f)
    except FileNotFoundError:
        return value


def store(file, value):
    with open(file + '.new', 'w') as f:
        json.dump(value, f)
    os.replace(file + '.new', file)


def uid_validity(mailbox):
    return mailbox.folder.status(mailbox.folder.get(), ['UIDVALIDITY'])['UIDVALIDITY']


# task: code

def follow(dial, file, f):
    wait = 0.2
    while True:
        start = time.monotonic()
        try:
            with dial() as mailbox:
                while True:
                    mailbox.client.response('EXISTS')
                    if deliver(mailbox, file, f):
                        return
                    if mailbox.client.response('EXISTS')[1] == [None]:  # else it came in between, and IDLE does not say it again
                        mailbox.idle.wait(timeout=5)  # it does not see what comes with the start of IDLE
        except MailboxLoginError:
            raise
        except Exception:  # those of imaplib, of the socket and of imap_tools have nothing in common
            pass
        if time.monotonic() - start > 30:
            wait = 0.2
        time.sleep(wait)
        wait = min(2 * wait, 120)


def deliver(mailbox, file, f):
    state = load(file, None)
    first = state is None
    validity = uid_validity(mailbox)
    if first or state['uid_validity'] != validity:
        state = {'uid_validity': validity, 'last': 0}
    new = sorted(int(uid) for uid in mailbox.uids(f"UID {state['last'] + 1}:*"))
    for uid in new:
        if uid <= state['last']:  # n:* names the last message even if that is before n
            continue
        more = True
        if not first:
            for msg in mailbox.fetch(f'UID {uid}', mark_seen=False, headers_only=True):
                more = f(msg.subject)
        state['last'] = uid
        store(file, state)
        if not more:
            return True
    if first:
        store(file, state)
    return False


# task: backup

def backup(mailbox, directory):
    file = os.path.join(directory, 'state.json')
    validity = uid_validity(mailbox)
    state = load(file, {'uid_validity': validity, 'uids': []})
    held = set(state['uids']) if state['uid_validity'] == validity else set()
    uids = mailbox.uids()
    for uid in uids:
        if uid in held:
            continue
        _, data = mailbox.client.uid('FETCH', uid, '(BODY.PEEK[])')  # imap_tools keeps no bytes as they came
        if data and isinstance(data[0], tuple):
            with open(os.path.join(directory, f'{validity}.{uid}.eml'), 'wb') as f:
                f.write(data[0][1])
    store(file, {'uid_validity': validity, 'uids': uids})


# task: migrate

def copy(source, target):
    there = {message_id(msg) for msg in target.fetch(mark_seen=False, headers_only=True)}
    keeps = target.client.response('PERMANENTFLAGS')[1][-1] or b''
    for msg in list(source.fetch(mark_seen=False, headers_only=True)):
        if message_id(msg) in there:
            continue
        _, data = source.client.uid('FETCH', msg.uid, '(INTERNALDATE BODY.PEEK[])')  # imap_tools has no internal date
        head, raw = data[0]
        date = '"' + re.search(rb'INTERNALDATE "([^"]*)"', head + data[1]).group(1).decode() + '"'
        flags = [f for f in msg.flags if storable(keeps.decode(), f)]
        target.append(raw, 'INBOX', date, flags)


def message_id(msg):
    return msg.headers.get('message-id', ('',))[0].strip()


def storable(keeps, flag):
    if flag == '\\Recent':
        return False
    kept = keeps.strip('()').lower().split()
    return flag.lower() in kept or not flag.startswith('\\') and '\\*' in kept


# task: gmail

def token(host, user, source):
    return MailBox(host).xoauth2(user, source())


# task: none

def main():
    task, port, password, argument, port2 = (sys.argv[1:] + [None] * 5)[:5]

    def dial(to=port):
        return MailBoxUnencrypted('127.0.0.1', int(to)).login('user', password)

    def show(*values):
        print(json.dumps(values if len(values) > 1 else values[0], default=str), flush=True)
        return values[0] != 'end'

    if task == 'code':
        follow(dial, argument, show)
        return
    if task == 'gmail':
        MailBoxUnencrypted('127.0.0.1', int(port)).xoauth2('user', password)
        show(True)
        return
    with dial() as mailbox:
        if task == 'texts':
            texts(mailbox, show)
        elif task == 'attachments':
            attachments(mailbox, argument)
        elif task == 'inbox':
            for row in newest(mailbox):
                show(*row)
        elif task == 'backup':
            backup(mailbox, argument)
        elif task == 'migrate':
            with dial(port2) as target:
                copy(mailbox, target)


main()
