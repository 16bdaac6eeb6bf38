package model

// A stepState holds the random generators of one step: one for each fault, so that removing a fault does not affect the
// others. Each is used either by the server or by the caller.
type stepState struct {
	faults Fault
	rngs   map[Fault]*rng
}

func newStep(s Step) *stepState {
	state := &stepState{faults: s.Faults, rngs: make(map[Fault]*rng)}
	add := func(f Fault) { state.rngs[f] = &rng{s.Seed<<8 ^ uint64(f)*0x1000193} }
	add(0)
	add(lastFault)
	for f := Fault(1); f < lastFault; f <<= 1 {
		add(f)
		add(f | lastFault)
	}
	return state
}

// of returns the generator of a fault.
func (s *stepState) of(f Fault) *rng { return s.rngs[f] }

// args returns the generator of the arguments.
func (s *stepState) args() *rng { return s.of(0) }

// also is like chance, for later additions: it does not affect the other draws, so that older plans keep their meaning.
func (s *stepState) also(f Fault, n int) bool {
	return s.of(f|lastFault).one(n) && s.faults&f != 0
}

// chance reports true once in n times, if the step has the fault.
func (s *stepState) chance(f Fault, n int) bool {
	return s.of(f).one(n) && s.faults&f != 0
}
