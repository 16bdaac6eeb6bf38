// Package dialogues plays the example dialogues of the RFCs: the responses in them are parsed, and every command ends as in
// the RFC.
package dialogues
