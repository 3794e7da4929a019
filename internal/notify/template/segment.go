package template

import (
	"strings"
	"unicode/utf16"
)

// The default alphabet of 3GPP TS 23.038 section 6.2.1, and its extension
// table, whose characters take two septets.
const (
	gsm7 = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsm7Extension = "\f^{}\\[~]|€"
)

// Encoding is how an SMS is written.
type Encoding string

// The encodings.
const (
	GSM7 Encoding = "GSM-7" // of the default alphabet
	UCS2 Encoding = "UCS-2"
)

// Size is what an SMS takes.
type Size struct {
	Encoding Encoding
	Units    int // septets of GSM-7, 16 bits of UCS-2
	Limit    int // Units that fit into the segments that there are
	Segments int // at least 1
}

// Measure says what an SMS takes: 160 septets of the default alphabet or 70
// UTF-16 units fit into one segment, 153 or 67 into each of several. An extended
// character at the border of two segments may take one unit more.
func Measure(text string) Size {
	septets := 0
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsm7, r):
			septets++
		case strings.ContainsRune(gsm7Extension, r):
			septets += 2
		default:
			return sizeOf(UCS2, len(utf16.Encode([]rune(text))))
		}
	}
	return sizeOf(GSM7, septets)
}

func sizeOf(e Encoding, units int) Size {
	segments := 1
	for fitting(e, segments) < units {
		segments++
	}
	return Size{Encoding: e, Units: units, Limit: fitting(e, segments), Segments: segments}
}

// fitting is how many units fit into a number of segments.
func fitting(e Encoding, segments int) int {
	switch {
	case e == GSM7 && segments == 1:
		return 160
	case e == GSM7:
		return 153 * segments
	case segments == 1:
		return 70
	default:
		return 67 * segments
	}
}

// Segments is in how many parts an SMS travels.
func Segments(text string) int { return Measure(text).Segments }
