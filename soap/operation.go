package soap

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"registrar/soap/xsd"
)

// Operation is the handler of one operation of the contract. In and Out are
// structs for the elements of its input and output messages.
type Operation[In, Out any] struct {
	Name string // as in the description

	// Check gives what breaks rules beyond the schema's. It runs only on a
	// request that breaks the schema already, so that a caller is told of all
	// invalid elements at once: what broke the schema is absent in it. What it
	// says of elements that the schema has named is dropped. It has no effect.
	// bySchema are the schema's own. It may be nil.
	Check func(in *In, bySchema []Violation) []Violation

	// Refused is told of a request that breaks the schema, with all that Check
	// and the schema say of it, before the caller is. It may be nil.
	Refused func(ctx context.Context, in *In, violations []Violation)

	// Handle does the operation, on a request that is valid.
	Handle func(ctx context.Context, in *In) (*Out, error)
}

// AnyOperation is an Operation of any types.
type AnyOperation interface {
	bind(*contract) (*operation, error)
}

// operation is an Operation that is bound to the contract.
type operation struct {
	described
	input, output *xsd.Binding
	create        func() any
	createOutput  func() any
	check         func(in any, bySchema []Violation) []Violation
	refused       func(ctx context.Context, in any, violations []Violation)
	handle        func(ctx context.Context, in any) (any, error)
}

func (o Operation[In, Out]) bind(c *contract) (*operation, error) {
	d, ok := c.operations[o.Name]
	if !ok {
		return nil, fmt.Errorf("the description has no operation %s", o.Name)
	}
	if o.Handle == nil {
		return nil, fmt.Errorf("operation %s has no Handle", o.Name)
	}
	input, err := c.bind(d.Input, reflect.TypeFor[In]())
	if err != nil {
		return nil, fmt.Errorf("operation %s: %w", o.Name, err)
	}
	output, err := c.bind(d.Output, reflect.TypeFor[Out]())
	if err != nil {
		return nil, fmt.Errorf("operation %s: %w", o.Name, err)
	}
	bound := &operation{
		described: d, input: input, output: output,
		create:       func() any { return new(In) },
		createOutput: func() any { return new(Out) },
		handle: func(ctx context.Context, in any) (any, error) {
			out, err := o.Handle(ctx, in.(*In)) //nolint:forcetypeassert // made by create
			if err != nil {
				return nil, err
			}
			if out == nil {
				return nil, failure(Internal, "the operation gave no answer")
			}
			return out, nil
		},
	}
	if o.Check != nil {
		bound.check = func(in any, bySchema []Violation) []Violation { return o.Check(in.(*In), bySchema) } //nolint:forcetypeassert // made by create
	}
	if o.Refused != nil {
		bound.refused = func(ctx context.Context, in any, violations []Violation) { o.Refused(ctx, in.(*In), violations) } //nolint:forcetypeassert // made by create
	}
	return bound, nil
}

// violations adds to those of the schema what Check says of other elements.
// They are in the order of the contract's elements, whatever that of the
// request; what it has not comes last.
func (o *operation) violations(in any, bySchema []Violation) []Violation {
	all := o.allViolations(in, bySchema)
	slices.SortStableFunc(all, func(a, b Violation) int { return o.place(a) - o.place(b) })
	return all
}

func (o *operation) place(v Violation) int {
	children := o.input.Element.Type.Children
	if i := slices.IndexFunc(children, func(e *xsd.Element) bool { return e.Name.Local == v.Element }); i >= 0 {
		return i
	}
	return len(children)
}

func (o *operation) allViolations(in any, bySchema []Violation) []Violation {
	// Of an operation that is nil there is nothing more to say.
	isNil := func(v Violation) bool { return v.Element == o.Input.Local && v.Rule == xsd.Nil }
	if o.check == nil || slices.ContainsFunc(bySchema, isNil) {
		return bySchema
	}
	named := make(map[string]bool, len(bySchema))
	for _, v := range bySchema {
		named[v.Element] = true
	}
	all := bySchema
	for _, v := range o.check(in, bySchema) {
		if !named[v.Element] {
			all = append(all, v)
		}
	}
	return all
}
