package model

// A stepState is the chance of one step: a generator for each fault, so that taking one fault away changes nothing of the
// others. Each is used by the server alone, or by the caller alone.
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

// of is the generator of a fault.
func (s *stepState) of(f Fault) *rng { return s.rngs[f] }

// args is the generator of the arguments.
func (s *stepState) args() *rng { return s.of(0) }

// also is chance for what came later: it takes nothing from the other draws, so that older plans say what they said.
func (s *stepState) also(f Fault, n int) bool {
	return s.of(f|lastFault).one(n) && s.faults&f != 0
}

// chance reports, once in n times, that a fault happens, where the step has it.
func (s *stepState) chance(f Fault, n int) bool {
	return s.of(f).one(n) && s.faults&f != 0
}
