package httpsms

// Pick is pick.
var Pick = pick
