package main

import (
	"bytes"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap/internal/realserver"
)

// TestRealServer runs all clients on a small mailbox of a real server: measureReal fails when one delivers other than it
// should.
func TestRealServer(t *testing.T) {
	t.Setenv("GORACE", "exitcode=0") // the races of the peers are not ours to report
	names := present(realClients)
	rows, err := measureReal(realserver.Get(t, "dovecot"), mailSize{200, 20, 2 * time.Millisecond}, regexp.MustCompile("."), names, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, name := range []string{"imap", "v2"} {
			if r := row.results[name]; r == nil || r.Wall <= 0 {
				t.Errorf("%s, %s: %+v", row.name, name, r)
			}
		}
	}
	var out strings.Builder
	printReal(&out, rows, names)
	for _, want := range []string{"log in and SELECT", "BODYSTRUCTURE) × 200 | **", "pipelined, 2ms added × 20 | **", "CPU time of the server"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the tables have no %q:\n%s", want, &out)
		}
	}
}

// TestLetters: there are messages of each kind, the same every time.
func TestLetters(t *testing.T) {
	texts := func() (all string) {
		err := letters(50, func(l letter) error {
			if strings.Contains(strings.ReplaceAll(l.text, "\r\n", ""), "\n") || l.sum <= 0 {
				t.Errorf("sum %d of %q", l.sum, l.text)
			}
			all += l.text
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		return all
	}
	first := texts()
	for _, part := range []string{"multipart/mixed", "multipart/alternative", "application/pdf", "=?utf-8?q?", "=?utf-8?b?", "?=\r\n =?"} {
		if !strings.Contains(first, part) {
			t.Errorf("no %s", part)
		}
	}
	if texts() != first {
		t.Error("others when made again")
	}
}

// TestFarAway: what goes through comes late and as it was, in both directions, and an end is an end for both.
func TestFarAway(t *testing.T) {
	echo, err := listen(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	ended := make(chan error, 1)
	go func() {
		conn, err := echo.Accept()
		if err == nil {
			_, err = io.Copy(conn, conn)
			conn.Close()
		}
		ended <- err
	}()
	const latency = 40 * time.Millisecond
	proxy, err := farAway(echo.Addr().String(), latency)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	conn, err := net.Dial("tcp", proxy.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	sent, got := bytes.Repeat(pattern, 8), make([]byte, 8*len(pattern))
	go conn.Write(sent)
	if _, err := io.ReadFull(conn, got[:1]); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d < latency {
		t.Errorf("back after %v", d)
	}
	if _, err := io.ReadFull(conn, got[1:]); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("other octets, %v", err)
	}
	conn.Close()
	<-ended
}
