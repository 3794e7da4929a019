// Package wsa reads and writes the headers of WS-Addressing 1.0 (2005/08) and
// of its submission of August 2004, which WSE 3 and early Axis2 speak.
//
// To be relied on: answers go back on the connection that the request came by
// and nowhere else. A ReplyTo or FaultTo that names another place is a fault,
// and nothing is ever connected to. An Action that is not the operation's is a
// fault, so that no gateway that decides by it can be deceived. A message with
// addressing headers gets an answer, or a fault, with headers of its namespace
// that relate to its MessageID; one without gets none.
//
// Not to be relied on: nothing here is signed, so a MessageID, From or To
// proves nothing. To is not compared with the service's address, which no
// proxy in front of it has to keep. Whether a MessageID was seen before is for
// the operation to find out. Reference parameters come back with other
// prefixes, so one that is used inside a value is lost.
package wsa
