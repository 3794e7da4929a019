package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// tier is a group of parts that stand in for each other.
type tier string

const (
	databases tier = "database"
	brokers   tier = "broker"
	balancers tier = "balancer"
	webs      tier = "web"
	apps      tier = "app"
	notifiers tier = "notify"
	sinkTier  tier = "sink" // the mail server and the message centre; each is one of a kind
)

// tiers in the order of the seed.
var tiers = []tier{databases, brokers, balancers, webs, apps, notifiers, sinkTier}

// kind is what is done to a part.
type kind string

const (
	kill         kind = "kill -9"
	pause        kind = "SIGSTOP"
	stop         kind = "stop, start"
	restart      kind = "restart"
	partition    kind = "partition"
	allDatabases kind = "kill -9 of all databases"
	allBrokers   kind = "kill -9 of all brokers"
	diskFull     kind = "disk full"
	clockJump    kind = "clock jump"
)

// single are those that can befall any part.
var single = []kind{kill, pause, stop, restart, partition}

// fault is one thing that befalls one part, or all of a tier.
type fault struct {
	kind kind
	tier tier
	part int           // of the tier, from 0; not of all
	hold time.Duration // until it is over
	jump time.Duration // of a clock
}

func (f fault) String() string {
	target := fmt.Sprintf("%s%d", f.tier, f.part+1)
	switch f.kind {
	case allDatabases, allBrokers:
		return fmt.Sprintf("%s, %v", f.kind, f.hold.Round(100*time.Millisecond))
	case clockJump:
		return fmt.Sprintf("clock jump of %s by %v, %v", target, f.jump, f.hold.Round(100*time.Millisecond))
	case restart:
		return "restart of " + target
	}
	return fmt.Sprintf("%s of %s, %v", f.kind, target, f.hold.Round(100*time.Millisecond))
}

// event is what befalls the system at one time: one fault, or two in different
// tiers.
type event []fault

func (e event) String() string {
	texts := make([]string, len(e))
	for i, f := range e {
		texts[i] = f.String()
	}
	return strings.Join(texts, " + ")
}

// plan draws events by a seed, without an end. The first ten have each kind of
// fault once, and strike each tier; the others come as they come.
type plan struct {
	r     *rand.Rand
	sizes map[tier]int
	next  int
	tiers []tier
	deck  []func() event
}

func newPlan(seed uint64, sizes map[tier]int) *plan {
	p := &plan{r: rand.New(rand.NewPCG(seed, 0)), sizes: sizes, tiers: append([]tier(nil), tiers...)}
	p.r.Shuffle(len(p.tiers), func(i, k int) { p.tiers[i], p.tiers[k] = p.tiers[k], p.tiers[i] })
	for i, k := range single {
		p.deck = append(p.deck, func() event { return event{p.befalls(k, p.tiers[i])} })
	}
	p.deck = append(p.deck,
		func() event {
			return event{p.befalls(p.single(), p.tiers[len(single)]), p.befalls(p.single(), p.tiers[len(single)+1])}
		},
		p.everything(allDatabases), p.everything(allBrokers), p.fullDisk, p.wrongClock)
	p.r.Shuffle(len(p.deck), func(i, k int) { p.deck[i], p.deck[k] = p.deck[k], p.deck[i] })
	return p
}

// draw gives the next event.
func (p *plan) draw() event {
	p.next++
	if p.next <= len(p.deck) {
		return p.deck[p.next-1]()
	}
	switch luck := p.r.IntN(100); {
	case luck < 65:
		return event{p.befalls(p.single(), p.tier())}
	case luck < 85:
		first, second := p.tier(), p.tier()
		for first == second {
			second = p.tier()
		}
		return event{p.befalls(p.single(), first), p.befalls(p.single(), second)}
	case luck < 88:
		return p.everything(allDatabases)()
	case luck < 91:
		return p.everything(allBrokers)()
	case luck < 95:
		return p.fullDisk()
	default:
		return p.wrongClock()
	}
}

func (p *plan) single() kind { return single[p.r.IntN(len(single))] }

func (p *plan) tier() tier { return tiers[p.r.IntN(len(tiers))] }

// befalls draws a part of a tier and how long it lasts, short times more often
// than long ones.
func (p *plan) befalls(k kind, t tier) fault {
	f := fault{kind: k, tier: t, part: p.r.IntN(p.sizes[t])}
	luck := p.r.Float64()
	within := func(least, most time.Duration) time.Duration {
		return least + time.Duration(luck*luck*float64(most-least))
	}
	switch k {
	case pause:
		f.hold = within(time.Second, 20*time.Second)
	case partition:
		f.hold = within(time.Second, 15*time.Second)
	case kill, stop:
		f.hold = within(300*time.Millisecond, 5*time.Second)
	}
	return f
}

func (p *plan) everything(k kind) func() event {
	return func() event {
		f := fault{kind: k, tier: databases, hold: 500 * time.Millisecond}
		if k == allBrokers {
			f.tier = brokers
		}
		f.hold += time.Duration(p.r.Int64N(int64(3 * time.Second)))
		return event{f}
	}
}

// fullDisk strikes the node that has a small disk, which is the last one.
func (p *plan) fullDisk() event {
	return event{{kind: diskFull, tier: databases, part: p.sizes[databases] - 1, hold: 3*time.Second + time.Duration(p.r.Int64N(int64(5*time.Second)))}}
}

// maxJump is less than the life of a code.
const maxJump = 4 * time.Minute

func (p *plan) wrongClock() event {
	t := []tier{webs, apps, notifiers}[p.r.IntN(3)]
	jump := 5*time.Second + time.Duration(p.r.Int64N(int64(maxJump-5*time.Second))).Truncate(time.Second)
	if p.r.IntN(2) == 0 {
		jump = -jump
	}
	return event{{kind: clockJump, tier: t, part: p.r.IntN(p.sizes[t]), hold: 3*time.Second + time.Duration(p.r.Int64N(int64(7*time.Second))), jump: jump}}
}
