package model

// rng is a small generator (splitmix64) whose values do not change with the version of Go.
type rng struct{ state uint64 }

func (r *rng) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// n returns a number below n.
func (r *rng) n(n int) int { return int(r.next() % uint64(n)) }

// one reports true once in n times.
func (r *rng) one(n int) bool { return r.n(n) == 0 }

// pick returns an element of a list.
func pick[T any](r *rng, list []T) T { return list[r.n(len(list))] }

// shuffle puts a list in random order.
func shuffle[T any](r *rng, list []T) {
	for i := len(list) - 1; i > 0; i-- {
		j := r.n(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}
