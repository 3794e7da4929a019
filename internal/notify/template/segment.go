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

// Segments is in how many parts an SMS travels: 160 septets of the default
// alphabet or 70 UTF-16 units fit into one, 153 or 67 into each of several.
func Segments(text string) int {
	septets := 0
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsm7, r):
			septets++
		case strings.ContainsRune(gsm7Extension, r):
			septets += 2
		default:
			return parts(len(utf16.Encode([]rune(text))), 70, 67)
		}
	}
	return parts(septets, 160, 153)
}

func parts(length, alone, together int) int {
	if length <= alone {
		return 1
	}
	return (length + together - 1) / together
}
