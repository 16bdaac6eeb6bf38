package mimetext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// BaseName returns the text after the last separator of a path of any system, or "" if that is not the name of a file: ".",
// "..", a path that ends with a separator, and a drive.
func BaseName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	for len(name) >= 2 && name[1] == ':' && isLetter(name[0]) {
		name = name[2:] // C:name
	}
	if strings.Trim(name, ". ") == "" {
		return ""
	}
	return name
}

const (
	// maxSafe is the length in bytes of the longest name that SafeName returns: most systems allow 255, and programs
	// may append a counter or a suffix.
	maxSafe = 200
	// maxExtension is the longest extension that is kept when a name is cut.
	maxExtension = 20
)

// SafeName returns name, or a default name if it is empty, in a form that every system accepts as a file in a directory. A
// name without an extension gets one by the media type.
func SafeName(name, mediaType, subtype string) string {
	name = trimName(safeCharacters(BaseName(name)))
	if name == "" {
		name = "attachment"
	}
	if !hasExtension(name) {
		name += extensionOf(mediaType, subtype)
	}
	// The cut name may be that of a device.
	if name = shorten(name); isDevice(name) {
		name = shorten("_" + name)
	}
	return name
}

// safeCharacters replaces characters that some system does not allow in a name, and removes invisible ones, which can make a
// name look like another.
func safeCharacters(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(`<>:"/\|?*`, r) || r == utf8.RuneError || unicode.IsControl(r):
			return '_'
		case unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, name)
}

// trimName removes dots and blanks at both ends: a leading dot hides a file, and Windows drops trailing ones. It also
// removes a leading tilde or minus sign, which has a meaning for shells and programs.
func trimName(name string) string {
	return strings.TrimRight(strings.TrimLeft(name, ". ~-"), ". ")
}

// hasExtension reports whether a name ends with a dot and a few letters or digits.
func hasExtension(name string) bool {
	i := strings.LastIndexByte(name, '.')
	ext := name[i+1:]
	return i > 0 && len(ext) > 0 && len(ext) <= maxExtension && !strings.ContainsAny(ext, " ,")
}

// isDevice reports whether a name, whatever its extension, denotes a device on Windows.
func isDevice(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	port, ok := strings.CutPrefix(stem, "COM")
	if !ok {
		port, ok = strings.CutPrefix(stem, "LPT")
	}
	return ok && isWord(port, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³")
}

// shorten shortens a long name before its extension, at a character boundary.
func shorten(name string) string {
	if len(name) <= maxSafe {
		return name
	}
	ext := ""
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= maxExtension+1 {
		name, ext = name[:i], name[i:]
	}
	cut := maxSafe - len(ext)
	for cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return trimName(name[:cut]) + ext
}

// extensionOf returns the extension for a media type, ".bin" for an unknown one.
func extensionOf(mediaType, subtype string) string {
	full := strings.ToLower(mediaType + "/" + subtype)
	if ext, ok := extensions[full]; ok {
		return ext
	}
	switch strings.ToLower(mediaType) {
	case "text":
		return ".txt"
	case "message":
		return ".eml"
	}
	return ".bin"
}

// extensions are the extensions of the media types that are common in mail.
var extensions = map[string]string{
	"text/plain": ".txt", "text/html": ".html", "text/calendar": ".ics", "text/csv": ".csv", "text/vcard": ".vcf", "text/x-vcard": ".vcf",
	"text/xml": ".xml", "text/css": ".css", "text/rtf": ".rtf", "text/markdown": ".md", "text/x-patch": ".patch", "text/x-diff": ".diff",
	"image/jpeg": ".jpg", "image/jpg": ".jpg", "image/pjpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/bmp": ".bmp",
	"image/tiff": ".tif", "image/webp": ".webp", "image/svg+xml": ".svg", "image/heic": ".heic", "image/x-icon": ".ico", "image/avif": ".avif",
	"audio/mpeg": ".mp3", "audio/mp3": ".mp3", "audio/mp4": ".m4a", "audio/wav": ".wav", "audio/x-wav": ".wav", "audio/ogg": ".ogg",
	"audio/amr": ".amr", "audio/flac": ".flac", "video/mp4": ".mp4", "video/mpeg": ".mpg", "video/quicktime": ".mov", "video/webm": ".webm",
	"video/x-msvideo": ".avi", "video/3gpp": ".3gp",
	"application/pdf": ".pdf", "application/zip": ".zip", "application/x-zip-compressed": ".zip", "application/gzip": ".gz",
	"application/x-gzip": ".gz", "application/x-tar": ".tar", "application/x-7z-compressed": ".7z", "application/vnd.rar": ".rar",
	"application/json": ".json", "application/xml": ".xml", "application/rtf": ".rtf", "application/ics": ".ics", "application/sql": ".sql",
	"application/msword": ".doc", "application/vnd.ms-excel": ".xls", "application/vnd.ms-powerpoint": ".ppt", "application/ms-tnef": ".dat",
	"application/vnd.ms-outlook": ".msg", "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         ".xlsx",
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
	"application/vnd.oasis.opendocument.text":                                   ".odt",
	"application/vnd.oasis.opendocument.spreadsheet":                            ".ods",
	"application/vnd.oasis.opendocument.presentation":                           ".odp",
	"application/epub+zip":                                                      ".epub", "application/pgp-signature": ".asc", "application/pgp-encrypted": ".asc", "application/pgp-keys": ".asc",
	"application/pkcs7-signature": ".p7s", "application/x-pkcs7-signature": ".p7s", "application/pkcs7-mime": ".p7m",
	"application/x-pkcs7-mime": ".p7m", "application/javascript": ".js", "message/rfc822": ".eml", "message/global": ".eml",
	"message/delivery-status": ".txt", "message/disposition-notification": ".txt",
}
