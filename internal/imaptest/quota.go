package imaptest

// allRights are the rights of the owner of a mailbox (RFC 4314).
const allRights = "lrswipkxtecda"

// overQuota reports whether the messages would exceed the STORAGE limit,
// which counts units of 1024 octets.
func (u *User) overQuota(list []newMessage) bool {
	var size int64
	for _, m := range u.boxes {
		size += m.octets
	}
	for _, msg := range list {
		size += int64(len(msg.raw))
	}
	return size > u.quota["STORAGE"]*1024
}
