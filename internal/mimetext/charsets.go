package mimetext

import (
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// The encodings with many names.
var (
	utf8Charset   = charset{encoding: unicode.UTF8, utf8: true}
	guessCharset  = charset{encoding: windows1252, guess: true}
	latin1Charset = charset{encoding: windows1252}

	utf16BE    = charset{encoding: unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)}
	utf16LE    = charset{encoding: unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)}
	utf16BEBOM = charset{encoding: unicode.UTF16(unicode.BigEndian, unicode.UseBOM)}
	utf16LEBOM = charset{encoding: unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)}
	utf32BEBOM = charset{encoding: ending{utf32.UTF32(utf32.BigEndian, utf32.UseBOM)}}
	utf32BE    = charset{encoding: ending{utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)}}
	utf32LE    = charset{encoding: ending{utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)}}

	gb        = charset{encoding: gb18030}
	hz        = charset{encoding: simplifiedchinese.HZGB2312}
	big5      = charset{encoding: traditionalchinese.Big5}
	euckr     = charset{encoding: korean.EUCKR}
	eucjp     = charset{encoding: japanese.EUCJP}
	shiftJIS  = charset{encoding: japanese.ShiftJIS}
	iso2022jp = charset{encoding: iso2022{japanese.ISO2022JP}}
	eucJIS    = charset{encoding: jis2004{japanese.EUCJP, false}}
	shiftX    = charset{encoding: jis2004{japanese.ShiftJIS, true}}
	johab     = charset{encoding: johabEncoding{korean.EUCKR}}
	thai      = charset{encoding: charmap.Windows874}
	turkish   = charset{encoding: charmap.Windows1254}
	koi8r     = charset{encoding: charmap.KOI8R}
	koi8u     = charset{encoding: charmap.KOI8U}
	macRoman  = charset{encoding: charmap.Macintosh}
	macCyr    = charset{encoding: charmap.MacintoshCyrillic}
	hebrew    = charset{encoding: charmap.ISO8859_8}
	arabic    = charset{encoding: charmap.ISO8859_6}
)

func one(e encoding.Encoding) charset { return charset{encoding: e} }

// isoParts are the parts of ISO 8859. Parts 1, 9 and 11 are replaced by the code pages that contain them.
var isoParts = map[int]charset{
	1: latin1Charset, 2: one(charmap.ISO8859_2), 3: one(charmap.ISO8859_3), 4: one(charmap.ISO8859_4), 5: one(charmap.ISO8859_5),
	6: arabic, 7: one(charmap.ISO8859_7), 8: hebrew, 9: turkish, 10: one(charmap.ISO8859_10), 11: thai,
	13: one(charmap.ISO8859_13), 14: one(charmap.ISO8859_14), 15: one(charmap.ISO8859_15), 16: one(charmap.ISO8859_16),
}

// codePages are the code pages of IBM and Microsoft by number.
var codePages = map[int]charset{
	37: one(charmap.CodePage037), 367: guessCharset, 437: one(charmap.CodePage437), 819: latin1Charset, 850: one(charmap.CodePage850),
	852: one(charmap.CodePage852), 855: one(charmap.CodePage855), 858: one(charmap.CodePage858), 860: one(charmap.CodePage860),
	862: one(charmap.CodePage862), 863: one(charmap.CodePage863), 865: one(charmap.CodePage865), 866: one(charmap.CodePage866),
	874: thai, 878: koi8r, 912: one(charmap.ISO8859_2), 915: one(charmap.ISO8859_5), 920: turkish, 923: one(charmap.ISO8859_15),
	932: shiftJIS, 936: gb, 943: shiftJIS, 949: euckr, 950: big5, 951: big5, 970: euckr, 1047: one(charmap.CodePage1047),
	1140: one(charmap.CodePage1140), 1168: koi8u, 1200: utf16LEBOM, 1201: utf16BEBOM, 1208: utf8Charset,
	1250: one(charmap.Windows1250), 1251: one(charmap.Windows1251), 1252: latin1Charset, 1253: one(charmap.Windows1253), 1254: turkish,
	1255: one(charmap.Windows1255), 1256: one(charmap.Windows1256), 1257: one(charmap.Windows1257), 1258: one(charmap.Windows1258),
	1361: johab, 1381: gb, 1386: gb, 10000: macRoman, 10007: macCyr, 12000: utf32LE, 12001: utf32BE, 20127: guessCharset, 20866: koi8r,
	20932: eucjp, 20936: gb, 20949: euckr, 21866: koi8u, 28591: latin1Charset, 28592: one(charmap.ISO8859_2), 28593: one(charmap.ISO8859_3),
	28594: one(charmap.ISO8859_4), 28595: one(charmap.ISO8859_5), 28596: arabic, 28597: one(charmap.ISO8859_7), 28598: hebrew,
	28599: turkish, 28600: one(charmap.ISO8859_10), 28603: one(charmap.ISO8859_13), 28604: one(charmap.ISO8859_14), 28605: one(charmap.ISO8859_15),
	38598: hebrew, 50220: iso2022jp, 50221: iso2022jp, 50222: iso2022jp, 50225: iso2022jp, 50227: iso2022jp, 51932: eucjp, 51936: gb, 51949: euckr,
	52936: hz, 54936: gb, 65000: one(utf7{}), 65001: utf8Charset,
}

// charsets are the names that no rule covers, by their letters and digits in lower case.
var charsets = map[string]charset{
	"utf8": utf8Charset, "unicode11utf8": utf8Charset, "unicode20utf8": utf8Charset, "utf8mb4": utf8Charset, "utf8mb3": utf8Charset,
	"utf": utf8Charset, "cesu8": utf8Charset, "utf8mac": utf8Charset, "utf8bom": utf8Charset, "utf8sig": utf8Charset, "utf8n": utf8Charset, "al32utf8": utf8Charset,
	"iso10646": utf8Charset, "iso10646utf1": {}, "utf8unicode": utf8Charset, "unicodeutf8": utf8Charset,

	"usascii": guessCharset, "ascii": guessCharset, "ansix341968": guessCharset, "ansix341986": guessCharset, "iso646us": guessCharset,
	"iso646irv1991": guessCharset, "us": guessCharset, "646": guessCharset, "isoir6": guessCharset, "iso646": guessCharset, "asciius": guessCharset,
	"unknown": guessCharset, "unknown8bit": guessCharset, "default": guessCharset, "none": guessCharset, "8bit": guessCharset,
	"7bit": guessCharset, "ansi": guessCharset, "ansix3110": guessCharset, "ansix31101983": guessCharset, "userdefined": guessCharset,
	"binary": guessCharset, "defaultcharset": guessCharset, "null": guessCharset, "nil": guessCharset, "mixed": guessCharset, "text": guessCharset,
	"defaultascii": guessCharset, "charset": guessCharset, "defaultcharacterset": guessCharset, "local": guessCharset,

	"utf7": one(utf7{}), "unicode11utf7": one(utf7{}), "unicode20utf7": one(utf7{}), "unicodeutf7": one(utf7{}),
	"utf16": utf16BEBOM, "utf16be": utf16BE, "utf16le": utf16LE, "iso10646ucs2": utf16BEBOM, "ucs2": utf16BEBOM, "ucs2be": utf16BE,
	"ucs2le": utf16LE, "unicode": utf16LEBOM, "unicodefffe": utf16BEBOM, "unicodefeff": utf16LEBOM, "unicodebig": utf16BEBOM,
	"unicodelittle": utf16LEBOM, "utf32": utf32BEBOM, "utf32be": utf32BE, "utf32le": utf32LE, "ucs4": utf32BEBOM, "iso10646ucs4": utf32BEBOM,

	"latin1": latin1Charset, "l1": latin1Charset, "isolatin1": latin1Charset, "isoir100": latin1Charset, "latin": latin1Charset,
	"ansinew": latin1Charset, "westerneuropean": latin1Charset, "western": latin1Charset, "iso": latin1Charset, "iso1": latin1Charset,
	"windowslatin1": latin1Charset, "windows31latin1": latin1Charset, "iso88591windows31latin1": latin1Charset, "iso88591windows30latin1": latin1Charset,
	"latin2": one(charmap.ISO8859_2), "l2": one(charmap.ISO8859_2), "isolatin2": one(charmap.ISO8859_2), "isoir101": one(charmap.ISO8859_2),
	"latin3": one(charmap.ISO8859_3), "l3": one(charmap.ISO8859_3), "isolatin3": one(charmap.ISO8859_3), "isoir109": one(charmap.ISO8859_3),
	"latin4": one(charmap.ISO8859_4), "l4": one(charmap.ISO8859_4), "isolatin4": one(charmap.ISO8859_4), "isoir110": one(charmap.ISO8859_4),
	"cyrillic": one(charmap.ISO8859_5), "isolatincyrillic": one(charmap.ISO8859_5), "isoir144": one(charmap.ISO8859_5),
	"arabic": arabic, "isolatinarabic": arabic, "isoir127": arabic, "asmo708": arabic, "ecma114": arabic,
	"greek": one(charmap.ISO8859_7), "greek8": one(charmap.ISO8859_7), "isolatingreek": one(charmap.ISO8859_7), "isoir126": one(charmap.ISO8859_7),
	"elot928": one(charmap.ISO8859_7), "ecma118": one(charmap.ISO8859_7), "suneugreek": one(charmap.ISO8859_7),
	"hebrew": hebrew, "isolatinhebrew": hebrew, "isoir138": hebrew, "visual": hebrew, "logical": hebrew,
	"latin5": turkish, "l5": turkish, "isolatin5": turkish, "isoir148": turkish, "latin6": one(charmap.ISO8859_10), "l6": one(charmap.ISO8859_10),
	"isolatin6": one(charmap.ISO8859_10), "isoir157": one(charmap.ISO8859_10), "latin7": one(charmap.ISO8859_13), "l7": one(charmap.ISO8859_13),
	"latin8": one(charmap.ISO8859_14), "l8": one(charmap.ISO8859_14), "isoceltic": one(charmap.ISO8859_14), "latin9": one(charmap.ISO8859_15),
	"l9": one(charmap.ISO8859_15), "latin0": one(charmap.ISO8859_15), "latin10": one(charmap.ISO8859_16), "l10": one(charmap.ISO8859_16),

	"tis620": thai, "tis6202533": thai, "tis62025330": thai, "tis62025331": thai, "iso8859thai": thai, "thai": thai, "isoir166": thai,
	"koi8r": koi8r, "koi8": koi8r, "koi": koi8r, "koi8u": koi8u, "koi8ru": koi8u,
	"macintosh": macRoman, "mac": macRoman, "macroman": macRoman, "applemacintosh": macRoman, "macostoman": macRoman, "macosroman": macRoman,
	"maccyrillic": macCyr, "macukrainian": macCyr, "macukraine": macCyr,

	"gb2312": gb, "gbk": gb, "gb18030": gb, "gb231280": gb, "gb2312801": gb, "gb23121980": gb, "euccn": gb, "euczh": gb, "chinese": gb,
	"isoir58": gb, "iso58gb231280": gb, "gb": gb, "gbk2312": gb, "gb180302000": gb, "gb180302005": gb, "gb180302022": gb, "eucgb": gb,
	"gb2312gbk": gb, "simplifiedchinese": gb, "zhcn": gb, "hz": hz, "hzgb2312": hz, "hzgb": hz,
	"big5": big5, "big5hkscs": big5, "big5eten": big5, "big5hk": big5, "big5tw": big5, "cnbig5": big5, "big52003": big5, "big5hkscs2004": big5,
	"cngb": gb, "cngb2312": gb, "zhtw": big5, "traditionalchinese": big5, "big5plus": big5, "big5e": big5,
	"euckr": euckr, "ksc5601": euckr, "ksc56011987": euckr, "ksc56011989": euckr, "ksc56011992": euckr, "ksx1001": euckr, "ks5601": euckr,
	"korean": euckr, "isoir149": euckr, "uhc": euckr, "ksc5601euc": euckr, "johab": johab, "ksc5601johab": johab, "ksc56018bit": euckr, "extwansung": euckr,
	"eucjp": eucjp, "ujis": eucjp, "eucpkdfmtjapanese": eucjp, "extendedunixcodepackedformatforjapanese": eucjp, "eucjpms": eucjp,
	"eucjpwin": eucjp, "eucjapanese": eucjp, "euc": eucjp, "eucj": eucjp, "jisx0212": eucjp,
	"eucjis2004": eucJIS, "eucjisx0213": eucJIS, "eucjp2004": eucJIS, "jisx0213": eucJIS,
	"shiftjis": shiftJIS, "sjis": shiftJIS, "mskanji": shiftJIS, "windows31j": shiftJIS, "sjiswin": shiftJIS, "sjisms": shiftJIS,
	"shiftjisms": shiftJIS, "shift": shiftJIS, "shiftjisx0213": shiftX, "shiftjis2004": shiftX, "sjis2004": shiftX, "sjisx0213": shiftX, "kanji": shiftJIS,
	"iso2022jp": iso2022jp, "jis": iso2022jp, "iso2022jpms": iso2022jp, "iso2022jp1": iso2022jp, "iso2022jp2": iso2022jp,
	"iso2022jp3": iso2022jp, "iso2022jp2004": iso2022jp, "iso2022jpext": iso2022jp, "2022jp": iso2022jp, "iso2022jpesc": iso2022jp, "iso2022kr": iso2022jp, "iso2022cn": iso2022jp, "iso2022cnext": iso2022jp, "jis7": iso2022jp, "jis8": iso2022jp,
}
