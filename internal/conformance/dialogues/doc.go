// Package dialogues plays the example dialogues of the RFCs: what the server says in them is read, and every command ends as it
// does there.
package dialogues
