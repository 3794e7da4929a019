package xsd

// Rule says what kind of rule a document breaks. Rules are stable: programs
// may act on them.
type Rule string

// The rules that a schema asks for.
const (
	TooShort    Rule = "TOO_SHORT"
	TooLong     Rule = "TOO_LONG"
	Pattern     Rule = "PATTERN"
	Enumeration Rule = "ENUMERATION"
	TooSmall    Rule = "TOO_SMALL"
	TooLarge    Rule = "TOO_LARGE"
	WrongType   Rule = "TYPE"      // not the lexical form of the type, or an xsi:type that is another
	Required    Rule = "REQUIRED"  // missing
	Repeated    Rule = "REPEATED"  // more often than maxOccurs
	Unknown     Rule = "UNKNOWN"   // an element that the schema does not have there
	Namespace   Rule = "NAMESPACE" // a known local name in another namespace
	Content     Rule = "CONTENT"   // text between elements, or an element inside a value
	Nil         Rule = "NIL"       // xsi:nil where it may not be, or is not a boolean, or with content
	Attribute   Rule = "ATTRIBUTE" // an attribute that the schema does not have
)

// MaxViolations is how many violations one Decode collects; it goes on
// checking well-formedness past them.
const MaxViolations = 100

// Violation is one place where a document breaks the schema. It never holds a
// value of the document.
type Violation struct {
	Path    string // from the bound element, as /RegisterRequest/item[2]/name
	Element string // local name of the element that is wrong or missing
	Rule    Rule
	Message string // English, a predicate with limits: "must have 3 to 64 characters"

	// Attribute is the attribute that is wrong under the rule ATTRIBUTE.
	Attribute Name
}
