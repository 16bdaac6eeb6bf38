// Reads headers with npm's libmime, as read.py does: node read.mjs <cases >results.
import libmime from 'libmime';
import readline from 'node:readline';

const read = {
	text: raw => libmime.decodeWords(raw),
	param: raw => libmime.decodeWords(libmime.parseHeaderValue(raw).params.filename ?? ''),
	date: raw => { const d = new Date(raw); return isNaN(d) ? null : d.toISOString(); },
};
for await (const line of readline.createInterface({ input: process.stdin })) {
	const { kind, in: value } = JSON.parse(line);
	let out = null;
	try { out = read[kind](Buffer.from(value, 'base64').toString('latin1').replace(/\r\n/g, '')); } catch { }
	console.log(JSON.stringify(out));
}
