package mimetext

import (
	"strings"
	"time"
)

// monthNames are the English names of the months.
var monthNames = [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}

// otherMonths are names of the months in other languages, for programs that translate them, if they differ from the
// beginning of the English name.
var otherMonths = map[string]int{
	"jän": 1, "jänner": 1, "januar": 1, "janv": 1, "janvier": 1, "ene": 1, "enero": 1, "gen": 1, "gennaio": 1, "januari": 1,
	"feb": 2, "februar": 2, "fév": 2, "févr": 2, "février": 2, "fev": 2, "febrero": 2, "febbraio": 2, "februari": 2,
	"mär": 3, "mrz": 3, "märz": 3, "mars": 3, "marzo": 3, "mrt": 3, "maart": 3, "março": 3,
	"avr": 4, "avril": 4, "abr": 4, "abril": 4, "aprile": 4, "mai": 5, "mayo": 5, "mag": 5, "maggio": 5, "mei": 5, "maj": 5,
	"juin": 6, "juni": 6, "junio": 6, "giu": 6, "giugno": 6, "juil": 7, "juillet": 7, "juli": 7, "julio": 7, "lug": 7, "luglio": 7,
	"aoû": 8, "août": 8, "ago": 8, "agosto": 8, "augustus": 8, "septembre": 9, "septiembre": 9, "set": 9, "settembre": 9,
	"okt": 10, "oktober": 10, "octobre": 10, "octubre": 10, "ott": 10, "ottobre": 10, "out": 10, "outubro": 10,
	"янв": 1, "января": 1, "фев": 2, "февр": 2, "февраля": 2, "мар": 3, "марта": 3, "апр": 4, "апреля": 4, "май": 5, "мая": 5, "июн": 6, "июня": 6,
	"июл": 7, "июля": 7, "авг": 8, "августа": 8, "сен": 9, "сент": 9, "сентября": 9, "окт": 10, "октября": 10, "ноя": 11, "нояб": 11, "ноября": 11, "дек": 12, "декабря": 12,
	"sty": 1, "lut": 2, "kwi": 4, "cze": 6, "lip": 7, "sie": 8, "wrz": 9, "paź": 10, "lis": 11, "gru": 12,
	"novembre": 11, "noviembre": 11, "dez": 12, "dezember": 12, "déc": 12, "décembre": 12, "dic": 12, "diciembre": 12, "dicembre": 12,
}

// maxMonth is the length of the longest name, in bytes.
const maxMonth = 16

// monthOf returns 1 to 12 for the name of a month or the beginning of an English one, and 0 otherwise.
func monthOf(w string) int {
	w = strings.TrimSuffix(w, ".")
	if len(w) < 3 || len(w) > maxMonth {
		return 0
	}
	low := strings.ToLower(w)
	for i, name := range monthNames {
		if strings.HasPrefix(name, low) {
			return i + 1
		}
	}
	return otherMonths[low]
}

const maxZoneName = 40

// zoneNames are the zones of RFC 5322 section 4.3, and those of other parts of the world whose names do not collide with
// them.
var zoneNames = makeZones(map[string]float64{
	"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	"AKST": -9, "AKDT": -8, "HST": -10, "AST": -4, "ADT": -3, "NST": -3.5, "NDT": -2.5, "BRT": -3, "BRST": -2, "ART": -3,
	"GMT": 0, "UT": 0, "UTC": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "MET": 1, "MEZ": 1, "CEST": 2, "MEST": 2, "MESZ": 2,
	"EET": 2, "EEST": 3, "SAST": 2, "WAT": 1, "EAT": 3, "MSK": 3, "MSD": 4, "PKT": 5, "NPT": 5.75, "WIB": 7, "ICT": 7,
	"HKT": 8, "SGT": 8, "MYT": 8, "PHT": 8, "AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11,
	"NZST": 12, "NZDT": 13,
})

func makeZones(hours map[string]float64) map[string]*time.Location {
	zones := make(map[string]*time.Location, len(hours))
	for name, h := range hours {
		zones[name] = time.FixedZone(name, int(h*3600))
		if h == 0 {
			zones[name] = time.UTC
		}
	}
	return zones
}
