package template

import "registrar/internal/sms"

// Segments is in how many parts an SMS travels: 160 septets of the default
// alphabet or 70 UTF-16 units fit into one, 153 or 67 into each of several.
func Segments(text string) int { return sms.Segments(text) }
