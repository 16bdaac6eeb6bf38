package model

// A stepState is the chance of one step: a generator for each fault, so that taking one fault away changes nothing of the
// others.
type stepState struct {
	faults Fault
	rngs   map[Fault]*rng
	seed   uint64
}

func newStep(s Step) *stepState {
	return &stepState{faults: s.Faults, seed: s.Seed, rngs: make(map[Fault]*rng)}
}

// of is the generator of a fault.
func (s *stepState) of(f Fault) *rng {
	r := s.rngs[f]
	if r == nil {
		r = &rng{s.seed<<8 ^ uint64(f)*0x1000193}
		s.rngs[f] = r
	}
	return r
}

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
