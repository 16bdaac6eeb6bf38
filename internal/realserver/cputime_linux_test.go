package realserver

import "testing"

// TestCPUTime: what a server does for a client is counted, also when the process that did it has ended.
func TestCPUTime(t *testing.T) {
	s := Get(t, "dovecot")
	user, password, err := s.NewUser()
	if err != nil {
		t.Fatal(err)
	}
	used := func() int64 {
		d, err := s.CPUTime()
		if err != nil {
			t.Fatal(err)
		}
		return int64(d)
	}
	before := used()
	c := dial(t, s, "plain")
	c.login(user, password)
	for i := 0; used() == before; i++ {
		if i == 1000 {
			t.Fatal("a thousand rounds of work cost nothing")
		}
		for range 50 {
			c.ok("STATUS INBOX (MESSAGES SIZE)")
		}
	}
	c.ok("LOGOUT")
	if after := used(); after <= before {
		t.Errorf("%d after %d", after, before)
	}
}
