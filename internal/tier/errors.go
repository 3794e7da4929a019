package tier

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"registrar/internal/registration"
	"registrar/internal/tier/tierv1"
)

// statusCodes are gRPC's names for the domain's categories, for whoever looks
// at the hop from outside; the Error detail is what counts. None is
// UNAVAILABLE: that is what a server that is not there amounts to, and is tried
// again at another one.
var statusCodes = map[registration.Code]codes.Code{
	registration.ValidationFailed: codes.InvalidArgument,
	registration.PasswordRejected: codes.InvalidArgument,
	registration.UsernameTaken:    codes.AlreadyExists,
	registration.EmailTaken:       codes.AlreadyExists,
	registration.ExternalIDTaken:  codes.AlreadyExists,
	registration.RequestIDReused:  codes.AlreadyExists,
	registration.NotFound:         codes.NotFound,
	registration.CodeInvalid:      codes.FailedPrecondition,
	registration.CodeExpired:      codes.FailedPrecondition,
	registration.TooManyAttempts:  codes.ResourceExhausted,
	registration.ResendTooSoon:    codes.ResourceExhausted,
	registration.RateLimited:      codes.ResourceExhausted,
	registration.Unauthenticated:  codes.Unauthenticated,
	registration.Forbidden:        codes.PermissionDenied,
	registration.Unavailable:      codes.Aborted,
	registration.Internal:         codes.Internal,
}

// internalMessage is told of what is no error of the domain.
const internalMessage = "The service failed."

// domain is an error as the domain has it. What is none of its own is a fault
// of this service.
func domain(err error) *registration.Error {
	if e, ok := errors.AsType[*registration.Error](err); ok {
		return e
	}
	return registration.WrapError(registration.Internal, internalMessage, err)
}

// codeOf is the code of an error, "" for none.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return string(domain(err).Code)
}

// toStatus gives an error of the domain as a status with an Error in it. The
// cause is left behind.
func toStatus(err error) error {
	if err == nil {
		return nil
	}
	if !errors.As(err, new(*registration.Error)) && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		return status.FromContextError(err).Err() //nolint:wrapcheck // the caller's time is over, here a moment before there
	}
	e := domain(err)
	code, known := statusCodes[e.Code]
	if !known {
		code = codes.Internal
	}
	detail := &tierv1.Error{Code: string(e.Code), Message: e.Message, Fields: wireFields(e.Fields)}
	if e.RetryAfter > 0 {
		detail.RetryAfter = durationpb.New(e.RetryAfter)
	}
	s, err := status.New(code, string(e.Code)).WithDetails(detail)
	if err != nil { // a detail of our own can always be written
		return status.Error(codes.Internal, string(registration.Internal)) //nolint:wrapcheck // the hop's own form
	}
	return s.Err() //nolint:wrapcheck // the hop's own form
}

// fromStatus gives what a call came to in the domain's errors. What is not the
// domain's is the hop's: UNAVAILABLE where no server answered, with gRPC's own
// words as the cause, and INTERNAL for the rest.
func fromStatus(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	s := status.Convert(err)
	for _, d := range s.Details() {
		if e, ok := d.(*tierv1.Error); ok && e.GetCode() != "" {
			told := registration.NewError(registration.Code(e.GetCode()), e.GetMessage())
			told.Fields = fieldsOf(e.GetFields())
			told.RetryAfter = e.GetRetryAfter().AsDuration()
			return told
		}
	}
	switch s.Code() {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		switch {
		case ctx.Err() != nil:
			err = errors.Join(ctx.Err(), err)
		case s.Code() == codes.DeadlineExceeded:
			err = errors.Join(context.DeadlineExceeded, err)
		}
		return registration.WrapError(registration.Unavailable, registration.ErrUnavailable.Message, err)
	default:
		return registration.WrapError(registration.Internal, internalMessage, err)
	}
}
