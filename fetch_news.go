package imap

import "slices"

// mayBeNews reports whether a row with some of the requested sections may be one that NOTIFY reports: it lacks other sections,
// or items.
func (op *fetch) mayBeNews(row *fetched) bool {
	return row.err == nil && len(row.m.Sections) > 0 && op.c.e.notifiesSections() && !op.older && !op.complete(row)
}

// lacksSections reports whether a message, with the next section, lacks requested ones, and NOTIFY reports some of those that
// it has. Otherwise it is enough to count them, since servers may give sections other names.
func (op *fetch) lacksSections(m *Message, next ...Section) bool {
	return op.c.e.notifiesSections() && slices.ContainsFunc(op.wants, func(asked Section) bool {
		has := func(data SectionData) bool { return data.Section.matches(asked) }
		return !slices.ContainsFunc(m.Sections, has) && !slices.ContainsFunc(next, asked.matches)
	})
}

// otherThan returns the sections that are not among those that came before.
func otherThan(before, sections []SectionData) []SectionData {
	return slices.DeleteFunc(sections, func(s SectionData) bool {
		return slices.ContainsFunc(before, func(b SectionData) bool { return b.Section.matches(s.Section) })
	})
}

// dropNews drops open rows that may be news when a row of their message has all requested sections, so that none comes twice.
// Of a row that was merged with others it drops only the sections; if the new row lacks some, because it cannot be parsed, only
// those that come again.
func (op *fetch) dropNews(row *fetched, next ...Section) {
	if len(row.m.Sections)+len(next) == 0 {
		return
	}
	lacks := op.lacksSections(row.m, next...)
	for i := len(op.open) - 1; i >= 0; i-- {
		switch o := &op.open[i]; {
		case !o.news || !o.isPartOf(row):
		case lacks:
			o.m.Sections = otherThan(row.m.Sections, o.m.Sections)
		case o.joined:
			o.m.Sections, o.news, o.got = nil, false, o.got&^itemSection
		default:
			op.takeOpen(i)
		}
	}
}

// hasSections reports whether no further sections are expected for a message.
func (op *fetch) hasSections(m *Message) bool {
	return len(m.Sections) >= len(op.wants) && (len(op.wants) == 0 || !op.lacksSections(m))
}

// settleNews handles a row that may be news. It becomes an event, unless it is the last part of a message. It also waits for
// the rest of its message, since it may be a part of the answer.
func (op *fetch) settleNews(row *fetched) claim {
	m := *row.m
	m.Sections = slices.Clone(m.Sections)
	row.m, row.news = &m, true
	for i := range op.open {
		if o := &op.open[i]; o.isPartOf(row) {
			m.Sections = otherThan(o.m.Sections, m.Sections)
			o.news, o.joined = true, o.joined || !o.news
			if op.join(i, row) {
				return mine
			}
			return notMine
		}
	}
	op.keepOpen(row)
	op.release(len(op.open) - 1)
	return notMine
}

// isForeign reports whether a row with sections is not for the command: the sections that it has so far, and the next one, were
// not requested, and NOTIFY or another FETCH in progress explains them. Without such an explanation they are the requested ones,
// since servers may give these other names.
func (op *fetch) isForeign(m *Message, next ...Section) bool {
	if op.older || len(m.Sections)+len(next) == 0 || op.requested(m, next) {
		return false
	}
	return op.c.e.notifiesSections() || op.c.e.anyInFlight(func(cmd *command) bool {
		other, ok := cmd.answer.(*fetch)
		return ok && other != op && other.covers(m.SeqNum, m.UID) && other.requested(m, next)
	})
}

// requested reports whether the command requested one of the sections of a row.
func (op *fetch) requested(m *Message, next []Section) bool {
	for _, asked := range op.wants {
		for i := range m.Sections {
			if m.Sections[i].Section.matches(asked) {
				return true
			}
		}
		if len(next) > 0 && next[0].matches(asked) {
			return true
		}
	}
	return false
}
