package smpp

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"
)

// headerSize is SMPP 3.4 section 3.2's.
const headerSize = 16

// maxFrame is the longest PDU that is read: many times what message centres send.
const maxFrame = 64 << 10

var errFrame = errors.New("smpp: what came is no PDU")

// frame is a PDU whose body has not been looked at: a wrong body must not bring
// the stream out of step, nor hide the header.
type frame struct {
	pdu.Header
	octets []byte // all of it
}

// readFrame reads one PDU. After an error the stream is of no use any more.
func readFrame(r io.Reader) (frame, error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	length := binary.BigEndian.Uint32(head[:])
	if length < headerSize || length > maxFrame {
		return frame{}, errFrame
	}
	octets := make([]byte, length)
	copy(octets, head[:])
	if _, err := io.ReadFull(r, octets[headerSize:]); err != nil {
		return frame{}, err
	}
	return frame{pdu.ParseHeader(head), octets}, nil
}

// body reads the parameters of what is of use here. Of the rest nothing is
// looked at: the library panics on some of it.
func (f frame) body() (pdu.PDU, error) {
	var p pdu.PDU
	switch f.CommandID {
	case data.SUBMIT_SM_RESP:
		p = pdu.NewSubmitSMResp()
	case data.DELIVER_SM:
		p = pdu.NewDeliverSM()
	case data.DATA_SM:
		p = pdu.NewDataSM()
	default:
		return nil, errFrame
	}
	return p, p.Unmarshal(pdu.NewBuffer(f.octets)) // which begins with the header
}

// isResponse is the bit 31 of a command_id (SMPP 3.4 section 5.1.2).
func (f frame) isResponse() bool { return uint32(f.CommandID)&0x80000000 != 0 }

func (f frame) status() uint32 { return uint32(f.CommandStatus) }

// encode writes p with a sequence number.
func encode(p pdu.PDU, sequence int32) []byte {
	p.SetSequenceNumber(sequence)
	b := pdu.NewBuffer(nil)
	p.Marshal(b)
	return b.Bytes()
}

// encodeHeader writes a PDU without parameters: an answer that refuses has none
// (SMPP 3.4 section 3.2, and 4.6.2 for deliver_sm_resp's message_id, which is unused).
func encodeHeader(id data.CommandIDType, status uint32, sequence int32) []byte {
	octets := make([]byte, headerSize, headerSize+1)
	if id == data.DELIVER_SM_RESP || id == data.DATA_SM_RESP {
		octets = append(octets, 0)
	}
	binary.BigEndian.PutUint32(octets[0:], uint32(len(octets)))
	binary.BigEndian.PutUint32(octets[4:], uint32(id))
	binary.BigEndian.PutUint32(octets[8:], status)
	binary.BigEndian.PutUint32(octets[12:], uint32(sequence))
	return octets
}
