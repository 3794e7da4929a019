package smpp

import (
	"context"
	"strings"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"
)

// receipts hands delivery receipts to whoever keeps them. Reading never waits
// for that: what finds no room is asked for again.
type receipts struct {
	config *Config
	queue  chan inbound
}

// inbound is a deliver_sm or data_sm that is to be answered.
type inbound struct {
	session *session
	frame   frame
	receipt receipt
	from    string // the receipt's source_addr: the recipient of the message that it is about
}

const (
	receiptWorkers = 4
	receiptQueue   = 256
)

func newReceipts(c *Config) *receipts {
	return &receipts{config: c, queue: make(chan inbound, receiptQueue)}
}

// answer says what became of a deliver_sm or a data_sm (SMPP 3.4 section 5.1.3).
func (in inbound) answer(status data.CommandStatusType) {
	id := data.DELIVER_SM_RESP
	if in.frame.CommandID == data.DATA_SM {
		id = data.DATA_SM_RESP
	}
	in.session.send(encodeHeader(id, uint32(status), in.frame.SequenceNumber))
}

// take queues a receipt. Whatever else comes is refused: nobody reads it here.
func (r *receipts) take(s *session, f frame) {
	in := inbound{session: s, frame: f}
	p, err := f.body()
	if err != nil {
		in.answer(data.ESME_RX_P_APPN) // the same octets would fare the same
		return
	}
	known := false
	switch p := p.(type) {
	case *pdu.DeliverSM:
		if isReceipt(p.EsmClass) {
			octets, _ := p.Message.GetMessageData()
			in.from = recipientOf(p.SourceAddr)
			in.receipt, known = readReceipt(octets, codingOf(p.Message.Encoding()), p.OptionalParameters, r.config.ReceiptID)
		}
	case *pdu.DataSM:
		if isReceipt(p.EsmClass) {
			in.from = recipientOf(p.SourceAddr)
			in.receipt, known = readReceipt(nil, p.DataCoding, p.OptionalParameters, r.config.ReceiptID)
		}
	}
	switch {
	case !known || r.config.Receipts == nil:
		in.answer(data.ESME_RX_R_APPN)
	case in.receipt.state == "":
		in.answer(data.ESME_ROK)
	default:
		select {
		case r.queue <- in:
		default:
			in.answer(data.ESME_RX_T_APPN)
		}
	}
}

// recipientOf is the number that a receipt is of: the source of a receipt is the
// destination of the message (SMPP 3.4 Appendix B). It is "" where none is told.
func recipientOf(source pdu.Address) string {
	if !strings.ContainsAny(source.Address(), "0123456789") {
		return ""
	}
	return source.Address()
}

func codingOf(e data.Encoding) byte {
	if e == nil {
		return 0
	}
	return e.DataCoding()
}

// work keeps receipts until ctx ends. What is left then has no answer, and
// comes again.
func (r *receipts) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case in := <-r.queue:
			r.keep(ctx, in)
		}
	}
}

func (r *receipts) keep(ctx context.Context, in inbound) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	if err := r.config.Receipts.Receipt(ctx, r.config.Name, in.receipt.messageID, in.from, in.receipt.state, in.receipt.reason); err != nil {
		r.config.Log.DebugContext(ctx, "a delivery receipt is to come again", "error", err)
		in.answer(data.ESME_RX_T_APPN)
		return
	}
	in.answer(data.ESME_ROK)
}
