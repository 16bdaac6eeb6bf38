// Package dialogues plays the example dialogues of the RFCs: the responses in them are read, and every command ends as it
// does there.
package dialogues
