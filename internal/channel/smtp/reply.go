package smtp

import (
	"bufio"
	"errors"
	"fmt"
)

// reply is a server's answer (RFC 5321 section 4.2) without its text, which may
// hold an address. The enhanced code (RFC 3463) is that of its last line; "" for none.
type reply struct {
	code     int
	enhanced string
}

// is says whether r is of class c: 2 for positive completion and so on.
func (r reply) is(c int) bool { return r.code/100 == c }

func (r reply) String() string {
	if r.enhanced == "" {
		return fmt.Sprint(r.code)
	}
	return fmt.Sprint(r.code, " ", r.enhanced)
}

// replyLines bounds one reply; EHLO's has a line for each extension.
const replyLines = 100

var errReply = errors.New("smtp: the server's answer is not a reply of RFC 5321")

// readReply reads one reply. A line is at most as long as r's buffer: 512
// octets (section 4.5.3.1.5), of which servers that take more are forgiven some.
func readReply(r *bufio.Reader) (reply, error) {
	for range replyLines {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return reply{}, errReply
		}
		if err != nil {
			return reply{}, err
		}
		code, text, more, ok := parseReply(line)
		if !ok {
			return reply{}, errReply
		}
		if !more {
			return reply{code, enhancedStatus(code, text)}, nil
		}
	}
	return reply{}, errReply
}

// parseReply takes a line apart: three digits, a hyphen where more lines
// follow, else a space or nothing, and the text.
func parseReply(line []byte) (code int, text string, more, ok bool) {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	if len(line) < 3 || line[0] < '2' || line[0] > '5' || !digits(line[:3]) {
		return 0, "", false, false
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	if len(line) == 3 {
		return code, "", false, true
	}
	if line[3] != ' ' && line[3] != '-' {
		return 0, "", false, false
	}
	more = line[3] == '-'
	if more {
		return code, "", true, true
	}
	// No enhanced code is longer; the rest is never looked at.
	return code, string(line[4:min(len(line), 4+len("5.999.999")+1)]), false, true
}

// enhancedStatus reads the code that text begins with (RFC 2034 section 4); "" where there
// is none of the reply's own class.
func enhancedStatus(code int, text string) string {
	end := 0
	for end < len(text) && text[end] != ' ' {
		end++
	}
	text = text[:end]
	class := code / 100
	if class == 3 || len(text) < len("2.0.0") || text[0] != byte('0'+class) || text[1] != '.' {
		return ""
	}
	dot := -1
	for i := 2; i < len(text); i++ {
		switch {
		case text[i] == '.' && dot < 0:
			dot = i
		case text[i] < '0' || text[i] > '9':
			return ""
		}
	}
	subject, detail := dot-2, len(text)-dot-1
	if dot < 0 || subject < 1 || subject > 3 || detail < 1 || detail > 3 {
		return ""
	}
	return text
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
