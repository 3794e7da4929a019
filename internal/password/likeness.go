package password

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// enough is how many characters of its own a password must have beside a
// personal value or a common password: "layla1990" and "sunshine!" have fewer.
const enough = 5

// shortest is the personal value, in letters and digits, that is looked for. Of
// shorter ones nearly every password holds some.
const shortest = 3

// likeAddress takes the whole address, its local part, and the parts of that
// between its signs. The domain alone is no personal value.
func likeAddress(folded, address string) bool {
	local, _, _ := strings.Cut(address, "@")
	return like(folded, address) || like(folded, local)
}

// like says whether folded is values, in either direction, with fewer than
// enough other letters and digits, or differs from one of them by one or two
// edits. Values count whole and by their words; signs do not count.
func like(folded string, values ...string) bool {
	var words []string
	for _, value := range values {
		value = fold(value)
		words = append(words, letters(value))
		words = append(words, strings.FieldsFunc(value, func(r rune) bool { return !isLetter(r) })...)
	}
	words = slices.DeleteFunc(words, func(w string) bool { return utf8.RuneCountInString(w) < shortest })
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // longest first: "anna" before "ann"
	bare := letters(folded)
	rest := bare
	for _, w := range words {
		if near(bare, w) || near(bare, reverse(w)) {
			return true
		}
		// A separator keeps what was left and right of the word apart.
		rest = strings.ReplaceAll(rest, w, " ")
		rest = strings.ReplaceAll(rest, reverse(w), " ")
	}
	if !strings.Contains(rest, " ") {
		return false
	}
	return utf8.RuneCountInString(strings.ReplaceAll(rest, " ", "")) < enough
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) }

// letters is s without its signs and spaces.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if isLetter(r) {
			return r
		}
		return -1
	}, s)
}

func reverse(s string) string {
	runes := []rune(s)
	slices.Reverse(runes)
	return string(runes)
}

// near says whether a and b are at most two insertions, deletions or
// replacements apart (Levenshtein), of words long enough for that to mean something.
func near(a, b string) bool {
	const edits, least = 2, 6
	x, y := []rune(a), []rune(b)
	if len(y) < least || len(x)-len(y) > edits || len(y)-len(x) > edits {
		return false
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := diagonal
			if x[i] != y[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)] <= edits
}

// predictable says whether s is one to three characters over and over, or
// characters of which each is the next or the one before ("abcdefgh", "98765432").
func predictable(s string) bool {
	runes := []rune(s)
	for period := 1; period <= 3; period++ {
		if len(runes) > period && !slices.ContainsFunc(runes[period:], differs(runes, period)) {
			return true
		}
	}
	for _, step := range []rune{1, -1} {
		sequential := len(runes) > 1
		for i := 1; i < len(runes) && sequential; i++ {
			d := runes[i] - runes[i-1]
			sequential = d == step || runes[i-1] == '9' && runes[i] == '0' && step == 1 || runes[i-1] == '0' && runes[i] == '9' && step == -1
		}
		if sequential {
			return true
		}
	}
	return false
}

// differs compares each rune it is given in turn with the one period before.
func differs(runes []rune, period int) func(rune) bool {
	i := period
	return func(r rune) bool {
		i++
		return r != runes[i-1-period]
	}
}
