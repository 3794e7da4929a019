package wsdl

import "encoding/xml"

// Operations are the names of the contract's operations, in its order.
func Operations() []string {
	var description struct {
		Operations []struct {
			Name string `xml:"name,attr"`
		} `xml:"portType>operation"`
	}
	if err := xml.Unmarshal(Description, &description); err != nil {
		panic("wsdl: " + err.Error()) // the document is a part of the program
	}
	names := make([]string, len(description.Operations))
	for i, o := range description.Operations {
		names[i] = o.Name
	}
	return names
}
