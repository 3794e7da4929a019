package wsdl_test

import (
	"reflect"
	"testing"

	"registrar/soap/xsd"
	"registrar/wsdl"
	"registrar/wsdl/registrationv1"
)

func TestEveryGeneratedTypeFitsTheServedSchema(t *testing.T) {
	schema, err := xsd.Compile(wsdl.Schema)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{
		registrationv1.RegisterRequest{}, registrationv1.RegisterResponse{},
		registrationv1.GetRegistrationRequest{}, registrationv1.GetRegistrationResponse{},
		registrationv1.VerifyContactRequest{}, registrationv1.VerifyContactResponse{},
		registrationv1.ResendCodeRequest{}, registrationv1.ResendCodeResponse{},
		registrationv1.VerifyPasswordRequest{}, registrationv1.VerifyPasswordResponse{},
		registrationv1.RegistrationFault{},
	} {
		goType := reflect.TypeOf(v)
		element, ok := xsd.ElementOf(goType)
		if !ok {
			t.Fatalf("%s names no element", goType)
		}
		if _, err := schema.Bind(element, goType); err != nil {
			t.Error(err)
		}
	}
}
