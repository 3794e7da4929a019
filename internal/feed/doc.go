// Package feed is what happened to registrations as a reader follows it: from
// the topic of events, or from the database where there are no brokers.
//
// What may be relied on: whoever goes on behind the position of an item gets
// every event that comes behind it, those of one registration in the order in
// which they happened; a position behind which events are not kept any more, or a
// time since which some may not be, is an error and no gap that nobody sees. The
// beginning is what is kept. From the database each event comes once;
// from brokers it may come again, under the same id.
//
// What may not: that there is an order between registrations, that positions of
// the database and of brokers are alike, or that all events of somebody who was
// erased come.
package feed
