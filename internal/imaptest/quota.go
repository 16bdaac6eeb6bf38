package imaptest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// overQuota reports whether the messages would exceed a limit. STORAGE
// counts units of 1024 bytes.
func (u *User) overQuota(list []newMessage) bool {
	octets, count := u.usage()
	for _, msg := range list {
		octets += uint64(len(msg.raw))
	}
	count += uint64(len(list))
	storage, limited := u.quota["STORAGE"]
	messages, counted := u.quota["MESSAGE"]
	return limited && octets > storage*1024 || counted && count > messages
}

// usage returns the sums over all mailboxes.
func (u *User) usage() (octets, count uint64) {
	for _, m := range u.boxes {
		octets += m.octets
		count += uint64(len(m.msgs))
	}
	return octets, count
}

// sendQuota reports the only quota root, whose name is empty.
func (s *session) sendQuota() {
	octets, count := s.user.usage()
	used := map[string]uint64{"STORAGE": (octets + 1023) / 1024, "MESSAGE": count}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(s.user.quota)) {
		list = append(list, fmt.Sprintf("%s %d %d", name, used[name], s.user.quota[name]))
	}
	s.untagged(`QUOTA "" (%s)`, strings.Join(list, " "))
}

func cmdGetQuota(s *session, p *parser) error {
	p.sp()
	root := p.astring()
	if err := p.end(); err != nil {
		return err
	}
	if root != "" {
		return no("[NONEXISTENT] No such quota root")
	}
	s.sendQuota()
	return nil
}

func cmdGetQuotaRoot(s *session, p *parser) error {
	p.sp()
	name := p.mailbox()
	if err := p.end(); err != nil {
		return err
	}
	if s.user.find(name) == nil {
		return no("[NONEXISTENT] No such mailbox")
	}
	s.untagged(`QUOTAROOT %s ""`, s.mailboxName(name))
	s.sendQuota()
	return nil
}

// cmdSetQuota replaces all limits.
func cmdSetQuota(s *session, p *parser) error {
	limits := map[string]uint64{}
	p.sp()
	root := p.astring()
	p.sp()
	p.list(func() {
		name := p.word()
		p.sp()
		limits[name] = p.number()
	})
	if err := p.end(); err != nil {
		return err
	}
	if root != "" {
		return no("[NONEXISTENT] No such quota root")
	}
	for name := range limits {
		if name != "STORAGE" && name != "MESSAGE" {
			return no("[CANNOT] Unknown resource")
		}
	}
	s.user.quota = limits
	s.sendQuota()
	return nil
}
