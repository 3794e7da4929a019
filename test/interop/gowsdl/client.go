// Command gowsdl calls the service with the client that gowsdl generates.
//
// In the tree it is compiled with the project's own copy of that; run puts in
// its place what gowsdl makes of the served WSDL.
package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/hooklift/gowsdl/soap"

	"registrar/wsdl/registrationv1"
)

const (
	password  = "velvet-anchor-tuesday"
	firstName = "نورة"
	locale    = "ar"
)

var (
	username = os.Getenv("INTEROP_USERNAME")
	email    = username + "@example.com"
	uuid     = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

func main() {
	build, _ := debug.ReadBuildInfo()
	for _, module := range build.Deps {
		if module.Path == "github.com/hooklift/gowsdl" {
			fmt.Println("stack gowsdl", module.Version)
		}
	}
	var auth []soap.Option
	caller, secret := os.Getenv("INTEROP_CALLER"), os.Getenv("INTEROP_SECRET")
	security := os.Getenv("INTEROP_SECURITY")
	if security == "basic" {
		auth = append(auth, soap.WithBasicAuth(caller, secret))
	}
	client := soap.NewClient(os.Getenv("INTEROP_ENDPOINT"), auth...)
	if security == "wsse-text" {
		client.AddHeader(soap.NewWSSSecurityHeader(caller, secret, "", ""))
	}
	s := scenario{port: registrationv1.NewRegistrationPort(client)}
	tell("register", s.register)
	tell("taken", s.taken)
	tell("invalid", s.invalid)
	tell("lookup", s.lookup)
}

// tell runs a step and prints how it went.
func tell(step string, run func() error) {
	if err := run(); err != nil {
		fmt.Printf("not ok %s: %s\n", step, strings.Join(strings.Fields(err.Error()), " "))
		return
	}
	fmt.Println("ok", step)
}

type scenario struct {
	port registrationv1.RegistrationPort
	id   registrationv1.RegistrationId
}

func request(username, email string) *registrationv1.RegisterRequest {
	return &registrationv1.RegisterRequest{
		Username:  new(registrationv1.Username(username)),
		Email:     new(registrationv1.Email(email)),
		Password:  new(registrationv1.Password(password)),
		FirstName: new(registrationv1.PersonName(firstName)),
		Locale:    new(registrationv1.Locale(locale)),
	}
}

func (s *scenario) register() error {
	receipt, err := s.port.Register(request(username, email))
	if err != nil {
		return err
	}
	s.id = *receipt.RegistrationId
	switch at := receipt.RegisteredAt.ToGoTime(); {
	case !uuid.MatchString(string(s.id)):
		return fmt.Errorf("registrationId is %q", s.id)
	case *receipt.Status != registrationv1.StatusPENDING_VERIFICATION:
		return fmt.Errorf("status is %q", *receipt.Status)
	case receipt.Message == "":
		return errors.New("message is empty")
	case time.Since(at).Abs() > time.Hour:
		return fmt.Errorf("registeredAt is %v", at)
	}
	return nil
}

// fault registers and gives the detail of the fault. For any status but 200
// the client returns the body as it came, which its own types can then read.
func (s *scenario) fault(r *registrationv1.RegisterRequest) (*registrationv1.RegistrationFault, error) {
	_, err := s.port.Register(r)
	failed, ok := errors.AsType[*soap.HTTPError](err)
	if !ok {
		return nil, fmt.Errorf("no fault but %w", err)
	}
	var d detail
	envelope := soap.SOAPEnvelopeResponse{Body: soap.SOAPBodyResponse{Content: &struct{}{}, Fault: &soap.SOAPFault{Detail: &d}}}
	if err := xml.NewDecoder(bytes.NewReader(failed.ResponseBody)).Decode(&envelope); err != nil {
		return nil, err
	}
	if d.Fault == nil {
		return nil, fmt.Errorf("no detail in %w", failed)
	}
	return d.Fault, nil
}

// detail is a soap.FaultError.
type detail struct {
	Fault *registrationv1.RegistrationFault `xml:"RegistrationFault"`
}

func (d *detail) ErrorString() string { return d.Fault.Message }
func (d *detail) HasData() bool       { return d.Fault != nil }

func (s *scenario) taken() error {
	fault, err := s.fault(request(username+"2", email))
	if err != nil {
		return err
	}
	if *fault.Code != registrationv1.FaultCodeEMAIL_TAKEN || fault.Retryable {
		return fmt.Errorf("code is %q, retryable is %t", *fault.Code, fault.Retryable)
	}
	return nil
}

func (s *scenario) invalid() error {
	fault, err := s.fault(request(username+"3", "not-an-address"))
	if err != nil {
		return err
	}
	if *fault.Code != registrationv1.FaultCodeVALIDATION_FAILED || len(fault.Field) != 1 || fault.Field[0].Name != "email" {
		return fmt.Errorf("code is %q, fields are %v", *fault.Code, fault.Field)
	}
	return nil
}

func (s *scenario) lookup() error {
	account, err := s.port.GetRegistration(&registrationv1.GetRegistrationRequest{Email: new(registrationv1.Email(email))})
	if err != nil {
		return err
	}
	switch {
	case *account.RegistrationId != s.id:
		return fmt.Errorf("registrationId is %q, not %q", *account.RegistrationId, s.id)
	case account.FirstName == nil || *account.FirstName != firstName:
		return fmt.Errorf("firstName is %v", account.FirstName)
	case account.MobileNumber != nil:
		return fmt.Errorf("mobileNumber is %q", *account.MobileNumber)
	case account.MarketingConsent:
		return errors.New("marketingConsent is true")
	}
	return nil
}
