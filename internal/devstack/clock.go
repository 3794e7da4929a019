package devstack

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// SetClock makes the program's wall clock go ahead of this machine's by a number
// of whole seconds, behind it where that is negative, and 0 ends it. The clock
// jumps in the running program, as after a step by NTP or by hand; what goes by
// the monotonic clock (timers, deadlines) does not change. It is for programs
// that are not paused, on Linux on amd64, and needs the right to trace them.
//
// The kernel's code for clock_gettime(2) in the program's own copy of the vDSO
// (vdso(7)) is replaced: a preloaded library would not reach a Go program, and
// time namespaces (time_namespaces(7)) have no wall clock.
func (p *Process) SetClock(ahead time.Duration) error {
	if runtime.GOARCH != "amd64" {
		return fmt.Errorf("devstack: %s: its clock can be set on amd64 only", p.Name)
	}
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", p.PID()), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("devstack: %s: %w", p.Name, err)
	}
	defer memory.Close()
	at, err := vdsoSymbol(p.PID(), memory, "__vdso_clock_gettime")
	if err != nil {
		return fmt.Errorf("devstack: %s: %w", p.Name, err)
	}
	code := clockCode(ahead)
	for range 100 {
		if err := p.Pause(); err != nil {
			return err
		}
		busy, err := p.runsIn(at, at+int64(len(code)))
		if err == nil && !busy {
			_, err = memory.WriteAt(code, at)
		}
		if err := errors.Join(err, p.Resume()); err != nil {
			return fmt.Errorf("devstack: %s: %w", p.Name, err)
		}
		if !busy {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("devstack: %s: it asks for the time without a break", p.Name)
}

// SetClock is Process.SetClock.
func (r *Registrar) SetClock(ahead time.Duration) error { return r.process.Load().SetClock(ahead) }

// clockCode is clock_gettime(clock in edi, time in rsi) for amd64: the system
// call, and for CLOCK_REALTIME, which is 0, so many seconds more.
func clockCode(ahead time.Duration) []byte {
	code := []byte{
		0xb8, 0xe4, 0, 0, 0, // mov eax, 228
		0x0f, 0x05, // syscall
		0x85, 0xff, // test edi, edi
		0x75, 0x07, // jne ret
		0x48, 0x81, 0x06, // add qword [rsi],
	}
	code = binary.LittleEndian.AppendUint32(code, uint32(int32(ahead/time.Second)))
	return append(code, 0xc3) // ret
}

// vdsoSymbol is where a function of the process's vDSO begins.
func vdsoSymbol(pid int, memory io.ReaderAt, name string) (int64, error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(maps)) {
		if !strings.HasSuffix(strings.TrimSpace(line), "[vdso]") {
			continue
		}
		var from, to int64
		if _, err := fmt.Sscanf(line, "%x-%x ", &from, &to); err != nil {
			return 0, err
		}
		image := make([]byte, to-from)
		if _, err := memory.ReadAt(image, from); err != nil {
			return 0, err
		}
		file, err := elf.NewFile(bytes.NewReader(image))
		if err != nil {
			return 0, err
		}
		symbols, err := file.DynamicSymbols()
		if err != nil {
			return 0, err
		}
		for _, s := range symbols {
			if s.Name == name {
				return from + int64(s.Value), nil
			}
		}
	}
	return 0, fmt.Errorf("it has no %s", name)
}

// runsIn says whether one of the threads, all of which are stopped, has come to a
// halt between two addresses (proc(5), the last field of syscall).
func (p *Process) runsIn(from, to int64) (bool, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", p.PID()))
	if err != nil {
		return false, err
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return false, err
		}
		fields := strings.Fields(string(text))
		if len(fields) < 2 {
			return true, nil // it still runs
		}
		at, err := strconv.ParseInt(strings.TrimPrefix(fields[len(fields)-1], "0x"), 16, 64)
		if err != nil {
			return false, err
		}
		if at >= from && at < to {
			return true, nil
		}
	}
	return false, nil
}
