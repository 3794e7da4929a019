package wsdl_test

import (
	"slices"
	"testing"

	"registrar/wsdl"
)

func TestOperations(t *testing.T) {
	if got := wsdl.Operations(); !slices.Equal(got, []string{"Register", "GetRegistration", "VerifyContact", "ResendCode", "VerifyPassword"}) {
		t.Errorf("got %q", got)
	}
}
