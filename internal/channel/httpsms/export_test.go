package httpsms

// Pick is pick.
var Pick = pick

// RetryAfter is reached by tests alone.
var RetryAfter = retryAfter
