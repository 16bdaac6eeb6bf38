// What people do with mail, written with imapflow for Node, to do the same as the package ours. Lines are counted from one
// "task:" to the next; what several tasks need is counted for each.
import fs from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ImapFlow } from 'imapflow';

// task: texts, inbox, attachments

function* parts(node) {
	if (!node.childNodes) {
		yield node;
		return;
	}
	for (const child of node.childNodes) {
		yield* parts(child);
	}
}

// task: texts, inbox

function textPart(structure) {
	let html = null;
	for (const part of parts(structure)) {
		if (part.disposition === 'attachment') {
			continue;
		}
		if (part.type === 'text/plain') {
			return part;
		}
		if (part.type === 'text/html') {
			html = html || part;
		}
	}
	return html;
}

async function fetchText(client, msg, maxBytes) {
	const part = textPart(msg.bodyStructure);
	if (!part) {
		return '';
	}
	const { content } = await client.download(msg.uid, part.part || '1', { uid: true, maxBytes });
	const chunks = [];
	for await (const chunk of content) {
		chunks.push(chunk);
	}
	return Buffer.concat(chunks).toString().replaceAll('\r\n', '\n');
}

// task: texts

async function texts(client, f) {
	for (const msg of await client.fetchAll('1:*', { uid: true, envelope: true, bodyStructure: true })) {
		f(msg.envelope.subject, await fetchText(client, msg));
	}
}

// task: attachments

async function attachments(client, dir) {
	for (const msg of await client.fetchAll('1:*', { uid: true, bodyStructure: true })) {
		for (const part of parts(msg.bodyStructure)) {
			if (part.disposition === 'attachment') {
				const { content } = await client.download(msg.uid, part.part || '1', { uid: true });
				await pipeline(content, create(dir, safeName(part)));
			}
		}
	}
}

function safeName(part) {
	const name = part.dispositionParameters?.filename || part.parameters?.name || '';
	const safe = name.replace(/[\x00-\x1f<>:"|?*]/g, '_').replace(/^.*[/\\]/, '').replace(/^[. ]+|[. ]+$/g, '');
	return safe || 'attachment';
}

function create(dir, name) {
	const { name: stem, ext } = path.parse(name);
	for (let n = 2, file = name; ; n++) {
		try {
			const fd = fs.openSync(path.join(dir, file), 'wx');
			return fs.createWriteStream(null, { fd });
		} catch (err) {
			if (err.code !== 'EEXIST') {
				throw err;
			}
		}
		file = `${stem} (${n})${ext}`;
	}
}

// task: inbox

async function newest(client) {
	const first = Math.max(1, client.mailbox.exists - 49);
	if (client.mailbox.exists === 0) {
		return [];
	}
	const rows = [];
	for (const msg of await client.fetchAll(`${first}:*`, { uid: true, envelope: true, bodyStructure: true })) {
		const text = await fetchText(client, msg, 1000);
		const from = msg.envelope.from?.[0];
		rows.push({
			uid: msg.uid,
			from: from?.name || from?.address || '',
			subject: msg.envelope.subject,
			preview: text.trim().split(/\s+/).join(' ').slice(0, 256),
			date: msg.envelope.date,
		});
	}
	return rows.reverse();
}

// task: code, backup

function load(file, value) {
	try {
		return JSON.parse(fs.readFileSync(file));
	} catch (err) {
		if (err.code === 'ENOENT') {
			return value;
		}
		throw err;
	}
}

function store(file, value) {
	fs.writeFileSync(file + '.new', JSON.stringify(value));
	fs.renameSync(file + '.new', file);
}

// task: code

async function follow(newClient, file, f) {
	for (let wait = 200; ; wait = Math.min(2 * wait, 120_000)) {
		const start = Date.now();
		const client = newClient();
		client.on('error', () => {}); // what ends a connection comes from the call, too
		try {
			if (await session(client, file, f)) {
				return;
			}
		} catch (err) {
			if (err.authenticationFailed) {
				throw err;
			}
		} finally {
			client.close();
		}
		if (Date.now() - start > 30_000) {
			wait = 200;
		}
		await sleep(wait);
	}
}

async function session(client, file, f) {
	await client.connect();
	await client.mailboxOpen('INBOX');
	let news = true;
	let wake = () => {};
	for (const name of ['exists', 'close']) {
		client.on(name, () => {
			news = true;
			wake();
		});
	}
	while (client.usable) {
		while (news) {
			news = false;
			if (await deliver(client, file, f)) {
				return true;
			}
		}
		await new Promise(resolve => {
			wake = resolve;
			if (news || !client.usable) {
				resolve();
			}
		});
	}
	return false;
}

async function deliver(client, file, f) {
	const uidValidity = String(client.mailbox.uidValidity);
	let state = load(file, null);
	const first = state === null;
	if (first || state.uidValidity !== uidValidity) {
		state = { uidValidity, last: 0 };
	}
	if (client.mailbox.exists === 0) {
		store(file, state);
		return false;
	}
	const messages = await client.fetchAll(`${state.last + 1}:*`, { uid: true, envelope: true }, { uid: true });
	for (const msg of messages.sort((a, b) => a.uid - b.uid)) {
		if (msg.uid <= state.last) {
			continue; // n:* names the last message even if that is before n
		}
		const more = first || f(msg.envelope.subject);
		state.last = msg.uid;
		store(file, state);
		if (!more) {
			return true;
		}
	}
	return false;
}

// task: backup

async function backup(client, dir) {
	const box = await client.mailboxOpen('INBOX', { readOnly: true });
	const file = path.join(dir, 'state.json');
	let state = load(file, { uids: [] });
	if (state.uidValidity !== String(box.uidValidity)) {
		state = { uids: [] };
	}
	const held = new Set(state.uids);
	const uids = (await client.search({ all: true }, { uid: true })) || [];
	for (const uid of uids.filter(uid => !held.has(uid))) {
		const { content } = await client.download(uid, undefined, { uid: true });
		await pipeline(content, fs.createWriteStream(path.join(dir, `${box.uidValidity}.${uid}.eml`)));
	}
	store(file, { uidValidity: String(box.uidValidity), uids });
}

// task: migrate

async function copy(from, to) {
	const there = new Set();
	const target = await to.mailboxOpen('INBOX');
	if (target.exists > 0) {
		for await (const msg of to.fetch('1:*', { envelope: true })) {
			there.add(msg.envelope.messageId);
		}
	}
	const missing = [];
	const box = await from.mailboxOpen('INBOX', { readOnly: true });
	if (box.exists > 0) {
		for await (const msg of from.fetch('1:*', { uid: true, envelope: true })) {
			if (!there.has(msg.envelope.messageId)) {
				missing.push(msg.uid);
			}
		}
	}
	for (const uid of missing) {
		const msg = await from.fetchOne(uid, { source: true, flags: true, internalDate: true }, { uid: true });
		if (msg) {
			await to.append('INBOX', msg.source, [...msg.flags].filter(f => storable(target, f)), msg.internalDate);
		}
	}
}

function storable(target, flag) {
	if (flag === '\\Recent' || !target.permanentFlags) {
		return flag !== '\\Recent';
	}
	return target.permanentFlags.has(flag) || (!flag.startsWith('\\') && target.permanentFlags.has('\\*'));
}

// task: gmail

async function token(address, user, source) {
	const client = new ImapFlow({ ...address, auth: { user, accessToken: await source() } });
	await client.connect();
	return client;
}

// task: none

const [task, port, password, argument, port2] = process.argv.slice(2);
const address = { host: '127.0.0.1', port: Number(port), secure: false, doSTARTTLS: false, logger: false };
const newClient = (p = port) => new ImapFlow({ ...address, port: Number(p), auth: { user: 'user', pass: password } });
const open = async p => {
	const client = newClient(p);
	await client.connect();
	await client.mailboxOpen('INBOX');
	return client;
};
const print = value => console.log(JSON.stringify(value));
if (task === 'code') {
	await follow(newClient, argument, subject => {
		print(subject);
		return subject !== 'end';
	});
	process.exit(0);
}
if (task === 'gmail') {
	const client = await token(address, 'user', async () => password);
	print(client.authenticated);
	await client.logout();
	process.exit(0);
}
const client = await open(port);
switch (task) {
	case 'texts':
		await texts(client, (subject, text) => print([subject, text]));
		break;
	case 'attachments':
		await attachments(client, argument);
		break;
	case 'inbox':
		(await newest(client)).forEach(print);
		break;
	case 'backup':
		await backup(client, argument);
		break;
	case 'migrate': {
		const to = await open(port2);
		await copy(client, to);
		await to.logout();
		break;
	}
}
await client.logout();
