package template

// Inspect is for tests.
var Inspect = inspect

// PlaceOf is for tests.
func PlaceOf(path string) (folder, locale string, err error) {
	about, tag, err := placeOf(path)
	return about.folder(), tag.String(), err
}
