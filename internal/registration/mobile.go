package registration

// Mobile is a mobile telephone number in E.164 form ("+966512345678"), or ""
// for none. It has one spelling, so it is its own key.
type Mobile string
