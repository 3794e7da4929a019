package smpp

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"
)

// session is one bind. A writer, a reader and a timer serve it until it is over;
// then every message that waits for an answer is told so.
type session struct {
	conn    net.Conn
	reader  *bufio.Reader
	timeout time.Duration
	enquire time.Duration
	inbound func(*session, frame) // takes deliver_sm and data_sm; must not block

	out      chan *packet
	over     chan struct{} // closed by fail
	overOnce sync.Once
	cause    error // why; to be read once over is closed
	leaving  chan struct{}
	leave    sync.Once
	begun    time.Time
	heard    atomic.Int64 // when the last PDU came, in nanoseconds from begun: clocks may be set
	unbound  chan struct{}

	mutex    sync.Mutex
	pending  map[int32]*pending
	sequence int32
	closed   bool // nobody waits for answers any more
}

// packet is a PDU on its way to the connection.
type packet struct {
	octets []byte
	state  atomic.Int32
}

// The states of a packet. Only what is in flight can have been read by the
// message centre: of everything else the last octet never reached the system.
const (
	inQueue int32 = iota
	inFlight
	withdrawn // before the writer took it
	broken    // the writer could not bring all of it to the connection
)

// pending is a submit_sm without an answer.
type pending struct {
	packet *packet
	sent   time.Time
	answer chan answer   // of capacity 1
	done   func(*answer) // gives its place in the window back; the answer is nil where there is none
	left   bool          // nobody waits for the answer any more
}

// answer is how a submit_sm ended.
type answer struct {
	status     uint32
	messageID  string
	retryAfter time.Duration // of one that throttles
	err        error         // without an answer; errUnsent where it did not leave
}

var (
	errUnsent  = errors.New("smpp: not sent")
	errLost    = errors.New("smpp: the connection was lost")
	errSilent  = errors.New("smpp: the message centre does not answer")
	errUnbound = errors.New("smpp: the message centre has ended the bind")
	errClosed  = errors.New("smpp: closed")
)

// newSession takes over a connection whose bind had the sequence number 1.
func newSession(conn net.Conn, reader *bufio.Reader, c *Config, inbound func(*session, frame)) *session {
	s := &session{
		conn: conn, reader: reader, timeout: c.Timeout, enquire: c.EnquireInterval, inbound: inbound, begun: time.Now(), sequence: 1,
		out: make(chan *packet, c.Window+64), over: make(chan struct{}), leaving: make(chan struct{}), unbound: make(chan struct{}),
		pending: make(map[int32]*pending, c.Window),
	}
	return s
}

// serve works until the session is over, and says why it is.
func (s *session) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.fail(errClosed) })
	defer stop()
	var working sync.WaitGroup
	working.Go(s.write)
	working.Go(s.read)
	working.Go(s.watch)
	working.Wait()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.closed = true
	for _, p := range s.pending {
		err := s.cause
		if p.packet.state.Load() != inFlight {
			err = errUnsent
		}
		p.done(nil)
		p.answer <- answer{err: err}
	}
	s.pending = nil
	return s.cause
}

// fail ends the session.
func (s *session) fail(cause error) {
	s.overOnce.Do(func() {
		s.cause = cause
		s.depart()
		close(s.over)
		_ = s.conn.Close()
	})
}

// depart lets no further messages begin.
func (s *session) depart() { s.leave.Do(func() { close(s.leaving) }) }

// submit sends p and waits for its answer. done is called once, when the answer
// has come (with it) or when it cannot come any more (with nil), which may be
// after submit has returned: the message's place in the window is taken so long.
func (s *session) submit(ctx context.Context, p *pdu.SubmitSM, done func(*answer)) answer {
	s.mutex.Lock()
	if s.closed {
		s.mutex.Unlock()
		done(nil)
		return answer{err: errUnsent}
	}
	sequence := s.next()
	waiting := &pending{packet: &packet{octets: encode(p, sequence)}, sent: time.Now(), answer: make(chan answer, 1), done: done}
	s.pending[sequence] = waiting
	s.mutex.Unlock()

	select {
	case s.out <- waiting.packet:
		select {
		case a := <-waiting.answer:
			return a
		case <-ctx.Done():
		}
	case a := <-waiting.answer: // the session is over
		return a
	case <-ctx.Done():
	}
	cause := ctx.Err()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	select {
	case a := <-waiting.answer: // it came in this very moment
		return a
	default:
	}
	if waiting.packet.state.CompareAndSwap(inQueue, withdrawn) {
		delete(s.pending, sequence)
		done(nil)
	}
	if waiting.packet.state.Load() != inFlight {
		return answer{err: errors.Join(errUnsent, cause)}
	}
	waiting.left = true // its place stays taken: the message centre still works on it
	return answer{err: cause}
}

// next is a sequence number, 1 to 0x7FFFFFFF (SMPP 3.4 section 3.2). mutex is held.
func (s *session) next() int32 {
	s.sequence++
	if s.sequence <= 0 {
		s.sequence = 1
	}
	return s.sequence
}

// resolve hands an answer to whoever waits for it.
func (s *session) resolve(sequence int32, a answer) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if p, found := s.pending[sequence]; found {
		delete(s.pending, sequence)
		p.done(&a)
		p.answer <- a
	}
}

// send queues octets that nobody waits for. It does not wait long: the writer
// has a deadline, and its failure ends the session.
func (s *session) send(octets []byte) {
	select {
	case s.out <- &packet{octets: octets}:
	case <-s.over:
	}
}

// maxWrite is how much is written at once, in octets.
const maxWrite = 64 << 10

// write brings packets to the connection, those that wait together in one go.
func (s *session) write() {
	var buffer []byte
	var batch []*packet
	take := func(p *packet) {
		if p.state.CompareAndSwap(inQueue, inFlight) {
			buffer, batch = append(buffer, p.octets...), append(batch, p)
		}
	}
	for {
		buffer, batch = buffer[:0], batch[:0]
		select {
		case p := <-s.out:
			take(p)
		case <-s.over:
			return
		}
		for more := true; more && len(buffer) < maxWrite; {
			select {
			case p := <-s.out:
				take(p)
			default:
				more = false
			}
		}
		_ = s.conn.SetWriteDeadline(time.Now().Add(s.timeout))
		n, err := s.conn.Write(buffer)
		if err != nil {
			for end, i := 0, 0; i < len(batch); i++ {
				if end += len(batch[i].octets); end > n {
					batch[i].state.Store(broken)
				}
			}
			s.fail(errors.Join(errLost, err))
			return
		}
	}
}

// read takes what the message centre sends.
func (s *session) read() {
	for {
		f, err := readFrame(s.reader)
		if err != nil {
			s.fail(errors.Join(errLost, err))
			return
		}
		s.heard.Store(int64(time.Since(s.begun)))
		s.take(f)
	}
}

func (s *session) take(f frame) {
	switch f.CommandID {
	case data.SUBMIT_SM_RESP:
		a := answer{status: f.status()}
		// A body that is missing or wrong takes nothing from the status.
		if p, err := f.body(); err == nil {
			a.messageID = p.(*pdu.SubmitSMResp).MessageID
		}
		s.resolve(f.SequenceNumber, a)
	case data.GENERIC_NACK:
		status := f.status()
		if status == 0 { // a refusal without a reason is one nevertheless
			status = uint32(data.ESME_RUNKNOWNERR)
		}
		s.resolve(f.SequenceNumber, answer{status: status})
	case data.DELIVER_SM, data.DATA_SM:
		s.inbound(s, f)
	case data.ENQUIRE_LINK:
		s.send(encodeHeader(data.ENQUIRE_LINK_RESP, 0, f.SequenceNumber))
	case data.UNBIND:
		s.send(encodeHeader(data.UNBIND_RESP, 0, f.SequenceNumber))
		s.depart()
	case data.UNBIND_RESP:
		s.mutex.Lock()
		defer s.mutex.Unlock()
		select {
		case <-s.unbound:
		default:
			close(s.unbound)
		}
	case data.ALERT_NOTIFICATION, data.OUTBIND: // have no answer
	default:
		if !f.isResponse() {
			s.send(encodeHeader(data.GENERIC_NACK, uint32(data.ESME_RINVCMDID), f.SequenceNumber))
		}
	}
}
