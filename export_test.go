package imap

import "time"

// Offers is what the methods ask before they use an extension.
func (c Caps) Offers(name string) bool { return c.offers(name) }

// SetOperations are the operations that Sync uses: what is in a and not in b, in both, in any.
func SetOperations(a, b UIDSet) (without, both, any UIDSet) {
	return minus(a, b), intersect(a, b), union(a, b)
}

// StopTimers stops the timers of a pool and returns how many were running.
func (p *Pool) StopTimers() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	running := 0
	for _, t := range []*time.Timer{p.expiry, p.retry} {
		if t != nil && t.Stop() {
			running++
		}
	}
	return running
}
