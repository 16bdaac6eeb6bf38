package imaptest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// sortKey is one criterion of SORT.
type sortKey struct {
	name        string
	reverse     bool
	entry, attr string // of ANNOTATION
}

// sortNeeds maps the criteria to the capabilities that define them.
var sortNeeds = map[string]string{
	"ARRIVAL": "", "CC": "", "DATE": "", "FROM": "", "SIZE": "", "SUBJECT": "", "TO": "",
	"DISPLAYFROM": "SORT=DISPLAY", "DISPLAYTO": "SORT=DISPLAY", "RELEVANCY": "SEARCH=FUZZY",
	"UID": "SORT=UID", "MODSEQ": "SORT=MODSEQ", "ANNOTATION": "ANNOTATE-EXPERIMENT-1",
}

func cmdSort(s *session, p *parser) error {
	a := &searchArgs{}
	p.sp()
	if !s.srv.disabled["ESORT"] && p.acceptWord("RETURN") {
		s.resultOptions(p, a)
	}
	keys := s.parseSortKeys(p)
	p.sp()
	charset := p.astring()
	p.sp()
	if err := s.searchKeys(p, a, charset); err != nil {
		return err
	}
	hits := s.hits(a.match, nil, 0)
	slices.SortStableFunc(hits, func(i, j int) int { return s.compareBy(keys, i, j) })
	if a.partial != nil {
		a.result = a.partial.cut(hits)
	}
	if slices.Contains(a.options, "SAVE") {
		s.saveHits(a, slices.Sorted(slices.Values(hits)))
	}
	if a.returning {
		s.sendExtended(a, hits)
		s.keepCurrent(a, hits, keys, true)
		return nil
	}
	s.out.WriteString("* SORT")
	for _, i := range hits {
		fmt.Fprintf(&s.out, " %d", s.number(i))
	}
	s.out.WriteString("\r\n")
	return nil
}

func (s *session) parseSortKeys(p *parser) []sortKey {
	var keys []sortKey
	p.list(func() {
		var k sortKey
		if k.name = p.word(); k.name == "REVERSE" {
			p.sp()
			k = sortKey{name: p.word(), reverse: true}
		}
		if needs, known := sortNeeds[k.name]; !known || s.lacks(needs) {
			p.fail("Unknown SORT criterion")
		}
		if k.name == "ANNOTATION" {
			s.annotationSortKey(p, &k)
		}
		keys = append(keys, k)
	})
	if len(keys) == 0 {
		p.fail("Syntax error: no SORT criteria")
	}
	return keys
}

func (s *session) compareBy(keys []sortKey, i, j int) int {
	a, b := &s.view[i], &s.view[j]
	for _, k := range keys {
		c := 0
		switch k.name {
		case "ARRIVAL":
			c = a.date.Compare(b.date)
		case "DATE":
			c = a.sentOrArrived().Compare(b.sentOrArrived())
		case "SIZE":
			c = cmp.Compare(len(a.raw), len(b.raw))
		case "SUBJECT":
			c = cmp.Compare(a.baseSubject(), b.baseSubject())
		case "DISPLAYFROM", "DISPLAYTO":
			field := strings.TrimPrefix(k.name, "DISPLAY")
			c = cmp.Compare(a.display(field), b.display(field))
		case "RELEVANCY":
		case "ANNOTATION":
			c = compareAnnotations(a.message, b.message, k)
		case "UID":
			c = cmp.Compare(a.uid, b.uid)
		case "MODSEQ":
			c = cmp.Compare(a.modSeq, b.modSeq)
		default:
			c = cmp.Compare(a.firstMailbox(k.name), b.firstMailbox(k.name))
		}
		if k.reverse {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// sentOrArrived is the sent date of RFC 5256 section 2.2.
func (m *message) sentOrArrived() time.Time {
	if t, known := m.structure().sent(); known {
		return t
	}
	return m.date
}

// display is the display form of the first address (RFC 5957).
func (m *message) display(field string) string {
	list := parseAddresses(m.structure().get(field))
	switch {
	case len(list) == 0:
		return ""
	case list[0].name != "":
		return strings.ToLower(decodeHeader(list[0].name))
	}
	return strings.ToLower(list[0].mailbox + "@" + list[0].host)
}

// firstMailbox is the local part of the first address.
func (m *message) firstMailbox(field string) string {
	if list := parseAddresses(m.structure().get(field)); len(list) > 0 {
		return strings.ToLower(list[0].mailbox)
	}
	return ""
}

var (
	subjectTrailer = regexp.MustCompile(`(?i)(\s|\(fwd\))+$`)
	subjectLeader  = regexp.MustCompile(`(?i)^(\s|(re|fwd?)\s*(\[[^\[\]]*\]\s*)?:)+`)
	subjectBlob    = regexp.MustCompile(`^\[[^\[\]]*\]\s*`)
	subjectForward = regexp.MustCompile(`(?i)^\[fwd:(.*)\]$`)
)

// baseSubject removes what replying and forwarding add (RFC 5256 section
// 2.1).
func (m *message) baseSubject() string {
	text := strings.Join(strings.Fields(decodeHeader(m.structure().get("Subject"))), " ")
	for {
		old := text
		text = subjectTrailer.ReplaceAllString(text, "")
		text = subjectLeader.ReplaceAllString(text, "")
		if rest := subjectBlob.ReplaceAllString(text, ""); rest != "" {
			text = rest
		}
		text = subjectForward.ReplaceAllString(text, "$1")
		if text == old {
			return strings.ToLower(text)
		}
	}
}
