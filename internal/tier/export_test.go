package tier

// What tests of the wire look at.
var (
	StatusCodes     = statusCodes
	DetailsResponse = detailsResponse
	ReadDetails     = details
	WireCaller      = wireCaller
	ReadCaller      = callerOf
)

// Attempts is how many servers may be lost under one call.
const Attempts = attempts
