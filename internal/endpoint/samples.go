package endpoint

import (
	"encoding/xml"
	"fmt"

	"registrar/soap"
	"registrar/wsdl"
	"registrar/wsdl/registrationv1"
)

// unique are the elements of requests that name one registration.
var unique = map[string][]string{
	"Register":        {"requestId", "username", "email"},
	"GetRegistration": {"username"},
}

// Samples are the contract's examples, for the help page.
func Samples() (map[string]soap.Sample, error) {
	all := map[string]soap.Sample{}
	for _, operation := range wsdl.Operations() {
		s := soap.Sample{Unique: unique[operation]}
		for part, text := range map[string]*string{"request": &s.Request, "response": &s.Response, "fault": &s.Fault} {
			b, err := wsdl.Samples.ReadFile("samples/" + operation + "." + part + ".xml")
			if err != nil {
				return nil, fmt.Errorf("endpoint: %w", err)
			}
			*text = string(b)
		}
		var detail registrationv1.RegistrationFault
		if err := xml.Unmarshal([]byte(s.Fault), &detail); err != nil {
			return nil, fmt.Errorf("endpoint: the fault's sample of %s: %w", operation, err)
		}
		s.Reason = detail.Message // as Fault tells it
		all[operation] = s
	}
	return all, nil
}
