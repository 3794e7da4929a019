package xmlreader

// Limits bounds what a document may make its reader do. A zero field means its
// default.
type Limits struct {
	Depth      int // elements open at once, the root is 1; default 32
	Attributes int // attributes of one element, namespace declarations too; default 64
	Elements   int // elements of the document; default 1,000
	NameBytes  int // bytes of a name as written, prefix too; default 256. A namespace may have four times as many.
	// Namespaces is how many namespace declarations may be in scope at once;
	// default 128. Each prefix is looked up among them.
	Namespaces int
}

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		field  *int
		preset int
	}{{&l.Depth, 32}, {&l.Attributes, 64}, {&l.Elements, 1000}, {&l.NameBytes, 256}, {&l.Namespaces, 128}} {
		if *f.field <= 0 {
			*f.field = f.preset
		}
	}
	return l
}
