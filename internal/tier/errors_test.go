package tier_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"registrar/internal/registration"
	"registrar/internal/tier"
)

// declared are all codes that the domain has, read from its source: one that is
// added there is looked for here.
func declared(t *testing.T) (all []registration.Code) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../registration/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "Code" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, registration.Code(text))
		}
		return true
	})
	if len(all) < 16 {
		t.Fatalf("found %v only", all)
	}
	return all
}

// TestEachErrorCrossesTheHop: code, message, fields and when to try again; the
// cause is left behind, and is in the server's log where an operator has to know.
func TestEachErrorCrossesTheHop(t *testing.T) {
	t.Parallel()
	const cause = "a cause that is nobody's business"
	given := make(chan error, 1)
	s := serve(t, backend{details: func(context.Context, registration.Lookup) (registration.Details, error) {
		return registration.Details{}, <-given
	}})
	c := connected(t, []string{s.address})
	ask := func(err error) error {
		t.Helper()
		given <- err
		_, err = c.Details(within(t, 5*time.Second), registration.Lookup{})
		return err
	}
	fields := []registration.FieldError{{Field: "email", Rule: "TAKEN", Message: "is already registered"}, {Field: "username", Rule: "", Message: "ü"}}
	for _, code := range declared(t) {
		for name, fields := range map[string][]registration.FieldError{"without fields": nil, "with fields": fields} {
			for _, retryAfter := range []time.Duration{0, 1, 90*time.Second + 1} {
				t.Run(fmt.Sprint(code, " ", name, " ", retryAfter), func(t *testing.T) {
					told := registration.WrapError(code, "What a person is told: “no”.", errors.New(cause))
					told.Fields, told.RetryAfter = fields, retryAfter
					want := registration.NewError(code, told.Message, fields...)
					want.RetryAfter = retryAfter
					for _, err := range []error{told, fmt.Errorf("wrapped: %w", told)} {
						got := ask(err)
						if !reflect.DeepEqual(got, error(want)) {
							t.Errorf("got %#v, want %#v", got, want)
						}
						if strings.Contains(got.Error(), cause) {
							t.Errorf("the cause came along: %v", got)
						}
					}
				})
			}
		}
		known, there := tier.StatusCodes[code]
		if !there || known == codes.OK || known == codes.Unavailable || known == codes.DeadlineExceeded || known == codes.Canceled {
			t.Errorf("%s has gRPC's code %v, by which a call is made again or not answered", code, known)
		}
	}
	repeated, _ := c.figures()
	if repeated != 0 {
		t.Errorf("%d calls that were answered were made again", repeated)
	}
	if log := s.log.String(); strings.Count(log, cause) != 2*2*3*2 {
		t.Errorf("the log tells the cause %d times; it is for INTERNAL and UNAVAILABLE", strings.Count(log, cause))
	}
}

// TestWhatIsNoErrorOfTheDomain is INTERNAL, and its text is for the log alone.
func TestWhatIsNoErrorOfTheDomain(t *testing.T) {
	t.Parallel()
	const text = "Error 1062: Duplicate entry 'amina@example.com'"
	s := serve(t, backend{
		register: func(context.Context, registration.Request) (registration.Receipt, error) {
			return registration.Receipt{}, errors.New(text)
		},
		details: func(context.Context, registration.Lookup) (registration.Details, error) { panic(text) },
	})
	c := connected(t, []string{s.address})
	for i := range 3 { // a panic ends nothing
		_, err := c.Register(within(t, 5*time.Second), registration.Request{})
		if code(err) != registration.Internal || strings.Contains(err.Error(), "1062") {
			t.Errorf("%v", err)
		}
		_, err = c.Details(within(t, 5*time.Second), registration.Lookup{})
		if code(err) != registration.Internal || strings.Contains(err.Error(), "1062") {
			t.Errorf("a panic: %v", err)
		}
		if n := strings.Count(s.log.String(), text); n != 2*(i+1) {
			t.Errorf("the log tells it %d times:\n%s", n, s.log)
		}
	}
	if n := strings.Count(s.log.String(), "a call panicked"); n != 3 {
		t.Errorf("%d panics in the log", n)
	}
}

// TestCallsAreCounted by method and code, at both ends.
func TestCallsAreCounted(t *testing.T) {
	t.Parallel()
	served := make(chan string, 4)
	s := serve(t, backend{
		register: func(context.Context, registration.Request) (registration.Receipt, error) {
			return registration.Receipt{}, registration.ErrEmailTaken
		},
		details: func(context.Context, registration.Lookup) (registration.Details, error) { panic("once") },
		restore: func(context.Context, registration.ID, registration.Channel) error { return nil },
	}, func(s *tier.ServerSettings) {
		s.Served = func(method, code string, took time.Duration) { served <- fmt.Sprint(method, " ", code, " ", took > 0) }
	})
	c := connected(t, []string{s.address})
	_, _ = c.Register(within(t, 5*time.Second), registration.Request{})
	_, _ = c.Details(within(t, 5*time.Second), registration.Lookup{})
	_ = c.Restore(within(t, 5*time.Second), registration.ID{1}, registration.EmailChannel)
	for _, want := range []string{"Register EMAIL_TAKEN true", "Details INTERNAL true", "Restore  true"} {
		if got := <-served; got != want {
			t.Errorf("served %q, want %q", got, want)
		}
	}
	want := map[[2]string]int{{"Register", "EMAIL_TAKEN"}: 1, {"Details", "INTERNAL"}: 1, {"Restore", ""}: 1}
	if !reflect.DeepEqual(c.called, want) {
		t.Errorf("called %v, want %v", c.called, want)
	}
}
