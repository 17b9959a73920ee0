package plan

// Order is what the executor says: *Room, *Task or Signal.
type Order interface{ order() }

// Signal is for the command's process group.
type Signal uint8

func (*Room) order()  {}
func (*Task) order()  {}
func (Signal) order() {}

// Encode returns the frame of s.
func (s Signal) Encode() []byte {
	w := begin(kindSignal)
	w.u8(uint8(s))
	return w.frame()
}

// DecodeOrder reads the body of a frame that the executor has sent.
func DecodeOrder(body []byte) (Order, error) {
	kind, b := open(body)
	var o Order
	switch kind {
	case kindRoom:
		r := &Room{}
		r.decode(b)
		o = r
	case kindTask:
		t := &Task{}
		t.decode(b)
		o = t
	case kindSignal:
		s := Signal(b.u8())
		if s < 1 || s > 64 {
			b.fail("no signal")
		}
		o = s
	default:
		b.fail("no kind of order")
	}
	return o, b.end()
}
