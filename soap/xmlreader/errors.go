package xmlreader

import "fmt"

// Reason says what is wrong with a document, for a person. It is one of the
// constants below and holds nothing of the document.
type Reason string

// What the reader refuses.
const (
	Doctype               Reason = "a document type declaration (DOCTYPE) is not allowed"
	ProcessingInstruction Reason = "a processing instruction is not allowed"
	BadDeclaration        Reason = "the XML declaration is malformed or not at the very start"
	BadVersion            Reason = "the XML version is not 1.0"
	BadUTF8               Reason = "a byte sequence is not UTF-8"
	BadCharacter          Reason = "a character is not allowed in XML 1.0"
	BadReference          Reason = "a character reference names no character that XML 1.0 allows"
	UndefinedEntity       Reason = "an entity other than lt, gt, amp, apos and quot is not defined"
	BareAmpersand         Reason = "an ampersand begins no reference; it is written &amp;"
	BadComment            Reason = "a comment is not closed or holds two hyphens"
	BadCDATA              Reason = "a CDATA section is not closed"
	BadMarkup             Reason = "a tag or declaration is malformed"
	BadName               Reason = "a name is malformed"
	BadAttribute          Reason = "an attribute is malformed"
	LessThanInAttribute   Reason = "an attribute's value holds a less-than sign; it is written &lt;"
	DuplicateAttribute    Reason = "an element has one attribute twice"
	UndeclaredPrefix      Reason = "a namespace prefix is not declared"
	BadNamespace          Reason = "a namespace declaration is not allowed"
	CDATAEndInText        Reason = "text holds the end of a CDATA section; it is written ]]&gt;"
	MismatchedTag         Reason = "an end tag does not match its start tag"
	UnclosedElement       Reason = "the document ends inside an element"
	SecondRoot            Reason = "there is more than one root element"
	TextOutsideRoot       Reason = "there is text outside the root element"
	NoRoot                Reason = "there is no root element"

	TooDeep           Reason = "elements are nested too deeply"
	TooManyAttributes Reason = "an element has too many attributes"
	TooManyElements   Reason = "the document has too many elements"
	TooManyNamespaces Reason = "too many namespace declarations are in scope"
	NameTooLong       Reason = "a name is too long"
)

// Error is the reader's refusal of a document.
type Error struct {
	Reason Reason
	Offset int // bytes from the document's start
}

func (e *Error) Error() string {
	return fmt.Sprintf("xmlreader: %s (at byte %d)", string(e.Reason), e.Offset)
}

// Limit tells a limit that is exceeded from a document that is not well-formed.
func (e *Error) Limit() bool {
	switch e.Reason {
	case TooDeep, TooManyAttributes, TooManyElements, TooManyNamespaces, NameTooLong:
		return true
	default:
		return false
	}
}
